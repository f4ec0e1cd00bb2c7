//! The drawing of an empty list.

use leptos::prelude::*;

/// A pile of photos of a mountain, which is our own drawing. It is decoration, hidden from assistive technology.
#[component]
pub(crate) fn Illustration() -> impl IntoView {
    view! {
        <svg class="illustration" viewBox="0 0 120 84" aria-hidden="true" focusable="false">
            <g transform="rotate(-9 36 46)">
                <rect class="paper" x="8" y="20" width="56" height="48" rx="5" />
            </g>
            <g transform="rotate(8 86 46)">
                <rect class="paper" x="58" y="20" width="54" height="48" rx="5" />
            </g>
            <rect class="paper" x="27" y="10" width="66" height="62" rx="5" />
            <path class="sky" d="M33 16h54v40H33z" />
            <circle class="sun" cx="74" cy="27" r="5" />
            <path class="far" d="M33 56V44l12-11 15 14 10-8 17 14v3z" />
            <path class="near" d="M33 56v-5l14-7 12 6 11-5 17 8v3z" />
            <path class="line" d="M35 64h22M63 64h9" />
        </svg>
    }
}
