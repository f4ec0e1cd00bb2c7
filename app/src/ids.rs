//! Ids of elements that more than one part of the page refers to.

/// The button that opens the create dialog. It gets the focus when the focused element is gone, and the
/// keyboard shortcut clicks it.
pub(crate) const CREATE_BUTTON: &str = "create-token";

/// The dialog that explains why the Developer Zone is locked.
pub(crate) const UPGRADE_DIALOG: &str = "upgrade-dialog";
