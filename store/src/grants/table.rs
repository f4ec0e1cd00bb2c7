//! What is remembered, and who is reading: the part of [`super::memory`] that several threads touch.
//!
//! Nothing here waits, reads a clock or knows the database, and every lock and atomic comes from
//! [`super::sync`]: so a test puts loom's in their place and walks through every order in which threads can
//! run (`store/tests/grants_model.rs`).

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher, BuildHasherDefault, Hash, Hasher},
    mem,
    sync::PoisonError,
};

use super::sync::{AtomicU64, Mutex, MutexGuard, Ordering};

/// A moment of the monotonic clock, in nanoseconds.
pub(super) type Moment = u64;

/// A read of the database, as far as it says how long what it finds may be gone by.
///
/// No two reads of one key that are under way at once are alike in this: the second would have joined the
/// first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// A moment before the read.
    since: Moment,
    /// How often there had been an invalidation, by a look before the read.
    epoch: u64,
}

/// How large a [`Table`] gets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Parts with a lock of their own.
    pub(super) shards: usize,
    /// Keys with something behind them that each of a shard's two generations holds.
    pub(super) found: usize,
    /// Keys with nothing behind them, likewise.
    pub(super) missing: usize,
}

/// How answers were come by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// From memory, within a lease; that there is no such key included.
    pub from_memory: u64,
    /// By a read of the database.
    pub read: u64,
    /// By somebody else's read, which was under way.
    pub joined: u64,
}

/// What to do about a question.
pub(super) enum Asked<V, H, T> {
    /// This is the answer: a value, or that there is none.
    Held(Option<V>),
    /// Wait for the read under way that this handle belongs to.
    Join(H),
    /// Read the database, then [`Table::finish`]; or [`Table::abandon`] it. Others wait meanwhile, and are told
    /// by `T`.
    Read(Reading, T),
}

/// Answers by key, each for one lease from the moment before its read.
///
/// `H` is what somebody who waits for another's read holds.
pub(super) struct Table<K, V, H> {
    lease: Moment,
    size: Size,
    epoch: AtomicU64,
    hasher: RandomState,
    shards: Box<[Mutex<Shard<K, V, H>>]>,
}

/// Keys with nothing behind them are kept apart: a flood of made-up keys drives out only its like.
struct Shard<K, V, H> {
    answers: Answers,
    found: Generations<K, V>,
    missing: Generations<K, ()>,
    under_way: Map<K, UnderWay<H>>,
}

struct UnderWay<H> {
    reading: Reading,
    handle: H,
}

struct Kept<V> {
    reading: Reading,
    value: V,
}

impl<K: Copy + Eq + Hash, V: Clone, H: Clone> Table<K, V, H> {
    pub(super) fn new(lease: Moment, size: Size) -> Self {
        let shards = (0..size.shards).map(|_| Mutex::new(Shard::new()));
        Self {
            lease,
            size,
            epoch: AtomicU64::new(0),
            hasher: RandomState::new(),
            shards: shards.collect(),
        }
    }

    /// From now on, nothing goes by a read that began before.
    pub(super) fn invalidate(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// The answer at `now`, or how to come by it. `start` makes what a read that others may join needs: a
    /// handle for them, and its other end.
    ///
    /// A read under way is joined only while what it finds could still be answered: somebody who asks now
    /// must not get what had been overtaken before.
    pub(super) fn ask<T>(
        &self,
        key: K,
        now: Moment,
        start: impl FnOnce() -> (H, T),
    ) -> Asked<V, H, T> {
        let key = self.hashed(key);
        let epoch = self.epoch.load(Ordering::Acquire);
        let holds = |reading: Reading| self.holds(reading, now, epoch);
        let mut shard = self.shard(&key);
        if let Some(kept) = shard.found.find(&key, holds) {
            let value = kept.value.clone();
            shard.answers.from_memory += 1;
            return Asked::Held(Some(value));
        }
        if shard.missing.find(&key, holds).is_some() {
            shard.answers.from_memory += 1;
            return Asked::Held(None);
        }
        if let Some(other) = shard.under_way.get(&key)
            && holds(other.reading)
        {
            let handle = other.handle.clone();
            shard.answers.joined += 1;
            return Asked::Join(handle);
        }
        shard.answers.read += 1;
        let reading = Reading { since: now, epoch };
        let (handle, other_end) = start();
        shard.under_way.insert(key, UnderWay { reading, handle });
        Asked::Read(reading, other_end)
    }

    /// Ends a read with what it found, which is kept if it may still be answered at `now`.
    pub(super) fn finish(&self, key: K, reading: Reading, now: Moment, found: Option<&V>) {
        let key = self.hashed(key);
        let epoch = self.epoch.load(Ordering::Acquire);
        let mut shard = self.shard(&key);
        shard.end(&key, reading);
        if !self.holds(reading, now, epoch) {
            return;
        }
        let (lease, size) = (self.lease, self.size);
        match found.cloned() {
            Some(value) => {
                let kept = Kept { reading, value };
                shard.found.keep(key, kept, now, lease, size.found);
            }
            None => {
                let kept = Kept { reading, value: () };
                shard.missing.keep(key, kept, now, lease, size.missing);
            }
        }
    }

    /// Ends a read that found nothing out.
    pub(super) fn abandon(&self, key: K, reading: Reading) {
        let key = self.hashed(key);
        self.shard(&key).end(&key, reading);
    }

    /// How answers were come by since the start.
    pub(super) fn answers(&self) -> Answers {
        let mut all = Answers::default();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            all.from_memory += shard.answers.from_memory;
            all.read += shard.answers.read;
            all.joined += shard.answers.joined;
        }
        all
    }

    /// How many answers are kept, run out or not.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        let lengths = self.shards.iter().map(|shard| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.found.len() + shard.missing.len()
        });
        lengths.sum()
    }

    /// Whether what this read finds may be answered at `now`, to somebody who has seen `epoch` invalidations.
    fn holds(&self, reading: Reading, now: Moment, epoch: u64) -> bool {
        reading.epoch >= epoch && now < reading.since.saturating_add(self.lease)
    }

    /// The hash is keyed: nobody can make up keys that all fall into one place.
    fn hashed(&self, key: K) -> Hashed<K> {
        let hash = self.hasher.hash_one(key);
        Hashed { hash, key }
    }

    fn shard(&self, key: &Hashed<K>) -> MutexGuard<'_, Shard<K, V, H>> {
        // The maps go by the lowest and the highest bits.
        let n = (key.hash >> 32) as usize % self.shards.len();
        let shard = self.shards[n].lock();
        // Nothing is left half done where a thread could panic: between changes, memory is allocated.
        shard.unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Eq, V, H> Shard<K, V, H> {
    fn new() -> Self {
        Self {
            answers: Answers::default(),
            found: Generations::default(),
            missing: Generations::default(),
            under_way: Map::default(),
        }
    }

    fn end(&mut self, key: &Hashed<K>, reading: Reading) {
        if self
            .under_way
            .get(key)
            .is_some_and(|it| it.reading == reading)
        {
            self.under_way.remove(key);
        }
    }
}

/// Answers in the order of their coming, in two heaps: when the younger one is full, or older than a lease,
/// the elder is thrown away whole. Bounded, without a look at every entry.
struct Generations<K, V> {
    young: Map<K, Kept<V>>,
    old: Map<K, Kept<V>>,
    /// When the younger one began.
    since: Moment,
}

impl<K, V> Default for Generations<K, V> {
    fn default() -> Self {
        Self {
            young: Map::default(),
            old: Map::default(),
            since: 0,
        }
    }
}

impl<K: Copy + Eq, V> Generations<K, V> {
    fn find(&self, key: &Hashed<K>, holds: impl Fn(Reading) -> bool) -> Option<&Kept<V>> {
        let generations = [&self.young, &self.old].into_iter();
        let mut kept = generations.filter_map(|generation| generation.get(key));
        kept.find(|kept| holds(kept.reading))
    }

    fn keep(&mut self, key: Hashed<K>, kept: Kept<V>, now: Moment, lease: Moment, size: usize) {
        if self.young.len() >= size || now.saturating_sub(self.since) >= lease {
            mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
            self.since = now;
        }
        self.young.insert(key, kept);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

/// A key with its hash, which is worked out once for all maps.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Hashed<K> {
    hash: u64,
    key: K,
}

type Map<K, V> = HashMap<Hashed<K>, V, BuildHasherDefault<AsIs>>;

impl<K> Hash for Hashed<K> {
    fn hash<S: Hasher>(&self, state: &mut S) {
        state.write_u64(self.hash);
    }
}

/// Takes a hash for a hash.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
