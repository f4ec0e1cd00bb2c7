//! Every limit on waiting for the database, and its reason.
//!
//! PostgreSQL's own limits on a statement are shorter than ours. A PostgreSQL that is alive ends a slow statement
//! first, with an error. So if our limit passes, its host is silent or the connection is dead.

use std::time::Duration;

/// How long a call waits for a connection, and SQLite for a lock, before the database counts as unreachable. Long
/// enough for a burst, short enough for a caller to get its 503 while it still listens.
pub(crate) const DATABASE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long PostgreSQL may take to answer a ping on an idle connection. It needs milliseconds, and a caller of the
/// API must have time left for a new connection and its read.
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a connection may be idle before its next use opens a new one. Firewalls forget idle connections.
pub(super) const IDLE_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// How long a connection is used. Its server process grows with use, and the host's name may lead to another host.
pub(super) const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Between two attempts to connect to a PostgreSQL that is starting.
pub(super) const RECONNECT_DELAY: Duration = Duration::from_millis(100);

/// How long `COMMIT` may take. The change is then reported as unknown. A commit waits for the disk, and for a
/// synchronous standby if PostgreSQL has one.
pub(super) const COMMIT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long PostgreSQL waits for a lock in a transaction that writes. Shorter than [`COMMIT_TIMEOUT`], because a commit waits
/// for the lock of the change counter: that it was not made is then known.
const COMMIT_LOCK: &str = "4000";

/// How long the connection of an unconfirmed commit is kept. PostgreSQL does not notice that a client left while it
/// waits for a standby: every connection that we close then leaves a server process behind, and could use up
/// `max_connections`.
pub(super) const UNCONFIRMED_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// How long closing the database waits for running statements.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How many connections read from a SQLite file: for the guard, for the lease, for revocations, and for everything else.
pub(super) const SQLITE_GUARD_READERS: u32 = 4;
pub(super) const SQLITE_LEASE_READERS: u32 = 1;
pub(super) const SQLITE_REVOCATION_READERS: u32 = 2;
pub(super) const SQLITE_READERS: u32 = 4;

/// How long a revocation waits for its turn to write to SQLite. It is next in the queue. So it waits for one running
/// transaction, which may itself wait for another process's lock and then has work to do.
pub(super) const URGENT_TURN_TIMEOUT: Duration = Duration::from_secs(10);

/// The connections to PostgreSQL for one purpose. Each purpose has a pool of its own, so that a stuck dashboard keeps
/// neither API calls nor revocations out.
#[derive(Debug)]
pub(super) struct PoolLimits {
    /// The pool's name in metrics.
    pub(super) name: &'static str,
    /// The maximum number of connections.
    pub(super) connections: u32,
    /// What PostgreSQL enforces, for each session.
    pub(super) settings: [(&'static str, &'static str); 5],
    /// How long to wait for the answer to one statement.
    pub(super) statement: Duration,
    /// How long a transaction may take from its begin to its commit.
    pub(super) transaction: Duration,
    /// No transaction begins while this many commits are unconfirmed: it would most likely be the next.
    pub(super) unconfirmed: usize,
}

/// The settings of a session: the longest statement and the longest wait for a lock, in milliseconds.
///
/// The keepalive is PostgreSQL's: it ends the sessions of a server of ours that vanished. `synchronous_commit`
/// overrides the setting of the database: PostgreSQL confirms a commit only when it is on disk, and on the synchronous
/// standby if there is one.
const fn settings(
    statement: &'static str,
    lock: &'static str,
) -> [(&'static str, &'static str); 5] {
    [
        ("statement_timeout", statement),
        ("lock_timeout", lock),
        ("idle_in_transaction_session_timeout", "20000"),
        ("tcp_keepalives_idle", "60"),
        ("synchronous_commit", "on"),
    ]
}

/// The guard's reads. Each is one row by its index, and the caller gets its 503 after [`DATABASE_TIMEOUT`].
pub(super) const GUARD: PoolLimits = PoolLimits {
    name: "guard",
    connections: 4,
    settings: settings("3000", "3000"),
    statement: Duration::from_secs(4),
    transaction: Duration::from_secs(4),
    unconfirmed: 0,
};

/// The renewal of the lease, and looking for changes: small statements. A renewal that cannot be confirmed goes on being
/// tried when no other change is: only it can end the refusals.
pub(super) const LEASE: PoolLimits = PoolLimits {
    name: "lease",
    connections: 2,
    settings: settings("3000", "3000"),
    statement: Duration::from_secs(4),
    transaction: Duration::from_secs(4),
    unconfirmed: 12,
};

/// Revocations and sign-out: few and small transactions. With the wait for a connection and the commit, such a
/// command ends within 20 s.
pub(super) const REVOCATIONS: PoolLimits = PoolLimits {
    name: "revocations",
    connections: 2,
    settings: settings("8000", COMMIT_LOCK),
    statement: Duration::from_secs(10),
    transaction: Duration::from_secs(10),
    unconfirmed: 8,
};

/// Reads of pages and of the API's photos.
pub(super) const READS: PoolLimits = PoolLimits {
    name: "reads",
    connections: 5,
    settings: settings("15000", "5000"),
    statement: Duration::from_secs(18),
    transaction: Duration::from_secs(20),
    unconfirmed: 0,
};

/// All other transactions: sign-ins, usage counts, imports. With the wait for a connection and the commit, one
/// takes at most 30 s.
pub(super) const WRITES: PoolLimits = PoolLimits {
    name: "writes",
    connections: 5,
    settings: settings("15000", COMMIT_LOCK),
    statement: Duration::from_secs(18),
    transaction: Duration::from_secs(20),
    unconfirmed: 4,
};
