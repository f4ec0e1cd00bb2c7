//! Links between the pages of a list.

use leptos::prelude::*;

/// A link to another page of a list. It is disabled if there is no such page.
#[component]
pub(crate) fn PageLink(
    /// The text, such as `Next`.
    label: &'static str,
    /// The page's address, if there is such a page.
    href: Option<String>,
) -> impl IntoView {
    let (role, disabled) = match href {
        Some(_) => (None, None),
        None => (Some("link"), Some("true")),
    };
    view! {
        <a
            class="button"
            href=href
            role=role
            aria-disabled=disabled
        >
            {label}
        </a>
    }
}
