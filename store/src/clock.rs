//! The clocks of all rules. They are injected, so that a test can stop or move the time.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

use model::timestamp::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// How far the clocks of two servers may differ, and how far a clock may be set back.
const MAX_CLOCK_SKEW_MILLIS: i64 = 5 * 60 * 1_000;

/// The latest instant that a right clock can have written by `now`. What is later comes from a clock that was ahead.
/// It counts as ended: otherwise it would last until the present has caught up with it.
pub const fn latest(now: Timestamp) -> Timestamp {
    now.plus_millis(MAX_CLOCK_SKEW_MILLIS)
}

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the machine's clock is read"
    )]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that only a test moves.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `start`.
    pub const fn new(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.0))
    }

    /// Moves the clock by `millis` milliseconds.
    pub fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Measures elapsed time. It cannot be set, and does not know the time of day.
pub trait MonotonicClock: Send + Sync + 'static {
    /// The time since a moment that is fixed for the life of the process.
    fn elapsed(&self) -> Duration;
}

/// The machine's clock. On Linux it also counts the time that the machine sleeps.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemMonotonicClock;

impl MonotonicClock for SystemMonotonicClock {
    fn elapsed(&self) -> Duration {
        // `Instant` stops during sleep: a read from before the sleep would look fresh after it.
        #[cfg(target_os = "linux")]
        const CLOCK: ClockId = ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        const CLOCK: ClockId = ClockId::Monotonic;
        let time = clock_gettime(CLOCK);
        let seconds = Duration::from_secs(time.tv_sec.unsigned_abs());
        seconds + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or_default())
    }
}

/// A monotonic clock that only a test moves.
#[derive(Debug, Default)]
pub struct ManualMonotonicClock(AtomicU64);

impl ManualMonotonicClock {
    /// Moves the clock by `millis` milliseconds.
    pub fn advance(&self, millis: u64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl MonotonicClock for ManualMonotonicClock {
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}
