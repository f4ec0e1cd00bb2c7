//! The receipts for deactivated and deleted tokens, in words. They say from what time no server accepts the tokens.

use std::time::Duration;

use leptos::prelude::{expect_context, use_context};
use model::{
    servers::Acknowledgements,
    timestamp::Timestamp,
    token::{Receipt, TokenSummary},
};
use serde::{Deserialize, Serialize};
use store::{Store, tokens::AllInactive};

use super::receipt::AllOutOfUse;
use crate::{
    texts::{links::about_links, servers::about_servers},
    time_zone::{ReaderZone, ago},
};

/// How long links to originals work after their token was deactivated. None if they end with it. The crate `server`
/// provides this as context.
#[derive(Clone, Copy, Debug)]
pub struct LinksOutliveTokens(pub Option<Duration>);

/// Until when links that these tokens made may still work, if no server accepts the tokens `since` then. A link is made
/// with a call, so tokens without a recent call have none.
fn links_until(tokens: &[TokenSummary], since: Timestamp) -> Option<Timestamp> {
    let LinksOutliveTokens(lifetime) = use_context()?;
    let lifetime = i64::try_from(lifetime?.as_millis()).ok()?;
    let mut calls = tokens.iter().filter_map(|token| token.last_used);
    let is_possible = calls.any(|call| call.plus_millis(lifetime) > since);
    is_possible.then(|| since.plus_millis(lifetime))
}

/// The receipt for a token that is out of use, with how long its links may still work.
pub(super) fn with_links(receipt: Receipt) -> Receipt {
    let tokens = std::slice::from_ref(&receipt.token);
    Receipt {
        links_until: links_until(tokens, receipt.in_force_since),
        ..receipt
    }
}

/// What the page says about a token that is out of use: the time from which no server accepts the token, and its last call before that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutOfUse {
    since: Timestamp,
    #[serde(default)]
    acknowledged: Option<Acknowledgements>,
    last_call: Option<Timestamp>,
    links_until: Option<Timestamp>,
}

impl From<&Receipt> for OutOfUse {
    fn from(receipt: &Receipt) -> Self {
        Self {
            since: receipt.in_force_since,
            acknowledged: receipt.acknowledged,
            last_call: receipt.token.last_used,
            links_until: receipt.links_until,
        }
    }
}

impl OutOfUse {
    /// The receipt's text, for the reader who sends the current request. `done` is `Deactivated` or `Deleted`.
    ///
    /// It says "recorded", because calls of the last seconds on other servers may not be in the database yet.
    pub(super) fn in_words(self, done: &str) -> String {
        let since = ReaderZone::current().time_in_sentence(self.since);
        let last_call = match self.last_call {
            Some(at) => {
                let now = expect_context::<Store>().clock().now();
                format!("Last recorded call {}.", ago(at, now))
            }
            None => "No calls recorded.".to_owned(),
        };
        let servers = about_servers(self.acknowledged);
        let links = links_in_words(self.since, self.links_until);
        with_details(
            format!("{done} everywhere at {since}."),
            &format!("{servers} {last_call}{links}"),
        )
    }
}

impl AllOutOfUse {
    /// The receipt's text, for the reader who sends the current request.
    pub(super) fn in_words(self) -> String {
        let since = ReaderZone::current().time_in_sentence(self.since);
        let servers = about_servers(self.acknowledged);
        let links = links_in_words(self.since, self.links_until);
        let done = match self.deactivated {
            0 => "No token was active. Checked".to_owned(),
            1 => "1 token is inactive. Deactivated".to_owned(),
            count => format!("{count} tokens are inactive. Deactivated"),
        };
        with_details(
            format!("{done} everywhere at {since}."),
            &format!("{servers}{links}"),
        )
    }
}

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

/// A message with its details in a second line, which toasts show on request.
pub(super) fn with_details(message: String, details: &str) -> String {
    match details.trim_start() {
        "" => message,
        details => format!("{message}\n{details}"),
    }
}

/// The sentence about links, with the day if it is another one.
fn links_in_words(since: Timestamp, until: Option<Timestamp>) -> String {
    let zone = ReaderZone::current();
    let until = until.map(|until| match zone.day(until) == zone.day(since) {
        true => zone.time_in_sentence(until),
        false => zone.date_time_in_sentence(until),
    });
    about_links(until.as_deref())
}
