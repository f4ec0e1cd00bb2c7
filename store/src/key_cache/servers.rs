//! The servers that may answer from memory, and how a change waits for them.

use std::time::Duration;

use rand::{Rng, TryRngCore, rngs::OsRng};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    change_log::{Outdated, Position},
    lease::{Lease, with_margin},
    server_lock::ServerLock,
};
use crate::{
    database::{Database, LoggedChange, Transaction, row, values},
    error::DatabaseError,
};

/// The first delay between two looks at what servers have acknowledged. It doubles up to [`LONGEST_DELAY`].
const FIRST_DELAY: Duration = Duration::from_millis(1);
const LONGEST_DELAY: Duration = Duration::from_millis(64);
/// After this long, the log says for what a change waits.
const SILENCE: Duration = Duration::from_secs(2);

const REGISTER: &str =
    "INSERT INTO servers (id, lease_ms, renewal, acknowledged) VALUES ($1, $2, $3, $4)
    ON CONFLICT (id) DO UPDATE SET renewal = excluded.renewal, acknowledged = excluded.acknowledged";
/// For earlier versions, which do not know `servers`: a change of theirs waits for the longest lease of any server.
const ANNOUNCE: &str = "INSERT INTO leases (id, longest_ms) VALUES (1, $1)
    ON CONFLICT (id) DO UPDATE SET longest_ms = excluded.longest_ms
    WHERE leases.longest_ms < excluded.longest_ms";
/// Another mark each time. A count could repeat itself: a failover can lose a renewal.
const RENEW: &str = "UPDATE servers SET renewal = $2 WHERE id = $1 RETURNING acknowledged";
/// Only in the database that has the change: a failover to one that lost it may have come between.
const ACKNOWLEDGE: &str = "UPDATE servers SET acknowledged = $2 WHERE id = $1
    AND EXISTS (SELECT 1 FROM change_log WHERE seq = $2 AND mark = $3)";
const REMOVE: &str = "DELETE FROM servers WHERE id = $1";
const REMOVE_GONE: &str = "DELETE FROM servers WHERE id = $1 AND renewal = $2";
const REMOVE_ALL: &str = "DELETE FROM servers";
/// The number of the last change, and the servers that do not know all changes yet.
const BEHIND: &str = "SELECT head.seq, head.mark, s.id, s.lease_ms, s.renewal, s.acknowledged
    FROM change_counter AS head LEFT JOIN servers AS s ON s.acknowledged < head.seq AND s.id <> $1";

row! {
    struct BehindRow {
        seq: i64,
        mark: i64,
        id: Option<i64>,
        lease_ms: Option<i64>,
        renewal: Option<i64>,
        acknowledged: Option<i64>,
    }
}

/// Identifies a server: its process, not its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServerId(i64);

impl ServerId {
    pub(super) fn random() -> Self {
        Self(mark())
    }
}

/// A number that was never used before, and is not 0.
fn mark() -> i64 {
    OsRng.unwrap_err().random_range(1..=i64::MAX)
}

/// Adds a server that knows all changes up to `acknowledged`, because it has nothing in memory.
pub(super) async fn register(
    transaction: &mut Transaction,
    server: ServerId,
    lease: Lease,
    acknowledged: i64,
) -> Result<(), DatabaseError> {
    let values = values![server.0, lease.millis(), mark(), acknowledged];
    transaction.execute(REGISTER, values).await?;
    transaction
        .execute(ANNOUNCE, values![lease.millis()])
        .await?;
    Ok(())
}

/// The number of the last change that the server has acknowledged. None if it is no longer registered.
pub(super) async fn renew(
    transaction: &mut Transaction,
    server: ServerId,
) -> Result<Option<i64>, DatabaseError> {
    let values = values![server.0, mark()];
    let row: Option<(i64,)> = transaction.fetch_optional(RENEW, values).await?;
    Ok(row.map(|(acknowledged,)| acknowledged))
}

/// Removes all servers.
pub(super) async fn remove_all(database: &Database) -> Result<(), DatabaseError> {
    database.execute(REMOVE_ALL, &[]).await?;
    Ok(())
}

/// Says that the server knows all changes up to `position`. Whether it could: the server is still registered, and the
/// database has that change.
pub(super) async fn acknowledge(
    database: &Database,
    server: ServerId,
    position: Position,
) -> Result<bool, DatabaseError> {
    let values = values![server.0, position.seq, position.mark];
    Ok(database.execute(ACKNOWLEDGE, values).await? > 0)
}

/// Removes a server that answers no more.
pub(super) async fn remove(database: &Database, server: ServerId) -> Result<(), DatabaseError> {
    database.execute(REMOVE, values![server.0]).await?;
    Ok(())
}

/// A server for which a change waits.
struct Awaited {
    id: i64,
    renewal: i64,
    /// When the lease has ended that the server had when it was first seen.
    until: Instant,
}

/// Waits until no server but `own` can answer from the state before this call: until each has acknowledged all changes,
/// or its lease has ended. Removes the servers whose lease has ended, so that later changes need not wait for them.
/// Returns how many these are. What is read from a database without `change` does not count.
pub(super) async fn wait_for_others(
    database: Database,
    own: Option<ServerId>,
    change: Option<LoggedChange>,
) -> usize {
    // If the servers cannot be read, assume the longest lease.
    let last = Instant::now() + with_margin(Lease::LONGEST.duration());
    let Some((seen, mut awaited)) = first_look(&database, own, change, last).await else {
        return 0;
    };
    let (start, mut is_silent) = (Instant::now(), false);
    let (mut delay, mut ended_leases) = (FIRST_DELAY, 0);
    while !awaited.is_empty() {
        if remove_if_not_served(&database).await {
            break;
        }
        if !is_silent && start.elapsed() >= SILENCE {
            is_silent = true;
            report_silence(&awaited);
        }
        sleep(delay).await;
        delay = (delay * 2).min(LONGEST_DELAY);
        let now = Instant::now();
        let (ended, running): (Vec<_>, _) =
            awaited.into_iter().partition(|server| server.until <= now);
        awaited = running;
        ended_leases += ended.len();
        remove_gone(&database, ended).await;
        if let Ok(rows) = behind(&database, own, Some(seen)).await {
            awaited.retain(|server| rows.iter().any(|row| row.is_before(seen.seq, server)));
        }
    }
    ended_leases
}

fn report_silence(awaited: &[Awaited]) {
    let now = Instant::now();
    let last = awaited.iter().map(|server| server.until).max();
    let seconds = last.unwrap_or(now).saturating_duration_since(now).as_secs() + 1;
    let servers = awaited.len();
    tracing::warn!("a change waits for {servers} silent servers, at most {seconds} s longer");
}

/// The last change, and the servers that have not acknowledged it. None if `last` has come.
async fn first_look(
    database: &Database,
    own: Option<ServerId>,
    change: Option<LoggedChange>,
    last: Instant,
) -> Option<(LoggedChange, Vec<Awaited>)> {
    let mut warned = false;
    loop {
        match timeout_at(last, behind(database, own, change)).await {
            Ok(Ok(rows)) => {
                let now = Instant::now();
                let BehindRow { seq, mark, .. } = *rows.first()?;
                let awaited = rows.iter().filter_map(|row| row.awaited(now)).collect();
                return Some((LoggedChange { seq, mark }, awaited));
            }
            Ok(Err(error)) if !warned => {
                warned = true;
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot read which servers know of a change: it waits until they can be read, or for the longest possible lease"
                );
            }
            Ok(Err(_)) => {}
            Err(_) => return None,
        }
        sleep(LONGEST_DELAY).await;
    }
}

/// # Errors
/// Those of the database, also if it lacks `change`.
async fn behind(
    database: &Database,
    own: Option<ServerId>,
    change: Option<LoggedChange>,
) -> Result<Vec<BehindRow>, DatabaseError> {
    let own = own.map_or(0, |own| own.0);
    let rows: Vec<BehindRow> = database.fetch_all(BEHIND, values![own]).await?;
    let lacks = |change| {
        !rows
            .iter()
            .all(|row| Position::of(change).is_in(row.seq, row.mark))
    };
    if change.is_some_and(lacks) {
        database.replace_connections();
        return Err(DatabaseError::Unavailable(Outdated.into()));
    }
    Ok(rows)
}

impl BehindRow {
    /// A missing value has no server.
    fn awaited(&self, seen: Instant) -> Option<Awaited> {
        let millis = u64::try_from(self.lease_ms?).ok()?;
        Some(Awaited {
            id: self.id?,
            renewal: self.renewal?,
            until: seen + with_margin(Duration::from_millis(millis)),
        })
    }

    /// Whether this is the server, and it does not know the change `seq` yet.
    fn is_before(&self, seq: i64, server: &Awaited) -> bool {
        self.id == Some(server.id) && self.acknowledged < Some(seq)
    }
}

/// Removes the servers that did not renew their lease since they were first seen. One that did is alive. On SQLite
/// renewals are not written ([`super::serving`]), and the lock shows whether the server is gone.
async fn remove_gone(database: &Database, servers: Vec<Awaited>) {
    if database.file().is_some() {
        return;
    }
    for Awaited { id, renewal, .. } in servers {
        match database.execute(REMOVE_GONE, values![id, renewal]).await {
            Ok(0) => tracing::warn!("a server renews its lease, and does not acknowledge changes"),
            Ok(_) => tracing::warn!("removed a server that did not renew its lease"),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "could not remove a server that did not acknowledge a change: the next change waits for it too"
            ),
        }
    }
}

/// On SQLite, removes the server if its process is gone. Whether it was.
async fn remove_if_not_served(database: &Database) -> bool {
    let Some(file) = database.file() else {
        return false;
    };
    let Some(_lock) = ServerLock::unless_served(file) else {
        return false;
    };
    let removed = database.execute(REMOVE_ALL, &[]).await;
    if let Err(error) = &removed {
        tracing::warn!(
            error = error as &dyn std::error::Error,
            "could not remove a server that is gone"
        );
    }
    true
}
