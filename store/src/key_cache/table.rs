//! The answers in memory and the running reads: the part of [`super::read_cache`] that threads share.
//!
//! This module never waits, reads no clock, and knows no database. All its locks come from [`super::sync`]. So a test
//! can replace them with loom's and run every order of threads (`store/tests/key_cache_model.rs`).

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher, BuildHasherDefault, Hash, Hasher},
    mem,
    sync::PoisonError,
};

use super::sync::{Mutex, MutexGuard};

/// Identifies a running read. No two reads of a shard have the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading(u64);

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
    /// From memory; including that a key does not exist.
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

/// Results by key. Each stays until it is invalidated, or until there is no more room for it.
///
/// `H` is the handle with which a call waits for another call's read.
pub(super) struct Table<K, V, H> {
    size: Size,
    hasher: RandomState,
    shards: Box<[Mutex<Shard<K, V, H>>]>,
}

/// Missing keys have their own maps: a flood of made-up keys evicts only made-up keys.
struct Shard<K, V, H> {
    lookups: LookupCounts,
    found: Generations<K, V>,
    missing: Generations<K, ()>,
    /// A result is only kept if its read is still here: an invalidation removes it.
    under_way: Map<K, UnderWay<H>>,
}

struct UnderWay<H> {
    reading: Reading,
    handle: H,
}

impl<K: Copy + Eq + Hash, V: Clone, H: Clone> Table<K, V, H> {
    pub(super) fn new(size: Size) -> Self {
        let shards = (0..size.shards).map(|_| Mutex::new(Shard::new()));
        Self {
            size,
            hasher: RandomState::new(),
            shards: shards.collect(),
        }
    }

    /// Invalidates what every read of this key has found that began before this call, also if it ends later.
    pub(super) fn invalidate(&self, key: K) {
        let key = self.hashed(key);
        let mut shard = self.shard(&key);
        shard.found.remove(&key);
        shard.missing.remove(&key);
        shard.under_way.remove(&key);
    }

    /// Invalidates each existing key that `is_affected` finds, and every running read: what that will find is unknown.
    pub(super) fn invalidate_where(&self, is_affected: impl Fn(&V) -> bool) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            shard.found.retain(|value| !is_affected(value));
            shard.under_way.clear();
        }
    }

    /// Invalidates everything.
    pub(super) fn clear(&self) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            shard.found = Generations::default();
            shard.missing = Generations::default();
            shard.under_way.clear();
        }
    }

    /// The cached result, or how to get one. `start` makes the two ends of a new read: a handle for waiting calls, and
    /// the sender of its outcome.
    ///
    /// A call joins a running read only while nothing has invalidated it. So a call never gets a state that was
    /// invalid when the call began.
    pub(super) fn look_up<T>(&self, key: K, start: impl FnOnce() -> (H, T)) -> Lookup<V, H, T> {
        let key = self.hashed(key);
        let mut shard = self.shard(&key);
        if let Some(value) = shard.found.find(&key, self.size.found) {
            shard.lookups.from_memory += 1;
            return Lookup::Cached(Some(value));
        }
        if shard.missing.find(&key, self.size.missing).is_some() {
            shard.lookups.from_memory += 1;
            return Lookup::Cached(None);
        }
        if let Some(other) = shard.under_way.get(&key) {
            let handle = other.handle.clone();
            shard.lookups.joined += 1;
            return Lookup::Join(handle);
        }
        shard.lookups.read += 1;
        let reading = Reading(shard.lookups.read);
        let (handle, other_end) = start();
        shard.under_way.insert(key, UnderWay { reading, handle });
        Lookup::Read(reading, other_end)
    }

    /// Ends a read with its result, which is kept unless it was invalidated meanwhile.
    pub(super) fn finish(&self, key: K, reading: Reading, found: Option<&V>) {
        let key = self.hashed(key);
        let mut shard = self.shard(&key);
        if !shard.end(&key, reading) {
            return;
        }
        match found.cloned() {
            Some(value) => shard.found.insert(key, value, self.size.found),
            None => shard.missing.insert(key, (), self.size.missing),
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
            let LookupCounts {
                from_memory,
                read,
                joined,
            } = lock(shard).lookups;
            sum.from_memory += from_memory;
            sum.read += read;
            sum.joined += joined;
        }
        sum
    }

    /// How many results are stored.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let lengths = self.shards.iter().map(|shard| {
            let shard = lock(shard);
            shard.found.len() + shard.missing.len()
        });
        lengths.sum()
    }

    /// The hash has a secret key: callers cannot make up keys that collide.
    fn hashed(&self, key: K) -> Hashed<K> {
        let hash = self.hasher.hash_one(key);
        Hashed { hash, key }
    }

    fn shard(&self, key: &Hashed<K>) -> MutexGuard<'_, Shard<K, V, H>> {
        // The maps use the lowest and highest bits.
        lock(&self.shards[(key.hash >> 32) as usize % self.shards.len()])
    }
}

/// A panic leaves no half-made change: only an allocation between changes can panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Whether the read was still valid.
    fn end(&mut self, key: &Hashed<K>, reading: Reading) -> bool {
        let running = self.under_way.get(key);
        let is_valid = running.is_some_and(|running| running.reading == reading);
        if is_valid {
            self.under_way.remove(key);
        }
        is_valid
    }
}

/// Results in two generations. One that is used moves to the young generation. When that is full it becomes the old
/// one, and the old one is dropped as a whole. This bounds the memory without visiting every entry.
struct Generations<K, V> {
    young: Map<K, V>,
    old: Map<K, V>,
}

impl<K, V> Default for Generations<K, V> {
    fn default() -> Self {
        Self {
            young: Map::default(),
            old: Map::default(),
        }
    }
}

impl<K: Copy + Eq, V> Generations<K, V> {
    fn find(&mut self, key: &Hashed<K>, size: usize) -> Option<V>
    where
        V: Clone,
    {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let value = self.old.remove(key)?;
        self.insert(*key, value.clone(), size);
        Some(value)
    }

    fn insert(&mut self, key: Hashed<K>, value: V, size: usize) {
        if self.young.len() >= size {
            mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(key, value);
    }

    fn remove(&mut self, key: &Hashed<K>) {
        self.young.remove(key);
        self.old.remove(key);
    }

    fn retain(&mut self, mut keeps: impl FnMut(&V) -> bool) {
        self.young.retain(|_, value| keeps(value));
        self.old.retain(|_, value| keeps(value));
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
