//! How long changes waited for servers.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The upper bounds of [`WaitCounts::buckets`], in milliseconds. The last bucket has none.
const BOUNDS: [u64; 10] = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 11_000, 33_000];

/// The waits of this process's changes.
#[derive(Debug, Default)]
pub(super) struct Waits {
    counts: Mutex<WaitCounts>,
    has_begun: AtomicBool,
}

/// Counts of waits, by their length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitCounts {
    /// How many waits were at most this long, and longer than the bound before.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// The length of all waits together.
    pub sum: Duration,
    /// How often a lease ended without an acknowledgement.
    pub ended_leases: u64,
}

impl WaitCounts {
    /// The upper bound of each bucket but the last.
    pub fn bounds() -> impl Iterator<Item = Duration> {
        BOUNDS.into_iter().map(Duration::from_millis)
    }
}

impl Waits {
    /// Records that a change waits.
    pub(super) fn begin(&self) {
        self.has_begun.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, wait: Duration, ended_leases: u32) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = WaitCounts::bounds()
            .take_while(|bound| wait > *bound)
            .count();
        counts.buckets[bucket] += 1;
        counts.sum += wait;
        counts.ended_leases += u64::from(ended_leases);
    }

    pub(super) fn counts(&self) -> WaitCounts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_counted_in_the_first_bucket_whose_bound_it_does_not_exceed() {
        let waits = Waits::default();
        for millis in [0, 1, 2, 33_000, 33_001] {
            waits.add(Duration::from_millis(millis), 1);
        }
        let counts = waits.counts();
        assert_eq!(counts.buckets, [2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(counts.sum, Duration::from_millis(66_004));
        assert_eq!(counts.ended_leases, 5);
    }
}
