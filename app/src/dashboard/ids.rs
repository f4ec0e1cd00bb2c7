//! Ids of elements of the frame that another component opens or clicks.

/// The sidebar, which is a popover on narrow screens.
#[cfg(feature = "ssr")]
pub(super) const SIDEBAR: &str = "sidebar";

/// The list of organisations in the sidebar, which is a popover.
pub(super) const SWITCHER: &str = "organisation-switcher";

/// The sidebar's link to Home.
pub(super) const HOME_LINK: &str = "home-link";

/// The dialog that lists the keyboard shortcuts.
pub(super) const SHORTCUTS_DIALOG: &str = "shortcuts-dialog";
