//! Connections to PostgreSQL.
//!
//! The pools are our own, because sqlx's pool waits without a limit. It tests each returned connection, and a host
//! that falls silent never answers that test: the connection stays in use, and soon all are.
//!
//! Here every wait has a limit ([`super::limits`]). A connection whose statement is not answered in time is closed
//! immediately, with nothing sent to it. The first such connection ends the *generation*: all idle connections that
//! were opened before are closed as well, instead of being found dead one by one.
//!
//! # Only the primary
//! A standby lags behind: a read there could accept a key that was revoked on the primary. After a failover, the
//! address of the database may lead to one for a while. So every new session is asked whether it is on a standby, and
//! is closed if it is. The first change that is refused as read-only ends the generation too.
//!
//! # Behind a connection pooler
//! PgBouncer can give each transaction to another session of PostgreSQL. So nothing may depend on the session: not its
//! settings, and not its prepared statements. There, each read is a transaction of its own, each transaction sets its
//! limits with `SET LOCAL` and asks for the standby, and no statement is kept prepared.

use std::{
    fmt, io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row as _, SqlSafeStr as _, SqlStr,
    postgres::{PgArguments, PgConnectOptions},
    query::Query,
};
use tokio::{
    runtime::Handle,
    select,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch},
    time::{Instant, sleep, timeout},
};

use super::{
    change_listener::ChangeListener,
    hosts::{Hosts, READ_IS_STANDBY, may_come_up, refuse_standby},
    limits::{
        CLOSE_TIMEOUT, COMMIT_TIMEOUT, DATABASE_TIMEOUT, GUARD, IDLE_LIFETIME, LEASE, LIFETIME,
        PING_TIMEOUT, PoolLimits, READS, RECONNECT_DELAY, REVOCATIONS, UNCONFIRMED_LIFETIME,
        WRITES,
    },
    pools::{PoolConnections, Purpose},
    statement::{Sql, Values, for_postgres},
};
use crate::{error::DatabaseError, task};

/// What a statement on a connection returns.
pub(crate) type Running<'c, T> = Pin<Box<dyn Future<Output = Result<T, sqlx::Error>> + Send + 'c>>;

/// A setting of our sessions that PostgreSQL does not know. A connection pooler drops it with all other settings.
const IS_DIRECT: &str = "developer_zone.is_direct";
const READ_IS_DIRECT: &str = "SELECT current_setting('developer_zone.is_direct', TRUE)";

/// A PostgreSQL database: a pool for each purpose.
#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    guard: Pool,
    lease: Pool,
    revocations: Pool,
    reads: Pool,
    writes: Pool,
    /// Without limits on statements.
    hosts: Hosts,
}

impl Postgres {
    /// Opens the first connection.
    ///
    /// # Errors
    /// The reason if PostgreSQL cannot be reached.
    pub(super) async fn open(options: Vec<PgConnectOptions>) -> Result<Self, sqlx::Error> {
        let health = Arc::new(Health::new());
        // Not needed: no column is a floating-point number. PgBouncer refuses it.
        let hosts = Hosts::new(options).with(|options| options.extra_float_digits(None));
        let pool = |limits| Pool::new(limits, &hosts, &health);
        let database = Self {
            guard: pool(&GUARD),
            lease: pool(&LEASE),
            revocations: pool(&REVOCATIONS),
            reads: pool(&READS),
            writes: pool(&WRITES),
            hosts,
        };
        if !database.reads.acquire().await?.is_direct().await? {
            tracing::debug!("PostgreSQL is behind a connection pooler");
            health.is_behind_pooler.store(true, Ordering::Relaxed);
        }
        Ok(database)
    }

    /// The encoding in which the database stores texts. PostgreSQL refuses a text that has a character which the encoding
    /// lacks.
    pub(super) async fn encoding(&self) -> Result<String, sqlx::Error> {
        let mut connection = self.reads.acquire().await?;
        let row = connection.read(|connection| {
            Box::pin(sqlx::raw_sql("SHOW server_encoding").fetch_one(connection))
        });
        row.await?.try_get(0)
    }

    /// A connection for statements that read.
    pub(crate) async fn acquire(&self, purpose: Purpose) -> Result<PooledConnection, sqlx::Error> {
        let pool = match purpose {
            Purpose::Guard => &self.guard,
            Purpose::Lease => &self.lease,
            Purpose::Revocation => &self.revocations,
            Purpose::Upkeep | Purpose::General => &self.reads,
        };
        pool.acquire().await
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self, purpose: Purpose) -> Result<PgTransaction, sqlx::Error> {
        let pool = match purpose {
            Purpose::Lease => &self.lease,
            Purpose::Revocation => &self.revocations,
            Purpose::Guard | Purpose::Upkeep | Purpose::General => &self.writes,
        };
        pool.begin().await
    }

    /// Listens for changes. None behind a connection pooler, which gives each transaction to another session.
    pub(super) fn change_listener(&self) -> Option<ChangeListener> {
        let is_direct = !self.reads.is_behind_pooler();
        let generation = self.reads.0.health.generation.subscribe();
        is_direct.then(|| ChangeListener::new(self.hosts.clone(), generation))
    }

    /// # Errors
    /// If some commit is not confirmed at present.
    pub(super) fn require_confirming(&self) -> Result<(), sqlx::Error> {
        match self.reads.0.health.unconfirmed.load(Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(io::Error::other(Unconfirming).into()),
        }
    }

    /// Closes all connections that were opened before, each after its running statement: one of them leads to another
    /// database.
    pub(super) fn replace_connections(&self) {
        let health = &self.reads.0.health;
        health.end(health.generation());
    }

    /// A connection outside the pools, without limits on its statements.
    pub(crate) async fn connect_without_limits(&self) -> Result<PgConnection, sqlx::Error> {
        let connection = timeout(DATABASE_TIMEOUT, self.hosts.connect()).await;
        connection.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    pub(super) fn connections(&self) -> Vec<PoolConnections> {
        self.pools().map(Pool::connections).into()
    }

    pub(super) async fn close(&self) {
        for pool in self.pools() {
            pool.close().await;
        }
    }

    const fn pools(&self) -> [&Pool; 5] {
        [
            &self.guard,
            &self.lease,
            &self.revocations,
            &self.reads,
            &self.writes,
        ]
    }
}

/// What the pools of a database know about it together.
struct Health {
    /// How often the connections were found dead.
    generation: watch::Sender<u64>,
    /// How many commits are unconfirmed.
    unconfirmed: AtomicUsize,
    /// Found out with the first connection.
    is_behind_pooler: AtomicBool,
}

impl Health {
    fn new() -> Self {
        Self {
            generation: watch::Sender::new(0),
            unconfirmed: AtomicUsize::new(0),
            is_behind_pooler: AtomicBool::new(false),
        }
    }

    fn is_behind_pooler(&self) -> bool {
        self.is_behind_pooler.load(Ordering::Relaxed)
    }

    fn generation(&self) -> u64 {
        *self.generation.borrow()
    }

    /// Ends the generation of a dead connection, unless it has ended already.
    fn end(&self, generation: u64) {
        self.generation.send_if_modified(|present| {
            let ends = *present == generation;
            *present += u64::from(ends);
            ends
        });
    }
}

/// A pool of connections for one purpose.
#[derive(Clone)]
struct Pool(Arc<Inner>);

struct Inner {
    limits: &'static PoolLimits,
    hosts: Hosts,
    health: Arc<Health>,
    /// One permit for each connection that may be in use.
    slots: Arc<Semaphore>,
    /// The most recently used one is last.
    idle: Mutex<Vec<Open>>,
}

/// An open connection.
struct Open {
    connection: PgConnection,
    generation: u64,
    since: Instant,
    used: Instant,
}

impl Pool {
    fn new(limits: &'static PoolLimits, hosts: &Hosts, health: &Arc<Health>) -> Self {
        let settings = |options: PgConnectOptions| {
            let options = options.options(limits.settings);
            options.options([(IS_DIRECT, "yes")])
        };
        Self(Arc::new(Inner {
            limits,
            hosts: hosts.with(settings),
            health: Arc::clone(health),
            slots: Arc::new(Semaphore::new(limits.connections as usize)),
            idle: Mutex::default(),
        }))
    }

    /// A connection that works, as far as is known.
    async fn acquire(&self) -> Result<PooledConnection, sqlx::Error> {
        let mut refusal = sqlx::Error::PoolTimedOut;
        let pooled = timeout(DATABASE_TIMEOUT, self.check_out(&mut refusal)).await;
        pooled.unwrap_or(Err(refusal))
    }

    /// Sets `refusal` to the reason why it is still trying, if PostgreSQL has given one.
    async fn check_out(&self, refusal: &mut sqlx::Error) -> Result<PooledConnection, sqlx::Error> {
        let slot = Arc::clone(&self.0.slots).acquire_owned().await;
        let slot = slot.map_err(|_| sqlx::Error::PoolClosed)?;
        let open = loop {
            match self.take_idle() {
                Some(open) => {
                    if let Some(open) = self.tested(open).await {
                        break open;
                    }
                }
                None => break self.connect(refusal).await?,
            }
        };
        Ok(PooledConnection {
            pool: self.clone(),
            open: Some(open),
            slot: Some(slot),
            is_busy: false,
            in_transaction: false,
        })
    }

    /// An idle connection of this generation. Closes those that are too old.
    fn take_idle(&self) -> Option<Open> {
        let generation = self.0.health.generation();
        let mut idle = self.idle();
        idle.retain(|open| {
            open.generation == generation
                && open.since.elapsed() < LIFETIME
                && open.used.elapsed() < IDLE_LIFETIME
        });
        idle.pop()
    }

    /// The connection, if PostgreSQL answers on it. If not, its generation ends.
    async fn tested(&self, mut open: Open) -> Option<Open> {
        if let Ok(Ok(())) = timeout(PING_TIMEOUT, open.connection.ping()).await {
            Some(open)
        } else {
            self.0.health.end(open.generation);
            None
        }
    }

    /// A new connection. A PostgreSQL that refuses connections while it starts, or that is a standby and may soon be the
    /// primary, is asked again until it accepts, and `refusal` is its last answer.
    async fn connect(&self, refusal: &mut sqlx::Error) -> Result<Open, sqlx::Error> {
        loop {
            let generation = self.0.health.generation();
            match self.0.hosts.connect().await {
                Ok(connection) => {
                    let now = Instant::now();
                    return Ok(Open {
                        connection,
                        generation,
                        since: now,
                        used: now,
                    });
                }
                Err(error) if may_come_up(&error) => {
                    *refusal = error;
                    sleep(RECONNECT_DELAY).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Keeps a connection that is ready for its next statement.
    fn put_back(&self, mut open: Open) {
        if open.generation == self.0.health.generation() && !self.0.slots.is_closed() {
            open.used = Instant::now();
            self.idle().push(open);
        }
    }

    /// Begins a transaction.
    async fn begin(&self) -> Result<PgTransaction, sqlx::Error> {
        let Inner { limits, health, .. } = &*self.0;
        let unconfirmed = || health.unconfirmed.load(Ordering::Relaxed);
        if unconfirmed() >= limits.unconfirmed {
            // Perhaps the connections that wait are dead.
            self.probe().await;
            if unconfirmed() >= limits.unconfirmed {
                return Err(io::Error::other(Unconfirming).into());
            }
        }
        let pooled = match self.begun().await {
            // PostgreSQL ended this session after the ping. Nothing has happened yet.
            Err(error) if matches!(Damage::of(&error), Damage::Closed) => self.begun().await?,
            begun => begun?,
        };
        let end = Instant::now() + limits.transaction;
        Ok(PgTransaction { pooled, end })
    }

    /// A connection that is inside a transaction.
    async fn begun(&self) -> Result<PooledConnection, sqlx::Error> {
        let mut pooled = self.acquire().await?;
        pooled.begin().await?;
        Ok(pooled)
    }

    fn is_behind_pooler(&self) -> bool {
        self.0.health.is_behind_pooler()
    }

    /// Finds out whether PostgreSQL answers at all. If not, the generation ends.
    async fn probe(&self) {
        let generation = self.0.health.generation();
        if let Some(open) = self.take_idle() {
            if let Some(open) = self.tested(open).await {
                self.put_back(open);
            }
            return;
        }
        let fresh = timeout(PING_TIMEOUT, self.0.hosts.primary().connect()).await;
        // Any other error is an answer.
        if matches!(fresh, Err(_) | Ok(Err(sqlx::Error::Io(_)))) {
            self.0.health.end(generation);
        }
    }

    fn connections(&self) -> PoolConnections {
        let Inner { limits, slots, .. } = &*self.0;
        let free = u32::try_from(slots.available_permits()).unwrap_or(u32::MAX);
        PoolConnections {
            pool: limits.name,
            in_use: limits.connections.saturating_sub(free),
            idle: u32::try_from(self.idle().len()).unwrap_or(u32::MAX),
            limit: limits.connections,
        }
    }

    /// Closes every connection, after its running statement. Gives up soon on one that is not answered: the process
    /// is about to end.
    async fn close(&self) {
        let _ = timeout(
            CLOSE_TIMEOUT,
            self.0.slots.acquire_many(self.0.limits.connections),
        )
        .await;
        self.0.slots.close();
        let idle = std::mem::take(&mut *self.idle());
        for open in idle {
            let _ = timeout(PING_TIMEOUT, open.connection.close()).await;
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Open>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pool").field(&self.0.limits.name).finish()
    }
}

/// A connection in use.
///
/// When it is dropped, a connection that is ready for its next statement returns to the pool. One inside a
/// transaction is rolled back first, and one whose read was cancelled first receives the rest of the answer. Both
/// keep their slot meanwhile, within [`DATABASE_TIMEOUT`]. A transaction whose statement was cancelled is closed: what
/// it waits for, such as a lock, could last.
pub(crate) struct PooledConnection {
    pool: Pool,
    open: Option<Open>,
    slot: Option<OwnedSemaphorePermit>,
    /// Whether a statement was sent whose answer was not received.
    is_busy: bool,
    in_transaction: bool,
}

impl PooledConnection {
    /// Runs a statement that reads. Behind a connection pooler it is a transaction, which the drop of this connection
    /// ends.
    pub(crate) async fn read<T, W>(&mut self, work: W) -> Result<T, sqlx::Error>
    where
        W: for<'c> FnOnce(&'c mut PgConnection) -> Running<'c, T> + Send,
    {
        if self.pool.is_behind_pooler() {
            self.begin().await?;
        }
        self.run(self.pool.0.limits.statement, work).await
    }

    /// The statement as a query for this connection.
    pub(super) fn query(
        &self,
        sql: Sql,
        values: Values<'_>,
    ) -> Query<'static, sqlx::Postgres, PgArguments> {
        let query = for_postgres(sql, values);
        if self.pool.is_behind_pooler() {
            query.persistent(false)
        } else {
            query
        }
    }

    async fn begin(&mut self) -> Result<(), sqlx::Error> {
        self.in_transaction = true;
        let limits = self.pool.0.limits;
        if self.pool.is_behind_pooler() {
            let begin = AssertSqlSafe(begin_with(&limits.settings)).into_sql_str();
            self.run(limits.statement, |connection| {
                Box::pin(refuse_standby(connection, begin))
            })
            .await
        } else {
            self.run(limits.statement, |connection| {
                Box::pin(execute(connection, "BEGIN".into_sql_str()))
            })
            .await
        }
    }

    /// Whether the session has the settings that we asked for.
    async fn is_direct(&mut self) -> Result<bool, sqlx::Error> {
        let row = self.run(self.pool.0.limits.statement, |connection| {
            Box::pin(sqlx::raw_sql(READ_IS_DIRECT).fetch_one(connection))
        });
        let setting: Option<String> = row.await?.try_get(0)?;
        Ok(setting.is_some_and(|setting| !setting.is_empty()))
    }

    /// Runs a statement. If it is not answered within `limit`, closes the connection, and ends its generation.
    async fn run<T, W>(&mut self, limit: Duration, work: W) -> Result<T, sqlx::Error>
    where
        W: for<'c> FnOnce(&'c mut PgConnection) -> Running<'c, T> + Send,
    {
        let Some(open) = &mut self.open else {
            return Err(no_answer());
        };
        self.is_busy = true;
        let outcome = timeout(limit, work(&mut open.connection)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(no_answer()));
        self.is_busy = false;
        if let Err(error) = &outcome {
            match Damage::of(error) {
                Damage::None => {}
                Damage::Closed => self.open = None,
                Damage::Lost => self.lose(),
            }
        }
        outcome
    }

    fn lose(&mut self) {
        if let Some(open) = self.open.take() {
            self.pool.0.health.end(open.generation);
        }
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        match (self.is_busy, self.in_transaction) {
            (false, false) => self.pool.put_back(open),
            (true, true) => {}
            // Outside a runtime the program is ending.
            _ if Handle::try_current().is_err() => {}
            (_, in_transaction) => {
                let (pool, slot) = (self.pool.clone(), self.slot.take());
                task::spawn(async move {
                    tidy(&pool, open, in_transaction).await;
                    drop(slot);
                });
            }
        }
    }
}

/// Makes a connection ready for its next statement, and returns it to its pool.
async fn tidy(pool: &Pool, mut open: Open, in_transaction: bool) {
    let tidied = timeout(DATABASE_TIMEOUT, async {
        if in_transaction {
            execute(&mut open.connection, "ROLLBACK".into_sql_str()).await
        } else {
            open.connection.ping().await
        }
    });
    if let Ok(Ok(())) = tidied.await {
        pool.put_back(open);
    } else {
        pool.0.health.end(open.generation);
    }
}

/// A running transaction of PostgreSQL. Dropped before its commit, it is rolled back.
pub(crate) struct PgTransaction {
    pooled: PooledConnection,
    /// When the transaction as a whole must have ended.
    end: Instant,
}

impl PgTransaction {
    /// Runs a statement, until the end of the transaction at the latest.
    pub(super) async fn run<T, W>(&mut self, work: W) -> Result<T, sqlx::Error>
    where
        W: for<'c> FnOnce(&'c mut PgConnection) -> Running<'c, T> + Send,
    {
        let left = self.end.saturating_duration_since(Instant::now());
        let limit = left.min(self.pooled.pool.0.limits.statement);
        self.pooled.run(limit, work).await
    }

    /// The statement as a query for this transaction.
    pub(super) fn query(
        &self,
        sql: Sql,
        values: Values<'_>,
    ) -> Query<'static, sqlx::Postgres, PgArguments> {
        self.pooled.query(sql, values)
    }

    /// Makes the changes permanent. The commit runs to its end even if the caller goes away.
    ///
    /// # Errors
    /// [`DatabaseError::OutcomeUnknown`] if PostgreSQL does not confirm the commit in time, or the connection ends.
    pub(super) async fn commit(mut self) -> Result<(), DatabaseError> {
        let (Some(open), slot) = (self.pooled.open.take(), self.pooled.slot.take()) else {
            return Err(no_answer().into());
        };
        let (tell, told) = oneshot::channel();
        task::spawn(commit(self.pooled.pool.clone(), open, slot, tell));
        told.await
            .unwrap_or_else(|gone| Err(DatabaseError::OutcomeUnknown(gone.into())))
    }
}

/// Commits, and tells the outcome as soon as it is known to be done, failed, or unknown.
///
/// An unconfirmed commit gives back its slot and keeps its connection, until PostgreSQL confirms it or the connection
/// proves dead ([`UNCONFIRMED_LIFETIME`]).
async fn commit(
    pool: Pool,
    mut open: Open,
    slot: Option<OwnedSemaphorePermit>,
    tell: oneshot::Sender<Result<(), DatabaseError>>,
) {
    let health = Arc::clone(&pool.0.health);
    let generation = open.generation;
    let mut running = Box::pin(execute(&mut open.connection, "COMMIT".into_sql_str()));
    if let Ok(outcome) = timeout(COMMIT_TIMEOUT, &mut running).await {
        drop(running);
        let damage = outcome.as_ref().err().map_or(Damage::None, Damage::of);
        match damage {
            Damage::None => pool.put_back(open),
            Damage::Closed => {}
            Damage::Lost => health.end(generation),
        }
        drop(slot);
        let _ = tell.send(outcome.map_err(|error| match damage {
            Damage::None => error.into(),
            Damage::Closed | Damage::Lost => DatabaseError::OutcomeUnknown(error.into()),
        }));
        return;
    }
    let _unconfirmed = Unconfirmed::begin(&health);
    drop(slot);
    let _ = tell.send(Err(DatabaseError::OutcomeUnknown(no_answer().into())));
    let mut generations = health.generation.subscribe();
    select! {
        outcome = running => match outcome {
            Ok(()) => tracing::info!("the database has confirmed a change after all"),
            Err(error) => tracing::warn!(%error, "the outcome of a change remains unknown"),
        },
        _ = async {
            pool.probe().await;
            generations.wait_for(|present| *present != generation).await.map(drop)
        } => {}
        () = sleep(UNCONFIRMED_LIFETIME) => {}
    }
}

/// Counts an unconfirmed commit until it is dropped.
struct Unconfirmed<'a>(&'a AtomicUsize);

impl<'a> Unconfirmed<'a> {
    fn begin(health: &'a Health) -> Self {
        health.unconfirmed.fetch_add(1, Ordering::Relaxed);
        Self(&health.unconfirmed)
    }
}

impl Drop for Unconfirmed<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// PostgreSQL's code for a change in a read-only transaction.
const READ_ONLY: &str = "25006";

/// What an error says about its connection.
#[derive(Clone, Copy)]
enum Damage {
    /// It can be used again.
    None,
    /// PostgreSQL has ended this session.
    Closed,
    /// The connection is dead or read-only, and most likely all others are.
    Lost,
}

impl Damage {
    fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => Self::Lost,
            // Classes 08 (connection) and 57P (shutdown), and the end of an idle transaction's session.
            sqlx::Error::Database(refusal)
                if refusal.code().is_some_and(|code| {
                    code.starts_with("08") || code.starts_with("57P") || code == "25P03"
                }) =>
            {
                Self::Closed
            }
            // A change in a read-only transaction: after a failover, this PostgreSQL may be a standby.
            sqlx::Error::Database(refusal)
                if refusal.code().is_some_and(|code| code == READ_ONLY) =>
            {
                Self::Lost
            }
            _ => Self::None,
        }
    }
}

/// The error of a statement that PostgreSQL did not answer in time.
fn no_answer() -> sqlx::Error {
    let text = "the database did not answer in time";
    io::Error::new(io::ErrorKind::TimedOut, text).into()
}

/// PostgreSQL confirms no commits at present.
#[derive(Debug, thiserror::Error)]
#[error(
    "the database does not confirm changes: their commits hang (is its synchronous standby away?)"
)]
struct Unconfirming;

/// Begins a transaction with these settings, in one round trip. The only row says whether this is a standby.
fn begin_with(settings: &[(&str, &str)]) -> String {
    let begin = settings
        .iter()
        .fold("BEGIN".to_owned(), |begin, (name, value)| {
            format!("{begin}; SET LOCAL {name} = {value}")
        });
    format!("{begin}; {READ_IS_STANDBY}")
}

/// Runs a statement without parameters and rows.
async fn execute(connection: &mut PgConnection, sql: SqlStr) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(sql).execute(connection).await.map(drop)
}
