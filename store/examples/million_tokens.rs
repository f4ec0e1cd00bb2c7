//! Fills a database with a million tokens, for `bench cold` and `bench scale` to call with:
//!
//! `cargo run --release -p store --example million_tokens -- DATABASE_URL FILE [COUNT] [ONE_IN]`
//!
//! The database must have the demo data. Each new organisation gets ten tokens, and an event with the organisation's
//! number. One of seven tokens (`ONE_IN`), chosen at random, is written to the file. Each line has a token and its
//! organisation.
//!
//! On PostgreSQL the triggers that log changes are off meanwhile (`session_replication_role`, for a superuser). So a
//! running server learns nothing of the new tokens.

use std::{
    env,
    error::Error,
    fs::File,
    io::{BufWriter, Write},
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use store::secret::PlainToken;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Rows of one statement: SQLite allows 32,766 parameters.
const BATCH: i64 = 1_000;
const EACH: i64 = 10;
/// Numbers that the demo's organisations do not have.
const FIRST_ORGANISATION: i64 = 1_000_000;
/// 2026-01-19T06:00:00Z.
const CREATED_AT: i64 = 1_768_802_400_000;

const EVENTS: &str = "INSERT INTO events (id, organisation_id, name, status)
    SELECT id, id, 'One of many', 'active' FROM organisations WHERE id BETWEEN $1 AND $2";
const SETTINGS: &str = "INSERT INTO event_settings
    SELECT id, TRUE, TRUE, TRUE, TRUE, TRUE, TRUE, TRUE FROM organisations WHERE id BETWEEN $1 AND $2";

const WITHOUT_TRIGGERS: &str = "SET session_replication_role = replica";
/// As the database is after some time.
const VACUUM: &str = "VACUUM ANALYZE";
const ANALYZE: &str = "ANALYZE";

/// Inserts on either engine.
macro_rules! fill {
    ($connection:expr, $begin:expr, $end:expr, $count:expr, $one_in:expr, $sample:expr) => {{
        let mut connection = $connection;
        sqlx::raw_sql($begin).execute(&mut connection).await?;
        let mut rng = StdRng::seed_from_u64(9);
        let user: i64 = sqlx::query_scalar("SELECT MIN(id) FROM users")
            .fetch_one(&mut connection)
            .await?;
        for batch in (0..$count).step_by(BATCH as usize) {
            let mut transaction = connection.begin().await?;
            let organisations = batch / EACH..(batch + BATCH) / EACH;
            let mut query = sqlx::query(AssertSqlSafe(format!(
                "INSERT INTO organisations (id, name, plan, created_at) VALUES {}",
                rows(BATCH / EACH, 4)
            )));
            for organisation in organisations {
                query = query
                    .bind(FIRST_ORGANISATION + organisation)
                    .bind("One of many")
                    .bind("enterprise")
                    .bind(CREATED_AT);
            }
            query.execute(&mut *transaction).await?;
            let last = FIRST_ORGANISATION + (batch + BATCH) / EACH - 1;
            for text in [EVENTS, SETTINGS] {
                let query = sqlx::query(text).bind(FIRST_ORGANISATION + batch / EACH);
                query.bind(last).execute(&mut *transaction).await?;
            }
            let mut query = sqlx::query(AssertSqlSafe(format!(
                "INSERT INTO tokens (organisation_id, slot, key_digest, preview, active, created_by, created_at)
                VALUES {}",
                rows(BATCH, 7)
            )));
            for token in batch..batch + BATCH {
                let text = PlainToken::generate(&mut rng).reveal();
                query = query
                    .bind(FIRST_ORGANISATION + token / EACH)
                    .bind(token % EACH + 1)
                    .bind(Sha256::digest(&text).to_vec())
                    .bind(text[..5].to_owned())
                    .bind(true)
                    .bind(user)
                    .bind(CREATED_AT);
                if rng.random_ratio(1, $one_in) {
                    writeln!($sample, "{text} {}", FIRST_ORGANISATION + token / EACH)?;
                }
            }
            query.execute(&mut *transaction).await?;
            transaction.commit().await?;
        }
        sqlx::raw_sql($end).execute(&mut connection).await?;
        connection.close().await?;
    }};
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().collect();
    let [_, url, file, numbers @ ..] = &arguments[..] else {
        return Err("usage: million_tokens DATABASE_URL FILE [COUNT] [ONE_IN]".into());
    };
    let mut numbers = numbers.iter();
    let count: i64 = numbers
        .next()
        .map_or(Ok(1_000_000), |count| count.parse())?;
    let one_in: u32 = numbers.next().map_or(Ok(7), |one_in| one_in.parse())?;
    let mut sample = BufWriter::new(File::create(file)?);
    if url.starts_with("postgres") {
        let connection = PgConnection::connect(url).await?;
        fill!(connection, WITHOUT_TRIGGERS, VACUUM, count, one_in, sample);
    } else {
        let connection = SqliteConnection::connect(url).await?;
        fill!(connection, ANALYZE, ANALYZE, count, one_in, sample);
    }
    Ok(sample.flush()?)
}

/// `($1, $2), ($3, $4)` and so on.
fn rows(count: i64, columns: i64) -> String {
    let row = |row: i64| {
        let parameters = (1..=columns).map(|column| format!("${}", row * columns + column));
        format!("({})", parameters.collect::<Vec<_>>().join(", "))
    };
    (0..count).map(row).collect::<Vec<_>>().join(", ")
}
