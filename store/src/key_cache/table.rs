//! The cached results and running reads: the part of [`super::read_cache`] that threads share.
//!
//! This module never waits, reads no clock, and knows no database. All its locks and atomics come from
//! [`super::sync`]. So a test can replace them with loom's and run every order of threads
//! (`store/tests/key_cache_model.rs`).

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher, BuildHasherDefault, Hash, Hasher},
    mem,
    sync::PoisonError,
};

use super::sync::{AtomicU64, Mutex, MutexGuard, Ordering};

/// A moment of the monotonic clock, in nanoseconds.
pub(super) type Moment = u64;

/// When a read of the database began: this decides how long its result may be used.
///
/// It identifies a running read of a key: a second read with the same start would have joined the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// A moment before the read.
    since: Moment,
    /// The number of invalidations before the read.
    epoch: u64,
}

/// The maximum size of a [`Table`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// The number of parts, each with its own lock.
    pub(super) shards: usize,
    /// The maximum number of existing keys in each of a shard's two generations.
    pub(super) found: usize,
    /// The maximum number of missing keys in each generation.
    pub(super) missing: usize,
}

/// Counts of lookups, by where the result came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LookupCounts {
    /// From the cache, within a lease; including that a key does not exist.
    pub from_memory: u64,
    /// By a read of the database.
    pub read: u64,
    /// By joining another call's running read.
    pub joined: u64,
}

/// What a caller must do to get a value.
pub(super) enum Lookup<V, H, T> {
    /// Return this cached result. None: the key does not exist.
    Cached(Option<V>),
    /// Wait for the running read of this handle.
    Join(H),
    /// Read the database, then call [`Table::finish`] or [`Table::abandon`]. Other calls wait meanwhile; `T` sends
    /// them the outcome.
    Read(Reading, T),
}

/// Results by key, each for one lease from the moment before its read.
///
/// `H` is the handle with which a call waits for another call's read.
pub(super) struct Table<K, V, H> {
    lease: Moment,
    size: Size,
    epoch: AtomicU64,
    hasher: RandomState,
    shards: Box<[Mutex<Shard<K, V, H>>]>,
}

/// Missing keys have their own maps: a flood of made-up keys evicts only made-up keys.
struct Shard<K, V, H> {
    lookups: LookupCounts,
    found: Generations<K, V>,
    missing: Generations<K, ()>,
    under_way: Map<K, UnderWay<H>>,
}

struct UnderWay<H> {
    reading: Reading,
    handle: H,
}

struct Cached<V> {
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

    /// Invalidates the result of every read that began before this call.
    pub(super) fn invalidate(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// The cached result at `now`, or how to get one. `start` makes the two ends of a new read: a handle for waiting
    /// calls, and the sender of its outcome.
    ///
    /// A call joins a running read only while that read's result could still be used. So a call never gets a state that
    /// was out of date when the call began.
    pub(super) fn look_up<T>(
        &self,
        key: K,
        now: Moment,
        start: impl FnOnce() -> (H, T),
    ) -> Lookup<V, H, T> {
        let key = self.hashed(key);
        let epoch = self.epoch.load(Ordering::Acquire);
        let holds = |reading: Reading| self.holds(reading, now, epoch);
        let mut shard = self.shard(&key);
        if let Some(cached) = shard.found.find(&key, holds) {
            let value = cached.value.clone();
            shard.lookups.from_memory += 1;
            return Lookup::Cached(Some(value));
        }
        if shard.missing.find(&key, holds).is_some() {
            shard.lookups.from_memory += 1;
            return Lookup::Cached(None);
        }
        if let Some(other) = shard.under_way.get(&key)
            && holds(other.reading)
        {
            let handle = other.handle.clone();
            shard.lookups.joined += 1;
            return Lookup::Join(handle);
        }
        shard.lookups.read += 1;
        let reading = Reading { since: now, epoch };
        let (handle, other_end) = start();
        shard.under_way.insert(key, UnderWay { reading, handle });
        Lookup::Read(reading, other_end)
    }

    /// Ends a read with its result, which is cached if it may still be used at `now`.
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
                let cached = Cached { reading, value };
                shard.found.insert(key, cached, now, lease, size.found);
            }
            None => {
                let cached = Cached { reading, value: () };
                shard.missing.insert(key, cached, now, lease, size.missing);
            }
        }
    }

    /// Ends a read without a result.
    pub(super) fn abandon(&self, key: K, reading: Reading) {
        let key = self.hashed(key);
        self.shard(&key).end(&key, reading);
    }

    /// The counts of lookups since the start.
    pub(super) fn lookups(&self) -> LookupCounts {
        let mut sum = LookupCounts::default();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            sum.from_memory += shard.lookups.from_memory;
            sum.read += shard.lookups.read;
            sum.joined += shard.lookups.joined;
        }
        sum
    }

    /// How many results are stored, valid or not.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let lengths = self.shards.iter().map(|shard| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.found.len() + shard.missing.len()
        });
        lengths.sum()
    }

    /// Whether the result of this read may be used at `now`, after `epoch` invalidations.
    fn holds(&self, reading: Reading, now: Moment, epoch: u64) -> bool {
        reading.epoch >= epoch && now < reading.since.saturating_add(self.lease)
    }

    /// The hash has a secret key: callers cannot make up keys that collide.
    fn hashed(&self, key: K) -> Hashed<K> {
        let hash = self.hasher.hash_one(key);
        Hashed { hash, key }
    }

    fn shard(&self, key: &Hashed<K>) -> MutexGuard<'_, Shard<K, V, H>> {
        // The maps use the lowest and highest bits.
        let n = (key.hash >> 32) as usize % self.shards.len();
        let shard = self.shards[n].lock();
        // A panic leaves no half-made change: only an allocation between changes can panic.
        shard.unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Eq, V, H> Shard<K, V, H> {
    fn new() -> Self {
        Self {
            lookups: LookupCounts::default(),
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

/// Results in two generations, by age. When the young one is full, or older than a lease, the old one is dropped as a
/// whole. This bounds the memory without visiting every entry.
struct Generations<K, V> {
    young: Map<K, Cached<V>>,
    old: Map<K, Cached<V>>,
    /// When the young generation began.
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
    fn find(&self, key: &Hashed<K>, holds: impl Fn(Reading) -> bool) -> Option<&Cached<V>> {
        let generations = [&self.young, &self.old].into_iter();
        let mut cached = generations.filter_map(|generation| generation.get(key));
        cached.find(|cached| holds(cached.reading))
    }

    fn insert(
        &mut self,
        key: Hashed<K>,
        cached: Cached<V>,
        now: Moment,
        lease: Moment,
        size: usize,
    ) {
        if self.young.len() >= size || now.saturating_sub(self.since) >= lease {
            mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
            self.since = now;
        }
        self.young.insert(key, cached);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

/// A key with its hash, which is computed once for all maps.
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

/// Returns the computed hash as it is.
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
