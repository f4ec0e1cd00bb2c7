//! Ids of the sidebar and the dialog that another component opens.

/// The sidebar, which is a popover on narrow screens.
#[cfg(feature = "ssr")]
pub(super) const SIDEBAR: &str = "sidebar";

/// The dialog that lists the keyboard shortcuts.
pub(super) const SHORTCUTS_DIALOG: &str = "shortcuts-dialog";
