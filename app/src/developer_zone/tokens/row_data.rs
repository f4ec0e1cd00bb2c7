//! What a row of the token table shows.

use model::token::TokenSummary;
use serde::{Deserialize, Serialize};

use crate::ui::WrittenTime;

#[cfg(feature = "ssr")]
use {
    crate::{
        developer_zone::charts::{grouped, week_bar},
        time_zone::ago,
        ui::Shown,
    },
    leptos::prelude::expect_context,
    model::{
        token::FirstCall,
        usage::{Calls, TokenWeek, Week},
    },
    store::{Store, token_polls::ListedTokens},
};

/// What a row of the token table shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedToken {
    /// The token.
    pub(crate) token: TokenSummary,
    /// When it was created.
    pub(crate) created_at: WrittenTime,
    /// When it was last used.
    pub(crate) last_used: Option<WrittenTime>,
    /// What the page says when its first call arrives: `First call received: 200, 12 ms`.
    pub(crate) first_call: String,
    /// A chart of its calls in seven days in the reader's zone, with their total: HTML without text by users. It may be some
    /// seconds behind, because servers write calls to the database in batches.
    pub(crate) week_bar: String,
    /// The accepted and the refused calls of the chart.
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    /// What the question before a deletion says of its use.
    pub(crate) in_use: String,
    /// Whether no call with it was accepted for 90 days, by the server's clock.
    pub(crate) is_idle: bool,
}

/// All rows of the table: at most ten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenRows {
    /// The rows, newest token first.
    pub(crate) rows: Vec<ListedToken>,
    /// A hash of the visible rows: it changes when a row changes.
    pub(crate) fingerprint: String,
}

#[cfg(feature = "ssr")]
impl ListedToken {
    /// The row of a new token.
    pub(in crate::developer_zone) fn new(token: TokenSummary) -> Self {
        TokenWeek {
            token,
            week: Week::default(),
            is_idle: false,
        }
        .into()
    }
}

#[cfg(feature = "ssr")]
impl From<TokenWeek> for ListedToken {
    fn from(listed: TokenWeek) -> Self {
        let Calls { accepted, refused } = listed.week.total();
        Self {
            created_at: WrittenTime::new(listed.token.created_at, Shown::Date),
            last_used: written_last_use(&listed.token),
            first_call: written_first_call(listed.token.first_call),
            in_use: use_in_words(&listed.token, accepted),
            token: listed.token,
            week_bar: week_bar(&listed.week),
            accepted,
            refused,
            is_idle: listed.is_idle,
        }
    }
}

/// When the token was last used, for the reader who sends the current request.
#[cfg(feature = "ssr")]
pub(in crate::developer_zone) fn written_last_use(token: &TokenSummary) -> Option<WrittenTime> {
    token.last_used.map(|at| WrittenTime::new(at, Shown::Ago))
}

/// Whether a token is in use, for the question before it is deleted: `Last used 2 minutes ago · 1,204 calls in 7 days`,
/// or `Never used`. `accepted` are its calls in seven days.
#[cfg(feature = "ssr")]
pub(in crate::developer_zone) fn use_in_words(token: &TokenSummary, accepted: u64) -> String {
    let Some(at) = token.last_used else {
        return "Never used".to_owned();
    };
    let ago = ago(at, expect_context::<Store>().clock().now());
    let calls = if accepted == 1 { "call" } else { "calls" };
    format!("Last used {ago} · {} {calls} in 7 days", grouped(accepted))
}

#[cfg(feature = "ssr")]
impl TokenRows {
    /// The rows of these tokens.
    pub(in crate::developer_zone) fn of(listed: &ListedTokens) -> Self {
        Self {
            fingerprint: listed.fingerprint.clone(),
            rows: listed
                .tokens
                .iter()
                .cloned()
                .map(ListedToken::from)
                .collect(),
        }
    }
}

/// The first call in words. Status and duration are unknown if an older server has accepted it.
#[cfg(feature = "ssr")]
fn written_first_call(call: Option<FirstCall>) -> String {
    const RECEIVED: &str = "First call received";
    let Some(FirstCall { status, micros }) = call else {
        return RECEIVED.to_owned();
    };
    let took = match micros {
        ..100 => "under 0.1 ms".to_owned(),
        100..10_000 => format!("{}.{} ms", micros / 1_000, micros / 100 % 10),
        10_000..1_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{}.{} s", micros / 1_000_000, micros / 100_000 % 10),
    };
    format!("{RECEIVED}: {status}, {took}")
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn the_first_call_is_written_with_its_status_and_duration() {
        for (micros, text) in [
            (0, "First call received: 404, under 0.1 ms"),
            (100, "First call received: 404, 0.1 ms"),
            (9_999, "First call received: 404, 9.9 ms"),
            (12_900, "First call received: 404, 12 ms"),
            (1_250_000, "First call received: 404, 1.2 s"),
        ] {
            let status = 404;
            let call = FirstCall { status, micros };
            assert_eq!(written_first_call(Some(call)), text);
        }
        assert_eq!(written_first_call(None), "First call received");
    }
}
