//! A transaction on either engine.

use std::time::Duration;

use sqlx::{FromRow, Postgres, Sqlite};
use tokio::time::timeout;

use super::{
    file::OpenFile,
    statement::{Row, Sql, Values, for_postgres, for_sqlite},
};
use crate::error::DatabaseError;

/// How long to wait for PostgreSQL. A little longer than its own limit for a statement: only a PostgreSQL that
/// no longer answers takes that long.
const POSTGRES_TIMEOUT: Duration = Duration::from_secs(25);

/// A running transaction. It changes nothing until [`Transaction::commit`]. Dropped before that, it is rolled
/// back; a connection that cannot roll back does not return to its pool.
pub(crate) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>, OpenFile),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Transaction {
    /// Makes the changes permanent.
    ///
    /// # Errors
    /// Those of the database. On SQLite also when the file was moved or replaced meanwhile: other programs do not
    /// see the change, so it is not done.
    pub(crate) async fn commit(self) -> Result<(), DatabaseError> {
        match self {
            Self::Sqlite(transaction, file) => {
                transaction.commit().await?;
                file.check().await?;
            }
            Self::Postgres(transaction) => in_time(transaction.commit()).await?,
        }
        Ok(())
    }

    /// Runs a statement, and returns how many rows it changed.
    pub(crate) async fn execute(
        &mut self,
        sql: impl Into<Sql>,
        values: Values<'_>,
    ) -> Result<u64, DatabaseError> {
        let sql = sql.into();
        Ok(match self {
            Self::Sqlite(transaction, _) => {
                let query = for_sqlite(sql, values);
                query.execute(&mut **transaction).await?.rows_affected()
            }
            Self::Postgres(transaction) => {
                let query = for_postgres(sql, values).execute(&mut **transaction);
                in_time(query).await?.rows_affected()
            }
        })
    }

    /// The first row, if there is one.
    pub(crate) async fn fetch_optional<R: Row>(
        &mut self,
        sql: impl Into<Sql>,
        values: Values<'_>,
    ) -> Result<Option<R>, DatabaseError> {
        let sql = sql.into();
        Ok(match self {
            Self::Sqlite(transaction, _) => {
                let query = for_sqlite(sql, values);
                let row = query.fetch_optional(&mut **transaction).await?;
                row.as_ref().map(R::from_row).transpose()?
            }
            Self::Postgres(transaction) => {
                let query = for_postgres(sql, values).fetch_optional(&mut **transaction);
                let row = in_time(query).await?;
                row.as_ref().map(R::from_row).transpose()?
            }
        })
    }

    /// The first row. An error if there is none.
    pub(crate) async fn fetch_one<R: Row>(
        &mut self,
        sql: impl Into<Sql>,
        values: Values<'_>,
    ) -> Result<R, DatabaseError> {
        let row = self.fetch_optional(sql, values).await?;
        row.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    /// Every row.
    pub(crate) async fn fetch_all<R: Row>(
        &mut self,
        sql: impl Into<Sql>,
        values: Values<'_>,
    ) -> Result<Vec<R>, DatabaseError> {
        let sql = sql.into();
        match self {
            Self::Sqlite(transaction, _) => {
                let query = for_sqlite(sql, values);
                rows(&query.fetch_all(&mut **transaction).await?)
            }
            Self::Postgres(transaction) => {
                let query = for_postgres(sql, values).fetch_all(&mut **transaction);
                rows(&in_time(query).await?)
            }
        }
    }
}

/// The rows of either engine as values of one type.
pub(super) fn rows<'r, E, R: FromRow<'r, E>>(rows: &'r [E]) -> Result<Vec<R>, DatabaseError>
where
    E: sqlx::Row,
{
    Ok(rows.iter().map(R::from_row).collect::<Result<_, _>>()?)
}

/// The result of `work`; an unreachable database if PostgreSQL does not answer in time.
pub(super) async fn in_time<T>(
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let outcome = timeout(POSTGRES_TIMEOUT, work).await;
    outcome.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}
