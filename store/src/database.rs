//! The two engines behind one set of SQL texts.
//!
//! Rules for a text that both engines take: `$1`-style parameters, `RETURNING`, `ON CONFLICT`; no
//! `now()`, no JSON operators. A method writes its text once and runs it through [`on_engine!`].
//!
//! A text that writes and gives rows back runs in a transaction, also when it is alone: sqlx stops
//! reading at the first row that it was asked for, and on SQLite would then not hear that the commit
//! behind it failed.

mod file;

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

pub(crate) use self::file::{Identity, OpenFile};
use crate::error::StoreError;

/// How long a statement waits for a connection, and SQLite for a lock, before the database counts as
/// out of reach. Long enough for a burst, short enough that a caller gets its 503 while it listens.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries to open a SQLite database that others are opening too.
const BREATH: Duration = Duration::from_millis(20);
/// How long SQLite's lock may be taken again and again before others get a sure turn.
const LONGEST_WORK: Duration = Duration::from_millis(400);
const SQLITE_READERS: u32 = 8;
const POSTGRES_CONNECTIONS: u32 = 16;
/// What PostgreSQL ends by itself: a statement, the wait for a lock, and a transaction in which nobody does
/// anything any more. In milliseconds.
pub(crate) const POSTGRES_LIMITS: [(&str, &str); 3] = [
    ("statement_timeout", "20000"),
    ("lock_timeout", "5000"),
    ("idle_in_transaction_session_timeout", "20000"),
];
/// How long a statement is waited for: a little longer than PostgreSQL lets it run, so that only a
/// PostgreSQL that has fallen silent takes so long.
const POSTGRES_SILENCE: Duration = Duration::from_secs(25);

/// A connected database.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    Sqlite {
        /// One connection: SQLite has one writer at a time, and queueing here is fair, whereas its own
        /// busy handler is not.
        writer: SqlitePool,
        readers: SqlitePool,
        /// What both have open.
        file: OpenFile,
        /// Milliseconds of long work since its last rest; see [`Database::give_way`].
        worked: Arc<AtomicU64>,
    },
    Postgres(PgPool),
}

/// The connections of a pool at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// What they are for: `writer` and `readers` on SQLite, `all` on PostgreSQL.
    pub pool: &'static str,
    /// Those that somebody works with.
    pub in_use: u32,
    /// Those that are open and wait for work.
    pub idle: u32,
    /// How many there may be.
    pub limit: u32,
}

impl Connections {
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

/// The pool of the engine at hand; see [`on_engine!`].
pub(crate) enum Pool<'a> {
    Sqlite(&'a SqlitePool, &'a OpenFile),
    Postgres(&'a PgPool),
}

/// Runs one text on whichever engine there is. Two forms:
///
/// - `on_engine!(database.reader(), |pool| query.fetch_all(pool).await)`: one statement;
/// - `on_engine!(transaction database, |tx| { … })`: a block that ends in a `Result<_, StoreError>`, in
///   which statements run on `&mut *tx`. Committed when the block gives `Ok`, rolled back otherwise. On
///   SQLite it takes the write lock at once (`BEGIN IMMEDIATE`): a transaction that reads and then
///   writes could otherwise fail half-way.
macro_rules! on_engine {
    (transaction $database:expr, |$tx:ident| $body:block) => {
        match $database {
            $crate::database::Database::Sqlite { writer, file, .. } => {
                file.in_place()?;
                let begun = writer.begin_with("BEGIN IMMEDIATE").await?;
                let done = $crate::database::on_engine!(run begun, $tx, $body);
                // What went into a file that nobody finds any more is not done.
                file.in_place()?;
                done
            }
            $crate::database::Database::Postgres(pool) => {
                let begun = pool.begin().await?;
                $crate::database::on_engine!(run begun, $tx, $body)
            }
        }
    };
    (run $begun:ident, $tx:ident, $body:block) => {{
        let mut transaction = $begun;
        let outcome: Result<_, $crate::error::StoreError> = async {
            let $tx = &mut *transaction;
            $body
        }
        .await;
        match outcome {
            Ok(value) => transaction.commit().await.map(|()| value).map_err(Into::into),
            Err(error) => {
                // Whatever comes of it, the news is what went wrong before. A connection that cannot
                // roll back does not return to its pool.
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }};
    ($pool:expr, |$connection:ident| $body:expr) => {
        match $pool {
            $crate::database::Pool::Sqlite($connection, file) => match file.in_place() {
                Ok(()) => $body,
                Err(replaced) => Err(replaced),
            },
            $crate::database::Pool::Postgres($connection) => {
                $crate::database::in_time(async { $body }).await
            }
        }
    };
}
pub(crate) use on_engine;

/// What became of a statement, or that the database is out of reach when it does not say.
pub(crate) async fn in_time<T>(
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let outcome = timeout(POSTGRES_SILENCE, statement).await;
    outcome.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

impl Database {
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        if names_a_postgres(url) {
            Self::open_postgres(url).await
        } else if names_a_file(url) {
            Self::open_sqlite(url).await
        } else {
            Err(StoreError::Url(without_password(url)))
        }
    }

    async fn open_sqlite(url: &str) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|_| StoreError::Url(url.to_owned()))?
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
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
            .acquire_timeout(PATIENCE)
            .connect_with(options.read_only(true))
            .await?;
        Ok(Self::Sqlite {
            writer,
            readers,
            file,
            worked: Arc::default(),
        })
    }

    async fn open_postgres(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| StoreError::Url(without_password(url)))?
            .application_name("developer-zone")
            .options(POSTGRES_LIMITS);
        // A first connection by hand says why it fails; the pool would try until its patience ends, and
        // then only say that.
        let first = timeout(PATIENCE, options.connect())
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)??;
        first.close().await?;
        Ok(Self::Postgres(
            PgPoolOptions::new()
                .max_connections(POSTGRES_CONNECTIONS)
                .acquire_timeout(PATIENCE)
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
    pub(crate) fn connections(&self) -> Vec<Connections> {
        match self {
            Self::Sqlite {
                writer, readers, ..
            } => vec![
                Connections::of("writer", writer),
                Connections::of("readers", readers),
            ],
            Self::Postgres(pool) => vec![Connections::of("all", pool)],
        }
    }

    /// For statements that only read.
    pub(crate) fn reader(&self) -> Pool<'_> {
        match self {
            Self::Sqlite { readers, file, .. } => Pool::Sqlite(readers, file),
            Self::Postgres(pool) => Pool::Postgres(pool),
        }
    }

    /// For a single statement that writes.
    pub(crate) fn writer(&self) -> Pool<'_> {
        match self {
            Self::Sqlite { writer, file, .. } => Pool::Sqlite(writer, file),
            Self::Postgres(pool) => Pool::Postgres(pool),
        }
    }

    /// To be called between the transactions of a long piece of work, with how long the last one took.
    ///
    /// SQLite's processes take turns by trying again, every 100 ms after some tries: one that wrote without
    /// a pause of that length would keep the others out for as long as luck has it, and a token's
    /// revocation among them. So none waits much longer than [`LONGEST_WORK`].
    pub(crate) async fn give_way(&self, taken: Duration) {
        const REST: Duration = Duration::from_millis(110);
        if let Self::Sqlite { worked, .. } = self {
            let taken = u64::try_from(taken.as_millis()).unwrap_or(u64::MAX);
            let worked_for = worked
                .fetch_add(taken, Ordering::Relaxed)
                .saturating_add(taken);
            if u128::from(worked_for) >= LONGEST_WORK.as_millis() {
                worked.store(0, Ordering::Relaxed);
                sleep(REST).await;
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

/// The parameters of `VALUES`, numbered on from `first`: `($1, $2), ($3, $4)` are two rows of two.
pub(crate) fn parameters(rows: usize, columns: usize, first: usize) -> String {
    let row = |row: usize| {
        let numbers = (0..columns).map(|column| format!("${}", first + row * columns + column));
        format!("({})", numbers.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

async fn open_writer(options: SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        // SQLite ends a transaction by itself when the disk is full, for example. sqlx does not
        // notice, and would begin no other on that connection.
        .after_release(|connection, _| {
            Box::pin(async move {
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        });
    let end = Instant::now() + PATIENCE;
    loop {
        match writer.clone().connect_with(options.clone()).await {
            Ok(writer) => return Ok(writer),
            // Where several open a new database at once, SQLite does not let them wait for each other
            // while one gives it its write-ahead log.
            Err(error) if is_busy(&error) && Instant::now() < end => sleep(BREATH).await,
            Err(error) if is_busy(&error) => return Err(error.into()),
            Err(error) => {
                let file = options.get_filename().to_owned();
                return Err(StoreError::File(file, error.into()));
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

/// What is asked of SQLite could be overruled by how it was compiled: look at what it does.
async fn assert_durable(writer: &SqlitePool) -> Result<(), StoreError> {
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
            return Err(StoreError::Durability {
                pragma,
                found,
                required,
            });
        }
    }
    Ok(())
}

/// Makes a database file that does not exist yet readable for its owner only; SQLite gives the files
/// beside it the same mode. What goes wrong here shows when SQLite opens the file.
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

/// Whether `url` is SQLite's and names a file. Parameters are refused: there are some by which SQLite
/// would forget (`mode=memory`), read a past state (`immutable`) or lock nothing (`vfs`). `mode=rwc` says
/// only what is done anyway.
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

/// An address fit for an error message. Where its password stands is known only of an address that can
/// be read, which this one cannot: so nothing is shown behind the first sign that there may be one.
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
    fn an_address_in_a_message_has_lost_its_password() {
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
    async fn a_postgres_that_is_not_there_is_out_of_reach_and_the_cause_is_named() {
        let refused = Database::open("postgres://app@127.0.0.1:1/zone").await;
        let Err(StoreError::Unavailable(cause)) = refused else {
            panic!("{refused:?}");
        };
        assert!(cause.to_string().contains("refused"), "{cause}");
    }

    /// As a proxy does that has no database behind it.
    #[tokio::test]
    async fn a_postgres_that_hangs_up_at_once_is_out_of_reach() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let hanging_up = tokio::spawn(async move {
            let (mut caller, _) = listener.accept().await.expect("a caller");
            // Read first: closed with something unread, the connection would be reset instead.
            let _ = tokio::io::AsyncReadExt::read(&mut caller, &mut [0; 64]).await;
        });
        let refused = Database::open(&format!("postgres://app@{address}/zone")).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{refused:?}"
        );
        hanging_up.await.expect("it hung up");
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
