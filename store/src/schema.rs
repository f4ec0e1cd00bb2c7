//! The schema that this program knows, and the one that a database has.

use sqlx::{
    AssertSqlSafe,
    migrate::{AppliedMigration, Migrate, MigrateError, Migrator},
};

use crate::{
    database::{Database, POSTGRES_LIMITS},
    error::StoreError,
};

pub(crate) static SQLITE: Migrator = sqlx::migrate!("../migrations/sqlite");
pub(crate) static POSTGRES: Migrator = sqlx::migrate!("../migrations/postgres");

/// sqlx's own table of the migrations that a database has had.
const APPLIED: &str = "_sqlx_migrations";

impl Database {
    pub(crate) async fn migrate(&self) -> Result<(), StoreError> {
        match self {
            // The write lock keeps others out: sqlx has no lock of its own for SQLite.
            Self::Sqlite { writer, .. } => {
                let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
                bring_up_to_date(&SQLITE, &mut *transaction).await?;
                Ok(transaction.commit().await?)
            }
            // A connection of its own: when a migration is refused, sqlx leaves its lock to the
            // connection, and in the pool that would keep all others waiting.
            Self::Postgres(pool) => {
                let mut connection = pool.acquire().await?.detach();
                // To build an index may take its time, as may the wait for another server that does.
                for (limit, _) in POSTGRES_LIMITS {
                    let lift = AssertSqlSafe(format!("SET {limit} = 0"));
                    sqlx::raw_sql(lift).execute(&mut connection).await?;
                }
                bring_up_to_date(&POSTGRES, &mut connection).await?;
                Ok(sqlx::Connection::close(connection).await?)
            }
        }
    }

    /// Whether the database answers, and has exactly the schema that this program knows. Reads one small
    /// table.
    pub(crate) async fn check_schema(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite { readers, file, .. } => {
                file.in_place()?;
                require_exactly(&SQLITE, &mut *readers.acquire().await?).await
            }
            Self::Postgres(pool) => require_exactly(&POSTGRES, &mut *pool.acquire().await?).await,
        }
    }
}

/// `run_direct` is `run` for a connection at hand; of the future of `run` the compiler cannot tell then that
/// it may move between threads.
async fn bring_up_to_date<C: Migrate + Send>(
    migrator: &Migrator,
    connection: &mut C,
) -> Result<(), StoreError> {
    match migrator.run_direct(None, connection, false).await {
        Err(refusal @ MigrateError::VersionMissing(_)) => {
            // sqlx names the first migration that it does not know; a person wants to know the last.
            require_exactly(migrator, connection).await?;
            Err(refusal.into())
        }
        outcome => Ok(outcome?),
    }
}

/// Whether `connection` leads to a database of exactly the schema that `migrator` makes.
///
/// # Errors
/// [`StoreError::NewerSchema`], [`StoreError::OlderSchema`], [`StoreError::Migration`] where the same
/// migration was another one, and those of the database.
pub(crate) async fn require_exactly<C: Migrate + Send>(
    migrator: &Migrator,
    connection: &mut C,
) -> Result<(), StoreError> {
    match connection.list_applied_migrations(APPLIED).await {
        Ok(applied) => compare(migrator, &applied),
        Err(MigrateError::Execute(error)) => Err(error.into()),
        Err(other) => Err(other.into()),
    }
}

fn compare(migrator: &Migrator, applied: &[AppliedMigration]) -> Result<(), StoreError> {
    let known = migrator.iter().map(|one| one.version).max().unwrap_or(0);
    let found = applied.iter().map(|one| one.version).max().unwrap_or(0);
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    for one in applied {
        match migrator.iter().find(|own| own.version == one.version) {
            Some(own) if own.checksum == one.checksum => {}
            Some(_) => return Err(MigrateError::VersionMismatch(one.version).into()),
            None => return Err(MigrateError::VersionMissing(one.version).into()),
        }
    }
    if applied.len() < migrator.iter().count() {
        return Err(StoreError::OlderSchema { found, known });
    }
    Ok(())
}
