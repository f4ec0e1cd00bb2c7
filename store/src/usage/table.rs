//! Counting in memory: one small table for each thread that counts. So threads do not wait for each other, and a
//! processor's cache keeps its table.

use std::{
    cell::Cell,
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use model::{
    permission::Refusal,
    timestamp::Timestamp,
    token::{FirstCall, TokenId},
    usage::HOUR_MILLIS,
};

use crate::clock::latest;

/// An hour in UTC, by its first millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hour(pub(crate) i64);

impl Hour {
    pub(crate) const fn of(at: Timestamp) -> Self {
        let millis = at.epoch_millis();
        Self(millis - millis.rem_euclid(HOUR_MILLIS))
    }
}

/// The maximum number of entries in all tables, each of a token and an hour. A token without a call since the last
/// flush is dropped from its table.
const MAX_ENTRIES: usize = 1 << 18;

/// The number of tables. More threads than this share tables, which costs them a little time.
const TABLES: usize = 16;

/// Accepted calls, and one outcome for each refusal.
const OUTCOMES: usize = 1 + Refusal::ALL.len();

/// Calls of a token in an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Calls {
    counts: [u32; OUTCOMES],
    pub(super) last_accepted: Option<Timestamp>,
    /// The first accepted call after the token came into the table, until it is taken. It is the token's first call only
    /// if the database has none.
    pub(super) first: Option<(Timestamp, FirstCall)>,
}

impl Calls {
    fn count(
        &mut self,
        at: Timestamp,
        refused: Option<Refusal>,
        response: impl FnOnce() -> Option<FirstCall>,
    ) {
        let outcome = refused.map_or(0, |refusal| 1 + refusal as usize);
        self.counts[outcome] = self.counts[outcome].saturating_add(1);
        // What is from the future was counted while the clock was ahead.
        let is_over = |last| last < at || last > latest(at);
        if refused.is_none() && self.last_accepted.is_none_or(is_over) {
            if self.last_accepted.is_none() {
                self.first = response().map(|response| (at, response));
            }
            self.last_accepted = Some(at);
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count = count.saturating_add(more);
        }
        self.last_accepted = self.last_accepted.max(other.last_accepted);
        self.first = earlier(self.first, other.first);
    }

    /// How many calls were accepted, and refused for each reason; without zeros.
    pub(super) fn counts(&self) -> impl Iterator<Item = (Option<Refusal>, i64)> {
        let outcomes = [None].into_iter().chain(Refusal::ALL.map(Some));
        let counts = outcomes.zip(self.counts);
        counts
            .filter(|(_, calls)| *calls > 0)
            .map(|(refused, calls)| (refused, calls.into()))
    }

    fn is_empty(&self) -> bool {
        self.counts == [0; OUTCOMES]
    }

    /// Sets the counts to zero. The last use stays known.
    fn reset(&mut self) {
        self.counts = [0; OUTCOMES];
        self.first = None;
    }
}

/// The first call of both.
pub(super) fn earlier(
    one: Option<(Timestamp, FirstCall)>,
    other: Option<(Timestamp, FirstCall)>,
) -> Option<(Timestamp, FirstCall)> {
    one.into_iter().chain(other).min_by_key(|(at, _)| *at)
}

/// The present hour of a token.
#[derive(Debug)]
struct Current {
    hour: Hour,
    calls: Calls,
}

/// The room that is left for entries. Only an entry that is added or dropped changes it, so threads rarely wait for
/// each other.
#[derive(Debug)]
struct Room(AtomicUsize);

impl Room {
    const fn new() -> Self {
        Self(AtomicUsize::new(MAX_ENTRIES))
    }

    /// Takes the room of one entry. False if there is none.
    fn take(&self) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less);
        taken.is_ok()
    }

    fn give_back(&self, entries: usize) {
        self.0.fetch_add(entries, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Table {
    current: HashMap<TokenId, Current, BuildHasherDefault<IdHasher>>,
    /// Hours that ended since the last flush.
    ended: Vec<(TokenId, Hour, Calls)>,
}

impl Table {
    fn count(
        &mut self,
        room: &Room,
        token: TokenId,
        at: Timestamp,
        refused: Option<Refusal>,
        response: impl FnOnce() -> Option<FirstCall>,
    ) -> bool {
        let hour = Hour::of(at);
        let Some(current) = self.current.get_mut(&token) else {
            return self.insert(room, token, at, refused, response);
        };
        if current.hour != hour {
            if !current.calls.is_empty() {
                if !room.take() {
                    return false;
                }
                self.ended.push((token, current.hour, current.calls));
                current.calls.reset();
            }
            current.hour = hour;
        }
        current.calls.count(at, refused, response);
        true
    }

    fn insert(
        &mut self,
        room: &Room,
        token: TokenId,
        at: Timestamp,
        refused: Option<Refusal>,
        response: impl FnOnce() -> Option<FirstCall>,
    ) -> bool {
        let has_room = room.take();
        if has_room {
            let mut calls = Calls::default();
            calls.count(at, refused, response);
            let hour = Hour::of(at);
            self.current.insert(token, Current { hour, calls });
        }
        has_room
    }

    /// Takes the counts. A token stays in the table for one interval after its last use, so that tokens in use are
    /// not allocated again after each flush.
    fn take(&mut self, room: &Room) -> Vec<(TokenId, Hour, Calls)> {
        let entries = self.current.len() + self.ended.len();
        let mut taken = std::mem::take(&mut self.ended);
        self.current.retain(|token, current| {
            let used = !current.calls.is_empty();
            if used {
                taken.push((*token, current.hour, current.calls));
                current.calls.reset();
            }
            used
        });
        room.give_back(entries - self.current.len());
        taken
    }
}

/// A table that shares no cache line with another.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Aligned(Mutex<Table>);

impl Aligned {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(super) struct Tables {
    tables: [Aligned; TABLES],
    room: Room,
}

impl Tables {
    pub(super) fn new() -> Self {
        Self {
            tables: Default::default(),
            room: Room::new(),
        }
    }

    /// Counts a call; `false` if the tables are full.
    pub(super) fn count(
        &self,
        token: TokenId,
        at: Timestamp,
        refused: Option<Refusal>,
        response: impl FnOnce() -> Option<FirstCall>,
    ) -> bool {
        self.tables[own_table()]
            .lock()
            .count(&self.room, token, at, refused, response)
    }

    /// Takes the counts since the last call.
    pub(super) fn take(&self) -> Vec<(TokenId, Hour, Calls)> {
        self.tables
            .iter()
            .flat_map(|table| table.lock().take(&self.room))
            .collect()
    }

    /// The last accepted call, up to `latest`.
    pub(super) fn last_accepted(&self, token: TokenId, latest: Timestamp) -> Option<Timestamp> {
        let known = self.tables.iter().filter_map(|table| {
            let table = table.lock();
            table.current.get(&token)?.calls.last_accepted
        });
        known.filter(|at| *at <= latest).max()
    }

    /// The first accepted call since the last flush, if the token was not in a table before.
    pub(super) fn first(&self, token: TokenId) -> Option<(Timestamp, FirstCall)> {
        let first = |table: &Aligned| table.lock().current.get(&token)?.calls.first;
        self.tables
            .iter()
            .fold(None, |known, table| earlier(known, first(table)))
    }
}

/// The table of this thread. Threads take the tables in turn.
fn own_table() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<Option<usize>> = const { Cell::new(None) };
    }
    OWN.with(|own| {
        own.get().unwrap_or_else(|| {
            let table = NEXT.fetch_add(1, Ordering::Relaxed) % TABLES;
            own.set(Some(table));
            table
        })
    })
}

/// A fast hash of token numbers. The database chooses the numbers, so no caller can make them collide. The standard
/// library's hash would be half the cost of counting.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64((*byte).into());
        }
    }

    fn write_u64(&mut self, number: u64) {
        // 2^64 divided by the golden ratio. Both halves are mixed, as the map uses the highest and lowest bits.
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn write_i64(&mut self, number: i64) {
        self.write_u64(number.cast_unsigned());
    }
}

#[cfg(test)]
mod tests {
    use std::{hint::black_box, time::Instant};

    use super::*;

    const AT: Timestamp = Timestamp(1_768_802_400_000);

    const UNKNOWN: fn() -> Option<FirstCall> = || None;

    fn counted(tables: &Tables) -> u32 {
        let taken = tables.take();
        taken
            .iter()
            .map(|(_, _, calls)| calls.counts.iter().sum::<u32>())
            .sum()
    }

    #[test]
    fn counts_are_taken_once_and_an_unused_token_is_dropped() {
        let tables = Tables::new();
        assert!(tables.count(TokenId(1), AT, None, UNKNOWN));
        assert_eq!(counted(&tables), 1);
        assert_eq!(
            tables.last_accepted(TokenId(1), Timestamp(i64::MAX)),
            Some(AT),
            "for one more interval"
        );
        assert_eq!(counted(&tables), 0);
        assert_eq!(tables.last_accepted(TokenId(1), Timestamp(i64::MAX)), None);
    }

    #[test]
    fn calls_around_a_full_hour_count_for_their_own_hour_in_any_order() {
        let tables = Tables::new();
        let before = AT.plus_millis(-1);
        for at in [before, AT, before, AT] {
            assert!(tables.count(TokenId(1), at, None, UNKNOWN));
        }
        let mut hours = HashMap::new();
        for (_, hour, calls) in tables.take() {
            *hours.entry(hour.0).or_insert(0) += calls.counts[0];
        }
        assert_eq!(hours, HashMap::from([(AT.0, 2), (AT.0 - HOUR_MILLIS, 2)]));
        assert_eq!(
            tables.last_accepted(TokenId(1), Timestamp(i64::MAX)),
            Some(AT)
        );
    }

    fn most() -> i64 {
        i64::try_from(MAX_ENTRIES).expect("a small number")
    }

    #[test]
    fn full_tables_accept_no_new_tokens_and_still_count_known_ones() {
        let tables = Tables::new();
        for token in 0..most() {
            assert!(tables.count(TokenId(token), AT, None, UNKNOWN));
        }
        assert!(!tables.count(TokenId(most()), AT, None, UNKNOWN));
        assert!(tables.count(TokenId(0), AT, None, UNKNOWN));
        assert_eq!(counted(&tables) as usize, MAX_ENTRIES + 1);
        assert!(tables.count(TokenId(0), AT, None, UNKNOWN));
        assert!(
            !tables.count(TokenId(most()), AT, None, UNKNOWN),
            "they stay known"
        );
        assert_eq!(counted(&tables), 1);
        assert!(
            tables.count(TokenId(most()), AT, None, UNKNOWN),
            "others are dropped"
        );
    }

    #[test]
    fn threads_share_the_room() {
        let tables = Tables::new();
        let counted: usize = std::thread::scope(|scope| {
            let thread = |first: i64| {
                let tables = &tables;
                let count = move |token| tables.count(TokenId(token), AT, None, UNKNOWN);
                let tokens = first..first + most() * 2 / 3;
                scope.spawn(move || tokens.filter(|token| count(*token)).count())
            };
            let threads = [thread(0), thread(most())];
            let counted = threads.map(|thread| thread.join().expect("no panic"));
            counted.iter().sum()
        });
        assert_eq!(counted, MAX_ENTRIES);
    }

    #[test]
    fn hours_that_end_without_a_flush_take_bounded_memory() {
        let tables = Tables::new();
        let count = |hour: i64| {
            tables.count(
                TokenId(1),
                AT.plus_millis(hour * HOUR_MILLIS),
                None,
                UNKNOWN,
            )
        };
        assert!((0..most()).all(count));
        assert!(!count(most()));
    }

    #[test]
    fn concurrent_threads_lose_no_counts() {
        let tables = Tables::new();
        std::thread::scope(|scope| {
            for _ in 0..32 {
                scope.spawn(|| {
                    for call in 0..1_000 {
                        let refused = (call % 2 == 0).then_some(Refusal::RateLimited);
                        assert!(tables.count(TokenId(1), AT, refused, UNKNOWN));
                    }
                });
            }
        });
        assert_eq!(counted(&tables), 32_000);
    }

    /// `cargo test -p store --lib cost_of_counting -- --ignored --nocapture`
    #[test]
    #[ignore = "a measurement"]
    fn cost_of_counting() {
        const CALLS: u32 = 2_000_000;
        for tokens in [1, 1_000, 30_000] {
            let tables = Tables::new();
            (0..tokens).for_each(|token| assert!(tables.count(TokenId(token), AT, None, UNKNOWN)));
            let begun = Instant::now();
            for call in 0..CALLS {
                let token = TokenId(i64::from(call) % tokens);
                black_box(tables.count(black_box(token), black_box(AT), None, UNKNOWN));
            }
            let each = begun.elapsed() / CALLS;
            println!("{tokens} tokens: {each:?} a call");
        }
    }
}
