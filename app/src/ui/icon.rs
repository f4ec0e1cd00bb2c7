//! Icons, drawn as strokes in the colour of the text around them.
//!
//! Icons are decoration, hidden from assistive technology. A control that shows only an icon needs a label.

use leptos::prelude::*;

/// The icons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IconName {
    #[cfg(feature = "ssr")]
    Calendar,
    Check,
    #[cfg(feature = "ssr")]
    ChevronDown,
    Close,
    Code,
    Copy,
    #[cfg(feature = "ssr")]
    Circle,
    #[cfg(feature = "ssr")]
    Download,
    ExternalLink,
    #[cfg(feature = "ssr")]
    Eye,
    #[cfg(feature = "ssr")]
    Book,
    #[cfg(feature = "ssr")]
    Home,
    Lock,
    #[cfg(feature = "ssr")]
    Menu,
    Minus,
    More,
    Pencil,
    Plus,
    Trash,
    Warning,
}

impl IconName {
    /// SVG path data on a 20 by 20 grid.
    const fn path(self) -> &'static str {
        match self {
            #[cfg(feature = "ssr")]
            Self::Calendar => "M4 5.5h12v11H4zM4 9h12M7 3v4M13 3v4",
            Self::Check => "M4 10.5l4 4 8-9",
            #[cfg(feature = "ssr")]
            Self::ChevronDown => "M5.5 8l4.5 4.5L14.5 8",
            Self::Close => "M5 5l10 10M15 5L5 15",
            Self::Code => "M7 6l-4 4 4 4M13 6l4 4-4 4",
            Self::Copy => "M7.5 7.5h9v9h-9zM12.5 7.5v-4h-9v9h4",
            #[cfg(feature = "ssr")]
            Self::Download => "M10 3.5v9M6.5 9l3.5 3.5L13.5 9M4 16.5h12",
            #[cfg(feature = "ssr")]
            Self::Circle => "M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0z",
            Self::ExternalLink => "M8.5 4.5h-4v11h11v-4M11.5 3.5h5v5M16 4l-7 7",
            #[cfg(feature = "ssr")]
            Self::Eye => {
                "M2.500 10c2-3.500 4.500-5.200 7.500-5.200s5.500 1.700 7.500 5.200c-2 3.500-4.500 5.200-7.500 5.200s-5.500-1.700-7.500-5.200zM10 7.700a2.300 2.300 0 1 0 .01 0"
            }
            #[cfg(feature = "ssr")]
            Self::Book => {
                "M10 5.5C8 4 5.5 4 3.5 4.5v11c2-.5 4.5-.5 6.5 1 2-1.5 4.5-1.5 6.5-1v-11c-2-.5-4.5-.5-6.5 1zM10 5.500v11"
            }
            #[cfg(feature = "ssr")]
            Self::Home => "M3.5 9.5L10 3.5l6.5 6M5 8.500v8h10v-8M8.5 16.500v-4.500h3v4.500",
            Self::Lock => "M5 9h10v7.500H5zM7 9V6.500a3 3 0 0 1 6 0V9",
            #[cfg(feature = "ssr")]
            Self::Menu => "M3 5.500h14M3 10h14M3 14.500h14",
            Self::Minus => "M5.5 10h9",
            Self::More => "M10 4.5v.01M10 10v.01M10 15.5v.01",
            Self::Pencil => {
                "M3.5 16.500l.8-3.600 8.700-8.700 2.800 2.800-8.700 8.700zM11.500 5.700l2.800 2.800"
            }
            Self::Plus => "M10 4v12M4 10h12",
            Self::Trash => {
                "M3.5 5.500h13M8 5.500v-2h4v2M5 5.500l.7 11h8.600l.7-11M8.5 8.500v5M11.5 8.500v5"
            }
            Self::Warning => "M10 3.500l7.5 13h-15zM10 8.500v3.500M10 14v.5",
        }
    }
}

/// An icon.
#[component]
pub(crate) fn Icon(
    /// The icon to draw.
    name: IconName,
) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
            <path d=name.path() />
        </svg>
    }
}
