//! By what the server shows its operator how it does.

use std::sync::Arc;

use store::Store;

use crate::{health::Readiness, metrics::Metrics};

/// What is counted, and whether there is work to be had from this server.
#[derive(Clone)]
pub struct Instruments {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) readiness: Readiness,
}

impl Instruments {
    /// Those of a server on `store`.
    pub fn new(store: &Store) -> Self {
        Self {
            metrics: Metrics::new(store),
            readiness: Readiness::new(store.clone()),
        }
    }
}
