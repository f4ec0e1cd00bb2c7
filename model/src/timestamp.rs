//! The timestamp that all tables, responses and rules use.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The whole milliseconds since the epoch.
    pub const fn epoch_millis(self) -> i64 {
        self.0
    }

    /// The instant `millis` milliseconds later, or earlier if negative. Saturates at the limits of `i64`.
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}
