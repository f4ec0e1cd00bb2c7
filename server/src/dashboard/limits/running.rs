//! How many requests of each key run at the same time.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// The running requests of each key. A key without a running request takes no memory.
pub(super) struct Running<K>(Arc<Mutex<HashMap<K, usize>>>);

impl<K> Default for Running<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Copy + Eq + Hash> Running<K> {
    /// Counts a request of this key until the returned value is dropped. None if as many as `most` run already.
    pub(super) fn begin(&self, key: K, most: usize) -> Option<Run<K>> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(key).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Run {
            running: Arc::clone(&self.0),
            key,
        })
    }
}

/// A running request.
#[must_use = "dropping it ends the request"]
pub(super) struct Run<K: Eq + Hash> {
    running: Arc<Mutex<HashMap<K, usize>>>,
    key: K,
}

impl<K: Eq + Hash> Drop for Run<K> {
    fn drop(&mut self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_runs_no_more_than_its_limit_and_another_key_does_not_count() {
        let running = Running::default();
        let first = running.begin(1, 2).expect("free");
        let second = running.begin(1, 2).expect("free");
        assert!(running.begin(1, 2).is_none());
        assert!(running.begin(2, 2).is_some());
        drop(first);
        let third = running.begin(1, 2);
        assert!(third.is_some());
        assert!(running.begin(1, 2).is_none());
        drop((second, third));
        assert!(running.0.lock().expect("not poisoned").is_empty());
    }
}
