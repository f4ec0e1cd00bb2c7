//! The servers that may answer from memory, and how a change waits for them.

use std::time::Duration;

use model::servers::{Acknowledgements, SilentServers};
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
/// After this long, [`SilenceReport`] says for which servers a change waits.
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
/// The last change, the mark of change $2, the number of other servers, and those of them that do not know all changes
/// yet.
const BEHIND: &str =
    "SELECT head.seq, head.mark, (SELECT mark FROM change_log WHERE seq = $2) AS known_mark,
        (SELECT COUNT(*) FROM servers WHERE id <> $1) AS others,
        s.id, s.lease_ms, s.renewal, s.acknowledged
    FROM change_counter AS head LEFT JOIN servers AS s ON s.acknowledged < head.seq AND s.id <> $1";
/// How many servers there are and how many do not know all changes yet, with the longest lease of these.
const SILENT: &str = "SELECT (SELECT COUNT(*) FROM servers) AS registered, COUNT(*) AS silent, MAX(s.lease_ms) AS lease_ms
    FROM change_counter AS head JOIN servers AS s ON s.acknowledged < head.seq";

row! {
    struct BehindRow {
        seq: i64,
        mark: i64,
        known_mark: Option<i64>,
        others: i64,
        id: Option<i64>,
        lease_ms: Option<i64>,
        renewal: Option<i64>,
        acknowledged: Option<i64>,
    }
}

row! {
    struct SilentRow {
        registered: i64,
        silent: i64,
        lease_ms: Option<i64>,
    }
}

/// Tells a user or the log for which servers a change waits.
pub type SilenceReport = fn(SilentServers);

/// The report of a server: a line in the log.
pub(super) fn log_silence(servers: SilentServers) {
    tracing::warn!("a change waits for {servers}");
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
/// Ignores what it reads from a database without `change`.
///
/// Returns how many servers know the changes, and how many leases have ended. None if the servers could not be read:
/// then it has waited for the longest possible lease.
pub(super) async fn wait_for_others(
    database: Database,
    own: Option<ServerId>,
    change: Option<LoggedChange>,
    report: SilenceReport,
) -> Option<Acknowledgements> {
    // If the servers cannot be read, assume the longest lease.
    let last = Instant::now() + with_margin(Lease::LONGEST.duration());
    let FirstLook {
        seen,
        mut awaited,
        mut others,
    } = first_look(&database, own, change, last).await?;
    let own_server = u32::from(own.is_some());
    let (start, mut is_silent) = (Instant::now(), false);
    let (mut delay, mut ended_leases) = (FIRST_DELAY, 0);
    while !awaited.is_empty() {
        if remove_if_not_served(&database).await {
            others = Others::default();
            break;
        }
        if !is_silent && start.elapsed() >= SILENCE {
            is_silent = true;
            report(silent_servers(&awaited, own_server + others.registered));
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
            others = Others::of(&rows, seen.seq);
        }
    }
    Some(Acknowledgements {
        servers: own_server + others.acknowledged,
        ended_leases: count(ended_leases),
    })
}

fn silent_servers(awaited: &[Awaited], registered: u32) -> SilentServers {
    let now = Instant::now();
    let last = awaited.iter().map(|server| server.until).max();
    let left = last.unwrap_or(now).saturating_duration_since(now);
    SilentServers {
        silent: count(awaited.len()),
        registered,
        at_most_seconds: whole_seconds(left),
    }
}

/// The servers that have not acknowledged the last change. None if all have.
pub(super) async fn silent(database: &Database) -> Result<Option<SilentServers>, DatabaseError> {
    let row: SilentRow = database.fetch_one(SILENT, &[]).await?;
    let millis = row.lease_ms.and_then(|millis| u64::try_from(millis).ok());
    Ok(millis.map(|millis| SilentServers {
        silent: count(row.silent),
        registered: count(row.registered),
        at_most_seconds: whole_seconds(with_margin(Duration::from_millis(millis))),
    }))
}

fn whole_seconds(time: Duration) -> u32 {
    count(time.as_millis().div_ceil(1_000))
}

fn count(number: impl TryInto<u32>) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}

/// The servers other than this process's own.
#[derive(Clone, Copy, Default)]
struct Others {
    registered: u32,
    acknowledged: u32,
}

impl Others {
    /// `seq` is the number of the change.
    fn of(rows: &[BehindRow], seq: i64) -> Self {
        let registered = rows.first().map_or(0, |row| row.others);
        let behind = rows.iter().filter(|row| row.acknowledged < Some(seq));
        let behind = behind.filter(|row| row.id.is_some()).count();
        let registered = count(registered);
        Self {
            registered,
            acknowledged: registered.saturating_sub(count(behind)),
        }
    }
}

/// The servers as a change first sees them.
struct FirstLook {
    /// The last change.
    seen: LoggedChange,
    /// Those that have not acknowledged it.
    awaited: Vec<Awaited>,
    others: Others,
}

/// Reads the servers, and tries again after an error. None if it has not succeeded at `last`.
async fn first_look(
    database: &Database,
    own: Option<ServerId>,
    change: Option<LoggedChange>,
    last: Instant,
) -> Option<FirstLook> {
    let mut warned = false;
    loop {
        match timeout_at(last, behind(database, own, change)).await {
            Ok(Ok(rows)) => {
                let now = Instant::now();
                let BehindRow { seq, mark, .. } = *rows.first()?;
                let awaited = rows.iter().filter_map(|row| row.awaited(now)).collect();
                return Some(FirstLook {
                    seen: LoggedChange { seq, mark },
                    awaited,
                    others: Others::of(&rows, seq),
                });
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
    let known = change.map(|change| change.seq);
    let rows: Vec<BehindRow> = database.fetch_all(BEHIND, values![own, known]).await?;
    let has = |row: &BehindRow, change| {
        Position::of(change).is_in_history(row.seq, row.mark, row.known_mark)
    };
    let lacks = |change| !rows.iter().all(|row| has(row, change));
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
