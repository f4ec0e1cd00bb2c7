//! A clock that a test moves.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use model::timestamp::Timestamp;
use store::clock::Clock;

/// A clock that only moves when a test moves it, and that a test can break.
#[derive(Debug)]
pub(crate) struct TestClock {
    now: AtomicI64,
    is_broken: AtomicBool,
}

impl TestClock {
    /// 2026-01-19T06:00:00Z.
    pub(crate) const fn new() -> Self {
        Self {
            now: AtomicI64::new(1_768_802_400_000),
            is_broken: AtomicBool::new(false),
        }
    }

    pub(crate) fn advance(&self, millis: i64) {
        self.now.fetch_add(millis, Ordering::SeqCst);
    }

    /// From now on, reading the clock panics.
    pub(crate) fn break_down(&self) {
        self.is_broken.store(true, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let is_broken = self.is_broken.load(Ordering::SeqCst);
        assert!(!is_broken, "the clock is broken");
        Timestamp(self.now.load(Ordering::SeqCst))
    }
}
