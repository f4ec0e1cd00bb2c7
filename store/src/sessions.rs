//! Signed-in browsers: tower-sessions' store over our database.
//!
//! A session ends when it has not been used for [`IDLE_END`], and in any case [`ABSOLUTE_END`] after
//! sign-in (OWASP Session Management Cheat Sheet). Both are decided here, on the server and by the
//! injected clock; the cookie's own lifetime decides nothing.

use std::time::Duration;

use async_trait::async_trait;
use model::timestamp::Timestamp;
use sha2::{Digest, Sha256};
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store,
};

use crate::{Store, database::on_engine, error::StoreError};

/// How long a session lasts without being used: a working day with its breaks.
pub const IDLE_END: Duration = Duration::from_secs(12 * 60 * 60);

/// How long a session lasts at most.
pub const ABSOLUTE_END: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Use is noted no more often than this: reading a page need not cost a write.
const NOTE_USE_EVERY: Duration = Duration::from_secs(5 * 60);

/// Sessions in the database, under the SHA-256 of their id.
#[derive(Clone, Debug)]
pub struct DatabaseSessions {
    store: Store,
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    data: String,
    created_at: i64,
    last_used_at: i64,
}

impl SessionRow {
    fn ends_at(&self) -> Timestamp {
        let idle = Timestamp(self.last_used_at).plus_millis(millis(IDLE_END));
        let absolute = Timestamp(self.created_at).plus_millis(millis(ABSOLUTE_END));
        idle.min(absolute)
    }
}

const INSERT: &str = "INSERT INTO sessions (digest, data, created_at, last_used_at)
    VALUES ($1, $2, $3, $3) ON CONFLICT DO NOTHING";
/// Never an insert, and never of a session that has ended: a late write must not bring one back.
const UPDATE: &str = "UPDATE sessions SET data = $2, last_used_at = $3
    WHERE digest = $1 AND last_used_at > $4 AND created_at > $5";
const SELECT: &str = "SELECT data, created_at, last_used_at FROM sessions WHERE digest = $1";
const NOTE_USE: &str = "UPDATE sessions SET last_used_at = $2 WHERE digest = $1";
const DELETE: &str = "DELETE FROM sessions WHERE digest = $1";
const PURGE: &str = "DELETE FROM sessions WHERE last_used_at <= $1 OR created_at <= $2";

/// The latest use and the latest sign-in of sessions that have ended at `now`.
fn ended(now: Timestamp) -> (i64, i64) {
    let before = |end| now.plus_millis(-millis(end)).epoch_millis();
    (before(IDLE_END), before(ABSOLUTE_END))
}

impl DatabaseSessions {
    pub(crate) const fn new(store: Store) -> Self {
        Self { store }
    }

    /// Removes sessions that have ended; returns how many. For a timer, not for the way of a request:
    /// an ended session is refused whether or not its row is still there.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn purge_ended(&self) -> Result<u64, StoreError> {
        let (used, created) = ended(self.store.clock().now());
        Ok(on_engine!(self.store.database().writer(), |pool| {
            sqlx::query(PURGE)
                .bind(used)
                .bind(created)
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })?)
    }

    async fn insert(&self, record: &Record) -> Result<bool, StoreError> {
        let data = encode(record)?;
        let now = self.store.clock().now().epoch_millis();
        Ok(on_engine!(self.store.database().writer(), |pool| {
            sqlx::query(INSERT)
                .bind(digest(&record.id))
                .bind(data)
                .bind(now)
                .execute(pool)
                .await
                .map(|done| done.rows_affected() == 1)
        })?)
    }

    async fn update(&self, record: &Record) -> Result<(), StoreError> {
        let data = encode(record)?;
        let now = self.store.clock().now();
        let (used, created) = ended(now);
        on_engine!(self.store.database().writer(), |pool| {
            sqlx::query(UPDATE)
                .bind(digest(&record.id))
                .bind(data)
                .bind(now.epoch_millis())
                .bind(used)
                .bind(created)
                .execute(pool)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    async fn find(&self, id: &Id) -> Result<Option<Record>, StoreError> {
        let row: Option<SessionRow> = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_as(SELECT)
                .bind(digest(id))
                .fetch_optional(pool)
                .await
        })?;
        let now = self.store.clock().now();
        let Some(row) = row.filter(|row| now < row.ends_at()) else {
            return Ok(None);
        };
        let noted = Timestamp(row.last_used_at).plus_millis(millis(NOTE_USE_EVERY));
        if noted <= now {
            self.note_use(id, now).await?;
        }
        decode(*id, &row).map(Some)
    }

    async fn note_use(&self, id: &Id, now: Timestamp) -> Result<(), StoreError> {
        on_engine!(self.store.database().writer(), |pool| {
            sqlx::query(NOTE_USE)
                .bind(digest(id))
                .bind(now.epoch_millis())
                .execute(pool)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    async fn remove(&self, id: &Id) -> Result<(), StoreError> {
        on_engine!(self.store.database().writer(), |pool| {
            sqlx::query(DELETE)
                .bind(digest(id))
                .execute(pool)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }
}

#[async_trait]
impl SessionStore for DatabaseSessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        while !self.insert(record).await.map_err(backend)? {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        self.update(record).await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        self.find(id).await.map_err(backend)
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.remove(id).await.map_err(backend)
    }
}

fn backend(error: StoreError) -> session_store::Error {
    tracing::error!(error = &error as &dyn std::error::Error, "session store");
    session_store::Error::Backend(error.to_string())
}

fn digest(id: &Id) -> Vec<u8> {
    Sha256::digest(id.0.to_be_bytes()).to_vec()
}

fn encode(record: &Record) -> Result<String, StoreError> {
    serde_json::to_string(&record.data).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn decode(id: Id, row: &SessionRow) -> Result<Record, StoreError> {
    let corrupt = |what: String| StoreError::Corrupt(what);
    let end = i128::from(row.ends_at().epoch_millis()) * 1_000_000;
    Ok(Record {
        id,
        data: serde_json::from_str(&row.data).map_err(|error| corrupt(error.to_string()))?,
        expiry_date: time::OffsetDateTime::from_unix_timestamp_nanos(end)
            .map_err(|error| corrupt(error.to_string()))?,
    })
}

const fn millis(duration: Duration) -> i64 {
    duration.as_secs() as i64 * 1_000
}
