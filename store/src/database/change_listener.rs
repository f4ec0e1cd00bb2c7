//! Notifications of changes by PostgreSQL.

use sqlx::{
    PgPool,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::{select, sync::watch, time::timeout};

use super::{hosts::Hosts, limits::DATABASE_TIMEOUT};

/// The channel of the function `log_change` (`migrations/postgres/0011_token_lists_keeps_revocations.sql`).
const CHANNEL: &str = "developer_zone_changes";

/// A connection of its own that listens.
///
/// A notification only shortens a wait: a server that gets none finds the changes when it renews its lease.
pub(crate) struct ChangeListener {
    hosts: Hosts,
    /// Changes when the pools' connections were found dead. This one may be dead too.
    generation: watch::Receiver<u64>,
    listener: Option<PgListener>,
}

impl ChangeListener {
    pub(super) const fn new(hosts: Hosts, generation: watch::Receiver<u64>) -> Self {
        Self {
            hosts,
            generation,
            listener: None,
        }
    }

    /// Returns at the next notification, or when it has begun to listen: changes before that were not notified. If
    /// cancelled, no notification is lost.
    ///
    /// # Errors
    /// The reason if PostgreSQL does not answer, or the connection has ended. The next call connects again.
    pub(crate) async fn heard(&mut self) -> Result<(), sqlx::Error> {
        let Some(listener) = &mut self.listener else {
            self.generation.mark_unchanged();
            let connected = timeout(DATABASE_TIMEOUT, connect(&self.hosts)).await;
            self.listener = Some(connected.map_err(|_| sqlx::Error::PoolTimedOut)??);
            return Ok(());
        };
        let heard = select! {
            heard = listener.try_recv() => heard,
            _ = self.generation.changed() => Ok(None),
        };
        if !matches!(heard, Ok(Some(_))) {
            self.disconnect();
        }
        heard?.map(drop).ok_or(sqlx::Error::PoolClosed)
    }

    /// Closes the connection. The next call of [`ChangeListener::heard`] opens another one.
    pub(crate) fn disconnect(&mut self) {
        self.listener = None;
    }
}

/// With a pool of its own, because a listener gives its connection back to its pool.
async fn connect(hosts: &Hosts) -> Result<PgListener, sqlx::Error> {
    let pool: PgPool = PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .connect_lazy_with(hosts.primary().clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
