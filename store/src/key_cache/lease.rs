//! Leases: how long a server may answer from its cache, and how long a change waits for that.

use std::{str::FromStr, time::Duration};

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{
    database::{Database, values},
    error::DatabaseError,
};

/// How long a server may answer from its cache: 0 to 10,000 milliseconds. With 0 it asks the database every time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lease(u16);

impl Lease {
    /// Every question goes to the database.
    pub const NONE: Self = Self(0);

    /// The longest lease. The schema enforces it too.
    pub const LONGEST: Self = Self(10_000);

    /// Its length.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0 as u64)
    }
}

impl Default for Lease {
    /// A quarter of a second: a key in constant use costs four reads a second, and a user hardly notices the wait for a
    /// change.
    fn default() -> Self {
        Self(250)
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

/// Only raises it: another server may still have a longer lease.
const RAISE: &str = "INSERT INTO leases (id, longest_ms) VALUES (1, $1)
    ON CONFLICT (id) DO UPDATE SET longest_ms = excluded.longest_ms
    WHERE leases.longest_ms < excluded.longest_ms";

const LONGEST: &str = "SELECT COALESCE(MAX(longest_ms), 0) FROM leases";

/// Makes every change that commits from now on wait for at least `lease`. Call it before anything is cached.
///
/// # Errors
/// Those of the database.
pub(super) async fn announce(database: &Database, lease: Lease) -> Result<(), DatabaseError> {
    database.execute(RAISE, values![i64::from(lease.0)]).await?;
    Ok(())
}

/// Waits until every lease that a server began before this call has ended.
pub(super) async fn wait_out(database: &Database) {
    sleep_until(end_of_leases(database, Instant::now()).await).await;
}

/// The moment when every lease that began before `start` has ended.
async fn end_of_leases(database: &Database, start: Instant) -> Instant {
    // If the longest lease cannot be read, assume the longest that is allowed.
    let last = start + with_margin(Lease::LONGEST.duration());
    match timeout_at(last, longest(database)).await {
        Ok(Ok(longest)) => start + with_margin(longest),
        Ok(Err(error)) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot read the servers' leases: the change waits for the longest possible lease"
            );
            last
        }
        Err(_) => last,
    }
}

async fn longest(database: &Database) -> Result<Duration, DatabaseError> {
    let (millis,): (i64,) = database.fetch_one(LONGEST, &[]).await?;
    u64::try_from(millis)
        .map(Duration::from_millis)
        .map_err(|_| DatabaseError::Corrupt("a negative lease".to_owned()))
}

/// A tenth more, as one machine's clock can run faster than another's. Working clocks never differ that much.
fn with_margin(lease: Duration) -> Duration {
    lease + lease / 10
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    async fn new_database() -> (Database, TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("zone.db").display());
        let database = Database::open(&url[..].into()).await.expect("opened");
        database.migrate().await.expect("migrated");
        (database, folder)
    }

    /// How long a change waits for the leases of a new database, after `work` on it.
    async fn wait(work: impl AsyncFnOnce(&Database)) -> Duration {
        let (database, _folder) = new_database().await;
        work(&database).await;
        let start = Instant::now();
        end_of_leases(&database, start).await - start
    }

    #[tokio::test]
    async fn without_a_server_a_change_does_not_wait() {
        assert_eq!(wait(async |_| {}).await, Duration::ZERO);
    }

    #[tokio::test]
    async fn a_change_waits_for_the_longest_lease_and_a_tenth() {
        let waited = wait(async |database| {
            for lease in [Lease(200), Lease(600), Lease(400)] {
                announce(database, lease).await.expect("announced");
            }
        });
        assert_eq!(waited.await, Duration::from_millis(660));
    }

    #[tokio::test]
    async fn a_change_waits_for_the_longest_allowed_lease_if_the_leases_cannot_be_read() {
        let waited = wait(async |database| database.close().await);
        assert_eq!(waited.await, Duration::from_secs(11));
    }

    #[tokio::test]
    async fn the_wait_lasts_until_the_leases_have_ended() {
        let (database, _folder) = new_database().await;
        announce(&database, Lease(60)).await.expect("announced");
        let start = Instant::now();
        wait_out(&database).await;
        assert!(start.elapsed() >= Duration::from_millis(66));
    }

    #[test]
    fn a_lease_is_a_number_of_milliseconds_up_to_ten_seconds() {
        let length = |text: &str| text.parse().map(Lease::duration);
        assert_eq!(length("0"), Ok(Duration::ZERO));
        assert_eq!(length("10000"), Ok(Duration::from_secs(10)));
        for text in ["", "-1", "10001", "65536", "250ms", "0.5"] {
            assert_eq!(length(text), Err(InvalidLease), "{text}");
        }
    }
}
