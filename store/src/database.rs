//! The two engines behind one set of SQL texts.
//!
//! A text must suit both engines: `$1`-style parameters, `RETURNING` and `ON CONFLICT`, but no `now()` and no
//! JSON operators.
//!
//! A statement that writes and returns rows needs a [`Transaction`], even if it is the only statement. sqlx stops
//! reading at the first row it was asked for, and on SQLite it would then miss that the commit failed.

mod change_listener;
mod disk_space;
mod file;
mod file_place;
mod hosts;
mod limits;
mod password_file;
mod pools;
mod postgres;
mod postgres_url;
mod sqlite_url;
mod statement;
mod table;
mod transaction;
mod turns;
mod url;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{
    Connection, SqlitePool,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::{Instant, sleep};

pub(crate) use self::{
    change_listener::ChangeListener,
    disk_space::{DiskSpace, free_beside},
    file::{Identity, OpenFile},
    limits::DATABASE_TIMEOUT,
    pools::Purpose,
    postgres::Postgres,
    statement::{Row, Sql, Value, Values, parameters, row, values},
    table::Column,
    transaction::{LoggedChange, Transaction},
    url::NamedDatabase,
};
use self::{
    limits::{
        SQLITE_GUARD_READERS, SQLITE_LEASE_READERS, SQLITE_READERS, SQLITE_REVOCATION_READERS,
    },
    password_file::explain_refused_password,
    statement::for_sqlite,
    transaction::{SqliteTransaction, rows},
    turns::WriterTurns,
};
pub use self::{pools::PoolConnections, url::DatabaseUrl};
use crate::{
    error::{DatabaseError, OpenError},
    outage::database_answered,
};

/// Between two attempts to open a SQLite database that other processes are opening too.
const OPEN_RETRY_DELAY: Duration = Duration::from_millis(20);
/// How long a process may take SQLite's lock again and again before it must pause.
const LONGEST_WORK: Duration = Duration::from_millis(400);

/// A connected database, for one purpose. Clones share the connections.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    engine: Engine,
    purpose: Purpose,
}

/// Either engine.
#[derive(Clone, Debug)]
pub(crate) enum Engine {
    Sqlite(SqliteDatabase),
    Postgres(Postgres),
}

/// A SQLite file.
#[derive(Clone, Debug)]
pub(crate) struct SqliteDatabase {
    /// One connection, as SQLite has one writer at a time.
    pub(crate) writer: SqlitePool,
    /// The queue for the writer. It is fair, whereas SQLite's own busy handler is not.
    turns: WriterTurns,
    guard_readers: SqlitePool,
    lease_readers: SqlitePool,
    revocation_readers: SqlitePool,
    readers: SqlitePool,
    /// The file that the pools have open.
    pub(crate) file: OpenFile,
    pub(crate) space: DiskSpace,
    /// Milliseconds of long work since the last pause; see [`Database::give_way`].
    worked: Arc<AtomicU64>,
}

impl SqliteDatabase {
    /// The connections that read.
    pub(crate) const fn readers(&self, purpose: Purpose) -> &SqlitePool {
        match purpose {
            Purpose::Guard => &self.guard_readers,
            Purpose::Lease => &self.lease_readers,
            Purpose::Revocation => &self.revocation_readers,
            Purpose::Upkeep | Purpose::General => &self.readers,
        }
    }
}

impl Database {
    pub(crate) async fn open(url: &DatabaseUrl) -> Result<Self, OpenError> {
        match url.named()? {
            NamedDatabase::Postgres(options) => {
                Self::open_postgres(options, url.may_hold_password()).await
            }
            NamedDatabase::Sqlite(file) => Self::open_sqlite(&file).await,
        }
    }

    async fn open_sqlite(file: &Path) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .foreign_keys(true)
            .busy_timeout(DATABASE_TIMEOUT);
        keep_from_other_users(file);
        file_place::check(file)?;
        let writer = open_writer(
            options
                .clone()
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full),
        )
        .await?;
        assert_durable(&writer).await?;
        let file = OpenFile::at(file).map_err(sqlx::Error::from)?;
        let options = options.read_only(true);
        Ok(Self {
            engine: Engine::Sqlite(SqliteDatabase {
                writer,
                turns: WriterTurns::new(),
                guard_readers: open_readers(&options, SQLITE_GUARD_READERS).await?,
                lease_readers: open_readers(&options, SQLITE_LEASE_READERS).await?,
                revocation_readers: open_readers(&options, SQLITE_REVOCATION_READERS).await?,
                readers: open_readers(&options, SQLITE_READERS).await?,
                space: DiskSpace::of(file.path()),
                file,
                worked: Arc::default(),
            }),
            purpose: Purpose::General,
        })
    }

    async fn open_postgres(
        options: Vec<PgConnectOptions>,
        has_password: bool,
    ) -> Result<Self, OpenError> {
        let named = |options: PgConnectOptions| options.application_name("developer-zone");
        let opened = Postgres::open(options.into_iter().map(named).collect()).await;
        let postgres = opened.map_err(|error| match has_password {
            true => error.into(),
            false => explain_refused_password(error),
        })?;
        let encoding = postgres.encoding().await?;
        if encoding != "UTF8" {
            return Err(OpenError::Encoding(encoding));
        }
        Ok(Self {
            engine: Engine::Postgres(postgres),
            purpose: Purpose::General,
        })
    }

    /// The same database, with the connections for this purpose.
    pub(crate) fn with_purpose(&self, purpose: Purpose) -> Self {
        Self {
            engine: self.engine.clone(),
            purpose,
        }
    }

    pub(crate) const fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(sqlite) => {
                sqlite.guard_readers.close().await;
                sqlite.lease_readers.close().await;
                sqlite.revocation_readers.close().await;
                sqlite.readers.close().await;
                sqlite.writer.close().await;
            }
            Engine::Postgres(postgres) => postgres.close().await,
        }
    }

    /// The connections of each pool.
    pub(crate) fn connections(&self) -> Vec<PoolConnections> {
        match &self.engine {
            Engine::Sqlite(sqlite) => vec![
                PoolConnections::of("writer", &sqlite.writer),
                PoolConnections::of("guard", &sqlite.guard_readers),
                PoolConnections::of("lease", &sqlite.lease_readers),
                PoolConnections::of("revocations", &sqlite.revocation_readers),
                PoolConnections::of("readers", &sqlite.readers),
            ],
            Engine::Postgres(postgres) => postgres.connections(),
        }
    }

    /// Begins a transaction that changes nothing, so that its commit confirms what it reads. It is refused while PostgreSQL
    /// does not confirm another commit: it locks nothing, so very many could hang.
    pub(crate) async fn begin_confirmation(&self) -> Result<Transaction, DatabaseError> {
        let transaction = self.begin().await?;
        if let Engine::Postgres(postgres) = &self.engine {
            postgres.require_confirming()?;
        }
        Ok(transaction)
    }

    /// Begins a transaction. On SQLite it takes the write lock immediately (`BEGIN IMMEDIATE`): a transaction that
    /// first reads and then writes could fail in between. If its disk is nearly full, [`Purpose::General`] is refused.
    pub(crate) async fn begin(&self) -> Result<Transaction, DatabaseError> {
        Ok(match &self.engine {
            Engine::Sqlite(sqlite) => {
                sqlite.file.check().await?;
                if self.purpose == Purpose::General {
                    sqlite.space.require().await?;
                }
                let turn = match self.purpose {
                    Purpose::Lease | Purpose::Revocation => sqlite.turns.take_urgently().await?,
                    Purpose::Guard | Purpose::Upkeep | Purpose::General => {
                        sqlite.turns.take().await?
                    }
                };
                Transaction::Sqlite(SqliteTransaction {
                    inner: sqlite.writer.begin_with("BEGIN IMMEDIATE").await?,
                    file: sqlite.file.clone(),
                    _turn: turn,
                })
            }
            Engine::Postgres(postgres) => {
                Transaction::Postgres(postgres.begin(self.purpose).await?)
            }
        })
    }

    /// Runs a single statement that writes, and returns how many rows it changed.
    ///
    /// It runs in a transaction: only a commit that is a statement of its own tells a change that was not made from one
    /// that is not confirmed.
    pub(crate) async fn execute(
        &self,
        sql: impl Into<Sql>,
        values: Values<'_>,
    ) -> Result<u64, DatabaseError> {
        let mut transaction = self.begin().await?;
        let changed = transaction.execute(sql, values).await?;
        transaction.commit().await?;
        Ok(changed)
    }

    /// The first row that a statement reads, if there is one.
    pub(crate) async fn fetch_optional<R: Row>(
        &self,
        sql: impl Into<Sql>,
        values: Values<'_>,
    ) -> Result<Option<R>, DatabaseError> {
        let sql = sql.into();
        let row = match &self.engine {
            Engine::Sqlite(sqlite) => {
                let readers = sqlite.readers(self.purpose);
                let query = for_sqlite(sql, values).fetch_optional(readers);
                let row = sqlite.file.read(query).await?;
                row.as_ref().map(R::from_row).transpose()?
            }
            Engine::Postgres(postgres) => {
                let mut connection = postgres.acquire(self.purpose).await?;
                let query = connection.query(sql, values);
                let row = connection.read(|connection| Box::pin(query.fetch_optional(connection)));
                row.await?.as_ref().map(R::from_row).transpose()?
            }
        };
        database_answered();
        Ok(row)
    }

    /// The first row that a statement reads. An error if there is none.
    pub(crate) async fn fetch_one<R: Row>(
        &self,
        sql: impl Into<Sql>,
        values: Values<'_>,
    ) -> Result<R, DatabaseError> {
        let row = self.fetch_optional(sql, values).await?;
        row.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    /// Every row that a statement reads.
    pub(crate) async fn fetch_all<R: Row>(
        &self,
        sql: impl Into<Sql>,
        values: Values<'_>,
    ) -> Result<Vec<R>, DatabaseError> {
        let sql = sql.into();
        match &self.engine {
            Engine::Sqlite(sqlite) => {
                let readers = sqlite.readers(self.purpose);
                let query = for_sqlite(sql, values).fetch_all(readers);
                rows(&sqlite.file.read(query).await?)
            }
            Engine::Postgres(postgres) => {
                let mut connection = postgres.acquire(self.purpose).await?;
                let query = connection.query(sql, values);
                let found = connection.read(|connection| Box::pin(query.fetch_all(connection)));
                rows(&found.await?)
            }
        }
    }

    /// Pauses if long work on SQLite would keep other processes out. Call it between the transactions of long
    /// work, with how long the last one took.
    ///
    /// SQLite's processes wait for each other by retrying, after some retries every 100 ms. A process that writes
    /// without a pause of that length could lock the others out for long, and delay the revocation of a token.
    /// With the pause, none waits much longer than [`LONGEST_WORK`].
    pub(crate) async fn give_way(&self, taken: Duration) {
        const PAUSE: Duration = Duration::from_millis(110);
        if let Engine::Sqlite(SqliteDatabase { worked, .. }) = &self.engine {
            let taken = u64::try_from(taken.as_millis()).unwrap_or(u64::MAX);
            let worked_for = worked
                .fetch_add(taken, Ordering::Relaxed)
                .saturating_add(taken);
            if u128::from(worked_for) >= LONGEST_WORK.as_millis() {
                worked.store(0, Ordering::Relaxed);
                sleep(PAUSE).await;
            }
        }
    }

    /// Listens for changes. None if this database notifies of none.
    pub(crate) fn change_listener(&self) -> Option<ChangeListener> {
        match &self.engine {
            Engine::Sqlite(_) => None,
            Engine::Postgres(postgres) => postgres.change_listener(),
        }
    }

    /// Replaces all connections, because one of them leads to another database.
    pub(crate) fn replace_connections(&self) {
        if let Engine::Postgres(postgres) = &self.engine {
            postgres.replace_connections();
        }
    }

    /// SQLite's file.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.engine {
            Engine::Sqlite(sqlite) => Some(sqlite.file.path()),
            Engine::Postgres(_) => None,
        }
    }

    pub(crate) const fn engine_name(&self) -> &'static str {
        match &self.engine {
            Engine::Sqlite(_) => "SQLite",
            Engine::Postgres(_) => "PostgreSQL",
        }
    }
}

async fn open_readers(
    options: &SqliteConnectOptions,
    connections: u32,
) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(DATABASE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options.clone())
        .await
}

async fn open_writer(options: SqliteConnectOptions) -> Result<SqlitePool, OpenError> {
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(DATABASE_TIMEOUT)
        // When the last connection is closed, SQLite removes the write-ahead log. On a full disk there may be no room for
        // another one.
        .idle_timeout(None)
        .max_lifetime(None)
        // SQLite itself ends a transaction in some cases, such as a full disk. sqlx does not notice, and could
        // begin no further transaction on that connection.
        .after_release(|connection, _| {
            Box::pin(async move {
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        });
    let end = Instant::now() + DATABASE_TIMEOUT;
    loop {
        match writer.clone().connect_with(options.clone()).await {
            Ok(writer) => return Ok(writer),
            // While one process switches a new database to its write-ahead log, SQLite refuses the others
            // without letting them wait.
            Err(error) if is_busy(&error) && Instant::now() < end => {
                sleep(OPEN_RETRY_DELAY).await;
            }
            Err(error) if is_busy(&error) => return Err(error.into()),
            Err(error) => {
                let file = options.get_filename().to_owned();
                return Err(OpenError::File(file, error.into()));
            }
        }
    }
}

fn is_busy(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: u32 = 5;
    let code = error.as_database_error().and_then(|refusal| refusal.code());
    code.and_then(|code| code.parse().ok())
        .is_some_and(|code: u32| code & 0xff == SQLITE_BUSY)
}

/// Reads the settings back: the way SQLite was compiled can override them.
async fn assert_durable(writer: &SqlitePool) -> Result<(), OpenError> {
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(writer)
        .await?;
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
        .fetch_one(writer)
        .await?;
    let settings = [
        ("journal_mode", journal, "wal"),
        ("synchronous", synchronous.to_string(), "2"),
    ];
    for (pragma, found, required) in settings {
        if found != required {
            return Err(OpenError::Durability {
                pragma,
                found,
                required,
            });
        }
    }
    Ok(())
}

/// Creates a missing database file so that only its owner may read it. SQLite gives the files beside it the same
/// mode. SQLite reports a failure when it opens the file.
fn keep_from_other_users(file: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        drop(
            std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(file),
        );
    }
    #[cfg(not(unix))]
    let _ = file;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_missing_postgres_is_unavailable_and_the_error_names_the_cause() {
        let refused = Database::open(&"postgres://app@127.0.0.1:1/zone".into()).await;
        let Err(OpenError::Database(DatabaseError::Unavailable(cause))) = refused else {
            panic!("{refused:?}");
        };
        assert!(cause.to_string().contains("refused"), "{cause}");
    }

    /// A proxy without a database behind it behaves like this.
    #[tokio::test]
    async fn a_postgres_that_hangs_up_immediately_is_unavailable() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let hanging_up = crate::task::spawn(async move {
            let (mut caller, _) = listener.accept().await.expect("a caller");
            // Read first: closing with unread bytes would reset the connection instead.
            let _ = tokio::io::AsyncReadExt::read(&mut caller, &mut [0; 64]).await;
        });
        let url = format!("postgres://app@{address}/zone");
        let refused = Database::open(&url[..].into()).await;
        assert!(
            matches!(
                refused,
                Err(OpenError::Database(DatabaseError::Unavailable(_)))
            ),
            "{refused:?}"
        );
        hanging_up.await.expect("it hung up");
    }

    #[tokio::test]
    async fn long_work_on_sqlite_pauses_after_each_400_milliseconds() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("zone.db").display());
        let database = Database::open(&url[..].into()).await.expect("opened");
        tokio::time::pause();
        for (taken, pause) in [(399, 0), (1, 110), (399, 0), (5_000, 110)] {
            let start = Instant::now();
            database.give_way(Duration::from_millis(taken)).await;
            let paused = start.elapsed().as_millis();
            assert!((pause..=pause + 1).contains(&paused), "{taken}: {paused}");
        }
    }

    #[tokio::test]
    async fn a_sqlite_that_could_lose_a_confirmed_change_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        for (journal, synchronous, refused) in [
            (SqliteJournalMode::Wal, SqliteSynchronous::Full, None),
            (
                SqliteJournalMode::Wal,
                SqliteSynchronous::Normal,
                Some(
                    "SQLite's synchronous is `1` and must be `2`, or a confirmed change could be lost",
                ),
            ),
            (
                SqliteJournalMode::Memory,
                SqliteSynchronous::Full,
                Some(
                    "SQLite's journal_mode is `memory` and must be `wal`, or a confirmed change could be lost",
                ),
            ),
        ] {
            let options = SqliteConnectOptions::new()
                .filename(folder.path().join("zone.db"))
                .create_if_missing(true)
                .journal_mode(journal)
                .synchronous(synchronous);
            let pool = SqlitePool::connect_with(options).await.expect("opened");
            let outcome = assert_durable(&pool)
                .await
                .err()
                .map(|error| error.to_string());
            assert_eq!(outcome.as_deref(), refused);
            pool.close().await;
        }
    }
}
