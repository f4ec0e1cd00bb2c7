//! A transaction on either engine.

use sqlx::{FromRow, Sqlite};

use super::{
    file::OpenFile,
    postgres::PgTransaction,
    statement::{Row, Sql, Values, for_sqlite, row},
    table::{Column, sql_for_postgres, statements_for_sqlite, with_arrays},
    turns::Turn,
};
use crate::error::DatabaseError;

/// A running transaction. It changes nothing until [`Transaction::commit`]. Dropped before that, it is rolled
/// back; a connection that cannot roll back does not return to its pool.
pub(crate) enum Transaction {
    Sqlite(SqliteTransaction),
    Postgres(PgTransaction),
}

row! {
    /// Where the log of changes has a change.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct LoggedChange {
        pub(crate) seq: i64,
        pub(crate) mark: i64,
    }
}

/// A running transaction of SQLite.
pub(crate) struct SqliteTransaction {
    // Dropped before the turn: the connection is on its way back when the next writer begins.
    pub(super) inner: sqlx::Transaction<'static, Sqlite>,
    pub(super) file: OpenFile,
    pub(super) _turn: Turn,
}

impl Transaction {
    /// Makes the changes permanent.
    ///
    /// # Errors
    /// Those of the database; [`DatabaseError::OutcomeUnknown`] if PostgreSQL does not confirm the commit. On SQLite
    /// also when the file was moved or replaced meanwhile: other programs do not see the change, so it is not done.
    pub(crate) async fn commit(self) -> Result<(), DatabaseError> {
        match self {
            Self::Sqlite(SqliteTransaction { inner, file, _turn }) => {
                inner.commit().await?;
                file.check().await?;
                Ok(())
            }
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }

    /// As [`Transaction::commit`], for a transaction whose changes triggers log. Returns the last of them.
    ///
    /// PostgreSQL confirms it like a change, even if it has only read. With a synchronous standby, a primary that was
    /// replaced but still runs cannot confirm it. So a confirmed transaction has read from the present primary.
    pub(crate) async fn commit_logged(mut self) -> Result<LoggedChange, DatabaseError> {
        let read = if let Self::Postgres(_) = self {
            // The triggers are deferred.
            self.execute("SET CONSTRAINTS ALL IMMEDIATE", &[]).await?;
            // A commit without any write would wait for no standby. This writes to the write-ahead log, and locks
            // nothing.
            "SELECT seq, mark FROM change_counter, pg_logical_emit_message(TRUE, 'developer_zone', '')"
        } else {
            "SELECT seq, mark FROM change_counter"
        };
        let logged = self.fetch_one(read, &[]).await?;
        self.commit().await?;
        Ok(logged)
    }

    /// Runs a statement, and returns how many rows it changed.
    pub(crate) async fn execute(
        &mut self,
        sql: impl Into<Sql>,
        values: Values<'_>,
    ) -> Result<u64, DatabaseError> {
        let sql = sql.into();
        Ok(match self {
            Self::Sqlite(transaction) => {
                let query = for_sqlite(sql, values).execute(&mut *transaction.inner);
                query.await?.rows_affected()
            }
            Self::Postgres(transaction) => {
                let query = transaction.query(sql, values);
                let done = transaction.run(|connection| Box::pin(query.execute(connection)));
                done.await?.rows_affected()
            }
        })
    }

    /// Runs a statement that reads a table: `{table}` in its text, which must not contain input. SQLite runs it for
    /// some rows at a time. Its other parameters come first.
    pub(crate) async fn execute_with_table(
        &mut self,
        sql: &str,
        values: Values<'_>,
        columns: &[Column],
    ) -> Result<(), DatabaseError> {
        match self {
            Self::Sqlite(transaction) => {
                for query in statements_for_sqlite(sql, values, columns) {
                    query.execute(&mut *transaction.inner).await?;
                }
            }
            Self::Postgres(transaction) => {
                let sql = sql_for_postgres(sql, values.len(), columns);
                let query = with_arrays(transaction.query(sql, values), columns);
                let done = transaction.run(|connection| Box::pin(query.execute(connection)));
                done.await?;
            }
        }
        Ok(())
    }

    /// The first row, if there is one.
    pub(crate) async fn fetch_optional<R: Row>(
        &mut self,
        sql: impl Into<Sql>,
        values: Values<'_>,
    ) -> Result<Option<R>, DatabaseError> {
        let sql = sql.into();
        Ok(match self {
            Self::Sqlite(transaction) => {
                let query = for_sqlite(sql, values).fetch_optional(&mut *transaction.inner);
                query.await?.as_ref().map(R::from_row).transpose()?
            }
            Self::Postgres(transaction) => {
                let query = transaction.query(sql, values);
                let row = transaction.run(|connection| Box::pin(query.fetch_optional(connection)));
                row.await?.as_ref().map(R::from_row).transpose()?
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
            Self::Sqlite(transaction) => {
                let query = for_sqlite(sql, values).fetch_all(&mut *transaction.inner);
                rows(&query.await?)
            }
            Self::Postgres(transaction) => {
                let query = transaction.query(sql, values);
                let found = transaction.run(|connection| Box::pin(query.fetch_all(connection)));
                rows(&found.await?)
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
