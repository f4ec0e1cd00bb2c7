//! A message that replaces a page's content.

use leptos::{either::Either, prelude::*};

use super::{Icon, IconName};

/// A message that replaces content which is empty, locked or could not be loaded.
#[component]
pub(crate) fn Notice<C: IntoView + 'static>(
    /// The icon above the title. A list without events or records has a drawing instead.
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
    #[cfg(feature = "ssr")]
    let icon = match icon {
        IconName::Calendar => view! { <super::Illustration /> }.into_any(),
        icon => view! { <NoticeIcon icon /> }.into_any(),
    };
    #[cfg(not(feature = "ssr"))]
    let icon = view! { <NoticeIcon icon /> };
    view! {
        <div class="notice">
            {icon}
            {title}
            {children.into_inner()()}
        </div>
    }
}

#[component]
fn NoticeIcon(icon: IconName) -> impl IntoView {
    view! {
        <span class="notice-icon">
            <Icon name=icon />
        </span>
    }
}
