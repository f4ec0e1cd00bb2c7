//! How a token was used lately: its calls of seven days, as pages show them.

use serde::{Deserialize, Serialize};

use crate::{timestamp::Timestamp, token::TokenSummary};

/// The days that pages show.
pub const DAYS: usize = 7;

/// A day.
pub const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;

/// An hour.
pub const HOUR_MILLIS: i64 = 60 * 60 * 1_000;

/// After so many days without an accepted call a token is probably not needed any more.
pub const IDLE_DAYS: i64 = 90;

/// How many calls there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Calls {
    /// Those that no check refused.
    pub accepted: u64,
    /// Those that one of the guard's checks refused.
    pub refused: u64,
}

impl Calls {
    /// All of them.
    pub const fn total(self) -> u64 {
        self.accepted.saturating_add(self.refused)
    }

    /// These and those.
    #[must_use]
    pub const fn plus(self, more: Self) -> Self {
        Self {
            accepted: self.accepted.saturating_add(more.accepted),
            refused: self.refused.saturating_add(more.refused),
        }
    }
}

/// The calls of seven days in UTC, the oldest first; the last is today as far as it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Week(pub [Calls; DAYS]);

impl Week {
    /// When the week begins that ends with the day of `now`: a midnight in UTC.
    pub const fn start(now: Timestamp) -> Timestamp {
        let millis = now.epoch_millis();
        let today = millis - millis.rem_euclid(DAY_MILLIS);
        Timestamp(today).plus_millis(-(DAYS as i64 - 1) * DAY_MILLIS)
    }

    /// The calls of all days.
    pub fn total(&self) -> Calls {
        self.0.into_iter().fold(Calls::default(), Calls::plus)
    }
}

/// A token and its week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenWeek {
    /// The token.
    pub token: TokenSummary,
    /// Its calls.
    pub week: Week,
    /// Whether it is idle: see [`TokenSummary::is_idle`].
    pub is_idle: bool,
}

/// How one token was used in a week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUsage {
    /// The token.
    pub token: TokenSummary,
    /// Whether it is idle: see [`TokenSummary::is_idle`].
    pub is_idle: bool,
    /// When the week begins: see [`Week::start`].
    pub start: Timestamp,
    /// The calls of each hour from then on, up to the one that is running.
    pub hours: Vec<Calls>,
    /// Why calls were refused: the most frequent reason first.
    pub refusals: Vec<RefusalCount>,
}

/// How often a token's calls were refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalCount {
    /// The refusal's code; see [`crate::access::Refusal::code`].
    pub code: String,
    /// How often.
    pub calls: u64,
    /// The hour of the last one, by its beginning.
    pub last_hour: Timestamp,
}

impl TokenSummary {
    /// Whether no call with it was accepted for [`IDLE_DAYS`] (nor was it made since), paused or not: then it can
    /// probably be deleted.
    pub fn is_idle(&self, now: Timestamp) -> bool {
        let alive = self.last_used.unwrap_or(self.created_at);
        alive.plus_millis(IDLE_DAYS * DAY_MILLIS) <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{TokenId, TokenPreview, TokenStatus};

    /// 2026-01-19T06:00:00Z, a Monday.
    const NOW: Timestamp = Timestamp(1_768_802_400_000);

    #[test]
    fn a_week_begins_at_a_midnight_and_ends_with_today() {
        let midnight = Timestamp(1_768_780_800_000);
        let start = midnight.plus_millis(-6 * DAY_MILLIS);
        for now in [midnight, NOW, midnight.plus_millis(DAY_MILLIS - 1)] {
            assert_eq!(Week::start(now), start, "{now:?}");
        }
        let before = Week::start(midnight.plus_millis(-1));
        assert_eq!(before, start.plus_millis(-DAY_MILLIS));
    }

    #[test]
    fn a_token_is_idle_after_90_days_without_use_whether_it_was_ever_used_or_not() {
        let days_ago = |days: i64| NOW.plus_millis(-days * DAY_MILLIS);
        let token = |created_at, last_used, status| TokenSummary {
            id: TokenId(1),
            name: None,
            preview: TokenPreview::of("k7Q2x"),
            status,
            created_by: String::new(),
            created_at,
            last_used,
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
