//! The two engines behind one set of SQL texts.
//!
//! A text must suit both engines: `$1`-style parameters, `RETURNING` and `ON CONFLICT`, but no `now()` and no
//! JSON operators.
//!
//! A statement that writes and returns rows needs a [`Transaction`], even if it is the only statement. sqlx stops
//! reading at the first row it was asked for, and on SQLite it would then miss that the commit failed.

mod file;
mod statement;
mod transaction;

use std::{
    path::PathBuf,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection, PgPool, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::{Instant, sleep, timeout};

pub(crate) use self::{
    file::{Identity, OpenFile},
    statement::{Row, Sql, Value, Values, parameters, values},
    transaction::Transaction,
};
use self::{
    statement::{for_postgres, for_sqlite},
    transaction::{in_time, rows},
};
use crate::error::{DatabaseError, OpenError};

/// How long a statement waits for a connection, and SQLite for a lock, before the database counts as
/// unreachable. Long enough for a burst, short enough for a caller to get its 503 while it still listens.
pub(crate) const DATABASE_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two attempts to open a SQLite database that other processes are opening too.
const OPEN_RETRY_DELAY: Duration = Duration::from_millis(20);
/// How long a process may take SQLite's lock again and again before it must pause.
const LONGEST_WORK: Duration = Duration::from_millis(400);
const SQLITE_READERS: u32 = 8;
const POSTGRES_CONNECTIONS: u32 = 16;
/// The limits that PostgreSQL enforces, in milliseconds: for a statement, for the wait for a lock, and for an idle
/// transaction.
pub(crate) const POSTGRES_LIMITS: [(&str, &str); 3] = [
    ("statement_timeout", "20000"),
    ("lock_timeout", "5000"),
    ("idle_in_transaction_session_timeout", "20000"),
];

/// A connected database.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    Sqlite {
        /// One connection, as SQLite has one writer at a time. The queue for this pool is fair, whereas SQLite's
        /// own busy handler is not.
        writer: SqlitePool,
        readers: SqlitePool,
        /// The file that both pools have open.
        file: OpenFile,
        /// Milliseconds of long work since the last pause; see [`Database::give_way`].
        worked: Arc<AtomicU64>,
    },
    Postgres(PgPool),
}

/// How many connections of a pool are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolConnections {
    /// The pool's name: `writer` and `readers` on SQLite, `all` on PostgreSQL.
    pub pool: &'static str,
    /// Connections in use.
    pub in_use: u32,
    /// Open connections that are not in use.
    pub idle: u32,
    /// The maximum number of open connections.
    pub limit: u32,
}

impl PoolConnections {
    fn of<E: sqlx::Database>(pool: &'static str, connections: &sqlx::Pool<E>) -> Self {
        let idle = u32::try_from(connections.num_idle()).unwrap_or(u32::MAX);
        Self {
            pool,
            in_use: connections.size().saturating_sub(idle),
            idle,
            limit: connections.options().get_max_connections(),
        }
    }
}

impl Database {
    pub(crate) async fn open(url: &str) -> Result<Self, OpenError> {
        if names_a_postgres(url) {
            Self::open_postgres(url).await
        } else if names_a_file(url) {
            Self::open_sqlite(url).await
        } else {
            Err(OpenError::Url(without_password(url)))
        }
    }

    async fn open_sqlite(url: &str) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|_| OpenError::Url(url.to_owned()))?
            .foreign_keys(true)
            .busy_timeout(DATABASE_TIMEOUT);
        keep_from_other_users(options.get_filename());
        let writer = open_writer(
            options
                .clone()
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full),
        )
        .await?;
        assert_durable(&writer).await?;
        let file = OpenFile::at(options.get_filename()).map_err(sqlx::Error::from)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(SQLITE_READERS)
            .acquire_timeout(DATABASE_TIMEOUT)
            .connect_with(options.read_only(true))
            .await?;
        Ok(Self::Sqlite {
            writer,
            readers,
            file,
            worked: Arc::default(),
        })
    }

    async fn open_postgres(url: &str) -> Result<Self, OpenError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| OpenError::Url(without_password(url)))?
            .application_name("developer-zone")
            .options(POSTGRES_LIMITS);
        // The pool would retry until its timeout and then report nothing else. A first connection outside the
        // pool reports why it fails.
        let first = timeout(DATABASE_TIMEOUT, options.connect())
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)??;
        first.close().await?;
        Ok(Self::Postgres(
            PgPoolOptions::new()
                .max_connections(POSTGRES_CONNECTIONS)
                .acquire_timeout(DATABASE_TIMEOUT)
                .connect_lazy_with(options),
        ))
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite {
                writer, readers, ..
            } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }

    /// The connections of each pool.
    pub(crate) fn connections(&self) -> Vec<PoolConnections> {
        match self {
            Self::Sqlite {
                writer, readers, ..
            } => vec![
                PoolConnections::of("writer", writer),
                PoolConnections::of("readers", readers),
            ],
            Self::Postgres(pool) => vec![PoolConnections::of("all", pool)],
        }
    }

    /// Begins a transaction. On SQLite it takes the write lock immediately (`BEGIN IMMEDIATE`): a transaction that
    /// first reads and then writes could fail in between.
    pub(crate) async fn begin(&self) -> Result<Transaction, DatabaseError> {
        Ok(match self {
            Self::Sqlite { writer, file, .. } => {
                file.check().await?;
                let transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
                Transaction::Sqlite(transaction, file.clone())
            }
            Self::Postgres(pool) => Transaction::Postgres(in_time(pool.begin()).await?),
        })
    }

    /// Runs a single statement that writes, and returns how many rows it changed.
    pub(crate) async fn execute(
        &self,
        sql: impl Into<Sql>,
        values: Values<'_>,
    ) -> Result<u64, DatabaseError> {
        let sql = sql.into();
        Ok(match self {
            Self::Sqlite { writer, file, .. } => {
                let query = for_sqlite(sql, values).execute(writer);
                file.write(query).await?.rows_affected()
            }
            Self::Postgres(pool) => {
                let query = for_postgres(sql, values).execute(pool);
                in_time(query).await?.rows_affected()
            }
        })
    }

    /// The first row that a statement reads, if there is one.
    pub(crate) async fn fetch_optional<R: Row>(
        &self,
        sql: impl Into<Sql>,
        values: Values<'_>,
    ) -> Result<Option<R>, DatabaseError> {
        let sql = sql.into();
        Ok(match self {
            Self::Sqlite { readers, file, .. } => {
                let query = for_sqlite(sql, values).fetch_optional(readers);
                let row = file.read(query).await?;
                row.as_ref().map(R::from_row).transpose()?
            }
            Self::Postgres(pool) => {
                let query = for_postgres(sql, values).fetch_optional(pool);
                let row = in_time(query).await?;
                row.as_ref().map(R::from_row).transpose()?
            }
        })
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
        match self {
            Self::Sqlite { readers, file, .. } => {
                let query = for_sqlite(sql, values).fetch_all(readers);
                rows(&file.read(query).await?)
            }
            Self::Postgres(pool) => {
                let query = for_postgres(sql, values).fetch_all(pool);
                rows(&in_time(query).await?)
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
        if let Self::Sqlite { worked, .. } = self {
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

    /// SQLite's file.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match self {
            Self::Sqlite { file, .. } => Some(file.path().to_owned()),
            Self::Postgres(_) => None,
        }
    }

    pub(crate) const fn engine_name(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
}

async fn open_writer(options: SqliteConnectOptions) -> Result<SqlitePool, OpenError> {
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(DATABASE_TIMEOUT)
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
fn keep_from_other_users(file: &std::path::Path) {
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

/// Whether `url` is SQLite's and names a file. Parameters are refused, as some make SQLite keep nothing
/// (`mode=memory`), read an old state (`immutable`) or lock nothing (`vfs`). `mode=rwc` is the default anyway.
pub(crate) fn names_a_file(url: &str) -> bool {
    let file = url.strip_suffix("?mode=rwc").unwrap_or(url);
    file.strip_prefix("sqlite:").is_some_and(|name| {
        !name.trim_start_matches('/').is_empty()
            && !name.contains('?')
            && !name.contains(":memory:")
    })
}

/// Whether `url` is PostgreSQL's.
pub(crate) fn names_a_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// An address fit for an error message. As the address cannot be parsed, its password could be anywhere: nothing
/// is shown after the first character that may introduce one.
pub(crate) fn without_password(url: &str) -> String {
    match url.find([':', '=', '@']) {
        Some(end) if !url.starts_with("sqlite:") => format!("{}…", &url[..=end]),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_a_message_does_not_show_its_password() {
        for (url, shown) in [
            ("postgres://app:hunter2@db.example/zone", "postgres:…"),
            ("host=db.example password=hunter2", "host=…"),
            ("zone.db", "zone.db"),
            ("sqlite::memory:", "sqlite::memory:"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    #[tokio::test]
    async fn a_missing_postgres_is_unavailable_and_the_error_names_the_cause() {
        let refused = Database::open("postgres://app@127.0.0.1:1/zone").await;
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
        let refused = Database::open(&format!("postgres://app@{address}/zone")).await;
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
        let database = Database::open(&url).await.expect("opened");
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
