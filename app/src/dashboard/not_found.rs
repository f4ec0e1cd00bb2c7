//! The page for addresses that lead nowhere.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    paths::HOME,
    ui::{IconName, Notice},
};

/// Says that there is nothing here, and offers a way back. Sent with status 404.
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

/// The title of such a page.
pub(crate) const NOT_FOUND: &str = "Page not found";

/// What such a page says.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    view! {
        <Notice icon=IconName::Warning title=NOT_FOUND whole_page=true>
            <p>"There is no page at this address. It may have moved, or the link is incomplete."</p>
            <a class="button button-primary" href=HOME>
                "Go to Events"
            </a>
        </Notice>
    }
}
