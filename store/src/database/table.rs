//! A table of values that a statement reads.
//!
//! PostgreSQL receives each column as an array. So the statement is the same for any number of rows, is prepared once,
//! and is one round trip. SQLite has no arrays: it receives each value, and runs the statement for some rows at a time.

use sqlx::{Postgres, Sqlite, postgres::PgArguments, query::Query, sqlite::SqliteArguments};

use super::statement::{Sql, Value, Values, for_sqlite, parameters};

/// Where a statement's text has the table. Its columns are `column1`, `column2` and so on.
const PLACE: &str = "{table}";

/// Rows of one statement on SQLite: far below its maximum number of parameters.
const SQLITE_ROWS: usize = 200;

/// The values of one column, one for each row. Texts are constants of this program, so none contains U+0000.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    Integers(Vec<i64>),
    Texts(Vec<&'static str>),
}

impl Column {
    fn rows(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }

    fn value(&self, row: usize) -> Value<'_> {
        match self {
            Self::Integers(values) => values[row].into(),
            Self::Texts(values) => values[row].into(),
        }
    }
}

/// The text for PostgreSQL. The arrays are the parameters after `values` others.
pub(super) fn sql_for_postgres(sql: &str, values: usize, columns: &[Column]) -> Sql {
    let names = list(columns.len(), |column| format!("column{column}"));
    let arrays = list(columns.len(), |column| format!("${}", values + column));
    let table = format!("(SELECT {names} FROM unnest({arrays}) AS given ({names}))");
    Sql::built(sql.replace(PLACE, &table))
}

fn list(columns: usize, text: impl Fn(usize) -> String) -> String {
    (1..=columns).map(text).collect::<Vec<_>>().join(", ")
}

/// Adds the arrays to a query.
pub(super) fn with_arrays(
    query: Query<'static, Postgres, PgArguments>,
    columns: &[Column],
) -> Query<'static, Postgres, PgArguments> {
    columns.iter().fold(query, |query, column| match column {
        Column::Integers(values) => query.bind(&values[..]),
        Column::Texts(values) => query.bind(&values[..]),
    })
}

/// The statements for SQLite. Together they cover all rows.
pub(super) fn statements_for_sqlite<'a>(
    sql: &'a str,
    values: Values<'a>,
    columns: &'a [Column],
) -> impl Iterator<Item = Query<'static, Sqlite, SqliteArguments>> + use<'a> {
    let rows = columns.first().map_or(0, Column::rows);
    (0..rows).step_by(SQLITE_ROWS).map(move |first| {
        let rows = first..rows.min(first + SQLITE_ROWS);
        let numbers = parameters(rows.len(), columns.len(), values.len() + 1);
        let built = Sql::built(sql.replace(PLACE, &format!("(VALUES {numbers})")));
        let built = built.persistent(rows.len() == SQLITE_ROWS);
        let table = rows.flat_map(|row| columns.iter().map(move |column| column.value(row)));
        let values: Vec<Value<'_>> = values.iter().copied().chain(table).collect();
        for_sqlite(built, &values)
    })
}
