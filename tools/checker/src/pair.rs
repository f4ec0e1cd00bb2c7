//! Two PostgreSQL servers: a primary and its standby, which can change places.

use std::{
    net::SocketAddr,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, postgres::PgConnectOptions};
use temporary_postgres::{Cluster, Commits};
use tokio::{
    task::{spawn, spawn_blocking},
    time::{Instant, sleep},
};

use crate::{
    proxy::{CuttableProxy, LinkState},
    run::Databases,
};

/// The standby's `application_name`.
const STANDBY: &str = "standby";

const SYNCHRONOUS_STANDBYS: &str = "synchronous_standby_names";

/// Ends the wait for a standby that does not follow its primary.
const REPLICATION_TIMEOUT: Duration = Duration::from_secs(120);
const DELAY: Duration = Duration::from_millis(10);

const IS_STREAMING: &str = "SELECT COUNT(*) FROM pg_stat_replication WHERE state = 'streaming'";
/// Whether the standby has everything that was committed before this statement.
const HAS_ALL: &str = "SELECT COUNT(*) FROM pg_stat_replication WHERE replay_lsn >= '";
const LAST_LSN: &str = "SELECT pg_current_wal_flush_lsn()::TEXT";
const COMMIT: &str = "SELECT pg_logical_emit_message(TRUE, 'checker', '')";
const WAITING_COMMITS: &str = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

/// A primary and its standby, each with a proxy for the one that follows it.
pub(crate) struct Pair {
    hosts: [Arc<Cluster>; 2],
    followed: [CuttableProxy; 2],
    primary: AtomicUsize,
}

impl Pair {
    /// A primary with a synchronous standby.
    pub(crate) async fn start() -> Result<Self> {
        let start = || Cluster::start(Commits::Written);
        let primary = Arc::new(spawn_blocking(start).await??);
        let standby = Arc::new(Cluster::without_data(Commits::Written)?);
        let followed = [
            CuttableProxy::to(primary.address()).await?,
            CuttableProxy::to(standby.address()).await?,
        ];
        let pair = Self {
            hosts: [primary, standby],
            followed,
            primary: AtomicUsize::new(0),
        };
        pair.rebuild_standby().await?;
        Ok(pair)
    }

    /// The number of the host that is the primary.
    pub(crate) fn primary(&self) -> usize {
        self.primary.load(Ordering::Relaxed)
    }

    /// The number of the other host.
    pub(crate) fn standby(&self) -> usize {
        1 - self.primary()
    }

    /// Makes the other host a synchronous standby with the data of the primary.
    pub(crate) async fn rebuild_standby(&self) -> Result<()> {
        let followed = &self.followed[self.primary()];
        followed.set(LinkState::Open);
        let address = followed.address;
        self.on(self.standby(), move |standby| {
            standby.become_standby(address, STANDBY)
        })
        .await?;
        self.until(IS_STREAMING).await?;
        self.set_synchronous_standbys(STANDBY).await?;
        self.until_commits_wait().await
    }

    /// From now on, commits do not wait for the standby.
    pub(crate) async fn become_asynchronous(&self) -> Result<()> {
        self.set_synchronous_standbys("").await
    }

    async fn set_synchronous_standbys(&self, names: &'static str) -> Result<()> {
        self.on(self.primary(), move |primary| {
            primary.set(SYNCHRONOUS_STANDBYS, names)
        })
        .await
    }

    /// Waits until the primary confirms no commit that the standby does not have. That is so once a commit waits while
    /// the standby cannot be reached.
    async fn until_commits_wait(&self) -> Result<()> {
        let end = Instant::now() + REPLICATION_TIMEOUT;
        loop {
            self.set_replication(LinkState::Silent);
            let mut connection = self.connect().await?;
            let commit = spawn(async move {
                let committed = sqlx::raw_sql(COMMIT).execute(&mut connection);
                committed.await.map(drop)
            });
            let mut waits = false;
            while !waits && !commit.is_finished() {
                sleep(DELAY).await;
                waits = self.count(WAITING_COMMITS).await? > 0;
            }
            self.set_replication(LinkState::Open);
            commit.await??;
            if waits {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("the primary does not wait for its standby");
            }
        }
    }

    /// Waits until the standby has all that was committed before this call.
    pub(crate) async fn until_replicated(&self) -> Result<()> {
        let mut connection = self.connect().await?;
        let lsn: String = sqlx::query_scalar(LAST_LSN)
            .fetch_one(&mut connection)
            .await?;
        self.until(&format!("{HAS_ALL}{lsn}'")).await
    }

    /// Cuts the standby off from the primary, or lets it follow again.
    pub(crate) fn set_replication(&self, link: LinkState) {
        self.followed[self.primary()].set(link);
    }

    /// Stops a host as a crash does.
    pub(crate) async fn stop(&self, host: usize) -> Result<()> {
        self.on(host, Cluster::stop).await
    }

    /// Makes the standby the primary.
    pub(crate) async fn promote(&self) -> Result<()> {
        let promoted = self.standby();
        self.on(promoted, Cluster::promote).await?;
        self.primary.store(promoted, Ordering::Relaxed);
        Ok(())
    }

    /// Copies the primary's data.
    pub(crate) async fn copy(&self) -> Result<()> {
        self.on(self.primary(), Cluster::copy).await
    }

    /// Starts the stopped primary with the copy of its data.
    pub(crate) async fn restore_copy(&self) -> Result<()> {
        self.on(self.primary(), Cluster::restore_copy).await
    }

    async fn on(
        &self,
        host: usize,
        work: impl FnOnce(&Cluster) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let cluster = Arc::clone(&self.hosts[host]);
        spawn_blocking(move || work(&cluster)).await?
    }

    async fn connect(&self) -> Result<PgConnection> {
        let url = self.hosts[self.primary()].url();
        let options = PgConnectOptions::from_str(&url)?;
        options.connect().await.context("the primary")
    }

    async fn count(&self, sql: &str) -> Result<i64> {
        let mut connection = self.connect().await?;
        // Safe: it contains only constants, and a position that PostgreSQL named.
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(sqlx::query_scalar(sql).fetch_one(&mut connection).await?)
    }

    /// Waits until the primary counts at least one.
    async fn until(&self, sql: &str) -> Result<()> {
        let end = Instant::now() + REPLICATION_TIMEOUT;
        while self.count(sql).await? == 0 {
            if Instant::now() > end {
                return Err(anyhow!("the standby does not follow: {sql}"));
            }
            sleep(DELAY).await;
        }
        Ok(())
    }
}

impl Databases for Pair {
    async fn hosts(&self) -> Result<Vec<SocketAddr>> {
        Ok(self.hosts.iter().map(|host| host.address()).collect())
    }

    fn url(&self, proxies: &[SocketAddr]) -> Result<String> {
        let proxies: Vec<_> = proxies.iter().map(SocketAddr::to_string).collect();
        Ok(format!("postgres://app@{}/postgres", proxies.join(",")))
    }
}
