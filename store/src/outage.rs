//! The log of an outage. While the database is away every request fails, and a line for each would hide all others.
//!
//! The log gets a line when the failures begin, then at most one a second with their number, and one when the database
//! answers again.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::error::DatabaseError;

/// Between two lines.
const LINE_DELAY: Duration = Duration::from_secs(1);

/// How long no request must have failed before an answer ends the outage. In a partial outage some requests succeed.
const CALM: Duration = Duration::from_secs(5);

/// The outage of this process's database.
static OUTAGE: Outage = Outage::new();

/// Logs why a request failed, unless the log has a line about the same outage from the last second. A nearly full disk is
/// logged once ([`crate::Store::watch_space`]), and a text that its caller must correct is not.
pub fn log_failure(error: &DatabaseError, what: &'static str) {
    if matches!(
        error,
        DatabaseError::StorageFull(_) | DatabaseError::NulCharacter
    ) {
        return;
    }
    let failures = if error.is_unavailable() {
        let Some(failures) = OUTAGE.failed(Instant::now()) else {
            return;
        };
        failures
    } else {
        1
    };
    let error = error as &dyn std::error::Error;
    if failures == 1 {
        tracing::error!(error, "{what}");
    } else {
        tracing::error!(error, failures, "{what}, and others since the last line");
    }
}

/// Notes that the database has answered.
pub(crate) fn database_answered() {
    // The usual case costs one load.
    if OUTAGE.lasts.load(Ordering::Relaxed)
        && let Some(failures) = OUTAGE.answered(Instant::now())
    {
        tracing::info!(failures, "the database answers again");
    }
}

struct Outage {
    lasts: AtomicBool,
    failures: Mutex<Failures>,
}

struct Failures {
    /// Since the beginning of the outage.
    total: u64,
    /// Since the last line.
    unreported: u64,
    last: Option<Instant>,
    last_line: Option<Instant>,
}

impl Outage {
    const fn new() -> Self {
        Self {
            lasts: AtomicBool::new(false),
            failures: Mutex::new(Failures {
                total: 0,
                unreported: 0,
                last: None,
                last_line: None,
            }),
        }
    }

    /// Counts a failure. Returns how many the next line is about; none if it is too early for a line.
    fn failed(&self, now: Instant) -> Option<u64> {
        let mut failures = self.failures();
        self.lasts.store(true, Ordering::Relaxed);
        failures.total += 1;
        failures.unreported += 1;
        failures.last = Some(now);
        if failures
            .last_line
            .is_some_and(|line| now < line + LINE_DELAY)
        {
            return None;
        }
        failures.last_line = Some(now);
        Some(std::mem::take(&mut failures.unreported))
    }

    /// Notes an answer. If it ends the outage, returns how many requests have failed.
    fn answered(&self, now: Instant) -> Option<u64> {
        let mut failures = self.failures();
        if failures.last.is_some_and(|last| now < last + CALM) {
            return None;
        }
        self.lasts.store(false, Ordering::Relaxed);
        failures.unreported = 0;
        let total = std::mem::take(&mut failures.total);
        (total > 0).then_some(total)
    }

    fn failures(&self) -> MutexGuard<'_, Failures> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_logged_immediately_and_further_ones_once_a_second_with_their_number() {
        let outage = Outage::new();
        let start = Instant::now();
        let failed = |millis| outage.failed(start + Duration::from_millis(millis));
        assert_eq!(failed(0), Some(1));
        for millis in [0, 1, 400, 999] {
            assert_eq!(failed(millis), None);
        }
        assert_eq!(failed(1_000), Some(5));
        assert_eq!(failed(1_500), None);
        assert_eq!(failed(9_000), Some(2));
    }

    #[test]
    fn the_end_is_logged_once_with_the_number_of_all_failures() {
        let outage = Outage::new();
        let start = Instant::now();
        for seconds in [0, 1, 2] {
            outage.failed(start + Duration::from_secs(seconds));
        }
        let end = start + Duration::from_secs(2) + CALM;
        assert_eq!(outage.answered(end), Some(3));
        assert_eq!(outage.answered(end), None);
        assert!(!outage.lasts.load(Ordering::Relaxed));
    }

    #[test]
    fn an_outage_in_which_some_requests_succeed_does_not_end_with_each_of_them() {
        let outage = Outage::new();
        let start = Instant::now();
        outage.failed(start);
        assert_eq!(outage.answered(start + CALM / 2), None);
        assert!(outage.lasts.load(Ordering::Relaxed));
    }
}
