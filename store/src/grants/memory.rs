//! Answers from memory, and one read of the database for all who ask for the same at once.

use std::{fmt, hash::Hash, sync::Arc, time::Duration};

use tokio::{sync::watch, time::timeout};

use super::{
    lease::Lease,
    table::{Answers, Asked, Reading, Size, Table},
};
use crate::{clock::MonotonicClock, database::DATABASE_TIMEOUT, error::DatabaseError};

/// What comes of a read, for all who wait for it. An error is handed on and not kept.
type Outcome<V> = Result<Option<V>, Arc<DatabaseError>>;

/// Where somebody waits for another's read: nothing yet, or its outcome. When its other end is gone without
/// one, so is the reader.
type Waiting<V> = watch::Receiver<Option<Outcome<V>>>;

/// Answers by key, each from memory for one lease and no longer.
pub(super) struct Memory<K, V> {
    table: Table<K, V, Waiting<V>>,
    clock: Arc<dyn MonotonicClock>,
}

impl<K, V> Memory<K, V>
where
    K: Copy + Eq + Hash,
    V: Clone,
{
    pub(super) fn new(lease: Lease, size: Size, clock: Arc<dyn MonotonicClock>) -> Self {
        Self {
            table: Table::new(nanos(lease.duration()), size),
            clock,
        }
    }

    /// From now on, nothing goes by a read that began before.
    pub(super) fn invalidate(&self) {
        self.table.invalidate();
    }

    /// How answers were come by since the start.
    pub(super) fn answers(&self) -> Answers {
        self.table.answers()
    }

    /// What is kept under `key`, or what `read` finds: nobody's read but one that began within a lease of
    /// this call.
    ///
    /// # Errors
    /// Those of `read`, also when it was another's; [`DatabaseError::Unavailable`] when it takes too long.
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
                let (tell, waiting) = watch::channel(None);
                (waiting, tell)
            };
            match self.table.ask(key, self.now(), start) {
                Asked::Held(answer) => return Ok(answer),
                Asked::Read(reading, tell) => {
                    let ticket = Ticket {
                        memory: self,
                        key,
                        reading,
                        tell,
                    };
                    // On the heap: every call would make room for it, and few come here.
                    return Box::pin(ticket.read(read())).await;
                }
                Asked::Join(waiting) => {
                    if let Some(outcome) = outcome_of(waiting).await? {
                        return outcome.map_err(|error| DatabaseError::shared(&error));
                    }
                }
            }
        }
    }

    fn now(&self) -> u64 {
        nanos(self.clock.elapsed())
    }
}

impl<K, V> fmt::Debug for Memory<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

/// 584 years fit.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What was read; a database that takes longer than [`DATABASE_TIMEOUT`] is out of reach.
pub(super) async fn patiently<T>(
    read: impl Future<Output = Result<T, DatabaseError>>,
) -> Result<T, DatabaseError> {
    let outcome = timeout(DATABASE_TIMEOUT, read).await;
    outcome.unwrap_or_else(|late| Err(DatabaseError::Unavailable(late.into())))
}

/// The outcome of another's read; none when its reader went away.
async fn outcome_of<V: Clone>(
    mut waiting: Waiting<V>,
) -> Result<Option<Outcome<V>>, DatabaseError> {
    match timeout(DATABASE_TIMEOUT, waiting.wait_for(Option::is_some)).await {
        Ok(Ok(outcome)) => Ok(outcome.clone()),
        Ok(Err(_)) => Ok(None),
        Err(late) => Err(DatabaseError::Unavailable(late.into())),
    }
}

/// The duty to end a read that others may wait for, whatever becomes of the reader.
struct Ticket<'a, K: Copy + Eq + Hash, V: Clone> {
    memory: &'a Memory<K, V>,
    key: K,
    reading: Reading,
    tell: watch::Sender<Option<Outcome<V>>>,
}

impl<K: Copy + Eq + Hash, V: Clone> Ticket<'_, K, V> {
    async fn read(
        self,
        read: impl Future<Output = Result<Option<V>, DatabaseError>>,
    ) -> Result<Option<V>, DatabaseError> {
        let outcome = patiently(read).await.map_err(Arc::new);
        let Memory { table, .. } = self.memory;
        match &outcome {
            Ok(found) => table.finish(self.key, self.reading, self.memory.now(), found.as_ref()),
            Err(_) => table.abandon(self.key, self.reading),
        }
        self.tell.send_replace(Some(outcome.clone()));
        outcome.map_err(|error| DatabaseError::shared(&error))
    }
}

/// The reader may have gone away. The field `tell` goes after this: nobody whom that wakes finds the read
/// still under way.
impl<K: Copy + Eq + Hash, V: Clone> Drop for Ticket<'_, K, V> {
    fn drop(&mut self) {
        self.memory.table.abandon(self.key, self.reading);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use tokio::{
        sync::Notify,
        task::JoinSet,
        time::{pause, sleep},
    };

    use super::*;
    use crate::clock::ManualMonotonicClock;

    const KEY: u64 = 7;

    /// A memory of a lease of 250 ms over a database of one number, which answers when it is let to.
    struct Zone {
        memory: Memory<u64, u64>,
        clock: Arc<ManualMonotonicClock>,
        number: AtomicU64,
        reads: AtomicUsize,
        /// One permit for each answer.
        answer: Option<Notify>,
    }

    impl Zone {
        fn new(answer: Option<Notify>) -> Arc<Self> {
            let clock = Arc::new(ManualMonotonicClock::default());
            let size = Size {
                shards: 2,
                found: 50,
                missing: 10,
            };
            Arc::new(Self {
                memory: Memory::new(Lease::default(), size, clock.clone()),
                clock,
                number: AtomicU64::new(0),
                reads: AtomicUsize::new(0),
                answer,
            })
        }

        /// The number is read at once; the answer, as over a network, comes later.
        async fn ask(&self, key: u64) -> Result<Option<u64>, DatabaseError> {
            let read = async || {
                self.reads.fetch_add(1, Ordering::SeqCst);
                let number = self.number.load(Ordering::SeqCst);
                if let Some(answer) = &self.answer {
                    answer.notified().await;
                }
                Ok((key <= KEY).then_some(number))
            };
            self.memory.get(key, read).await
        }

        fn asking(self: &Arc<Self>) -> impl Future<Output = u64> + Send + 'static {
            let zone = self.clone();
            async move { zone.ask(KEY).await.expect("an answer").expect("a number") }
        }

        fn reads(&self) -> usize {
            self.reads.load(Ordering::SeqCst)
        }

        /// Until so many reads have begun.
        async fn reading(&self, reads: usize) {
            while self.reads() < reads {
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn an_answer_is_kept_for_one_lease_and_no_longer() {
        let zone = Zone::new(None);
        for (step, reads) in [(0, 1), (0, 1), (249, 1), (1, 2), (249, 2), (1_000, 3)] {
            zone.clock.advance(step);
            assert_eq!(zone.ask(KEY).await.expect("an answer"), Some(0));
            assert_eq!(zone.reads(), reads);
        }
    }

    #[tokio::test]
    async fn a_lease_begins_before_the_read() {
        let zone = Zone::new(Some(Notify::new()));
        let asked = crate::task::spawn(zone.asking());
        zone.reading(1).await;
        zone.clock.advance(200);
        zone.number.store(1, Ordering::SeqCst);
        zone.answer.as_ref().expect("held").notify_one();
        assert_eq!(asked.await.expect("answered"), 0);
        zone.clock.advance(49);
        assert_eq!(zone.asking().await, 0);
        zone.clock.advance(1);
        zone.answer.as_ref().expect("held").notify_one();
        assert_eq!(zone.asking().await, 1);
    }

    #[tokio::test]
    async fn all_who_ask_while_one_reads_wait_for_that_read() {
        let zone = Zone::new(Some(Notify::new()));
        let mut asked = JoinSet::new();
        for _ in 0..50 {
            asked.spawn(zone.asking());
        }
        zone.reading(1).await;
        zone.answer.as_ref().expect("held").notify_one();
        assert_eq!(asked.join_all().await, [0; 50]);
        assert_eq!(zone.reads(), 1);
    }

    #[tokio::test]
    async fn who_asks_after_an_invalidation_gets_nothing_of_a_read_that_began_before() {
        let zone = Zone::new(Some(Notify::new()));
        let answer = zone.answer.as_ref().expect("held");
        let before = crate::task::spawn(zone.asking());
        zone.reading(1).await;
        zone.number.store(1, Ordering::SeqCst);
        zone.memory.invalidate();
        let after = crate::task::spawn(zone.asking());
        zone.reading(2).await;
        answer.notify_one();
        assert_eq!(before.await.expect("answered"), 0);
        // The overtaken read has ended and nothing of it is kept: this one waits for the later read.
        let later = crate::task::spawn(zone.asking());
        tokio::task::yield_now().await;
        answer.notify_one();
        assert_eq!(after.await.expect("answered"), 1);
        assert_eq!(later.await.expect("answered"), 1);
        assert_eq!(zone.asking().await, 1);
        assert_eq!(zone.reads(), 2);
    }

    /// As when the database has hung for a while: what began long ago says nothing of now.
    #[tokio::test]
    async fn a_read_is_joined_within_its_lease_only() {
        let zone = Zone::new(Some(Notify::new()));
        let early = crate::task::spawn(zone.asking());
        zone.reading(1).await;
        zone.clock.advance(250);
        zone.number.store(1, Ordering::SeqCst);
        let late = crate::task::spawn(zone.asking());
        zone.reading(2).await;
        let answer = zone.answer.as_ref().expect("held");
        answer.notify_one();
        assert_eq!(early.await.expect("answered"), 0);
        answer.notify_one();
        assert_eq!(late.await.expect("answered"), 1);
        assert_eq!(zone.asking().await, 1);
    }

    #[tokio::test]
    async fn when_the_reader_goes_away_another_reads_for_all() {
        let zone = Zone::new(Some(Notify::new()));
        let reader = crate::task::spawn(zone.asking());
        zone.reading(1).await;
        let mut others = JoinSet::new();
        for _ in 0..10 {
            others.spawn(zone.asking());
        }
        tokio::task::yield_now().await;
        reader.abort();
        zone.reading(2).await;
        zone.answer.as_ref().expect("held").notify_one();
        assert_eq!(others.join_all().await, [0; 10]);
        assert_eq!(zone.reads(), 2);
    }

    #[tokio::test]
    async fn an_error_is_everybodys_who_waited_and_is_not_kept() {
        let zone = Zone::new(None);
        let fail = async || {
            sleep(Duration::from_millis(5)).await;
            Err(sqlx::Error::PoolTimedOut.into())
        };
        let (one, other) = tokio::join!(
            zone.memory.get(KEY, fail),
            zone.memory.get(KEY, || async { panic!("the first reads") })
        );
        let one = one.expect_err("no answer");
        let other = other.expect_err("no answer");
        assert!(one.is_unavailable() && other.is_unavailable());
        let cause =
            |error: &DatabaseError| std::error::Error::source(error).map(ToString::to_string);
        let told = sqlx::Error::PoolTimedOut.to_string();
        assert_eq!(cause(&one), Some(told.clone()));
        assert_eq!(cause(&other), Some(told));
        assert_eq!(zone.asking().await, 0);
    }

    #[tokio::test]
    async fn a_database_that_does_not_answer_is_waited_for_so_long_and_no_longer() {
        let zone = Zone::new(Some(Notify::new()));
        pause();
        let (one, other) = tokio::join!(zone.ask(KEY), zone.ask(KEY));
        assert!(one.expect_err("no answer").is_unavailable());
        assert!(other.expect_err("no answer").is_unavailable());
        assert_eq!(zone.reads(), 1);
    }

    #[tokio::test]
    async fn made_up_keys_are_remembered_in_bounded_memory_and_drive_out_no_others() {
        let zone = Zone::new(None);
        assert_eq!(zone.asking().await, 0);
        for made_up in 100..110 {
            for _ in 0..2 {
                assert_eq!(zone.ask(made_up).await.expect("an answer"), None);
            }
        }
        assert_eq!(zone.reads(), 11);
        for made_up in 1_000..2_000 {
            assert_eq!(zone.ask(made_up).await.expect("an answer"), None);
        }
        assert!(zone.memory.table.kept() <= 1 + 2 * 2 * 10);
        let reads = zone.reads();
        assert_eq!(zone.asking().await, 0);
        assert_eq!(zone.reads(), reads);
    }

    #[tokio::test]
    async fn a_hundred_thousand_tokens_in_use_are_all_remembered() {
        let clock = Arc::new(ManualMonotonicClock::default());
        let memory = Memory::new(Lease::default(), crate::grants::TOKENS, clock);
        for key in 0..100_000_u32 {
            let found = memory.get(key, async || Ok(Some(key))).await;
            assert_eq!(found.expect("an answer"), Some(key));
        }
        for key in 0..100_000_u32 {
            let kept = memory
                .get(key, async || panic!("{key} was forgotten"))
                .await;
            assert_eq!(kept.expect("an answer"), Some(key));
        }
    }

    #[tokio::test]
    async fn what_is_found_is_kept_in_bounded_memory_too() {
        let zone = Zone::new(None);
        for key in 0..1_000 {
            let found = zone.memory.get(key, async || Ok(Some(key))).await;
            assert_eq!(found.expect("an answer"), Some(key));
        }
        assert!(zone.memory.table.kept() <= 2 * 2 * 50);
    }
}
