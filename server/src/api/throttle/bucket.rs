//! Buckets by key: GCRA as `governor` reckons it, in memory that a flood of keys cannot fill.

use std::{convert::Infallible, hash::Hash, sync::Arc};

use governor::{
    RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{InMemoryState, NotKeyed, StateStore},
};
use quick_cache::sync::Cache;

use super::limit::{Exceeded, RateLimit};

/// Buckets that are kept, of some hundred bytes each. Beyond that the least used are forgotten, that is,
/// full again: under a flood of more addresses than these a few more guesses get through, and memory stays.
const MAX_BUCKETS: usize = 100_000;

/// A limit for each key apart.
pub(super) struct Throttle<K, C>
where
    K: Key,
    C: Clock,
{
    policy: &'static str,
    limit: RateLimit,
    limiter: RateLimiter<Visit<K>, Buckets<K>, C, NoOpMiddleware<C::Instant>>,
    buckets: Buckets<K>,
}

/// What buckets go by.
pub(super) trait Key: Copy + Eq + Hash + Send + Sync + 'static {}

impl<K: Copy + Eq + Hash + Send + Sync + 'static> Key for K {}

impl<K: Key, C: Clock> Throttle<K, C> {
    pub(super) fn new(policy: &'static str, limit: RateLimit, clock: C) -> Self {
        let buckets = Buckets(Arc::new(Cache::new(MAX_BUCKETS)));
        Self {
            policy,
            limit,
            limiter: RateLimiter::new(limit.quota(), buckets.clone(), clock),
            buckets,
        }
    }

    /// Takes one request from the key's bucket.
    ///
    /// # Errors
    /// [`Exceeded`], with the time after which there is one again.
    pub(super) fn take(&self, key: K) -> Result<(), Exceeded> {
        self.visit(Visit { key, takes: true })
    }

    /// Whether [`Throttle::take`] would succeed; takes nothing.
    ///
    /// # Errors
    /// As [`Throttle::take`].
    pub(super) fn peek(&self, key: K) -> Result<(), Exceeded> {
        self.visit(Visit { key, takes: false })
    }

    /// Whether something was ever taken from the key's bucket, and it was not forgotten since.
    pub(super) fn knows(&self, key: &K) -> bool {
        self.buckets.0.get(key).is_some()
    }

    /// Lets go of the key's bucket.
    pub(super) fn forget(&self, key: &K) {
        self.buckets.0.remove(key);
    }

    fn visit(&self, visit: Visit<K>) -> Result<(), Exceeded> {
        self.limiter
            .check_key(&visit)
            .map_err(|not_until| Exceeded {
                policy: self.policy,
                limit: self.limit,
                wait: not_until.wait_time_from(self.limiter.clock().now()),
            })
    }
}

/// A look at a bucket, to take from it or not.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Visit<K> {
    key: K,
    takes: bool,
}

/// Where `governor` keeps what it knows of each key.
#[derive(Clone)]
struct Buckets<K>(Arc<Cache<K, Arc<InMemoryState>>>);

impl<K: Key> StateStore for Buckets<K> {
    type Key = Visit<K>;

    fn measure_and_replace<T, F, E>(&self, visit: &Visit<K>, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        if visit.takes {
            let new = || Ok::<_, Infallible>(Arc::default());
            let Ok(bucket) = self.0.get_or_insert_with(&visit.key, new);
            return bucket.measure_and_replace(&NotKeyed::NonKey, decide);
        }
        let bucket = self.0.get(&visit.key);
        let state = bucket.and_then(|bucket| {
            // Whatever fails changes nothing.
            let read = |state| Err::<((), Nanos), _>(state);
            bucket.measure_and_replace(&NotKeyed::NonKey, read).err()?
        });
        decide(state).map(|(outcome, _)| outcome)
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, num::NonZeroU32, time::Duration};

    use governor::clock::FakeRelativeClock;

    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn throttle<K: Key>(
        rate: &str,
        burst: u32,
    ) -> (Throttle<K, FakeRelativeClock>, FakeRelativeClock) {
        let burst = NonZeroU32::new(burst).expect("more than none");
        let limit = RateLimit::new(rate.parse().expect("a rate"), burst).expect("a limit");
        let clock = FakeRelativeClock::default();
        (Throttle::new("test", limit, clock.clone()), clock)
    }

    fn wait(refused: Result<(), Exceeded>) -> Duration {
        refused.expect_err("refused").wait
    }

    #[test]
    fn a_burst_passes_and_the_next_call_is_refused() {
        let (throttle, _) = throttle("50", 100);
        for call in 0..100 {
            assert_eq!(throttle.take(1), Ok(()), "{call}");
        }
        assert_eq!(wait(throttle.take(1)), Duration::from_millis(20));
    }

    #[test]
    fn the_wait_that_is_told_is_the_wait_that_is_needed() {
        for (rate, interval) in [("50", 20), ("1", 1_000), ("0.1", 10_000)] {
            let (throttle, clock) = throttle(rate, 3);
            for _ in 0..3 {
                throttle.take(1).expect("within the burst");
            }
            clock.advance(7 * MILLISECOND);
            let wait = wait(throttle.take(1));
            assert_eq!(wait, Duration::from_millis(interval) - 7 * MILLISECOND);
            clock.advance(wait - MILLISECOND);
            throttle.take(1).expect_err("a moment too early");
            clock.advance(MILLISECOND);
            assert_eq!(throttle.take(1), Ok(()), "{rate}");
            throttle.take(1).expect_err("one was earned, not two");
        }
    }

    #[test]
    fn whoever_was_refused_does_not_wait_longer_for_having_asked() {
        let (throttle, clock) = throttle("1", 1);
        throttle.take(1).expect("the burst");
        for _ in 0..1_000 {
            throttle.take(1).expect_err("refused");
        }
        clock.advance(Duration::from_secs(1));
        assert_eq!(throttle.take(1), Ok(()));
    }

    #[test]
    fn a_bucket_fills_up_to_its_burst_and_no_further() {
        let (throttle, clock) = throttle("10", 3);
        clock.advance(Duration::from_secs(3_600));
        for _ in 0..3 {
            throttle.take(1).expect("within the burst");
        }
        throttle.take(1).expect_err("refused");
        clock.advance(Duration::from_secs(3_600));
        for _ in 0..3 {
            throttle.take(1).expect("within the burst");
        }
        throttle.take(1).expect_err("refused");
    }

    #[test]
    fn keys_do_not_share_a_bucket() {
        let (throttle, _) = throttle("1", 1);
        assert_eq!(throttle.take(1), Ok(()));
        throttle.take(1).expect_err("refused");
        assert_eq!(throttle.take(2), Ok(()));
    }

    #[test]
    fn a_look_takes_nothing_and_sees_what_taking_would() {
        let (throttle, clock) = throttle("1", 1);
        for _ in 0..10 {
            assert_eq!(throttle.peek(1), Ok(()));
        }
        throttle.take(1).expect("still there");
        assert_eq!(throttle.peek(1), throttle.take(1));
        clock.advance(Duration::from_secs(1));
        assert_eq!(throttle.peek(1), Ok(()));
        assert_eq!(throttle.take(1), Ok(()));
    }

    #[test]
    fn the_slowest_rate_with_the_largest_burst_can_be_reckoned_with() {
        let (throttle, clock) = throttle("0.001", RateLimit::MAX_BURST);
        clock.advance(Duration::from_secs(1_000_000));
        for _ in 0..10_000 {
            throttle.take(1).expect("within the burst");
        }
    }

    #[test]
    fn a_flood_of_addresses_does_not_fill_the_memory_and_spares_the_busiest() {
        let (throttle, _) = throttle("5", 50);
        let busy = Ipv4Addr::LOCALHOST;
        for _ in 0..50 {
            throttle.take(busy).expect("within the burst");
        }
        let stranger = |number: u32| Ipv4Addr::from_bits(0x0a00_0000 + number);
        for number in 0..400_000 {
            throttle.take(stranger(number)).expect("its first");
            if number % 1_000 == 0 {
                throttle.take(busy).expect_err("never forgotten");
            }
        }
        let kept = throttle.buckets.0.len();
        assert!(kept <= MAX_BUCKETS, "{kept}");
        assert!(kept >= MAX_BUCKETS / 2, "{kept}");
    }
}
