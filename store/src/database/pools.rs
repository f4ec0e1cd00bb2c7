//! Pools of connections: what they are for, and how many connections they have.

/// What a connection is needed for. Purposes do not share connections, so that none can keep the others out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The guard reads what a key may do.
    Guard,
    /// A server renews its lease, and looks for changes.
    Lease,
    /// A token, session or plan ends.
    Revocation,
    /// Sign-in, small updates, and work that frees space: they must go on when SQLite's disk is nearly full. Otherwise
    /// like [`Purpose::General`].
    Upkeep,
    /// Everything else. Refused when SQLite's disk is nearly full.
    General,
}

/// How many connections of a pool are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolConnections {
    /// The pool's name: `writer`, `guard`, `lease`, `revocations` and `readers` on SQLite; `guard`, `lease`, `revocations`,
    /// `reads` and `writes` on PostgreSQL.
    pub pool: &'static str,
    /// Connections in use.
    pub in_use: u32,
    /// Open connections that are not in use.
    pub idle: u32,
    /// The maximum number of open connections.
    pub limit: u32,
}

impl PoolConnections {
    pub(super) fn of<E: sqlx::Database>(pool: &'static str, connections: &sqlx::Pool<E>) -> Self {
        let idle = u32::try_from(connections.num_idle()).unwrap_or(u32::MAX);
        Self {
            pool,
            in_use: connections.size().saturating_sub(idle),
            idle,
            limit: connections.options().get_max_connections(),
        }
    }
}
