//! Giving a password: to sign in, to confirm that one is still oneself, to change it. The only place where
//! passwords of people are looked at; whatever the reason, wrong ones are slowed in the same way
//! ([`crate::attempts`]).
//!
//! A session begins only while the password that it was begun with is the account's: signing in and a change
//! of the password, both at once, leave no session of the old one.

use std::time::Duration;

use model::{
    audit::Kind,
    client::Client,
    security::SecurityEvent,
    timestamp::Timestamp,
    user::{Email, UserId},
};

use crate::{
    Store,
    attempts::{Attempt, Source},
    audit::{Origin, Record, append_in, email_in},
    browsers::BrowserId,
    database::on_engine,
    error::StoreError,
    sessions::{
        CONFIRM, END_ALL, END_OTHERS, RENEW, Session, SessionKey, begin_session, end_session,
    },
};

/// Somebody has signed in: what their browser is to show from now on.
#[derive(Debug)]
pub struct SignedIn {
    /// The user.
    pub user_id: UserId,
    /// The key of the new session.
    pub session: SessionKey,
    /// That this account has signed in there: to be shown at the next sign-in.
    pub known_browser: String,
}

/// Sign-in, and what else asks for the password; see [`Store::sign_in`].
pub struct SignIn<'a> {
    store: &'a Store,
}

#[derive(sqlx::FromRow)]
struct Credentials {
    id: i64,
    email: String,
    password_hash: String,
}

const BY_EMAIL: &str = "SELECT id, email, password_hash FROM users WHERE email = $1";
const BY_ID: &str = "SELECT id, email, password_hash FROM users WHERE id = $1";
/// Holds the account's row until the end of the transaction, if the password is still the one that was looked
/// at: a change of it waits, or has been.
const HOLD: &str =
    "UPDATE users SET password_hash = password_hash WHERE id = $1 AND password_hash = $2";
const CHANGE: &str = "UPDATE users SET password_hash = $3, demo = FALSE
    WHERE id = $1 AND password_hash = $2";
const SET: &str = "UPDATE users SET password_hash = $2, demo = FALSE WHERE email = $1 RETURNING id";

impl<'a> SignIn<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// A new session for whoever has this address and password, and sends the request that the store acts for
    /// ([`Store::on_behalf_of`]). `known_browser` is what the browser shows of an earlier sign-in
    /// ([`SignedIn::known_browser`]). The session that it showed ends with the beginning of the new one: whoever
    /// planted it there has nothing of this sign-in (OWASP Session Management Cheat Sheet, session fixation).
    ///
    /// An address without an account is answered like one with another password, in words, in time, and in
    /// how long the next try must wait (OWASP Authentication Cheat Sheet).
    ///
    /// # Errors
    /// [`StoreError::WrongPassword`], [`StoreError::TooManyTries`], [`StoreError::Busy`], and those of the
    /// database.
    pub async fn with_password(
        &self,
        email: &Email,
        password: &str,
        known_browser: Option<&str>,
        replaces: Option<&SessionKey>,
    ) -> Result<SignedIn, StoreError> {
        let client = self.store.origin().and_then(Origin::client);
        let client = client.cloned().unwrap_or_default();
        match self
            .enter(email, password, &client, known_browser, replaces)
            .await
        {
            Ok(signed_in) => Ok(signed_in),
            Err(error) => Err(self.failed(email, error).await),
        }
    }

    async fn enter(
        &self,
        email: &Email,
        password: &str,
        client: &Client,
        known_browser: Option<&str>,
        replaces: Option<&SessionKey>,
    ) -> Result<SignedIn, StoreError> {
        let key = self.store.known_browser_key().await?;
        let browser = known_browser.and_then(|proof| BrowserId::proven(proof, &key, email));
        let source = browser.map_or(
            Source::Stranger(client.address.map(|address| address.network())),
            Source::KnownBrowser,
        );
        let attempt = self.attempt(email, source)?;
        let found = self.find_by_email(email).await;
        let account = self.check(attempt, found, password).await?;
        Ok(SignedIn {
            user_id: UserId(account.id),
            session: self.begin(&account, client, replaces).await?,
            known_browser: BrowserId::random().proof(&key, email),
        })
    }

    /// Notes that whoever is signed in has just given the password again.
    ///
    /// # Errors
    /// As [`SignIn::with_password`], and [`StoreError::SessionEnded`].
    pub async fn confirm(&self, session: &Session, password: &str) -> Result<(), StoreError> {
        self.owner(session, password).await?;
        let confirmed = on_engine!(self.store.database().writer(), |pool| {
            sqlx::query(CONFIRM)
                .bind(session.id().0)
                .bind(session.user_id().0)
                .bind(self.now().epoch_millis())
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })?;
        still_there(confirmed)
    }

    /// Whether the password was given in the session within the last `time`, so that it need not be again.
    pub fn is_confirmed(&self, session: &Session, time: Duration) -> bool {
        let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        self.now() < session.confirmed_at().plus_millis(millis)
    }

    /// Gives the account of whoever is signed in another password, ends their other sessions, and gives this
    /// one another key (OWASP Session Management Cheat Sheet: renew it after any change of privilege).
    ///
    /// # Errors
    /// Those of a new password ([`crate::users::Users::create`]), of [`SignIn::with_password`] about the
    /// `present` one, and [`StoreError::SessionEnded`].
    pub async fn change_password(
        &self,
        session: &Session,
        present: &str,
        new: &str,
    ) -> Result<SessionKey, StoreError> {
        let account = self.owner(session, present).await?;
        let email = account.address()?;
        let hash = self.store.passwords().hash_new(new, &email).await?;
        let key = SessionKey::random();
        let now = self.now();
        on_engine!(transaction self.store.database(), |tx| {
            let changed = sqlx::query(CHANGE)
                .bind(account.id)
                .bind(&account.password_hash)
                .bind(hash)
                .execute(&mut *tx)
                .await?;
            if changed.rows_affected() == 0 {
                return Err(StoreError::WrongPassword);
            }
            sqlx::query(END_OTHERS)
                .bind(account.id)
                .bind(session.id().0)
                .execute(&mut *tx)
                .await?;
            let renewed = sqlx::query(RENEW)
                .bind(session.id().0)
                .bind(account.id)
                .bind(key.digest())
                .bind(now.epoch_millis())
                .execute(&mut *tx)
                .await?;
            still_there(renewed.rows_affected())?;
            let record = Record::by_user(Kind::PasswordChanged, session.user_id(), &account.email);
            append_in!(tx, self.store, record)
        })?;
        Ok(key)
    }

    /// Gives an account another password without being asked for the present one: for the operator. Ends all
    /// of its sessions, and returns how many there were. A demo sign-in stops being one.
    ///
    /// # Errors
    /// [`StoreError::NoSuchUser`], those of a new password, and those of the database.
    pub async fn set_password(&self, email: &Email, password: &str) -> Result<u64, StoreError> {
        let hash = self.store.passwords().hash_new(password, email).await?;
        on_engine!(transaction self.store.database(), |tx| {
            let user: Option<i64> = sqlx::query_scalar(SET)
                .bind(email.as_str())
                .bind(hash)
                .fetch_optional(&mut *tx)
                .await?;
            let user = user.ok_or_else(|| StoreError::NoSuchUser(email.clone()))?;
            let ended = sqlx::query(END_ALL).bind(user).execute(&mut *tx).await?;
            let record = Record::of_account(Kind::PasswordChanged, UserId(user), email.as_str());
            append_in!(tx, self.store, record)?;
            Ok(ended.rows_affected())
        })
    }

    async fn find_by_email(&self, email: &Email) -> Result<Option<Credentials>, StoreError> {
        Ok(on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_as(BY_EMAIL)
                .bind(email.as_str())
                .fetch_optional(pool)
                .await
        })?)
    }

    async fn find_owner(&self, session: &Session) -> Result<Credentials, StoreError> {
        let account: Option<Credentials> = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_as(BY_ID)
                .bind(session.user_id().0)
                .fetch_optional(pool)
                .await
        })?;
        account.ok_or(StoreError::SessionEnded)
    }

    fn now(&self) -> Timestamp {
        self.store.clock().now()
    }

    fn attempt(&self, email: &Email, source: Source) -> Result<Attempt, StoreError> {
        self.store.attempts().begin(email, source, self.now())
    }

    /// The account of whoever is signed in, if this is its password.
    async fn owner(&self, session: &Session, password: &str) -> Result<Credentials, StoreError> {
        let account = self.find_owner(session).await?;
        let email = account.address()?;
        let looked_at = async {
            let attempt = self.attempt(&email, Source::Session(session.id()))?;
            self.check(attempt, Ok(Some(account)), password).await
        };
        let refused = |error: &StoreError| {
            self.log_refusal(error, Some(session.user_id()), "confirmation refused");
        };
        looked_at.await.inspect_err(refused)
    }

    /// Every password that people give is looked at here: the account, if it is its own.
    async fn check(
        &self,
        attempt: Attempt,
        found: Result<Option<Credentials>, StoreError>,
        password: &str,
    ) -> Result<Credentials, StoreError> {
        let looked_at = async {
            let account = found?;
            let hash = account.as_ref().map(|found| found.password_hash.clone());
            let matches = self.store.passwords().verify(hash, password).await?;
            Ok(account.filter(|_| matches))
        };
        match looked_at.await {
            Ok(Some(account)) => {
                attempt.succeeded();
                Ok(account)
            }
            Ok(None) => Err(StoreError::WrongPassword),
            Err(error) => {
                attempt.came_to_nothing();
                Err(error)
            }
        }
    }

    /// Every sign-in that succeeds comes by here.
    async fn begin(
        &self,
        account: &Credentials,
        client: &Client,
        replaces: Option<&SessionKey>,
    ) -> Result<SessionKey, StoreError> {
        let key = SessionKey::random();
        let (user, now) = (UserId(account.id), self.now());
        on_engine!(transaction self.store.database(), |tx| {
            let held = sqlx::query(HOLD)
                .bind(account.id)
                .bind(&account.password_hash)
                .execute(&mut *tx)
                .await?;
            if held.rows_affected() == 0 {
                return Err(StoreError::WrongPassword);
            }
            let replaced = match replaces {
                Some(old) => end_session!(tx, old, now),
                None => None,
            };
            // Who signs in anew has not signed out; who was signed in there before has.
            if let Some(other) = replaced.filter(|other| *other != user) {
                let email = email_in!(tx, other);
                append_in!(tx, self.store, Record::by_user(Kind::SignedOut, other, &email))?;
            }
            begin_session!(tx, key, user, now, client);
            let record = Record::by_user(Kind::SignedIn, user, &account.email);
            append_in!(tx, self.store, record)
        })?;
        tracing::info!(
            event = SecurityEvent::SignedIn.name(),
            user = user.0,
            address = client.address_text(),
            "signed in"
        );
        Ok(key)
    }

    /// Every sign-in that fails comes by here; gives what is to be answered.
    async fn failed(&self, email: &Email, error: StoreError) -> StoreError {
        self.log_refusal(&error, None, "sign-in refused");
        match error {
            // What nobody can record is not told either: guesses would go unseen.
            StoreError::WrongPassword => match self.store.audit().sign_in_failed(email).await {
                Ok(()) => error,
                Err(unrecorded) => unrecorded,
            },
            refused_unread => refused_unread,
        }
    }

    /// A password was refused, or not looked at. The address of the account is not logged: people type their
    /// password into that field. What else went wrong is told by whoever answers.
    fn log_refusal(&self, error: &StoreError, user: Option<UserId>, what: &'static str) {
        let event = match error {
            StoreError::WrongPassword => SecurityEvent::WrongPassword,
            StoreError::TooManyTries(_) | StoreError::Busy => SecurityEvent::Throttled,
            _ => return,
        };
        let client = self.store.origin().and_then(Origin::client);
        tracing::info!(
            event = event.name(),
            reason = %error,
            user = user.map(|user| user.0),
            address = client.and_then(Client::address_text),
            "{what}"
        );
    }
}

impl Credentials {
    fn address(&self) -> Result<Email, StoreError> {
        Email::parse(&self.email).map_err(|error| StoreError::Corrupt(error.to_string()))
    }
}

/// What a session was to be changed by came to nothing where it has ended meanwhile.
fn still_there(changed: u64) -> Result<(), StoreError> {
    if changed == 0 {
        return Err(StoreError::SessionEnded);
    }
    Ok(())
}
