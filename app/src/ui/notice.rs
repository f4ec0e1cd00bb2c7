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
    /// Whether it is the whole page, so that its title is the page's heading.
    #[prop(optional)]
    whole_page: bool,
    /// More of it, and what to do.
    children: Children,
) -> impl IntoView {
    let title = if whole_page {
        view! { <h1 class="notice-title">{title}</h1> }.into_any()
    } else {
        view! { <h2 class="notice-title">{title}</h2> }.into_any()
    };
    view! {
        <div class="notice">
            <span class="notice-icon">
                <Icon name=icon />
            </span>
            {title}
            {children()}
        </div>
    }
}
