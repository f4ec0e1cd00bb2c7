//! One token bucket for each key. The number of buckets is limited, so that a flood of keys cannot exhaust the memory.
//!
//! A bucket is one number: when it will be full again. This is the generic cell rate algorithm (GCRA; ITU-T I.371, annex
//! A), which needs no timer. Why we wrote it: decision 54.

use std::{
    convert::Infallible,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use quanta::Instant;
use quick_cache::sync::Cache;

use super::limit::{Exceeded, RateLimit};

/// The maximum number of buckets, of some hundred bytes each. Beyond it, the least used buckets are dropped, and count
/// as full again. So an attacker with more addresses than this gets some more guesses.
const MAX_BUCKETS: usize = 100_000;

/// A separate limit for each key.
pub(crate) struct Throttle<K: Key> {
    policy: &'static str,
    limit: RateLimit,
    /// The time in which a bucket gets one request back, in nanoseconds.
    interval: u64,
    /// The time in which an empty bucket becomes full, in nanoseconds.
    window: u64,
    made: Instant,
    buckets: Cache<K, Bucket>,
}

/// When a bucket is full again, in nanoseconds since its throttle was made.
#[derive(Clone, Default)]
pub(crate) struct Bucket(Arc<AtomicU64>);

/// The owner of a bucket, such as a token or a network.
pub(crate) trait Key: Copy + Eq + Hash + Send + Sync + 'static {}

impl<K: Copy + Eq + Hash + Send + Sync + 'static> Key for K {}

impl<K: Key> Throttle<K> {
    pub(crate) fn new(policy: &'static str, limit: RateLimit) -> Self {
        let interval = nanos(limit.interval()).max(1);
        Self {
            policy,
            limit,
            interval,
            window: interval.saturating_mul(limit.burst().into()),
            made: Instant::now(),
            buckets: Cache::new(MAX_BUCKETS),
        }
    }

    /// Takes one request from the key's bucket at the time `now`. Returns how many are left in it.
    ///
    /// # Errors
    /// [`Exceeded`], with the time to wait.
    pub(crate) fn take(&self, key: K, now: Instant) -> Result<u32, Exceeded> {
        let new = || Ok::<_, Infallible>(Bucket::default());
        let Ok(bucket) = self.buckets.get_or_insert_with(&key, new);
        self.take_from(&bucket, now)
    }

    /// Takes one request from a bucket, as [`Throttle::take`].
    pub(super) fn take_from(&self, bucket: &Bucket, now: Instant) -> Result<u32, Exceeded> {
        let now = self.since_made(now);
        let after_one = |full| self.after_one(full, now).ok();
        let (Ok(before) | Err(before)) = bucket.0.fetch_update(Relaxed, Relaxed, after_one);
        match self.after_one(before, now) {
            Ok(full) => {
                let left = self.latest(now).saturating_sub(full) / self.interval;
                Ok(u32::try_from(left).unwrap_or(u32::MAX))
            }
            Err(wait) => Err(self.exceeded(wait)),
        }
    }

    /// Checks whether [`Throttle::take`] would succeed, without taking.
    ///
    /// # Errors
    /// As [`Throttle::take`].
    pub(super) fn peek(&self, key: &K, now: Instant) -> Result<(), Exceeded> {
        let Some(bucket) = self.bucket(key) else {
            return Ok(());
        };
        let taken = self.after_one(bucket.0.load(Relaxed), self.since_made(now));
        taken.map(drop).map_err(|wait| self.exceeded(wait))
    }

    /// The key's bucket, if a request was taken from it, and it was not dropped since.
    pub(super) fn bucket(&self, key: &K) -> Option<Bucket> {
        self.buckets.get(key)
    }

    /// Drops the key's bucket.
    pub(super) fn forget(&self, key: &K) {
        self.buckets.remove(key);
    }

    /// When a bucket is full after one more request.
    ///
    /// # Errors
    /// The nanoseconds to wait, if it does not hold one now.
    fn after_one(&self, full: u64, now: u64) -> Result<u64, u64> {
        let full = full.max(now).saturating_add(self.interval);
        match full.saturating_sub(self.latest(now)) {
            0 => Ok(full),
            wait => Err(wait),
        }
    }

    /// When a bucket that is empty now is full.
    fn latest(&self, now: u64) -> u64 {
        now.saturating_add(self.window)
    }

    fn since_made(&self, now: Instant) -> u64 {
        nanos(now.duration_since(self.made))
    }

    fn exceeded(&self, wait: u64) -> Exceeded {
        Exceeded {
            policy: self.policy,
            limit: self.limit,
            wait: Duration::from_nanos(wait),
        }
    }
}

/// The nanoseconds of a time, at most `u64::MAX`: 584 years.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, num::NonZeroU32, thread};

    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// A throttle, and the time now.
    fn throttle<K: Key>(rate: &str, burst: u32) -> (Throttle<K>, Instant) {
        let burst = NonZeroU32::new(burst).expect("more than none");
        let limit = RateLimit::new(rate.parse().expect("a rate"), burst).expect("a limit");
        (Throttle::new("test", limit), Instant::now())
    }

    fn wait(refused: Result<u32, Exceeded>) -> Duration {
        refused.expect_err("refused").wait
    }

    #[test]
    fn a_burst_is_accepted_and_the_next_call_refused() {
        let (throttle, now) = throttle("50", 100);
        for call in 0..100 {
            assert_eq!(throttle.take(1, now), Ok(99 - call), "{call}");
        }
        assert_eq!(wait(throttle.take(1, now)), Duration::from_millis(20));
    }

    #[test]
    fn the_reported_wait_is_exactly_long_enough() {
        for (rate, interval) in [("50", 20), ("1", 1_000), ("0.1", 10_000)] {
            let (throttle, mut now) = throttle(rate, 3);
            for _ in 0..3 {
                throttle.take(1, now).expect("within the burst");
            }
            now += 7 * MILLISECOND;
            let wait = wait(throttle.take(1, now));
            assert_eq!(wait, Duration::from_millis(interval) - 7 * MILLISECOND);
            now += wait - MILLISECOND;
            throttle.take(1, now).expect_err("a millisecond too early");
            now += MILLISECOND;
            assert_eq!(throttle.take(1, now), Ok(0), "{rate}");
            throttle.take(1, now).expect_err("one is allowed, not two");
        }
    }

    #[test]
    fn a_refused_call_does_not_prolong_the_wait() {
        let (throttle, mut now) = throttle("1", 1);
        throttle.take(1, now).expect("the burst");
        for _ in 0..1_000 {
            throttle.take(1, now).expect_err("refused");
        }
        now += Duration::from_secs(1);
        assert_eq!(throttle.take(1, now), Ok(0));
    }

    #[test]
    fn an_idle_bucket_fills_up_to_its_burst() {
        let (throttle, mut now) = throttle("10", 3);
        now += Duration::from_secs(3_600);
        for _ in 0..3 {
            throttle.take(1, now).expect("within the burst");
        }
        throttle.take(1, now).expect_err("refused");
        now += Duration::from_secs(3_600);
        for _ in 0..3 {
            throttle.take(1, now).expect("within the burst");
        }
        throttle.take(1, now).expect_err("refused");
    }

    #[test]
    fn keys_do_not_share_a_bucket() {
        let (throttle, now) = throttle("1", 1);
        assert_eq!(throttle.take(1, now), Ok(0));
        throttle.take(1, now).expect_err("refused");
        assert_eq!(throttle.take(2, now), Ok(0));
    }

    #[test]
    fn peek_takes_nothing_and_agrees_with_take() {
        let (throttle, mut now) = throttle("1", 1);
        for _ in 0..10 {
            assert_eq!(throttle.peek(&1, now), Ok(()));
        }
        throttle.take(1, now).expect("still there");
        assert_eq!(throttle.peek(&1, now).map(|()| 0), throttle.take(1, now));
        now += Duration::from_secs(1);
        assert_eq!(throttle.peek(&1, now), Ok(()));
        assert_eq!(throttle.take(1, now), Ok(0));
    }

    #[test]
    fn the_lowest_rate_with_the_largest_burst_works() {
        let (throttle, mut now) = throttle("0.001", RateLimit::MAX_BURST);
        now += Duration::from_secs(1_000_000);
        for _ in 0..10_000 {
            throttle.take(1, now).expect("within the burst");
        }
    }

    #[test]
    fn threads_that_take_together_get_the_burst_and_no_more() {
        let (throttle, now) = throttle("1", 10_000);
        let taken = thread::scope(|scope| {
            let take_all = || {
                (0..10_000)
                    .filter(|_| throttle.take(1, now).is_ok())
                    .count()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take_all)).collect();
            let counts = threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"));
            counts.sum::<usize>()
        });
        assert_eq!(taken, 10_000);
    }

    #[test]
    fn a_flood_of_addresses_does_not_fill_memory_and_keeps_the_busiest() {
        let (throttle, now) = throttle("5", 50);
        let busy = Ipv4Addr::LOCALHOST;
        for _ in 0..50 {
            throttle.take(busy, now).expect("within the burst");
        }
        let stranger = |number: u32| Ipv4Addr::from_bits(0x0a00_0000 + number);
        for number in 0..400_000 {
            throttle.take(stranger(number), now).expect("its first");
            if number % 1_000 == 0 {
                throttle.take(busy, now).expect_err("never dropped");
            }
        }
        let buckets = throttle.buckets.len();
        assert!(buckets <= MAX_BUCKETS, "{buckets}");
        assert!(buckets >= MAX_BUCKETS / 2, "{buckets}");
    }
}
