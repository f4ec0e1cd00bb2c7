//! Browsers in which somebody is signed in.
//!
//! A session ends when it has not been used for [`IDLE_END`], and in any case [`ABSOLUTE_END`] after
//! sign-in (OWASP Session Management Cheat Sheet); when its owner ends it; and with a change of the password
//! made elsewhere. All is decided here, by the database and the injected clock: what a cookie says of its
//! lifetime decides nothing, and every request asks anew, so that a session that was ended is refused at the
//! next one on every server.
//!
//! Sessions begin in [`crate::sign_in`] alone.

use std::{fmt, time::Duration};

use model::{
    audit::Kind,
    session::{SessionId, SessionSummary, browser_name},
    timestamp::Timestamp,
    user::UserId,
};
use rand::{Rng, RngCore, TryRngCore, rngs::OsRng};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    Store,
    audit::{Record, append_in, email_in},
    browsers::from_hex,
    database::on_engine,
    error::StoreError,
};

/// How long a session lasts without being used: a working day with its breaks.
pub const IDLE_END: Duration = Duration::from_secs(12 * 60 * 60);

/// How long a session lasts at most.
pub const ABSOLUTE_END: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How many sessions somebody can have; one more ends the one that was used least lately.
pub const MOST_SESSIONS: i64 = 50;

/// Use is noted no more often than this: reading a page need not cost a write.
const NOTE_USE_EVERY: Duration = Duration::from_secs(5 * 60);

/// What a browser shows to be let in: 128 random bits (OWASP ASVS 5.0, 7.2.3). Kept is their SHA-256.
///
/// It can be neither copied nor printed by accident; memory that held it is wiped when it is dropped.
pub struct SessionKey(Zeroizing<[u8; 16]>);

impl SessionKey {
    pub(crate) fn random() -> Self {
        let mut key = Zeroizing::new([0; 16]);
        OsRng.unwrap_err().fill_bytes(&mut *key);
        Self(key)
    }

    /// The key that `text` writes; nothing if it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(from_hex(text)?);
        let key = <[u8; 16]>::try_from(bytes.as_slice()).ok()?;
        Some(Self(Zeroizing::new(key)))
    }

    /// The key in hexadecimal digits, for the cookie that carries it.
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{:032x}", u128::from_be_bytes(*self.0)))
    }

    pub(crate) fn digest(&self) -> Vec<u8> {
        Sha256::digest(*self.0).to_vec()
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(…)")
    }
}

/// Proof that somebody is signed in, as of the read that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    id: SessionId,
    user_id: UserId,
    confirmed_at: Timestamp,
}

impl Session {
    /// The session's number.
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// Who is signed in.
    pub const fn user_id(&self) -> UserId {
        self.user_id
    }

    /// When the password was last given in it, at sign-in or since.
    pub const fn confirmed_at(&self) -> Timestamp {
        self.confirmed_at
    }
}

/// Sessions; see [`Store::sessions`].
pub struct Sessions<'a> {
    store: &'a Store,
}

#[derive(sqlx::FromRow)]
pub(crate) struct SessionRow {
    id: i64,
    user_id: i64,
    created_at: i64,
    last_used_at: i64,
    confirmed_at: i64,
    address: Option<String>,
    user_agent: Option<String>,
}

impl SessionRow {
    fn ends_at(&self) -> Timestamp {
        let idle = Timestamp(self.last_used_at).plus_millis(millis(IDLE_END));
        let absolute = Timestamp(self.created_at).plus_millis(millis(ABSOLUTE_END));
        idle.min(absolute)
    }

    /// Whose session it is; nobody's once it has ended.
    pub(crate) fn user_at(&self, now: Timestamp) -> Option<UserId> {
        (now < self.ends_at()).then_some(UserId(self.user_id))
    }
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: SessionId(row.id),
            user_id: UserId(row.user_id),
            confirmed_at: Timestamp(row.confirmed_at),
        }
    }
}

impl From<SessionRow> for SessionSummary {
    fn from(row: SessionRow) -> Self {
        Self {
            id: SessionId(row.id),
            browser: browser_name(row.user_agent.as_deref()),
            address: row.address,
            signed_in_at: Timestamp(row.created_at),
            last_used_at: Timestamp(row.last_used_at),
        }
    }
}

pub(crate) const INSERT: &str = "INSERT INTO sessions
        (digest, user_id, created_at, last_used_at, confirmed_at, address, user_agent)
    VALUES ($1, $2, $3, $3, $3, $4, $5)";
/// Of more sessions than somebody can have, those that were used least lately.
pub(crate) const END_SURPLUS: &str = "DELETE FROM sessions WHERE user_id = $1 AND id NOT IN (
        SELECT id FROM sessions WHERE user_id = $1 ORDER BY last_used_at DESC, id DESC LIMIT $2
    )";
/// The password has just been given again.
pub(crate) const CONFIRM: &str =
    "UPDATE sessions SET confirmed_at = $3 WHERE id = $1 AND user_id = $2";
/// The same, under another key.
pub(crate) const RENEW: &str =
    "UPDATE sessions SET digest = $3, confirmed_at = $4 WHERE id = $1 AND user_id = $2";
pub(crate) const END_OTHERS: &str = "DELETE FROM sessions WHERE user_id = $1 AND id <> $2";
pub(crate) const END_ALL: &str = "DELETE FROM sessions WHERE user_id = $1";

macro_rules! session_columns {
    () => {
        "id, user_id, created_at, last_used_at, confirmed_at, address, user_agent"
    };
}

/// A session's columns, where the rest of the text says which.
macro_rules! select_session {
    ($which:literal) => {
        concat!("SELECT ", session_columns!(), " FROM sessions ", $which)
    };
}

const FIND: &str = select_session!("WHERE digest = $1");
const OF_USER: &str = select_session!(
    "WHERE user_id = $1 AND last_used_at > $2 AND created_at > $3
    ORDER BY last_used_at DESC, id DESC"
);
/// The number stays where there is one: it may stand in a form that is open in another tab.
const OPEN_FORM: &str = "UPDATE sessions SET form_number = COALESCE(form_number, $3)
    WHERE id = $1 AND user_id = $2 RETURNING form_number";
const USE_FORM: &str = "UPDATE sessions SET form_number = NULL
    WHERE id = $1 AND user_id = $2 AND form_number = $3";
const NOTE_USE: &str = "UPDATE sessions SET last_used_at = $2 WHERE id = $1";
pub(crate) const END_BY_KEY: &str = concat!(
    "DELETE FROM sessions WHERE digest = $1 RETURNING ",
    session_columns!()
);
const END: &str = "DELETE FROM sessions WHERE user_id = $1 AND id = $2";
const PURGE: &str = "DELETE FROM sessions WHERE last_used_at <= $1 OR created_at <= $2";

/// The latest use and the latest sign-in of sessions that have ended at `now`.
fn ended(now: Timestamp) -> (i64, i64) {
    let before = |end| now.plus_millis(-millis(end)).epoch_millis();
    (before(IDLE_END), before(ABSOLUTE_END))
}

/// Ends the session with this key in the running transaction `tx`; gives whose it was, if it had not ended
/// before.
macro_rules! end_session {
    ($tx:ident, $key:expr, $now:expr) => {{
        let row: Option<$crate::sessions::SessionRow> =
            sqlx::query_as($crate::sessions::END_BY_KEY)
                .bind($key.digest())
                .fetch_optional(&mut *$tx)
                .await?;
        row.and_then(|row| row.user_at($now))
    }};
}
pub(crate) use end_session;

impl<'a> Sessions<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// The session with this key, and a note that it was used; nothing if it has ended.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn find(&self, key: &SessionKey) -> Result<Option<Session>, StoreError> {
        let now = self.store.clock().now();
        let Some(row) = self.read(key, now).await? else {
            return Ok(None);
        };
        let noted = Timestamp(row.last_used_at).plus_millis(millis(NOTE_USE_EVERY));
        if noted <= now {
            self.note_use(row.id, now).await?;
        }
        Ok(Some(row.into()))
    }

    /// The session with this key; nothing if it has ended. That a page asks by itself is no use of the session:
    /// it ends as if nobody had asked, also in a tab that is left open (OWASP Session Management Cheat Sheet).
    ///
    /// # Errors
    /// Those of the database.
    pub async fn watch(&self, key: &SessionKey) -> Result<Option<Session>, StoreError> {
        let row = self.read(key, self.store.clock().now()).await?;
        Ok(row.map(Session::from))
    }

    /// The row of a session that has not ended at `now`.
    async fn read(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<SessionRow>, StoreError> {
        let row: Option<SessionRow> = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_as(FIND)
                .bind(key.digest())
                .fetch_optional(pool)
                .await
        })?;
        Ok(row.filter(|row| now < row.ends_at()))
    }

    /// A number for a form that this session may send once, so that to send it again does nothing. There is one at
    /// a time: forms that are open at once have the same, and the first of them counts.
    ///
    /// # Errors
    /// [`StoreError::SessionEnded`], and those of the database.
    pub async fn open_form(&self, session: &Session) -> Result<String, StoreError> {
        let fresh = format!("{:032x}", OsRng.unwrap_err().random::<u128>());
        let number: Option<String> = on_engine!(self.store.database().writer(), |pool| {
            sqlx::query_scalar(OPEN_FORM)
                .bind(session.id.0)
                .bind(session.user_id.0)
                .bind(fresh.as_str())
                .fetch_optional(pool)
                .await
        })?;
        number.ok_or(StoreError::SessionEnded)
    }

    /// Takes a form's number away; gives whether it was still there. Of any number of callers on any servers, one
    /// learns that it was.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn use_form(&self, session: &Session, number: &str) -> Result<bool, StoreError> {
        let used = on_engine!(self.store.database().writer(), |pool| {
            sqlx::query(USE_FORM)
                .bind(session.id.0)
                .bind(session.user_id.0)
                .bind(number)
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(used == 1)
    }

    async fn note_use(&self, id: i64, now: Timestamp) -> Result<(), StoreError> {
        on_engine!(self.store.database().writer(), |pool| {
            sqlx::query(NOTE_USE)
                .bind(id)
                .bind(now.epoch_millis())
                .execute(pool)
                .await
                .map(drop)
        })?;
        Ok(())
    }

    /// The user's sessions, by their last use, the latest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of_user(&self, user: UserId) -> Result<Vec<SessionSummary>, StoreError> {
        let (used, created) = ended(self.store.clock().now());
        let rows: Vec<SessionRow> = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_as(OF_USER)
                .bind(user.0)
                .bind(used)
                .bind(created)
                .fetch_all(pool)
                .await
        })?;
        Ok(rows.into_iter().map(SessionSummary::from).collect())
    }

    /// Ends the session with this key: its browser signs out. One that has ended before leaves no record.
    ///
    /// # Errors
    /// Those of the database: the session is then still there.
    pub async fn end_by_key(&self, key: &SessionKey) -> Result<(), StoreError> {
        let now = self.store.clock().now();
        on_engine!(transaction self.store.database(), |tx| {
            let Some(user) = end_session!(tx, key, now) else {
                return Ok(());
            };
            let email = email_in!(tx, user);
            append_in!(tx, self.store, Record::by_user(Kind::SignedOut, user, &email))
        })
    }

    /// Ends one of the user's sessions, which may have ended before. Nobody else's: its number is no secret.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn end(&self, user: UserId, session: SessionId) -> Result<(), StoreError> {
        on_engine!(transaction self.store.database(), |tx| {
            let ended = sqlx::query(END)
                .bind(user.0)
                .bind(session.0)
                .execute(&mut *tx)
                .await?;
            if ended.rows_affected() == 0 {
                return Ok(());
            }
            let email = email_in!(tx, user);
            append_in!(tx, self.store, Record::by_user(Kind::SessionsEnded, user, &email))
        })
    }

    /// Ends all of the user's sessions; returns how many there were.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn end_all(&self, user: UserId) -> Result<u64, StoreError> {
        on_engine!(transaction self.store.database(), |tx| {
            let ended = sqlx::query(END_ALL)
                .bind(user.0)
                .execute(&mut *tx)
                .await?
                .rows_affected();
            if ended > 0 {
                let email = email_in!(tx, user);
                let record = Record::by_user(Kind::SessionsEnded, user, &email);
                append_in!(tx, self.store, record)?;
            }
            Ok(ended)
        })
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
}

/// Writes down a session that begins now in the running transaction `tx`, and ends those that its owner has
/// too many of then.
macro_rules! begin_session {
    ($tx:ident, $key:expr, $user:expr, $now:expr, $client:expr) => {{
        let client: &model::client::Client = $client;
        sqlx::query($crate::sessions::INSERT)
            .bind($key.digest())
            .bind($user.0)
            .bind($now.epoch_millis())
            .bind(client.address_text())
            .bind(client.user_agent.as_ref().map(|agent| agent.as_str()))
            .execute(&mut *$tx)
            .await?;
        sqlx::query($crate::sessions::END_SURPLUS)
            .bind($user.0)
            .bind($crate::sessions::MOST_SESSIONS)
            .execute(&mut *$tx)
            .await?;
    }};
}
pub(crate) use begin_session;

const fn millis(duration: Duration) -> i64 {
    duration.as_secs() as i64 * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written_and_nothing_else_is_one() {
        let key = SessionKey::random();
        let text = key.reveal();
        let read = SessionKey::parse(&text).expect("a key");
        assert_eq!(*read.0, *key.0);
        assert_eq!(format!("{key:?}"), "SessionKey(…)");
        let long = format!("{}00", *text);
        for other in [
            "",
            "AAAAAAAAAAAAAAAAAAAAAA",
            &text[..30],
            &long,
            &text.replace(&text[..2], "+f"),
        ] {
            assert!(SessionKey::parse(other).is_none(), "{other}");
        }
    }
}
