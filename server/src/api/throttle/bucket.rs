//! One token bucket for each key. `governor` computes it (GCRA). The number of buckets is limited, so that a flood of
//! keys cannot exhaust the memory.

use std::{convert::Infallible, hash::Hash, sync::Arc};

use governor::{
    RateLimiter,
    clock::Clock,
    middleware::{StateInformationMiddleware, StateSnapshot},
    nanos::Nanos,
    state::{InMemoryState, NotKeyed, StateStore},
};
use quick_cache::sync::Cache;

use super::limit::{Exceeded, RateLimit};

/// The maximum number of buckets, of some hundred bytes each. Beyond it, the least used buckets are dropped, and count
/// as full again. So an attacker with more addresses than this gets some more guesses.
const MAX_BUCKETS: usize = 100_000;

/// A separate limit for each key.
pub(crate) struct Throttle<K, C>
where
    K: Key,
    C: Clock,
{
    policy: &'static str,
    limit: RateLimit,
    limiter: RateLimiter<Visit<K>, Buckets<K>, C, StateInformationMiddleware>,
    buckets: Buckets<K>,
}

/// The owner of a bucket, such as a token or a network.
pub(crate) trait Key: Copy + Eq + Hash + Send + Sync + 'static {}

impl<K: Copy + Eq + Hash + Send + Sync + 'static> Key for K {}

impl<K: Key, C: Clock> Throttle<K, C> {
    pub(crate) fn new(policy: &'static str, limit: RateLimit, clock: C) -> Self {
        let buckets = Buckets(Arc::new(Cache::new(MAX_BUCKETS)));
        Self {
            policy,
            limit,
            limiter: RateLimiter::new(limit.quota(), buckets.clone(), clock),
            buckets,
        }
    }

    /// Takes one request from the key's bucket. Returns how many are left in it.
    ///
    /// # Errors
    /// [`Exceeded`], with the time to wait.
    pub(crate) fn take(&self, key: K) -> Result<u32, Exceeded> {
        let state = self.visit(Visit { key, takes: true })?;
        Ok(state.remaining_burst_capacity())
    }

    /// Checks whether [`Throttle::take`] would succeed, without taking.
    ///
    /// # Errors
    /// As [`Throttle::take`].
    pub(super) fn peek(&self, key: K) -> Result<(), Exceeded> {
        self.visit(Visit { key, takes: false }).map(drop)
    }

    /// Whether the key has a bucket: a request was taken from it, and it was not dropped since.
    pub(super) fn knows(&self, key: &K) -> bool {
        self.buckets.0.get(key).is_some()
    }

    /// Drops the key's bucket.
    pub(super) fn forget(&self, key: &K) {
        self.buckets.0.remove(key);
    }

    fn visit(&self, visit: Visit<K>) -> Result<StateSnapshot, Exceeded> {
        self.limiter
            .check_key(&visit)
            .map_err(|not_until| Exceeded {
                policy: self.policy,
                limit: self.limit,
                wait: not_until.wait_time_from(self.limiter.clock().now()),
            })
    }
}

/// An access to a bucket.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Visit<K> {
    key: K,
    takes: bool,
}

/// The state that `governor` keeps for each key.
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
            // A closure that fails changes nothing.
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

    fn wait(refused: Result<u32, Exceeded>) -> Duration {
        refused.expect_err("refused").wait
    }

    #[test]
    fn a_burst_is_accepted_and_the_next_call_refused() {
        let (throttle, _) = throttle("50", 100);
        for call in 0..100 {
            assert_eq!(throttle.take(1), Ok(99 - call), "{call}");
        }
        assert_eq!(wait(throttle.take(1)), Duration::from_millis(20));
    }

    #[test]
    fn the_reported_wait_is_exactly_long_enough() {
        for (rate, interval) in [("50", 20), ("1", 1_000), ("0.1", 10_000)] {
            let (throttle, clock) = throttle(rate, 3);
            for _ in 0..3 {
                throttle.take(1).expect("within the burst");
            }
            clock.advance(7 * MILLISECOND);
            let wait = wait(throttle.take(1));
            assert_eq!(wait, Duration::from_millis(interval) - 7 * MILLISECOND);
            clock.advance(wait - MILLISECOND);
            throttle.take(1).expect_err("a millisecond too early");
            clock.advance(MILLISECOND);
            assert_eq!(throttle.take(1), Ok(0), "{rate}");
            throttle.take(1).expect_err("one is allowed, not two");
        }
    }

    #[test]
    fn a_refused_call_does_not_prolong_the_wait() {
        let (throttle, clock) = throttle("1", 1);
        throttle.take(1).expect("the burst");
        for _ in 0..1_000 {
            throttle.take(1).expect_err("refused");
        }
        clock.advance(Duration::from_secs(1));
        assert_eq!(throttle.take(1), Ok(0));
    }

    #[test]
    fn an_idle_bucket_fills_up_to_its_burst() {
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
        assert_eq!(throttle.take(1), Ok(0));
        throttle.take(1).expect_err("refused");
        assert_eq!(throttle.take(2), Ok(0));
    }

    #[test]
    fn peek_takes_nothing_and_agrees_with_take() {
        let (throttle, clock) = throttle("1", 1);
        for _ in 0..10 {
            assert_eq!(throttle.peek(1), Ok(()));
        }
        throttle.take(1).expect("still there");
        assert_eq!(throttle.peek(1).map(|()| 0), throttle.take(1));
        clock.advance(Duration::from_secs(1));
        assert_eq!(throttle.peek(1), Ok(()));
        assert_eq!(throttle.take(1), Ok(0));
    }

    #[test]
    fn the_lowest_rate_with_the_largest_burst_works() {
        let (throttle, clock) = throttle("0.001", RateLimit::MAX_BURST);
        clock.advance(Duration::from_secs(1_000_000));
        for _ in 0..10_000 {
            throttle.take(1).expect("within the burst");
        }
    }

    #[test]
    fn a_flood_of_addresses_does_not_fill_memory_and_keeps_the_busiest() {
        let (throttle, _) = throttle("5", 50);
        let busy = Ipv4Addr::LOCALHOST;
        for _ in 0..50 {
            throttle.take(busy).expect("within the burst");
        }
        let stranger = |number: u32| Ipv4Addr::from_bits(0x0a00_0000 + number);
        for number in 0..400_000 {
            throttle.take(stranger(number)).expect("its first");
            if number % 1_000 == 0 {
                throttle.take(busy).expect_err("never dropped");
            }
        }
        let buckets = throttle.buckets.0.len();
        assert!(buckets <= MAX_BUCKETS, "{buckets}");
        assert!(buckets >= MAX_BUCKETS / 2, "{buckets}");
    }
}
