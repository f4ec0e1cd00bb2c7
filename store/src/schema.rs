//! The schema that this program knows, and the one that a database has.

use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, Migrator};

use crate::{
    database::{Database, Engine},
    error::SchemaError,
};

pub(crate) static SQLITE: Migrator = sqlx::migrate!("../migrations/sqlite");
pub(crate) static POSTGRES: Migrator = sqlx::migrate!("../migrations/postgres");

/// sqlx's own table of applied migrations.
const APPLIED: &str = "_sqlx_migrations";

impl Database {
    /// Does not write if the schema is up to date: a command that only reads must not wait for another writer.
    pub(crate) async fn migrate(&self) -> Result<(), SchemaError> {
        match self.check_schema().await {
            Ok(()) => return Ok(()),
            Err(SchemaError::Database(error)) if error.is_unavailable() => return Err(error.into()),
            Err(_) => {}
        }
        match self.engine() {
            // The write lock keeps other processes out: sqlx has no lock of its own for SQLite.
            Engine::Sqlite(sqlite) => {
                let mut transaction = sqlite.writer.begin_with("BEGIN IMMEDIATE").await?;
                bring_up_to_date(&SQLITE, &mut *transaction).await?;
                Ok(transaction.commit().await?)
            }
            // A connection outside the pools. Building an index may take long, and so may waiting for another server
            // that builds one. Also, after a refused migration sqlx leaves its lock with the connection, and in a pool
            // that would block every other server.
            Engine::Postgres(postgres) => {
                let mut connection = postgres.connect_without_limits().await?;
                bring_up_to_date(&POSTGRES, &mut connection).await?;
                Ok(sqlx::Connection::close(connection).await?)
            }
        }
    }

    /// Checks that the database answers and has exactly the schema that this program knows. Reads one small
    /// table.
    pub(crate) async fn check_schema(&self) -> Result<(), SchemaError> {
        match self.engine() {
            Engine::Sqlite(sqlite) => {
                sqlite.file.check().await?;
                let readers = sqlite.readers(self.purpose());
                require_exactly(&SQLITE, &mut *readers.acquire().await?).await
            }
            Engine::Postgres(postgres) => {
                let mut connection = postgres.acquire(self.purpose()).await?;
                let applied = connection.read(|connection| Box::pin(list_applied(connection)));
                let applied = applied.await??;
                compare(&POSTGRES, &applied)
            }
        }
    }
}

/// Uses sqlx's `run_direct`, as the compiler cannot prove that the future of `run` may move between threads.
async fn bring_up_to_date<C: Migrate + Send>(
    migrator: &Migrator,
    connection: &mut C,
) -> Result<(), SchemaError> {
    match migrator.run_direct(None, connection, false).await {
        Err(refusal @ MigrateError::VersionMissing(_)) => {
            // sqlx names the first migration that it does not know. An operator needs the last one.
            require_exactly(migrator, connection).await?;
            Err(refusal.into())
        }
        outcome => Ok(outcome?),
    }
}

/// Checks that the database behind `connection` has exactly the schema that `migrator` makes.
///
/// # Errors
/// [`SchemaError`]; [`SchemaError::Migration`] where the database had a different migration under the same number.
pub(crate) async fn require_exactly<C: Migrate + Send>(
    migrator: &Migrator,
    connection: &mut C,
) -> Result<(), SchemaError> {
    let applied = list_applied(connection).await??;
    compare(migrator, &applied)
}

/// The migrations that the database has had. The outer error is the database's.
async fn list_applied<C: Migrate + Send>(
    connection: &mut C,
) -> Result<Result<Vec<AppliedMigration>, MigrateError>, sqlx::Error> {
    match connection.list_applied_migrations(APPLIED).await {
        Err(MigrateError::Execute(error)) => Err(error),
        listed => Ok(listed),
    }
}

fn compare(migrator: &Migrator, applied: &[AppliedMigration]) -> Result<(), SchemaError> {
    let known = migrator.iter().map(|one| one.version).max().unwrap_or(0);
    let found = applied.iter().map(|one| one.version).max().unwrap_or(0);
    if found > known {
        return Err(SchemaError::Newer { found, known });
    }
    for one in applied {
        match migrator.iter().find(|own| own.version == one.version) {
            Some(own) if own.checksum == one.checksum => {}
            Some(_) => return Err(MigrateError::VersionMismatch(one.version).into()),
            None => return Err(MigrateError::VersionMissing(one.version).into()),
        }
    }
    if applied.len() < migrator.iter().count() {
        return Err(SchemaError::Older { found, known });
    }
    Ok(())
}
