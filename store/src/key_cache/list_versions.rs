//! Whether an organisation's list of tokens may have changed.

use std::sync::atomic::{AtomicU64, Ordering};

use model::organisation::OrganisationId;

/// Organisations can share a counter. A change of one then makes the polls of both read.
const COUNTERS: usize = 4_096;

/// Counts the changes of each organisation's list. It misses none, and its memory does not grow with the organisations.
pub(super) struct ListVersions(Box<[AtomicU64]>);

impl ListVersions {
    pub(super) fn new() -> Self {
        Self((0..COUNTERS).map(|_| AtomicU64::new(0)).collect())
    }

    /// Another number after each change of the organisation's list.
    pub(super) fn get(&self, organisation: OrganisationId) -> u64 {
        self.counter(organisation).load(Ordering::Acquire)
    }

    pub(super) fn change(&self, organisation: OrganisationId) {
        self.counter(organisation).fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn change_all(&self) {
        for counter in &self.0 {
            counter.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn counter(&self, OrganisationId(id): OrganisationId) -> &AtomicU64 {
        let index = id.unsigned_abs() % COUNTERS as u64;
        &self.0[usize::try_from(index).unwrap_or_default()]
    }
}
