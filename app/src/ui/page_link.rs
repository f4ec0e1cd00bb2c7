//! Links from one page of a list to another.

use leptos::prelude::*;

/// A link to another page of a list, or what is left of it where there is none.
#[component]
pub(crate) fn PageLink(
    /// `Next`.
    label: &'static str,
    /// The page's address.
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
