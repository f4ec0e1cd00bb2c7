//! The schema that this program knows, and the one that a database has.

use sqlx::{
    AssertSqlSafe,
    migrate::{AppliedMigration, Migrate, MigrateError, Migrator},
};

use crate::{
    database::{Database, POSTGRES_LIMITS},
    error::SchemaError,
};

pub(crate) static SQLITE: Migrator = sqlx::migrate!("../migrations/sqlite");
pub(crate) static POSTGRES: Migrator = sqlx::migrate!("../migrations/postgres");

/// sqlx's own table of applied migrations.
const APPLIED: &str = "_sqlx_migrations";

impl Database {
    pub(crate) async fn migrate(&self) -> Result<(), SchemaError> {
        match self {
            // The write lock keeps other processes out: sqlx has no lock of its own for SQLite.
            Self::Sqlite { writer, .. } => {
                let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
                bring_up_to_date(&SQLITE, &mut *transaction).await?;
                Ok(transaction.commit().await?)
            }
            // A connection outside the pool. After a refused migration, sqlx does not release the connection's
            // lock. In the pool, it would block every other server.
            Self::Postgres(pool) => {
                let mut connection = pool.acquire().await?.detach();
                // Building an index may take long, and so may waiting for another server that builds one.
                for (limit, _) in POSTGRES_LIMITS {
                    let lift = AssertSqlSafe(format!("SET {limit} = 0"));
                    sqlx::raw_sql(lift).execute(&mut connection).await?;
                }
                bring_up_to_date(&POSTGRES, &mut connection).await?;
                Ok(sqlx::Connection::close(connection).await?)
            }
        }
    }

    /// Checks that the database answers and has exactly the schema that this program knows. Reads one small
    /// table.
    pub(crate) async fn check_schema(&self) -> Result<(), SchemaError> {
        match self {
            Self::Sqlite { readers, file, .. } => {
                file.check().await?;
                require_exactly(&SQLITE, &mut *readers.acquire().await?).await
            }
            Self::Postgres(pool) => require_exactly(&POSTGRES, &mut *pool.acquire().await?).await,
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
    match connection.list_applied_migrations(APPLIED).await {
        Ok(applied) => compare(migrator, &applied),
        Err(MigrateError::Execute(error)) => Err(error.into()),
        Err(other) => Err(other.into()),
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
