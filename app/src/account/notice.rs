//! The flash messages of the account's page.

use serde::{Deserialize, Serialize};

use crate::error::RequestError;

/// What happened to a form of the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum AccountNotice {
    /// The password was changed.
    PasswordChanged,
    /// Another browser was signed out.
    SessionEnded,
    /// Nothing was changed.
    Failed(RequestError),
}

impl AccountNotice {
    /// Whether something was done.
    pub(super) const fn is_success(&self) -> bool {
        !matches!(self, Self::Failed(_))
    }

    /// The message.
    pub(super) fn text(&self) -> String {
        match self {
            Self::PasswordChanged => {
                "Your password was changed. You are signed out in all other browsers.".to_owned()
            }
            Self::SessionEnded => "That browser is signed out.".to_owned(),
            Self::Failed(error) => error.to_string(),
        }
    }
}
