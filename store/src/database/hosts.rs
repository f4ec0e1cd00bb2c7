//! The hosts of a PostgreSQL: the primary, and standbys that may become it.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use sqlx::{
    ConnectOptions, PgConnection, Row as _, SqlSafeStr as _, SqlStr, postgres::PgConnectOptions,
};
use tokio::time::timeout;

use super::limits::DATABASE_TIMEOUT;

pub(super) const READ_IS_STANDBY: &str = "SELECT pg_is_in_recovery()";

/// How to connect to each host of a PostgreSQL. Clones share which of them was the primary.
#[derive(Clone)]
pub(super) struct Hosts {
    /// At least one.
    options: Arc<[PgConnectOptions]>,
    /// Where the last connection to a primary led.
    primary: Arc<AtomicUsize>,
}

impl Hosts {
    /// The options differ in host and port only. There must be at least one.
    pub(super) fn new(options: Vec<PgConnectOptions>) -> Self {
        Self {
            options: options.into(),
            primary: Arc::default(),
        }
    }

    /// The same hosts with other options.
    pub(super) fn with(&self, change: impl Fn(PgConnectOptions) -> PgConnectOptions) -> Self {
        Self {
            options: self.options.iter().cloned().map(change).collect(),
            primary: Arc::clone(&self.primary),
        }
    }

    /// The host that was the primary.
    pub(super) fn primary(&self) -> &PgConnectOptions {
        &self.options[self.primary.load(Ordering::Relaxed)]
    }

    /// Connects to the primary. Tries the hosts in turn, and first the one that was the primary.
    ///
    /// # Errors
    /// Why no host could be used. If one of them may be the primary soon, its error ([`may_come_up`]).
    pub(super) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let (count, first) = (self.options.len(), self.primary.load(Ordering::Relaxed));
        let limit = DATABASE_TIMEOUT / u32::try_from(count).unwrap_or(u32::MAX);
        let mut refusal = sqlx::Error::PoolTimedOut;
        for host in (first..first + count).map(|host| host % count) {
            let connected = timeout(limit, connect(&self.options[host])).await;
            match connected.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
                Ok(connection) => {
                    self.primary.store(host, Ordering::Relaxed);
                    return Ok(connection);
                }
                // Report a standby rather than a host that is down.
                Err(error) if !may_come_up(&refusal) || is_on_standby(&error) => refusal = error,
                Err(_) => {}
            }
        }
        Err(refusal)
    }
}

impl fmt::Debug for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hosts").field(&self.options.len()).finish()
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    refuse_standby(&mut connection, READ_IS_STANDBY.into_sql_str()).await?;
    Ok(connection)
}

/// Whether PostgreSQL may take connections in a moment: it starts, or is a standby.
pub(super) fn may_come_up(error: &sqlx::Error) -> bool {
    const CANNOT_CONNECT_NOW: &str = "57P03";
    match error {
        sqlx::Error::Io(cause) => {
            cause.kind() == io::ErrorKind::ConnectionRefused || is_on_standby(error)
        }
        sqlx::Error::Database(refusal) => refusal
            .code()
            .is_some_and(|code| code == CANNOT_CONNECT_NOW),
        _ => false,
    }
}

/// This PostgreSQL is a standby.
#[derive(Debug, thiserror::Error)]
#[error(
    "this PostgreSQL is a standby, which may not know yet that a token was deactivated: the address must lead to the primary"
)]
struct Standby;

fn is_on_standby(error: &sqlx::Error) -> bool {
    let sqlx::Error::Io(error) = error else {
        return false;
    };
    error.get_ref().is_some_and(|cause| cause.is::<Standby>())
}

/// Runs `sql`, whose only row is that of [`READ_IS_STANDBY`].
///
/// # Errors
/// [`Standby`], which closes the connection.
pub(super) async fn refuse_standby(
    connection: &mut PgConnection,
    sql: SqlStr,
) -> Result<(), sqlx::Error> {
    let row = sqlx::raw_sql(sql).fetch_one(connection).await?;
    if row.try_get(0)? {
        return Err(io::Error::other(Standby).into());
    }
    Ok(())
}
