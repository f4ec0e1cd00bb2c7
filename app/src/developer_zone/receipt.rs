//! The receipts for deactivated and deleted tokens. They say from what time no server accepts the tokens. All times in
//! their texts are already formatted for the reader.

use model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use store::tokens::AllInactive;

/// The receipt for one token, also with its last use. `done` is `Deactivated` or `Deleted`.
///
/// It says "recorded", because calls of the last seconds on other servers may not be in the database yet.
pub(super) fn out_of_use(done: &str, since: &str, last_call: Option<&str>) -> String {
    let last_call = match last_call {
        Some(at) => format!("Last recorded call {at}."),
        None => "No calls recorded.".to_owned(),
    };
    format!("{done} everywhere at {since}. {last_call}")
}

/// The receipt for the deactivation of all tokens of an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AllOutOfUse {
    /// How many tokens this request has deactivated. Others may have done so before.
    deactivated: usize,
    /// From this instant on, no server accepts any of them.
    pub(super) since: Timestamp,
}

impl AllOutOfUse {
    /// The receipt's text.
    pub(super) fn in_words(self, since: &str) -> String {
        match self.deactivated {
            0 => format!("No token was active. Checked everywhere at {since}."),
            1 => format!("1 token is inactive. Deactivated everywhere at {since}."),
            count => format!("{count} tokens are inactive. Deactivated everywhere at {since}."),
        }
    }
}

#[cfg(feature = "ssr")]
impl From<AllInactive> for AllOutOfUse {
    fn from(done: AllInactive) -> Self {
        Self {
            deactivated: done.deactivated.len(),
            since: done.in_force_since,
        }
    }
}
