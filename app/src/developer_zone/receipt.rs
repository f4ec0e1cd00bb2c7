//! The responses to changes that end or give access, with receipts.

use model::{servers::Acknowledgements, timestamp::Timestamp, token::TokenSummary};
use serde::{Deserialize, Serialize};

use crate::ui::WrittenTime;

/// The response to such a change: the receipt, and what the page shows of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reported<R> {
    /// The facts.
    #[serde(flatten)]
    pub(super) receipt: R,
    /// The receipt in words, for the user who made the change.
    pub(super) words: String,
    /// When the token was last used, if the receipt is for one.
    pub(super) last_used: Option<WrittenTime>,
}

/// The part of [`Reported`] that the page reads. It knows about the tokens itself.
#[derive(Debug, Deserialize)]
pub(crate) struct Words {
    pub(crate) words: String,
}

/// The part of [`Reported`] that the page reads after it activated or deactivated a token.
#[derive(Debug, Deserialize)]
pub(crate) struct SwitchedToken {
    pub(crate) token: TokenSummary,
    pub(crate) last_used: Option<WrittenTime>,
    pub(crate) words: String,
}

/// The receipt for the deactivation of all tokens of an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AllOutOfUse {
    /// How many tokens this request has deactivated. Others may have done so before.
    pub(super) deactivated: usize,
    /// From this instant on, no server accepts any of them.
    pub(super) since: Timestamp,
    #[serde(default)]
    pub(super) acknowledged: Option<Acknowledgements>,
    /// Until when links to originals that they made may still work.
    pub(super) links_until: Option<Timestamp>,
}
