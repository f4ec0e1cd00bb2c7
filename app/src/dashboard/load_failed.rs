//! The message that a page shows when its content could not be loaded.

use leptos::prelude::*;
use leptos_router::{hooks::use_location, location::Location};

use crate::{
    error::RequestError,
    ui::{IconName, Notice, notice_icon},
};

/// Says what could not be loaded and why, and offers to try again.
#[component]
pub(crate) fn LoadFailed(
    /// The content that is missing, such as `The events`.
    what: &'static str,
    /// The reason.
    error: RequestError,
) -> impl IntoView {
    let Location {
        pathname, search, ..
    } = use_location();
    let here = match search.get_untracked() {
        query if query.is_empty() => pathname.get_untracked(),
        query => format!("{}?{query}", pathname.get_untracked()),
    };
    view! {
        <Notice picture=notice_icon(IconName::Warning) title=format!("{what} could not be loaded")>
            <p role="alert">{error.to_string()}</p>
            <a class="button" href=here>
                "Try again"
            </a>
        </Notice>
    }
}
