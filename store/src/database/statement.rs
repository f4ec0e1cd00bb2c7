//! A statement and the values of its parameters, for either engine.

use sqlx::{
    AssertSqlSafe, Encode, FromRow, Postgres, SqlSafeStr as _, SqlStr, Sqlite, Type,
    database::HasStatementCache,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArguments, PgRow},
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};

/// The text of a statement.
pub(crate) struct Sql {
    text: SqlStr,
    /// Whether the connection keeps the prepared statement for the next call.
    persistent: bool,
}

impl Sql {
    /// A text that was put together at run time. It must hold no input.
    pub(crate) fn built(text: String) -> Self {
        Self {
            text: AssertSqlSafe(text).into_sql_str(),
            persistent: true,
        }
    }

    /// Whether connections keep the statement prepared. Texts of many lengths would fill their caches.
    pub(crate) fn persistent(self, persistent: bool) -> Self {
        Self { persistent, ..self }
    }

    pub(crate) fn as_str(&self) -> &str {
        self.text.as_str()
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self {
            text: text.into_sql_str(),
            persistent: true,
        }
    }
}

/// The value of a parameter. PostgreSQL must know the type of a missing value too.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Boolean(bool),
    Integer(Option<i64>),
    Text(Option<&'a str>),
    Bytes(&'a [u8]),
}

/// The values of a statement's parameters, in their order.
pub(crate) type Values<'a> = &'a [Value<'a>];

/// The [`Values`] of these expressions.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::database::Value::from($value)),*] };
}
pub(crate) use values;

/// A struct that is read from a row: each field from the column of its name, then each part after `..` from the same row.
/// In place of sqlx's derive (decision 41).
macro_rules! row {
    (
        $(#[$meta:meta])*
        $visibility:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field_visibility:vis $field:ident: $field_type:ty,)*
            $(..$part_visibility:vis $part:ident: $part_type:ty,)*
        }
    ) => {
        $(#[$meta])*
        $visibility struct $name {
            $($(#[$field_meta])* $field_visibility $field: $field_type,)*
            $($part_visibility $part: $part_type,)*
        }

        impl<'r, R> ::sqlx::FromRow<'r, R> for $name
        where
            R: ::sqlx::Row,
            &'static str: ::sqlx::ColumnIndex<R>,
            $($field_type: ::sqlx::Decode<'r, R::Database> + ::sqlx::Type<R::Database>,)*
            $($part_type: ::sqlx::FromRow<'r, R>,)*
        {
            fn from_row(row: &'r R) -> Result<Self, ::sqlx::Error> {
                Ok(Self {
                    $($field: row.try_get(stringify!($field))?,)*
                    $($part: ::sqlx::FromRow::from_row(row)?,)*
                })
            }
        }
    };
}
pub(crate) use row;

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(Some(value))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(value: Option<i64>) -> Self {
        Self::Integer(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Some(value))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Some(value))
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(value: Option<&'a str>) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a Option<String>> for Value<'a> {
    fn from(value: &'a Option<String>) -> Self {
        Self::Text(value.as_deref())
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

/// A type that a row of either engine becomes.
pub(crate) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<R> Row for R where R: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{}

pub(super) fn for_sqlite(sql: Sql, values: Values<'_>) -> Query<'static, Sqlite, SqliteArguments> {
    bound(sql, values)
}

pub(super) fn for_postgres(sql: Sql, values: Values<'_>) -> Query<'static, Postgres, PgArguments> {
    bound(sql, values)
}

fn bound<E: sqlx::Database + HasStatementCache>(
    sql: Sql,
    values: Values<'_>,
) -> Query<'static, E, E::Arguments>
where
    bool: for<'v> Encode<'v, E> + Type<E>,
    Option<i64>: for<'v> Encode<'v, E> + Type<E>,
    for<'v> Option<&'v str>: Encode<'v, E> + Type<E>,
    for<'v> &'v [u8]: Encode<'v, E> + Type<E>,
{
    let query = sqlx::query(sql.text).persistent(sql.persistent);
    values.iter().fold(query, |query, value| match *value {
        Value::Boolean(value) => query.bind(value),
        Value::Integer(value) => query.bind(value),
        Value::Text(value) => query.bind(Text(value)),
        Value::Bytes(value) => query.bind(value),
    })
}

/// A text without U+0000. PostgreSQL cannot store that character, so both engines refuse it, as an error of the caller.
struct Text<'a>(Option<&'a str>);

impl<'v, E: sqlx::Database> Encode<'v, E> for Text<'v>
where
    Option<&'v str>: Encode<'v, E>,
{
    fn encode_by_ref(
        &self,
        buffer: &mut <E as sqlx::Database>::ArgumentBuffer,
    ) -> Result<IsNull, BoxDynError> {
        match self.0 {
            Some(text) if text.contains('\0') => Err("a text contains U+0000".into()),
            text => text.encode_by_ref(buffer),
        }
    }
}

impl<'v, E: sqlx::Database> Type<E> for Text<'v>
where
    Option<&'v str>: Type<E>,
{
    fn type_info() -> E::TypeInfo {
        <Option<&'v str>>::type_info()
    }
}

/// The parameters of `VALUES`, numbered from `first`: `($1, $2), ($3, $4)` are two rows of two.
pub(crate) fn parameters(rows: usize, columns: usize, first: usize) -> String {
    let row = |row: usize| {
        let numbers = (0..columns).map(|column| format!("${}", first + row * columns + column));
        format!("({})", numbers.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}
