//! A message in the place of content: nothing there, not allowed, failed.

use leptos::prelude::*;

use super::{Icon, IconName};

/// A message in the place of content, with what to do about it below.
#[component]
pub(crate) fn Notice(
    /// A picture of what it is about.
    icon: IconName,
    /// What there is to say.
    #[prop(into)]
    title: String,
    /// More of it, and what to do.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="notice">
            <span class="notice-icon">
                <Icon name=icon />
            </span>
            <h2 class="notice-title">{title}</h2>
            {children()}
        </div>
    }
}
