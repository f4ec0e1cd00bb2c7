//! A cache of database reads. Concurrent calls for the same key share one read.

use std::{fmt, hash::Hash, sync::Arc};

use tokio::{sync::watch, time::timeout};

use super::table::{Lookup, LookupCounts, Reading, Size, Table};
use crate::{database::DATABASE_TIMEOUT, error::DatabaseError};

/// The outcome of a read, for all calls that wait for it. An error is passed on and not cached.
type Outcome<V> = Result<Option<V>, Arc<DatabaseError>>;

/// Receives the outcome of another call's read: `None` until the read ends. If the sender is dropped before that, the
/// other call was cancelled.
type Waiting<V> = watch::Receiver<Option<Outcome<V>>>;

/// Results by key. Each is cached until it is invalidated, or until there is no more room for it.
///
/// No cache library keeps this promise: an invalidation must also catch reads that are under way, and a call may join a
/// read only while nothing has invalidated it.
pub(super) struct ReadCache<K, V> {
    table: Table<K, V, Waiting<V>>,
}

impl<K, V> ReadCache<K, V>
where
    K: Copy + Eq + Hash,
    V: Clone,
{
    pub(super) fn new(size: Size) -> Self {
        Self {
            table: Table::new(size),
        }
    }

    /// See [`Table::invalidate`].
    pub(super) fn invalidate(&self, key: K) {
        self.table.invalidate(key);
    }

    /// See [`Table::invalidate_where`].
    pub(super) fn invalidate_where(&self, is_affected: impl Fn(&V) -> bool) {
        self.table.invalidate_where(is_affected);
    }

    /// Invalidates everything.
    pub(super) fn clear(&self) {
        self.table.clear();
    }

    /// The counts of lookups since the start.
    pub(super) fn lookups(&self) -> LookupCounts {
        self.table.lookups()
    }

    /// The cached result for `key`, or the result of `read`, or of another call's read that nothing has invalidated.
    ///
    /// # Errors
    /// Those of `read`, also if another call ran it; [`DatabaseError::Unavailable`] if it takes too long.
    pub(super) async fn get<F>(
        &self,
        key: K,
        mut read: impl FnMut() -> F,
    ) -> Result<Option<V>, DatabaseError>
    where
        F: Future<Output = Result<Option<V>, DatabaseError>>,
    {
        loop {
            let start = || {
                let (sender, waiting) = watch::channel(None);
                (waiting, sender)
            };
            match self.table.look_up(key, start) {
                Lookup::Cached(found) => return Ok(found),
                Lookup::Read(reading, sender) => {
                    let running = RunningRead {
                        cache: self,
                        key,
                        reading,
                        sender,
                    };
                    // Boxed: otherwise every call would reserve stack for it, and few come here.
                    return Box::pin(running.read(read())).await;
                }
                Lookup::Join(waiting) => {
                    if let Some(outcome) = outcome_of(waiting).await? {
                        return outcome.map_err(|error| DatabaseError::shared(&error));
                    }
                }
            }
        }
    }
}

impl<K, V> fmt::Debug for ReadCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadCache")
    }
}

/// The result of `read`. After [`DATABASE_TIMEOUT`] the database counts as unreachable.
pub(super) async fn within_timeout<T>(
    read: impl Future<Output = Result<T, DatabaseError>>,
) -> Result<T, DatabaseError> {
    let outcome = timeout(DATABASE_TIMEOUT, read).await;
    outcome.unwrap_or_else(|late| Err(DatabaseError::Unavailable(late.into())))
}

/// The outcome of another call's read; none if that call went away.
async fn outcome_of<V: Clone>(
    mut waiting: Waiting<V>,
) -> Result<Option<Outcome<V>>, DatabaseError> {
    match timeout(DATABASE_TIMEOUT, waiting.wait_for(Option::is_some)).await {
        Ok(Ok(outcome)) => Ok(outcome.clone()),
        Ok(Err(_)) => Ok(None),
        Err(late) => Err(DatabaseError::Unavailable(late.into())),
    }
}

/// A read that other calls may wait for. Dropping it ends the read in the table, also when its call is cancelled.
struct RunningRead<'a, K: Copy + Eq + Hash, V: Clone> {
    cache: &'a ReadCache<K, V>,
    key: K,
    reading: Reading,
    sender: watch::Sender<Option<Outcome<V>>>,
}

impl<K: Copy + Eq + Hash, V: Clone> RunningRead<'_, K, V> {
    async fn read(
        self,
        read: impl Future<Output = Result<Option<V>, DatabaseError>>,
    ) -> Result<Option<V>, DatabaseError> {
        let outcome = within_timeout(read).await.map_err(Arc::new);
        let table = &self.cache.table;
        match &outcome {
            Ok(found) => table.finish(self.key, self.reading, found.as_ref()),
            Err(_) => table.abandon(self.key, self.reading),
        }
        self.sender.send_replace(Some(outcome.clone()));
        outcome.map_err(|error| DatabaseError::shared(&error))
    }
}

/// Runs also when the call was cancelled. The field `sender` is dropped after this: a call that it wakes finds the read
/// ended.
impl<K: Copy + Eq + Hash, V: Clone> Drop for RunningRead<'_, K, V> {
    fn drop(&mut self) {
        self.cache.table.abandon(self.key, self.reading);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use tokio::{sync::Notify, task::JoinSet, time::pause};

    use super::*;

    const KEY: u64 = 7;

    type Invalidation = fn(&ReadCache<u64, u64>);

    /// A cache over a database of one number. The test decides when the database answers.
    struct Fixture {
        cache: ReadCache<u64, u64>,
        number: AtomicU64,
        reads: AtomicUsize,
        /// One permit for each answer.
        answer: Option<Notify>,
    }

    impl Fixture {
        fn new(answer: Option<Notify>) -> Arc<Self> {
            let size = Size {
                shards: 2,
                found: 50,
                missing: 10,
            };
            Arc::new(Self {
                cache: ReadCache::new(size),
                number: AtomicU64::new(0),
                reads: AtomicUsize::new(0),
                answer,
            })
        }

        /// Reads the number immediately; the answer comes later, as over a network.
        async fn ask(&self, key: u64) -> Result<Option<u64>, DatabaseError> {
            let read = async || {
                self.reads.fetch_add(1, Ordering::SeqCst);
                let number = self.number.load(Ordering::SeqCst);
                if let Some(answer) = &self.answer {
                    answer.notified().await;
                }
                Ok((key <= KEY).then_some(number))
            };
            self.cache.get(key, read).await
        }

        fn asking(self: &Arc<Self>) -> impl Future<Output = u64> + Send + 'static {
            let fixture = self.clone();
            async move {
                fixture
                    .ask(KEY)
                    .await
                    .expect("an answer")
                    .expect("a number")
            }
        }

        fn reads(&self) -> usize {
            self.reads.load(Ordering::SeqCst)
        }

        /// Waits until this many reads have begun.
        async fn reading(&self, reads: usize) {
            while self.reads() < reads {
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn a_result_is_cached_until_its_key_is_invalidated() {
        let fixture = Fixture::new(None);
        let steps: [(Invalidation, usize); 6] = [
            (|_| {}, 1),
            (|_| {}, 1),
            (|cache| cache.invalidate(KEY + 1), 1),
            (|cache| cache.invalidate(KEY), 2),
            (|cache| cache.invalidate_where(|number| *number == 1), 2),
            (|cache| cache.invalidate_where(|number| *number == 0), 3),
        ];
        for (step, (work, reads)) in steps.into_iter().enumerate() {
            work(&fixture.cache);
            assert_eq!(fixture.asking().await, 0);
            assert_eq!(fixture.reads(), reads, "step {step}");
        }
        fixture.cache.clear();
        assert_eq!(fixture.asking().await, 0);
        assert_eq!(fixture.reads(), 4);
    }

    #[tokio::test]
    async fn a_missing_key_is_cached_until_it_is_invalidated() {
        let fixture = Fixture::new(None);
        for (invalidated, reads) in [(false, 1), (false, 1), (true, 2)] {
            if invalidated {
                fixture.cache.invalidate(KEY + 1);
            }
            assert_eq!(fixture.ask(KEY + 1).await.expect("an answer"), None);
            assert_eq!(fixture.reads(), reads);
        }
    }

    #[tokio::test]
    async fn concurrent_calls_share_one_read() {
        let fixture = Fixture::new(Some(Notify::new()));
        let mut calls = JoinSet::new();
        for _ in 0..50 {
            calls.spawn(fixture.asking());
        }
        fixture.reading(1).await;
        fixture.answer.as_ref().expect("held").notify_one();
        assert_eq!(calls.join_all().await, [0; 50]);
        assert_eq!(fixture.reads(), 1);
    }

    #[tokio::test]
    async fn a_call_after_an_invalidation_gets_no_result_of_an_earlier_read() {
        let invalidations: [Invalidation; 3] = [
            |cache| cache.invalidate(KEY),
            // What the running read will find is unknown.
            |cache| cache.invalidate_where(|_| false),
            ReadCache::clear,
        ];
        for invalidate in invalidations {
            let fixture = Fixture::new(Some(Notify::new()));
            let answer = fixture.answer.as_ref().expect("held");
            let before = crate::task::spawn(fixture.asking());
            fixture.reading(1).await;
            fixture.number.store(1, Ordering::SeqCst);
            invalidate(&fixture.cache);
            let after = crate::task::spawn(fixture.asking());
            fixture.reading(2).await;
            answer.notify_one();
            assert_eq!(before.await.expect("answered"), 0);
            // The earlier read has ended and its result is not cached: this call waits for the later read.
            let later = crate::task::spawn(fixture.asking());
            tokio::task::yield_now().await;
            answer.notify_one();
            assert_eq!(after.await.expect("answered"), 1);
            assert_eq!(later.await.expect("answered"), 1);
            assert_eq!(fixture.asking().await, 1);
            assert_eq!(fixture.reads(), 2);
        }
    }

    #[tokio::test]
    async fn when_a_reading_call_is_cancelled_another_call_reads_for_all() {
        let fixture = Fixture::new(Some(Notify::new()));
        let reader = crate::task::spawn(fixture.asking());
        fixture.reading(1).await;
        let mut others = JoinSet::new();
        for _ in 0..10 {
            others.spawn(fixture.asking());
        }
        tokio::task::yield_now().await;
        reader.abort();
        fixture.reading(2).await;
        fixture.answer.as_ref().expect("held").notify_one();
        assert_eq!(others.join_all().await, [0; 10]);
        assert_eq!(fixture.reads(), 2);
    }

    #[tokio::test]
    async fn all_waiting_calls_get_an_error_and_it_is_not_cached() {
        let fixture = Fixture::new(None);
        let fail = async || {
            // The other call is polled meanwhile.
            tokio::task::yield_now().await;
            Err(sqlx::Error::PoolTimedOut.into())
        };
        let (one, other) = tokio::join!(
            fixture.cache.get(KEY, fail),
            fixture
                .cache
                .get(KEY, || async { panic!("the first reads") })
        );
        let one = one.expect_err("no answer");
        let other = other.expect_err("no answer");
        assert!(one.is_unavailable() && other.is_unavailable());
        let cause =
            |error: &DatabaseError| std::error::Error::source(error).map(ToString::to_string);
        let expected = sqlx::Error::PoolTimedOut.to_string();
        assert_eq!(cause(&one), Some(expected.clone()));
        assert_eq!(cause(&other), Some(expected));
        assert_eq!(fixture.asking().await, 0);
    }

    #[tokio::test]
    async fn a_silent_database_is_unavailable_after_the_timeout() {
        let fixture = Fixture::new(Some(Notify::new()));
        pause();
        let (one, other) = tokio::join!(fixture.ask(KEY), fixture.ask(KEY));
        assert!(one.expect_err("no answer").is_unavailable());
        assert!(other.expect_err("no answer").is_unavailable());
        assert_eq!(fixture.reads(), 1);
    }

    #[tokio::test]
    async fn made_up_keys_take_bounded_memory_and_evict_no_others() {
        let fixture = Fixture::new(None);
        assert_eq!(fixture.asking().await, 0);
        for made_up in 100..110 {
            for _ in 0..2 {
                assert_eq!(fixture.ask(made_up).await.expect("an answer"), None);
            }
        }
        assert_eq!(fixture.reads(), 11);
        for made_up in 1_000..2_000 {
            assert_eq!(fixture.ask(made_up).await.expect("an answer"), None);
        }
        assert!(fixture.cache.table.len() <= 1 + 2 * 2 * 10);
        let reads = fixture.reads();
        assert_eq!(fixture.asking().await, 0);
        assert_eq!(fixture.reads(), reads);
    }

    #[tokio::test]
    async fn a_hundred_thousand_tokens_in_use_are_all_cached() {
        let cache = ReadCache::new(crate::key_cache::caches::TOKENS);
        for key in 0..100_000_u32 {
            let found = cache.get(key, async || Ok(Some(key))).await;
            assert_eq!(found.expect("an answer"), Some(key));
        }
        for key in 0..100_000_u32 {
            let cached = cache.get(key, async || panic!("{key} was evicted")).await;
            assert_eq!(cached.expect("an answer"), Some(key));
        }
    }

    #[tokio::test]
    async fn found_keys_take_bounded_memory_too() {
        let fixture = Fixture::new(None);
        for key in 0..1_000 {
            let found = fixture.cache.get(key, async || Ok(Some(key))).await;
            assert_eq!(found.expect("an answer"), Some(key));
        }
        assert!(fixture.cache.table.len() <= 2 * 2 * 50);
    }

    /// Others come and go; in two generations of 50 keys a shard, this one would soon be the oldest.
    #[tokio::test]
    async fn a_key_in_use_is_not_evicted_by_keys_that_are_used_once() {
        let fixture = Fixture::new(None);
        assert_eq!(fixture.asking().await, 0);
        for key in 100..1_000 {
            let found = fixture.cache.get(key, async || Ok(Some(key))).await;
            assert_eq!(found.expect("an answer"), Some(key));
            assert_eq!(fixture.asking().await, 0);
        }
        assert_eq!(fixture.reads(), 1);
    }
}
