//! The schema that this program knows, and the one that a database has.

use std::sync::LazyLock;

use sqlx::{
    PgConnection, SqlSafeStr as _, SqliteConnection,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};
use tokio::time::Instant;

use crate::{
    database::{Database, Engine, row},
    error::{DatabaseError, SchemaError},
};

/// The migrations of an engine, from its folder in `migrations`. In place of sqlx's macro (decision 41).
macro_rules! migrator {
    ($engine:literal) => {
        migrator!($engine: "0001_foundation", "0002_photos", "0003_leases", "0004_usage", "0005_sign_in",
            "0006_audit", "0007_token_names", "0008_form_numbers", "0009_offboarding", "0010_change_log_keeps_revocations",
            "0011_token_lists_keeps_revocations",
            "0012_reset_links_keeps_revocations",
            "0013_home_keeps_revocations",
            "0014_photo_changes_keeps_revocations",
            "0015_first_call_keeps_revocations")
    };
    ($engine:literal: $($name:literal),*) => {
        LazyLock::new(|| {
            let texts = [$(($name, include_str!(concat!("../../migrations/", $engine, "/", $name, ".sql")))),*];
            Migrator::with_migrations(texts.map(migration).into())
        })
    };
}

static SQLITE: LazyLock<Migrator> = migrator!("sqlite");
static POSTGRES: LazyLock<Migrator> = migrator!("postgres");

/// A migration with its number, from the name and the text of its file.
fn migration((name, sql): (&str, &'static str)) -> Migration {
    let (number, words) = name.split_once('_').unwrap_or((name, ""));
    let version = number
        .parse()
        .expect("a migration's name starts with its number");
    let description = words.replace('_', " ");
    let kind = MigrationType::Simple;
    Migration::new(version, description.into(), kind, sql.into_sql_str(), false)
}

row! {
    /// A migration that a database has had, from sqlx's table.
    struct Applied {
        version: i64,
        checksum: Vec<u8>,
        description: String,
    }
}

const APPLIED: &str =
    "SELECT version, checksum, description FROM _sqlx_migrations ORDER BY version";

/// The end of the name of a migration after which programs that do not know it can still revoke.
const KEEPS_REVOCATIONS: &str = "keeps revocations";

/// One transaction holds all locks and settings of a migration. A connection pooler can give the connection to another
/// program after it.
///
/// A statement may take any time: building an index can be slow. A wait for a lock ends soon, because all other
/// programs wait behind it.
const BEGIN: &str = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 10000;
    SET LOCAL idle_in_transaction_session_timeout = 20000";
/// Only one program changes the schema at a time. The number means nothing elsewhere.
const TRY_LOCK: &str = "SELECT pg_try_advisory_xact_lock(4831270945)";
const LOCK: &str = "SELECT pg_advisory_xact_lock(4831270945)";
/// As sqlx makes it.
const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (
        version BIGINT PRIMARY KEY,
        description TEXT NOT NULL,
        installed_on TIMESTAMPTZ NOT NULL DEFAULT now(),
        success BOOLEAN NOT NULL,
        checksum BYTEA NOT NULL,
        execution_time BIGINT NOT NULL
    )";
const NOTE: &str = "INSERT INTO _sqlx_migrations
        (version, description, success, checksum, execution_time)
    VALUES ($1, $2, TRUE, $3, $4)";

impl Database {
    /// Neither locks nor writes unless the schema is older: a command that only reads must not wait for another writer.
    pub(crate) async fn migrate(&self) -> Result<(), SchemaError> {
        match self.check_schema().await {
            // The second is a database without a table of migrations.
            Err(SchemaError::Older { .. } | SchemaError::Database(DatabaseError::Refused(_))) => {}
            outcome => return outcome,
        }
        match self.engine() {
            // The write lock keeps other processes out: sqlx has no lock of its own for SQLite.
            Engine::Sqlite(sqlite) => {
                let mut transaction = sqlite.writer.begin_with("BEGIN IMMEDIATE").await?;
                SQLITE.run_direct(None, &mut *transaction, false).await?;
                Ok(transaction.commit().await?)
            }
            Engine::Postgres(postgres) => {
                let mut connection = postgres.connect_without_limits().await?;
                migrate_postgres(&mut connection).await?;
                Ok(sqlx::Connection::close(connection).await?)
            }
        }
    }

    /// Checks that the database answers and has exactly the schema that this program knows. Reads one small
    /// table.
    pub(crate) async fn check_schema(&self) -> Result<(), SchemaError> {
        let applied: Vec<Applied> = self.fetch_all(APPLIED, &[]).await?;
        match self.engine() {
            Engine::Sqlite(_) => compare(&SQLITE, &applied),
            Engine::Postgres(_) => compare(&POSTGRES, &applied),
        }
    }
}

/// Checks that the SQLite database behind `connection` has exactly the schema that this program knows.
///
/// # Errors
/// [`SchemaError`]; [`SchemaError::Migration`] where the database had a different migration under the same number.
pub(crate) async fn require_exactly(connection: &mut SqliteConnection) -> Result<(), SchemaError> {
    let applied: Vec<Applied> = sqlx::query_as(APPLIED).fetch_all(connection).await?;
    compare(&SQLITE, &applied)
}

fn compare(migrator: &Migrator, applied: &[Applied]) -> Result<(), SchemaError> {
    let known = migrator.iter().map(|one| one.version).max().unwrap_or(0);
    let found = applied.iter().map(|one| one.version).max().unwrap_or(0);
    let own = |version| migrator.iter().find(|own| own.version == version);
    if found > known {
        let keeps_revocations = applied.iter().all(|one| match own(one.version) {
            Some(own) => *own.checksum == one.checksum,
            None => one.description.ends_with(KEEPS_REVOCATIONS),
        });
        return Err(SchemaError::Newer {
            found,
            known,
            keeps_revocations,
        });
    }
    for one in applied {
        match own(one.version) {
            Some(own) if *own.checksum == one.checksum => {}
            Some(_) => return Err(MigrateError::VersionMismatch(one.version).into()),
            None => return Err(MigrateError::VersionMissing(one.version).into()),
        }
    }
    if applied.len() < migrator.iter().count() {
        return Err(SchemaError::Older { found, known });
    }
    Ok(())
}

/// Applies the missing migrations in one transaction.
///
/// It does not use sqlx's own way, which locks and prepares statements for the session. Behind a connection pooler, both
/// would stay in a session that other programs get.
async fn migrate_postgres(connection: &mut PgConnection) -> Result<(), SchemaError> {
    sqlx::raw_sql(BEGIN).execute(&mut *connection).await?;
    let lock = sqlx::query_scalar(TRY_LOCK).persistent(false);
    if !lock.fetch_one(&mut *connection).await? {
        tracing::info!("another program is migrating the database; waiting for it");
        let lock = sqlx::query(LOCK).persistent(false);
        lock.execute(&mut *connection).await.map_err(refused)?;
    }
    sqlx::raw_sql(CREATE_TABLE)
        .execute(&mut *connection)
        .await?;
    let applied = sqlx::query_as(APPLIED).persistent(false);
    let applied: Vec<Applied> = applied.fetch_all(&mut *connection).await?;
    match compare(&POSTGRES, &applied) {
        Err(SchemaError::Older { .. }) => {}
        // Another program was faster.
        outcome => return outcome,
    }
    for migration in POSTGRES.iter() {
        if applied.iter().all(|one| one.version != migration.version) {
            let applied = apply(connection, migration).await;
            applied.map_err(|error| match refused(error) {
                SchemaError::Database(error) => SchemaError::Migration(error.into()),
                refusal => refusal,
            })?;
        }
    }
    Ok(sqlx::raw_sql("COMMIT")
        .execute(connection)
        .await
        .map(drop)?)
}

async fn apply(connection: &mut PgConnection, migration: &Migration) -> Result<(), sqlx::Error> {
    let start = Instant::now();
    sqlx::raw_sql(migration.sql.clone())
        .execute(&mut *connection)
        .await?;
    let nanos = i64::try_from(start.elapsed().as_nanos()).unwrap_or(i64::MAX);
    let note = sqlx::query(NOTE).persistent(false);
    note.bind(migration.version)
        .bind(&*migration.description)
        .bind(&*migration.checksum)
        .bind(nanos)
        .execute(connection)
        .await?;
    Ok(())
}

/// The error of a statement that may have waited for a lock.
fn refused(error: sqlx::Error) -> SchemaError {
    const LOCK_NOT_AVAILABLE: &str = "55P03";
    let code = error.as_database_error().and_then(|refusal| refusal.code());
    if code.is_some_and(|code| code == LOCK_NOT_AVAILABLE) {
        SchemaError::Locked(error.into())
    } else {
        error.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_file_of_the_folder_is_a_migration_in_its_place() {
        for (folder, migrator) in [("sqlite", &SQLITE), ("postgres", &POSTGRES)] {
            let path = format!("{}/../migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
            let found = Migrator::new(std::path::Path::new(&path)).await;
            let found = found.expect("a folder of migrations");
            let essence = |all: &Migrator| -> Vec<_> {
                let each = all.iter();
                each.map(|one| (one.version, one.description.clone(), one.checksum.clone()))
                    .collect()
            };
            assert_eq!(essence(migrator), essence(&found), "{folder}");
        }
    }
}
