//! The product's mark and name.

use leptos::prelude::*;

/// The mark of `style/static/favicon.svg` beside the product's name.
#[component]
pub(crate) fn Brand() -> impl IntoView {
    view! {
        <span class="brand">
            <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
                <rect width="32" height="32" rx="8" />
                <path d="M20.5 14a5 5 0 1 1-10 0 5 5 0 0 1 10 0zm0 0c0 5-2.5 8.5-7 10" />
            </svg>
            "9Pic"
        </span>
    }
}
