//! The page for an address that does not exist.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    paths::HOME,
    ui::{IconName, Notice, notice_icon},
};

/// The whole page. The response has status 404.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    view! {
        <Title text=NOT_FOUND />
        <main class="sign-in" id="main">
            <NotFound />
        </main>
    }
}

/// The page's title.
pub(crate) const NOT_FOUND: &str = "Page not found";

/// The page's content: what happened, and a link to Home.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    view! {
        <Notice picture=notice_icon(IconName::Warning) title=NOT_FOUND whole_page=true>
            <p>"There is no page at this address. It may have moved, or the link is incomplete."</p>
            <a class="button button-primary" href=HOME>
                "Go to Home"
            </a>
        </Notice>
    }
}
