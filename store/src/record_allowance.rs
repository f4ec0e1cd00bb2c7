//! How fast the audit trail may grow. It keeps every record until an operator prunes it. Without a limit, one account
//! could fill the disk (docs/decisions/0035).
//!
//! What a user records is counted by what it is about ([`RecordedBy`]). Changes that narrow access are not counted:
//! deactivate, delete, end a session, sign out. Each needs a change before it that is counted. So their number is
//! bounded too, and a used-up allowance never stops them.
//!
//! Operators' changes are not counted. Each server counts on its own.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use model::{organisation::OrganisationId, timestamp::Timestamp, user::UserId};
use quick_cache::sync::Cache;

use crate::error::TooManyRecords;

/// The maximum number of allowances in use, of some hundred bytes each. Beyond it, the least used count as unused.
const MAX_COUNTED: usize = 100_000;

/// What counts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RecordedBy {
    /// A user who creates, activates and renames tokens.
    User(UserId),
    /// All members of an organisation who do that.
    MembersOf(OrganisationId),
    /// Sign-ins to an account.
    SignIns(UserId),
    /// Changes of an account's password. They have an allowance of their own because they also end sessions.
    Passwords(UserId),
    /// Wrong passwords for an account, or for all addresses without an account.
    WrongPasswords(Option<UserId>),
}

/// An allowance that fills up again.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    /// How many records can be made at once.
    burst: i64,
    /// Milliseconds until one more can be made.
    interval: i64,
}

const OF_ACCOUNT: Allowance = Allowance {
    burst: 300,
    interval: 10_000,
};

/// Three times that of an account.
const OF_ORGANISATION: Allowance = Allowance {
    burst: 900,
    interval: 3_333,
};

impl RecordedBy {
    const fn allowance(self) -> Allowance {
        match self {
            Self::MembersOf(_) => OF_ORGANISATION,
            Self::User(_) | Self::SignIns(_) | Self::Passwords(_) | Self::WrongPasswords(_) => {
                OF_ACCOUNT
            }
        }
    }
}

/// The allowances that are in use.
pub(crate) struct Allowances {
    /// Held while one is taken from.
    taking: Mutex<()>,
    /// When each is full again, in milliseconds since the epoch.
    full_at: Cache<RecordedBy, i64>,
}

impl Allowances {
    pub(crate) fn new() -> Self {
        Self {
            taking: Mutex::default(),
            full_at: Cache::new(MAX_COUNTED),
        }
    }

    /// Takes one record from an allowance.
    ///
    /// # Errors
    /// How long to wait. Nothing was taken.
    pub(crate) fn take(&self, by: RecordedBy, now: Timestamp) -> Result<(), TooManyRecords> {
        let Allowance { burst, interval } = by.allowance();
        let now = now.epoch_millis();
        let empty = now + burst * interval;
        let _taking = self.taking.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = self.full_at.get(&by).unwrap_or(now).clamp(now, empty);
        let taken = full_at + interval;
        if taken > empty {
            // Kept, because it is earlier than before if the clock was set back. The allowance then fills up from now.
            self.full_at.insert(by, full_at);
            let wait = u64::try_from(taken - empty).unwrap_or_default();
            return Err(TooManyRecords(Duration::from_millis(wait)));
        }
        self.full_at.insert(by, taken);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_768_802_400_000);
    const ADA: RecordedBy = RecordedBy::User(UserId(1));

    /// Takes until the first refusal. Returns how many records were taken, and the wait.
    fn exhaust(allowances: &Allowances, by: RecordedBy, now: Timestamp) -> (u32, Duration) {
        for taken in 0..1_000 {
            if let Err(TooManyRecords(wait)) = allowances.take(by, now) {
                return (taken, wait);
            }
        }
        panic!("{by:?} is not limited");
    }

    #[test]
    fn an_account_can_record_300_times_at_once_and_then_every_ten_seconds() {
        let allowances = Allowances::new();
        let ten_seconds = Duration::from_secs(10);
        assert_eq!(exhaust(&allowances, ADA, START), (300, ten_seconds));
        let early = START.plus_millis(9_999);
        let refused = allowances.take(ADA, early);
        assert_eq!(refused, Err(TooManyRecords(Duration::from_millis(1))));
        let later = START.plus_millis(10_000);
        assert_eq!(exhaust(&allowances, ADA, later), (1, ten_seconds));
        let full_again = later.plus_millis(300 * 10_000);
        assert_eq!(exhaust(&allowances, ADA, full_again).0, 300);
    }

    #[test]
    fn an_allowance_takes_nothing_from_another() {
        let allowances = Allowances::new();
        let user = UserId(1);
        for (by, burst) in [
            (RecordedBy::User(user), 300),
            (RecordedBy::User(UserId(2)), 300),
            (RecordedBy::MembersOf(OrganisationId(1)), 900),
            (RecordedBy::SignIns(user), 300),
            (RecordedBy::Passwords(user), 300),
            (RecordedBy::WrongPasswords(Some(user)), 300),
            (RecordedBy::WrongPasswords(None), 300),
        ] {
            assert_eq!(exhaust(&allowances, by, START).0, burst, "{by:?}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_delays_by_one_interval_at_most() {
        let allowances = Allowances::new();
        exhaust(&allowances, ADA, START);
        let ten_seconds = Duration::from_secs(10);
        let day = 24 * 60 * 60 * 1_000;
        let then = START.plus_millis(-day);
        assert_eq!(exhaust(&allowances, ADA, then), (0, ten_seconds));
        let later = then.plus_millis(10_000);
        assert_eq!(exhaust(&allowances, ADA, later), (1, ten_seconds));
    }
}
