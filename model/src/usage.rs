//! The calls of a token in the last seven days, as pages show them.

use serde::{Deserialize, Serialize};

use crate::{
    timestamp::Timestamp,
    token::{TokenId, TokenSummary},
};

/// Number of days that pages show.
pub const DAYS: usize = 7;

/// A day in milliseconds.
pub const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;

/// An hour in milliseconds.
pub const HOUR_MILLIS: i64 = 60 * 60 * 1_000;

/// A token is idle after this many days without an accepted call.
pub const IDLE_DAYS: i64 = 90;

/// Numbers of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Calls {
    /// Calls that passed all checks of the guard.
    pub accepted: u64,
    /// Calls that a check of the guard refused.
    pub refused: u64,
}

impl Calls {
    /// Accepted and refused calls together.
    pub const fn total(self) -> u64 {
        self.accepted.saturating_add(self.refused)
    }

    /// The sum of both.
    #[must_use]
    pub const fn plus(self, more: Self) -> Self {
        Self {
            accepted: self.accepted.saturating_add(more.accepted),
            refused: self.refused.saturating_add(more.refused),
        }
    }
}

/// Where the days of a [`Week`] begin, oldest first. The last one is today, which is not over yet. Each begins with the
/// UTC hour of its midnight, because calls are counted by that hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayStarts(pub [Timestamp; DAYS]);

/// The calls of seven days, oldest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Week(pub [Calls; DAYS]);

impl Week {
    /// The calls of all days.
    pub fn total(&self) -> Calls {
        self.0.into_iter().fold(Calls::default(), Calls::plus)
    }
}

/// A token and its calls in a week, for a row of the list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenWeek {
    /// The token.
    pub token: TokenSummary,
    /// The calls of each day.
    pub week: Week,
    /// Whether the token is idle. See [`TokenSummary::is_idle`].
    pub is_idle: bool,
}

/// A token and its calls by hour, for the token's own page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUsage {
    /// The token.
    pub token: TokenSummary,
    /// Whether the token is idle. See [`TokenSummary::is_idle`].
    pub is_idle: bool,
    /// The start of the first hour.
    pub start: Timestamp,
    /// The calls of each hour since `start`. The last hour is the current one.
    pub hours: Vec<Calls>,
    /// The refused calls by reason, most frequent first.
    pub refusals: Vec<HourlyRefusals>,
}

/// The calls of a token that were refused for one reason, by hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HourlyRefusals {
    /// All of them.
    pub total: RefusalCount,
    /// Those of each hour, as in [`TokenUsage::hours`].
    pub hours: Vec<u64>,
}

/// The calls of a token that were refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalCount {
    /// The refusal's code. See [`crate::permission::Refusal::code`].
    pub code: String,
    /// Number of calls.
    pub calls: u64,
    /// The start of the hour of the last call.
    pub last_hour: Timestamp,
}

/// The calls of all tokens of an organisation in one UTC day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayOfCalls {
    /// Calls that were accepted.
    pub accepted: u64,
    /// Calls that were refused, by reason, most frequent first.
    pub refusals: Vec<RefusalCount>,
}

impl DayOfCalls {
    /// All refused calls.
    pub fn refused(&self) -> u64 {
        self.refusals.iter().map(|refusal| refusal.calls).sum()
    }
}

/// How far an organisation is on the way to its first call. Each step counts if it holds for at least one of its tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FirstSteps {
    /// There is a token.
    pub created: bool,
    /// A browser has copied a token to its clipboard. A call proves it too: the integration has the token.
    pub copied: bool,
    /// A call was accepted.
    pub called: bool,
    /// A call was accepted before yesterday, so the steps are no news any more.
    pub long_done: bool,
}

/// An organisation's tokens, as Home shows them. Days are UTC days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOverview {
    /// The tokens, newest first.
    pub tokens: Vec<TokenSummary>,
    /// How many of them are active.
    pub active: usize,
    /// The calls of today, which is not over yet.
    pub today: DayOfCalls,
    /// The token with most refused calls today.
    pub most_refused: Option<TokenId>,
    /// The calls of yesterday.
    pub yesterday: DayOfCalls,
    /// The steps to the first call.
    pub steps: FirstSteps,
}

impl TokenSummary {
    /// Whether the token was neither created nor used in the last [`IDLE_DAYS`] days, active or not.
    ///
    /// An idle token is probably not needed any more.
    pub fn is_idle(&self, now: Timestamp) -> bool {
        let last_sign_of_use = self.last_used.unwrap_or(self.created_at);
        last_sign_of_use.plus_millis(IDLE_DAYS * DAY_MILLIS) <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{TokenId, TokenPreview, TokenStatus};

    /// 2026-01-19T06:00:00Z, a Monday.
    const NOW: Timestamp = Timestamp(1_768_802_400_000);

    #[test]
    fn a_token_is_idle_90_days_after_its_last_use_or_its_creation_if_never_used() {
        let days_ago = |days: i64| NOW.plus_millis(-days * DAY_MILLIS);
        let token = |created_at, last_used, status| TokenSummary {
            id: TokenId(1),
            name: None,
            preview: TokenPreview::of("k7Q2x"),
            status,
            created_by: String::new(),
            creator_left: false,
            created_at,
            last_used,
            first_call: None,
        };
        for status in [TokenStatus::Active, TokenStatus::Inactive] {
            let idle = |created_at, last_used| token(created_at, last_used, status).is_idle(NOW);
            assert!(idle(days_ago(90), None));
            assert!(!idle(days_ago(90).plus_millis(1), None));
            assert!(idle(days_ago(400), Some(days_ago(90))));
            assert!(!idle(days_ago(400), Some(days_ago(89))));
        }
    }
}
