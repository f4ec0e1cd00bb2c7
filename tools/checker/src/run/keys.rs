//! The tokens of a run.

use std::sync::{Arc, PoisonError, RwLock};

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use crate::changer::Key;

/// Number of recently deleted tokens that calls still use.
const MAX_DELETED: usize = 40;

/// The tokens that calls use.
#[derive(Default)]
pub(super) struct KnownKeys {
    keys: RwLock<Keys>,
}

#[derive(Default)]
pub(super) struct Keys {
    pub(super) live: Vec<Arc<Key>>,
    /// Deleted tokens, the latest last.
    deleted: Vec<Arc<Key>>,
}

impl KnownKeys {
    pub(super) fn read<T>(&self, look: impl FnOnce(&Keys) -> T) -> T {
        look(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, change: impl FnOnce(&mut Keys)) {
        change(&mut self.keys.write().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn add(&self, key: Arc<Key>) {
        self.write(|keys| keys.live.push(key));
    }

    pub(super) fn retire(&self, key: &Arc<Key>) {
        self.write(|keys| {
            keys.live.retain(|live| live.id != key.id);
            keys.deleted.push(Arc::clone(key));
            let forgotten = keys.deleted.len().saturating_sub(MAX_DELETED);
            keys.deleted.drain(..forgotten);
        });
    }

    pub(super) fn pick(&self, rng: &mut StdRng) -> Option<Arc<Key>> {
        self.read(|keys| {
            let from = if rng.random_ratio(1, 10) {
                &keys.deleted
            } else {
                &keys.live
            };
            from.choose(rng).cloned()
        })
    }
}
