//! The receipts for deactivated and deleted tokens. They say from what time no server accepts the tokens. All times in
//! their texts are already formatted for the reader.

use model::{servers::Acknowledgements, timestamp::Timestamp};
use serde::{Deserialize, Serialize};

use crate::texts::{links::about_links, servers::about_servers};
#[cfg(feature = "ssr")]
use {
    leptos::prelude::use_context,
    model::token::{Receipt, TokenSummary},
    std::time::Duration,
    store::tokens::AllInactive,
};

/// How long links to originals work after their token was deactivated. None if they end with it. The crate `server`
/// provides this as context.
#[cfg(feature = "ssr")]
#[derive(Clone, Copy, Debug)]
pub struct LinksOutliveTokens(pub Option<Duration>);

/// Until when links that these tokens made may still work, if no server accepts the tokens `since` then. A link is made
/// with a call, so tokens without a recent call have none.
#[cfg(feature = "ssr")]
fn links_until(tokens: &[TokenSummary], since: Timestamp) -> Option<Timestamp> {
    let LinksOutliveTokens(lifetime) = use_context()?;
    let lifetime = i64::try_from(lifetime?.as_millis()).ok()?;
    let mut calls = tokens.iter().filter_map(|token| token.last_used);
    let is_possible = calls.any(|call| call.plus_millis(lifetime) > since);
    is_possible.then(|| since.plus_millis(lifetime))
}

/// The receipt for a token that is out of use, with how long its links may still work.
#[cfg(feature = "ssr")]
pub(super) fn with_links(receipt: Receipt) -> Receipt {
    let tokens = std::slice::from_ref(&receipt.token);
    Receipt {
        links_until: links_until(tokens, receipt.in_force_since),
        ..receipt
    }
}

/// The receipt for one token, also with its last use. `done` is `Deactivated` or `Deleted`.
///
/// It says "recorded", because calls of the last seconds on other servers may not be in the database yet.
pub(super) fn out_of_use(
    done: &str,
    since: &str,
    acknowledged: Option<Acknowledgements>,
    last_call: Option<&str>,
    links_until: Option<&str>,
) -> String {
    let last_call = match last_call {
        Some(at) => format!("Last recorded call {at}."),
        None => "No calls recorded.".to_owned(),
    };
    let servers = about_servers(acknowledged);
    let links = about_links(links_until);
    format!("{done} everywhere at {since}.{servers} {last_call}{links}")
}

/// The receipt for the deactivation of all tokens of an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AllOutOfUse {
    /// How many tokens this request has deactivated. Others may have done so before.
    deactivated: usize,
    /// From this instant on, no server accepts any of them.
    pub(super) since: Timestamp,
    #[serde(default)]
    acknowledged: Option<Acknowledgements>,
    /// Until when links to originals that they made may still work.
    pub(super) links_until: Option<Timestamp>,
}

impl AllOutOfUse {
    /// The receipt's text.
    pub(super) fn in_words(self, since: &str, links_until: Option<&str>) -> String {
        let servers = about_servers(self.acknowledged);
        let links = about_links(links_until);
        let tokens = match self.deactivated {
            0 => return format!("No token was active. Checked everywhere at {since}.{servers}"),
            1 => "1 token is inactive".to_owned(),
            count => format!("{count} tokens are inactive"),
        };
        format!("{tokens}. Deactivated everywhere at {since}.{servers}{links}")
    }
}

#[cfg(feature = "ssr")]
impl From<AllInactive> for AllOutOfUse {
    fn from(done: AllInactive) -> Self {
        Self {
            deactivated: done.deactivated.len(),
            since: done.in_force_since,
            acknowledged: done.acknowledged,
            links_until: links_until(&done.deactivated, done.in_force_since),
        }
    }
}
