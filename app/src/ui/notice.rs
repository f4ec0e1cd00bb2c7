//! A message that replaces a page's content.

use leptos::{either::Either, prelude::*};

use super::{Icon, IconName};

/// A message that replaces content which is empty, locked or could not be loaded.
#[component]
pub(crate) fn Notice<C: IntoView + 'static>(
    /// The icon above the title.
    icon: IconName,
    /// What happened.
    #[prop(into)]
    title: String,
    /// Whether the message is the whole page. Its title is then the page's `<h1>`.
    #[prop(optional)]
    whole_page: bool,
    /// Details, and what to do next.
    children: TypedChildren<C>,
) -> impl IntoView {
    let title = if whole_page {
        Either::Left(view! { <h1 class="notice-title">{title}</h1> })
    } else {
        Either::Right(view! { <h2 class="notice-title">{title}</h2> })
    };
    view! {
        <div class="notice">
            <span class="notice-icon">
                <Icon name=icon />
            </span>
            {title}
            {children.into_inner()()}
        </div>
    }
}
