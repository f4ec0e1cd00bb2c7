//! The two engines behind one set of SQL texts.
//!
//! Rules for a text that both engines take: `$1`-style parameters, `RETURNING`, `ON CONFLICT`; no
//! `now()`, no JSON operators. A method writes its text once and runs it through [`on_engine!`].

use std::{str::FromStr, time::Duration};

use sqlx::{
    PgPool, SqlitePool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::error::StoreError;

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("../migrations/postgres");

/// How long a statement waits for a connection, and SQLite for a lock, before the database counts as
/// out of reach. Long enough for a burst, short enough that a caller gets its 503 while it listens.
const PATIENCE: Duration = Duration::from_secs(5);
const SQLITE_READERS: u32 = 8;
const POSTGRES_CONNECTIONS: u32 = 16;

/// A connected database.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    Sqlite {
        /// One connection: SQLite has one writer at a time, and queueing here is fair, whereas its own
        /// busy handler is not.
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

/// The pool of the engine at hand; see [`on_engine!`].
pub(crate) enum Pool<'a> {
    Sqlite(&'a SqlitePool),
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
            $crate::database::Database::Sqlite { writer, .. } => {
                let begun = writer.begin_with("BEGIN IMMEDIATE").await?;
                $crate::database::on_engine!(run begun, $tx, $body)
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
                transaction.rollback().await?;
                Err(error)
            }
        }
    }};
    ($pool:expr, |$connection:ident| $body:expr) => {
        match $pool {
            $crate::database::Pool::Sqlite($connection) => $body,
            $crate::database::Pool::Postgres($connection) => $body,
        }
    };
}
pub(crate) use on_engine;

impl Database {
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::open_postgres(url).await
        } else if url.starts_with("sqlite:") && !url.contains(":memory:") {
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
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .connect_with(
                options
                    .clone()
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full),
            )
            .await?;
        assert_durable(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(SQLITE_READERS)
            .acquire_timeout(PATIENCE)
            .connect_with(options.read_only(true))
            .await?;
        Ok(Self::Sqlite { writer, readers })
    }

    async fn open_postgres(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| StoreError::Url(without_password(url)))?
            .application_name("developer-zone");
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await?;
        Ok(Self::Postgres(pool))
    }

    pub(crate) async fn migrate(&self) -> Result<(), StoreError> {
        let outcome = match self {
            Self::Sqlite { writer, .. } => SQLITE_MIGRATIONS.run(writer).await,
            Self::Postgres(pool) => POSTGRES_MIGRATIONS.run(pool).await,
        };
        outcome.map_err(|error| StoreError::Migration(error.into()))
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }

    /// For statements that only read.
    pub(crate) fn reader(&self) -> Pool<'_> {
        match self {
            Self::Sqlite { readers, .. } => Pool::Sqlite(readers),
            Self::Postgres(pool) => Pool::Postgres(pool),
        }
    }

    /// For a single statement that writes.
    pub(crate) fn writer(&self) -> Pool<'_> {
        match self {
            Self::Sqlite { writer, .. } => Pool::Sqlite(writer),
            Self::Postgres(pool) => Pool::Postgres(pool),
        }
    }

    pub(crate) const fn engine_name(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
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

/// An address fit for an error message.
fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            format!("{}://…{}", &url[..scheme], &url[at..])
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_a_message_has_lost_its_password() {
        let shown = without_password("postgres://app:hunter2@db.example/zone");
        assert_eq!(shown, "postgres://…@db.example/zone");
    }
}
