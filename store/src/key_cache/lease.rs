//! The lease of a server: how long it may answer from memory after it has renewed the lease.

use std::{str::FromStr, time::Duration};

/// How long a server may answer from memory after each renewal: 0 to 60,000 milliseconds. With 0 it reads the database
/// for every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lease(u16);

impl Lease {
    /// Every call reads the database.
    pub const NONE: Self = Self(0);

    /// The longest lease.
    pub const LONGEST: Self = Self(60_000);

    /// Its length.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0 as u64)
    }

    pub(super) fn millis(self) -> i64 {
        self.0.into()
    }
}

impl Default for Lease {
    /// Ten seconds: longer than the usual failover of a database.
    fn default() -> Self {
        Self(10_000)
    }
}

impl std::fmt::Display for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is no [`Lease`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use a whole number of milliseconds from 0 to {}", Lease::LONGEST)]
pub struct InvalidLease;

impl FromStr for Lease {
    type Err = InvalidLease;

    fn from_str(text: &str) -> Result<Self, InvalidLease> {
        let lease = text.parse().map(Self).ok();
        lease
            .filter(|lease| *lease <= Self::LONGEST)
            .ok_or(InvalidLease)
    }
}

/// How long others wait until a lease of this length has surely ended: a tenth more, as one machine's clock can run
/// faster than another's. Working clocks never differ that much.
pub(super) fn with_margin(lease: Duration) -> Duration {
    lease + lease / 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_a_number_of_milliseconds_up_to_a_minute() {
        let length = |text: &str| text.parse().map(Lease::duration);
        assert_eq!(length("0"), Ok(Duration::ZERO));
        assert_eq!(length("60000"), Ok(Duration::from_secs(60)));
        for text in ["", "-1", "60001", "65536", "250ms", "0.5"] {
            assert_eq!(length(text), Err(InvalidLease), "{text}");
        }
    }
}
