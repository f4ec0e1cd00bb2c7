//! The message that a page shows when its content could not be loaded.

use leptos::prelude::*;

use crate::{
    error::RequestError,
    page_context::use_address,
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
    view! {
        <Notice picture=notice_icon(IconName::Warning) title=format!("{what} could not be loaded")>
            <p role="alert">{error.to_string()}</p>
            <a class="button" href=use_address()>
                "Try again"
            </a>
        </Notice>
    }
}
