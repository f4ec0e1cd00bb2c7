//! Sessions: each is one browser where a user is signed in.
//!
//! A session ends when it was not used for [`IDLE_TIMEOUT`], and at the latest [`ABSOLUTE_TIMEOUT`] after sign-in (OWASP
//! Session Management Cheat Sheet). It also ends when its owner ends it, when the password is changed in another
//! session or by an operator, and when the user has more than [`MAX_SESSIONS`]. The database and the injected clock
//! decide this; the lifetime of a cookie decides nothing. A session whose last use lies in the future has ended too: the
//! clock was ahead then, and the session would last too long. Every request reads the session, so every server refuses
//! an ended session at the next request.
//!
//! Sessions begin only in [`crate::sign_in`].

pub(crate) mod session;

use std::time::Duration;

use model::{
    audit::Kind,
    client::{Client, UserAgent},
    session::{SessionId, SessionSummary, browser_name},
    timestamp::Timestamp,
    user::UserId,
};
use rand::{Rng, TryRngCore, rngs::OsRng};
use tokio::time::Instant;

pub use self::session::{ABSOLUTE_TIMEOUT, IDLE_TIMEOUT, Session, SessionKey};
use self::session::{ended, millis};
use crate::{
    Store,
    audit::{Record, email_of},
    change::{Change, lock_any_account},
    clock::latest,
    database::{Purpose, Transaction, row, values},
    error::{DatabaseError, SessionError},
    outage::log_failure,
};

/// How many sessions a user can have. One more ends the least recently used session.
pub const MAX_SESSIONS: i64 = 50;

/// How often the use of a session is recorded, at most: not every page needs a write.
const USE_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// Sessions; see [`Store::sessions`].
pub struct Sessions<'a> {
    store: &'a Store,
}

row! {
    struct SessionRow {
        id: i64,
        user_id: i64,
        created_at: i64,
        last_used_at: i64,
        confirmed_at: i64,
        address: Option<String>,
        user_agent: Option<String>,
    }
}

impl SessionRow {
    fn is_open_at(&self, now: Timestamp) -> bool {
        let (used, created, latest) = ended(now);
        self.last_used_at > used && self.created_at > created && self.last_used_at <= latest
    }

    /// The session of this row, which was found by `key`.
    fn opened_by(self, key: &SessionKey) -> Session {
        Session {
            id: SessionId(self.id),
            user_id: UserId(self.user_id),
            digest: key.digest(),
            confirmed_at: Timestamp(self.confirmed_at),
        }
    }

    /// The session's owner; none if the session has ended.
    fn user_at(&self, now: Timestamp) -> Option<UserId> {
        self.is_open_at(now).then_some(UserId(self.user_id))
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

const INSERT: &str = "INSERT INTO sessions
        (digest, user_id, created_at, last_used_at, confirmed_at, address, user_agent)
    VALUES ($1, $2, $3, $3, $3, $4, $5)";
/// Deletes the least recently used sessions beyond the limit, and those from the future: they would displace this one.
const END_SURPLUS: &str = "DELETE FROM sessions WHERE user_id = $1 AND id NOT IN (
        SELECT id FROM sessions WHERE user_id = $1 AND last_used_at <= $3
        ORDER BY last_used_at DESC, id DESC LIMIT $2
    )";
/// Records that the password was given again.
const CONFIRM: &str = "UPDATE sessions SET confirmed_at = $2 WHERE id = $1";
/// Records that the password was given again, and gives the session a new key.
const RENEW: &str = "UPDATE sessions SET digest = $2, confirmed_at = $3 WHERE id = $1";
const END_OTHERS: &str = "DELETE FROM sessions WHERE user_id = $1 AND id <> $2";
const END_ALL: &str = "DELETE FROM sessions WHERE user_id = $1";

macro_rules! session_columns {
    () => {
        "id, user_id, created_at, last_used_at, confirmed_at, address, user_agent"
    };
}

/// A text that reads sessions, followed by its conditions.
macro_rules! select_session {
    ($conditions:literal) => {
        concat!(
            "SELECT ",
            session_columns!(),
            " FROM sessions ",
            $conditions
        )
    };
}

const FIND: &str = select_session!("WHERE digest = $1");
const OF_USER: &str = select_session!(
    "WHERE user_id = $1 AND last_used_at > $2 AND created_at > $3 AND last_used_at <= $4
    ORDER BY last_used_at DESC, id DESC"
);
const OPENED_FORM: &str = "SELECT form_number FROM sessions
    WHERE id = $1 AND digest = $2 AND last_used_at > $3 AND created_at > $4
        AND last_used_at <= $5 AND form_number IS NOT NULL";
/// Keeps an existing number: an open form in another tab may contain it.
const OPEN_FORM: &str = "UPDATE sessions SET form_number = COALESCE(form_number, $2)
    WHERE id = $1 RETURNING form_number";
const USE_FORM: &str = "UPDATE sessions SET form_number = NULL WHERE id = $1 AND form_number = $2";
const RECORD_USE: &str = "UPDATE sessions SET last_used_at = $2 WHERE id = $1";
const END_BY_KEY: &str = concat!(
    "DELETE FROM sessions WHERE digest = $1 RETURNING ",
    session_columns!()
);
const END: &str = "DELETE FROM sessions WHERE user_id = $1 AND id = $2";
const USERS_OF_ENDED: &str = "SELECT DISTINCT user_id FROM sessions
    WHERE last_used_at <= $1 OR created_at <= $2 OR last_used_at > $3 ORDER BY user_id";
const PURGE: &str = "DELETE FROM sessions
    WHERE user_id = $1 AND (last_used_at <= $2 OR created_at <= $3 OR last_used_at > $4)";

impl<'a> Sessions<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// The account of this key; none if no server of this database has made the key, or if this process has seen that
    /// the session ended. Reads the signing key once in a process, otherwise nothing.
    ///
    /// # Errors
    /// Those of the database, from that one read.
    pub async fn owner(&self, key: &SessionKey) -> Result<Option<UserId>, DatabaseError> {
        let signing_key = self.store.session_signing_key().await?;
        let may_be_open = key.is_signed_with(signing_key)
            && self.store.ended_sessions().get(&key.digest()).is_none();
        Ok(may_be_open.then_some(key.user))
    }

    /// The session with this key, whose use is recorded; none if it has ended.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn find(&self, key: &SessionKey) -> Result<Option<Session>, DatabaseError> {
        let now = self.store.clock().now();
        let Some(row) = self.read(key, now).await? else {
            return Ok(None);
        };
        let noted = Timestamp(row.last_used_at).plus_millis(millis(USE_INTERVAL));
        if noted <= now
            && let Err(error) = self.record_use(row.id, now).await
        {
            // Without the record the session ends earlier than it could. A page that only reads can still be shown, and
            // a token can still be deactivated.
            if !error.is_passing() {
                return Err(error);
            }
            log_failure(&error, "the use of a session could not be recorded");
        }
        Ok(Some(row.opened_by(key)))
    }

    /// The session with this key; none if it has ended. A page polls with this: polling does not extend the
    /// session, not even in a tab that is left open (OWASP Session Management Cheat Sheet).
    ///
    /// # Errors
    /// Those of the database.
    pub async fn watch(&self, key: &SessionKey) -> Result<Option<Session>, DatabaseError> {
        let row = self.read(key, self.store.clock().now()).await?;
        Ok(row.map(|row| row.opened_by(key)))
    }

    /// The row of a session that has not ended at `now`.
    async fn read(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<SessionRow>, DatabaseError> {
        if self.owner(key).await?.is_none() {
            return Ok(None);
        }
        let database = self.store.database();
        let row: Option<SessionRow> = database
            .fetch_optional(FIND, values![&key.digest()[..]])
            .await?;
        if row.is_none() {
            // Its key is never used again. Requests with it no longer cost a read, nor count for the account.
            self.store.ended_sessions().insert(key.digest(), ());
        }
        Ok(row.filter(|row| row.is_open_at(now)))
    }

    /// A number for a form that this session may send once. Sending it again does nothing. Forms that are open at the
    /// same time share one number, so only the first of them takes effect.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn open_form(&self, session: &Session) -> Result<String, SessionError> {
        let (used, created, latest) = ended(self.store.clock().now());
        let values = values![session.id.0, &session.digest[..], used, created, latest];
        let database = self.store.database();
        let opened: Option<(String,)> = database.fetch_optional(OPENED_FORM, values).await?;
        if let Some((number,)) = opened {
            // Viewing a page again writes nothing.
            return Ok(number);
        }
        let fresh = format!("{:032x}", OsRng.unwrap_err().random::<u128>());
        let mut change = self
            .store
            .begin_for_session(session, Purpose::General)
            .await?;
        let (number,): (String,) = change
            .fetch_one(OPEN_FORM, values![session.id.0, &fresh])
            .await?;
        change.commit().await?;
        Ok(number)
    }

    /// Removes a form's number, and returns whether it was still there. Of any number of calls on any servers,
    /// exactly one returns true.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn use_form(&self, session: &Session, number: &str) -> Result<bool, SessionError> {
        let mut change = self
            .store
            .begin_for_session(session, Purpose::General)
            .await?;
        let values = values![session.id.0, number];
        let used = change.execute(USE_FORM, values).await?;
        change.commit().await?;
        Ok(used == 1)
    }

    async fn record_use(&self, id: i64, now: Timestamp) -> Result<(), DatabaseError> {
        let database = self.store.database_for(Purpose::Upkeep);
        database
            .execute(RECORD_USE, values![id, now.epoch_millis()])
            .await?;
        Ok(())
    }

    /// The user's sessions, most recently used first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of_user(&self, user: UserId) -> Result<Vec<SessionSummary>, DatabaseError> {
        let (used, created, latest) = ended(self.store.clock().now());
        let database = self.store.database();
        let rows: Vec<SessionRow> = database
            .fetch_all(OF_USER, values![user.0, used, created, latest])
            .await?;
        Ok(rows.into_iter().map(SessionSummary::from).collect())
    }

    /// Ends the session with this key: its browser signs out. A session that has already ended leaves no record.
    ///
    /// # Errors
    /// Those of the database. The session then has not ended.
    pub async fn end_by_key(&self, key: &SessionKey) -> Result<(), DatabaseError> {
        let now = self.store.clock().now();
        let store = self.store.for_revocation();
        if store.sessions().read(key, now).await?.is_none() {
            return Ok(());
        }
        let mut transaction = store.database().begin().await?;
        if let Some(user) = end_session(&mut transaction, key, now).await? {
            let email = email_of(&mut transaction, user).await?;
            let record = Record::signed_out(user, &email);
            self.store.record(&mut transaction, record).await?;
        }
        transaction.commit().await
    }

    /// Ends `ended`, one of the user's sessions, in the name of `session`. If it has already ended, that is no error.
    /// Never ends another user's session, because session numbers are not secret.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn end(&self, session: &Session, ended: SessionId) -> Result<(), SessionError> {
        let mut change = self
            .store
            .begin_for_session(session, Purpose::Revocation)
            .await?;
        let values = values![session.user_id.0, ended.0];
        if change.execute(END, values).await? > 0 {
            let record = Record::of_own_account(Kind::SessionsEnded, &change);
            self.store.record(&mut change, record).await?;
        }
        Ok(change.commit().await?)
    }

    /// Ends all sessions of the user, `session` included, and returns how many there were.
    ///
    /// # Errors
    /// [`SessionError`].
    pub async fn end_all(&self, session: &Session) -> Result<u64, SessionError> {
        let mut change = self
            .store
            .begin_for_session(session, Purpose::Revocation)
            .await?;
        let ended = end_sessions_of(&mut change, session.user_id).await?;
        let record = Record::of_own_account(Kind::SessionsEnded, &change);
        self.store.record(&mut change, record).await?;
        change.commit().await?;
        Ok(ended)
    }

    /// Records that the password was given again.
    pub(crate) async fn confirm(&self, session: &Session) -> Result<(), SessionError> {
        let now = self.store.clock().now().epoch_millis();
        let mut change = self
            .store
            .begin_for_session(session, Purpose::Upkeep)
            .await?;
        change.execute(CONFIRM, values![session.id.0, now]).await?;
        Ok(change.commit().await?)
    }

    /// Removes ended sessions, and returns how many. For a timer: a request need not wait for this, as an ended
    /// session is refused whether or not its row is still there.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn purge_ended(&self) -> Result<u64, DatabaseError> {
        let (used, created, latest) = ended(self.store.clock().now());
        let database = self.store.database_for(Purpose::Upkeep);
        let users: Vec<(i64,)> = database
            .fetch_all(USERS_OF_ENDED, values![used, created, latest])
            .await?;
        let mut purged = 0;
        for (user,) in users {
            let start = Instant::now();
            let mut transaction = database.begin().await?;
            lock_any_account(&mut transaction, UserId(user)).await?;
            purged += transaction
                .execute(PURGE, values![user, used, created, latest])
                .await?;
            transaction.commit().await?;
            database.give_way(start.elapsed()).await;
        }
        Ok(purged)
    }
}

/// Begins a session, and ends the user's sessions beyond the limit.
pub(crate) async fn begin_session(
    transaction: &mut Transaction,
    key: &SessionKey,
    user: UserId,
    now: Timestamp,
    client: &Client,
) -> Result<(), DatabaseError> {
    let address = client.address_text();
    let user_agent = client.user_agent.as_ref().map(UserAgent::as_str);
    let latest = latest(now).epoch_millis();
    transaction
        .execute(
            INSERT,
            values![
                &key.digest()[..],
                user.0,
                now.epoch_millis(),
                &address,
                user_agent,
            ],
        )
        .await?;
    transaction
        .execute(END_SURPLUS, values![user.0, MAX_SESSIONS, latest])
        .await?;
    Ok(())
}

/// Ends the session with this key, and returns its owner; none if the session had already ended.
pub(crate) async fn end_session(
    transaction: &mut Transaction,
    key: &SessionKey,
    now: Timestamp,
) -> Result<Option<UserId>, DatabaseError> {
    let row: Option<SessionRow> = transaction
        .fetch_optional(END_BY_KEY, values![&key.digest()[..]])
        .await?;
    Ok(row.and_then(|row| row.user_at(now)))
}

/// Ends all of the user's sessions, and returns how many there were.
pub(crate) async fn end_sessions_of(
    transaction: &mut Transaction,
    user: UserId,
) -> Result<u64, DatabaseError> {
    transaction.execute(END_ALL, values![user.0]).await
}

/// Ends the owner's other sessions and gives this one a new key.
pub(crate) async fn renew_session(
    change: &mut Change,
    session: &Session,
    key: &SessionKey,
    now: Timestamp,
) -> Result<(), DatabaseError> {
    let (id, user) = (session.id.0, session.user_id.0);
    change.execute(END_OTHERS, values![user, id]).await?;
    let digest = key.digest();
    let values = values![id, &digest[..], now.epoch_millis()];
    change.execute(RENEW, values).await?;
    Ok(())
}
