//! What stands in for rows while they are loaded.

use leptos::prelude::*;

/// Rows without content.
#[component]
pub(crate) fn Skeleton(
    /// What is being done: `Loading events…`.
    status: &'static str,
    /// How many rows.
    rows: usize,
) -> impl IntoView {
    view! {
        <div class="skeleton" role="status">
            <span class="visually-hidden">{status}</span>
            {(0..rows).map(|_| view! { <span class="skeleton-row"></span> }).collect_view()}
        </div>
    }
}
