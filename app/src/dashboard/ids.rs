//! Ids of elements that another component of the frame opens.

/// The sidebar, which is a popover on narrow screens.
#[cfg(feature = "ssr")]
pub(super) const SIDEBAR: &str = "sidebar";

/// The dialog that lists the keyboard shortcuts.
pub(super) const SHORTCUTS_DIALOG: &str = "shortcuts-dialog";
