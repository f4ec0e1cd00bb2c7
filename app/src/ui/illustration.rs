//! The drawings of empty lists, which are our own. They are decoration, hidden from assistive technology.

use leptos::prelude::*;

/// A drawing: what the list would be full of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drawing {
    /// A pile of photos, for events.
    #[cfg(feature = "ssr")]
    Photos,
    /// A sheet with dots and lines, for activity.
    #[cfg(feature = "ssr")]
    Records,
    /// A card with a switch, for tokens.
    Tokens,
}

impl Drawing {
    /// Refers to the page's [`DrawingSource`].
    const fn address(self) -> &'static str {
        match self {
            #[cfg(feature = "ssr")]
            Self::Photos => "#photos-drawing",
            #[cfg(feature = "ssr")]
            Self::Records => "#records-drawing",
            Self::Tokens => "#tokens-drawing",
        }
    }
}

/// Shows a drawing whose [`DrawingSource`] is in the page. So the WASM does not contain it.
pub(crate) fn illustration(drawing: Drawing) -> impl IntoView {
    view! {
        <svg class="illustration" viewBox="0 0 120 84" aria-hidden="true">
            <use href=drawing.address()></use>
        </svg>
    }
}

/// The drawing itself, which shows nothing here.
#[cfg(feature = "ssr")]
#[component]
pub(crate) fn DrawingSource(drawing: Drawing) -> impl IntoView {
    let front = match drawing {
        Drawing::Photos => view! {
            <rect class="paper" x="27" y="10" width="66" height="62" rx="5" />
            <path class="tint" d="M33 16h54v40H33z" />
            <circle class="sun" cx="74" cy="27" r="5" />
            <path class="far" d="M33 56V44l12-11 15 14 10-8 17 14v3z" />
            <path class="near" d="M33 56v-5l14-7 12 6 11-5 17 8v3z" />
            <path class="line" d="M35 64h22M63 64h9" />
        }
        .into_any(),
        Drawing::Records => view! {
            <rect class="paper" x="27" y="8" width="66" height="68" rx="5" />
            <path class="tint" d="M33 14h54v14H33z" />
            <path class="far" d="M40.25 28h1.5v40h-1.5z" />
            <circle class="sun" cx="41" cy="21" r="4" />
            <circle class="near" cx="41" cy="38" r="4" />
            <circle class="near" cx="41" cy="52" r="4" />
            <circle class="near" cx="41" cy="66" r="4" />
            <path class="line" d="M51 38h30M51 52h18M51 66h25" />
        }
        .into_any(),
        Drawing::Tokens => view! {
            <rect class="paper" x="21" y="13" width="78" height="58" rx="6" />
            <path class="tint" d="M27 19h66v20H27z" />
            <path class="ink" d="M37 25l-4 4 4 4M83 25l4 4-4 4" />
            <circle class="near" cx="48" cy="29" r="3" />
            <circle class="near" cx="56" cy="29" r="3" />
            <circle class="near" cx="64" cy="29" r="3" />
            <circle class="near" cx="72" cy="29" r="3" />
            <path class="line" d="M30 50h26M30 60h17" />
            <rect class="near" x="68" y="47" width="24" height="14" rx="7" />
            <circle class="paper" cx="85" cy="54" r="5" />
        }
        .into_any(),
    };
    view! {
        <svg class="drawing-source" aria-hidden="true">
            <symbol class="drawing" id=drawing.address().trim_start_matches('#')>
                <rect class="paper" x="8" y="20" width="56" height="48" rx="5" transform="rotate(-9 36 46)" />
                <rect class="paper" x="58" y="20" width="54" height="48" rx="5" transform="rotate(8 86 46)" />
                {front}
            </symbol>
        </svg>
    }
}
