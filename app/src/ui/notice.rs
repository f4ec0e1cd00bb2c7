//! A message that replaces a page's content.

use leptos::{either::Either, prelude::*};

#[cfg(feature = "ssr")]
use super::{Icon, IconName};

/// A message that replaces content which is empty, locked or could not be loaded.
#[component]
pub(crate) fn Notice<P: IntoView + 'static, C: IntoView + 'static>(
    /// What is above the title: [`notice_icon`] or [`super::illustration`].
    picture: P,
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
            {picture}
            {title}
            {children.into_inner()()}
        </div>
    }
}

/// The icon above the title of a [`Notice`].
#[cfg(feature = "ssr")]
pub(crate) fn notice_icon(name: IconName) -> impl IntoView {
    view! {
        <span class="notice-icon">
            <Icon name />
        </span>
    }
}
