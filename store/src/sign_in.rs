//! Checks passwords: to sign in, to confirm that the user is still the same person, and to change the password. Users'
//! passwords are checked nowhere else, and wrong ones are throttled in the same way in every case
//! ([`crate::sign_in_throttle`]).
//!
//! A session begins only while the password that opened it is the account's. If a sign-in and a change of the password
//! run at the same time, no session that the old password opened remains.

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
    actor::Origin,
    audit::{Record, email_of},
    clock::latest,
    database::{Purpose, row, values},
    device_cookies::DeviceId,
    error::{AccountError, DatabaseError, PasswordHashError, SignInError},
    password::Requester,
    record_allowance::RecordedBy,
    sessions::{Session, SessionKey, begin_session, end_session, end_sessions_of, renew_session},
    sign_in_throttle::{Attempt, Source},
};

/// The result of a sign-in or of a change of the password: what the browser sends from now on.
#[derive(Debug)]
pub struct SignedIn {
    /// The user.
    pub user_id: UserId,
    /// The session's new key.
    pub session: SessionKey,
    /// The device cookie, which proves at the next sign-in that this account has signed in there with its current
    /// password.
    pub device_cookie: String,
}

/// Sign-in, and everything else that checks a password; see [`Store::sign_in`].
pub struct SignIn<'a> {
    store: &'a Store,
}

row! {
    struct Credentials {
        id: i64,
        email: String,
        password_hash: String,
    }
}

/// A disabled account is treated like an address without one.
const BY_EMAIL: &str = "SELECT id, email, password_hash FROM users
    WHERE email = $1 AND state = 'enabled'";
const BY_ID: &str = "SELECT id, email, password_hash FROM users
    WHERE id = $1 AND state = 'enabled'";
/// Locks the account's row until the end of the transaction, if the password is still the one that was checked.
/// A concurrent change of the password waits, or came first and leaves no row to lock.
const LOCK: &str = "UPDATE users SET password_hash = password_hash
    WHERE id = $1 AND password_hash = $2 AND state = 'enabled'";
const CHANGE: &str = "UPDATE users SET password_hash = $3, demo = FALSE
    WHERE id = $1 AND password_hash = $2";
const SET: &str = "UPDATE users SET password_hash = $2, demo = FALSE WHERE email = $1 RETURNING id";

impl<'a> SignIn<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// Signs in with an address and a password, and begins a session. The session belongs to the request that the store
    /// acts for ([`Store::on_behalf_of`]).
    ///
    /// `device_cookie` is the browser's device cookie ([`SignedIn::device_cookie`]). `replaces` is the key of the
    /// session that the browser sent; it ends. So an attacker who planted a session in the browser gains nothing
    /// from this sign-in (OWASP Session Management Cheat Sheet, session fixation).
    ///
    /// An address without an account looks like a wrong password. The error, the time it takes, and the wait before the
    /// next try are the same (OWASP Authentication Cheat Sheet).
    ///
    /// # Errors
    /// [`SignInError::WrongPassword`], [`SignInError::TooManyTries`], [`SignInError::TooManyRecords`],
    /// [`PasswordHashError::Busy`], and those of the database.
    pub async fn with_password(
        &self,
        email: &Email,
        password: &str,
        device_cookie: Option<&str>,
        replaces: Option<&SessionKey>,
    ) -> Result<SignedIn, SignInError> {
        let client = self.store.origin().and_then(Origin::client);
        let client = client.cloned().unwrap_or_default();
        match self
            .enter(email, password, &client, device_cookie, replaces)
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
        device_cookie: Option<&str>,
        replaces: Option<&SessionKey>,
    ) -> Result<SignedIn, SignInError> {
        let network = client.address.map(|address| address.network());
        let found = self.find_by_email(email).await?;
        let hash = found.as_ref().map_or("", |found| &found.password_hash);
        let device = self.device(device_cookie, email, hash).await?;
        #[cfg(feature = "sabotage")]
        let device = device.filter(|_| !crate::sabotage::no_shares());
        let source = device.map_or(Source::Stranger(network), |device| {
            Source::KnownDevice(device, network)
        });
        let attempt = self.attempt(email, source)?;
        let account = self.check(attempt, found, password).await?;
        let hash = &account.password_hash;
        Ok(SignedIn {
            user_id: UserId(account.id),
            session: self.begin(&account, client, replaces).await?,
            device_cookie: self
                .device_cookie(device, UserId(account.id), email, hash)
                .await?,
        })
    }

    /// The device of this cookie, and the account that signed in there; none if the cookie is made up. It takes no read.
    /// The account's password can be another one by now.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn known_device(
        &self,
        device_cookie: &str,
    ) -> Result<Option<(DeviceId, UserId)>, DatabaseError> {
        let key = self.store.device_cookie_key().await?;
        Ok(DeviceId::made_with(device_cookie, key))
    }

    /// The device that the cookie names, if the account with this address and hash has signed in there.
    async fn device(
        &self,
        cookie: Option<&str>,
        email: &Email,
        password_hash: &str,
    ) -> Result<Option<DeviceId>, DatabaseError> {
        let Some(cookie) = cookie else {
            return Ok(None);
        };
        let key = self.store.device_cookie_key().await?;
        Ok(DeviceId::proven(cookie, key, email, password_hash))
    }

    /// The cookie for this device, or for a new one. A known device keeps its number: otherwise each sign-in would give
    /// it one more count of wrong passwords.
    async fn device_cookie(
        &self,
        device: Option<DeviceId>,
        owner: UserId,
        email: &Email,
        password_hash: &str,
    ) -> Result<String, DatabaseError> {
        let key = self.store.device_cookie_key().await?;
        let device = device.unwrap_or_else(DeviceId::random);
        Ok(device.cookie(key, owner, email, password_hash))
    }

    /// Records that the user of this session has just given the password again.
    ///
    /// # Errors
    /// As [`SignIn::with_password`], and [`SignInError::SessionEnded`].
    pub async fn confirm(&self, session: &Session, password: &str) -> Result<(), SignInError> {
        self.owner(session, password).await?;
        Ok(self.store.sessions().confirm(session).await?)
    }

    /// Whether the password was given in this session within the last `time`. A time in the future does not count: the
    /// clock was ahead then.
    pub fn is_confirmed(&self, session: &Session, time: Duration) -> bool {
        let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let (now, confirmed_at) = (self.now(), session.confirmed_at());
        now < confirmed_at.plus_millis(millis) && confirmed_at <= latest(now)
    }

    /// Changes the password of the session's user. Ends the user's other sessions, and gives this one a new key (OWASP
    /// Session Management Cheat Sheet: renew the key after any change of privilege). All device cookies of the account
    /// end. `device_cookie` is that of this browser, and it is replaced.
    ///
    /// # Errors
    /// [`SignInError`]; [`SignInError::WrongPassword`] is about the `present` password.
    pub async fn change_password(
        &self,
        session: &Session,
        present: &str,
        new: &str,
        device_cookie: Option<&str>,
    ) -> Result<SignedIn, SignInError> {
        let account = self.owner(session, present).await?;
        let email = account.address()?;
        let requester = Requester::Account(session.user_id());
        let passwords = self.store.passwords();
        let hash: Result<_, SignInError> = passwords.hash_new(requester, new, &email).await;
        let hash = hash?;
        let device = self
            .device(device_cookie, &email, &account.password_hash)
            .await?;
        let changed = SignedIn {
            user_id: session.user_id(),
            session: self.new_key(session.user_id()).await?,
            device_cookie: self
                .device_cookie(device, session.user_id(), &email, &hash)
                .await?,
        };
        let by = RecordedBy::Passwords(session.user_id());
        self.store.take_record(by)?;
        let mut change = self
            .store
            .begin_for_session(session, Purpose::Revocation)
            .await?;
        let values = values![account.id, &account.password_hash, &hash];
        if change.execute(CHANGE, values).await? == 0 {
            return Err(SignInError::WrongPassword);
        }
        renew_session(&mut change, session, &changed.session, self.now()).await?;
        let record = Record::of_own_account(Kind::PasswordChanged, &change);
        self.store.record(&mut change, record).await?;
        change.commit().await?;
        Ok(changed)
    }

    /// Sets an account's password without the current one: for operators. Ends all of the account's sessions and device
    /// cookies, and returns how many sessions there were. A demo account stops being one.
    ///
    /// # Errors
    /// [`AccountError::NoSuchUser`], those of a new password, and those of the database.
    pub async fn set_password(&self, email: &Email, password: &str) -> Result<u64, AccountError> {
        let passwords = self.store.passwords();
        let hash: Result<_, AccountError> = passwords
            .hash_new(Requester::Operator, password, email)
            .await;
        let hash = hash?;
        let mut transaction = self.store.database_for(Purpose::Revocation).begin().await?;
        let user: Option<(i64,)> = transaction
            .fetch_optional(SET, values![email.as_str(), &hash])
            .await?;
        let (user,) = user.ok_or_else(|| AccountError::NoSuchUser(email.clone()))?;
        let user = UserId(user);
        let ended = end_sessions_of(&mut transaction, user).await?;
        let record = Record::of_account(Kind::PasswordChanged, user, email.as_str());
        self.store.record(&mut transaction, record).await?;
        transaction.commit().await?;
        Ok(ended)
    }

    async fn find_by_email(&self, email: &Email) -> Result<Option<Credentials>, DatabaseError> {
        let database = self.store.database();
        database
            .fetch_optional(BY_EMAIL, values![email.as_str()])
            .await
    }

    async fn find_owner(&self, session: &Session) -> Result<Credentials, SignInError> {
        let database = self.store.database();
        let account: Option<Credentials> = database
            .fetch_optional(BY_ID, values![session.user_id().0])
            .await?;
        account.ok_or(SignInError::SessionEnded)
    }

    fn now(&self) -> Timestamp {
        self.store.clock().now()
    }

    fn attempt(&self, email: &Email, source: Source) -> Result<Attempt, SignInError> {
        let attempt = self
            .store
            .sign_in_throttle()
            .begin(email, source, self.now());
        attempt.map_err(SignInError::TooManyTries)
    }

    /// The account of the session's user, if this is its password.
    async fn owner(&self, session: &Session, password: &str) -> Result<Credentials, SignInError> {
        let account = self.find_owner(session).await?;
        let email = account.address()?;
        let checked = async {
            let attempt = self.attempt(&email, Source::Session(session.id()))?;
            self.check(attempt, Some(account), password).await
        };
        let log = |error: &SignInError| {
            self.log_refusal(error, Some(session.user_id()), "confirmation refused");
        };
        checked.await.inspect_err(log)
    }

    /// The account, if the password is its own. Every password that users give is checked here.
    async fn check(
        &self,
        attempt: Attempt,
        found: Option<Credentials>,
        password: &str,
    ) -> Result<Credentials, SignInError> {
        let requester = match (attempt.source(), &found) {
            (Source::Stranger(network), _) => Requester::Stranger(network),
            (_, Some(account)) => Requester::Account(UserId(account.id)),
            // Does not happen: a device or a session proves that there is an account.
            (_, None) => Requester::Stranger(None),
        };
        let hash = found.as_ref().map(|found| found.password_hash.clone());
        let passwords = self.store.passwords();
        match passwords.verify(requester, hash, password).await {
            Ok(matches) => {
                let account = found.filter(|_| matches);
                let account = account.ok_or(SignInError::WrongPassword)?;
                attempt.succeeded();
                Ok(account)
            }
            Err(PasswordHashError::Busy) => {
                attempt.was_turned_away();
                Err(PasswordHashError::Busy.into())
            }
            Err(error) => {
                attempt.could_not_be_checked();
                Err(error.into())
            }
        }
    }

    /// Begins the session. Every successful sign-in passes here.
    async fn begin(
        &self,
        account: &Credentials,
        client: &Client,
        replaces: Option<&SessionKey>,
    ) -> Result<SessionKey, SignInError> {
        let (user, now) = (UserId(account.id), self.now());
        // Only a right password gets here. So strangers cannot use up the sign-ins of an account.
        self.store.take_record(RecordedBy::SignIns(user))?;
        let key = self.new_key(user).await?;
        let replaces = match replaces {
            Some(old) => self.store.sessions().owner(old).await?.and(Some(old)),
            None => None,
        };
        let mut transaction = self.store.database_for(Purpose::Upkeep).begin().await?;
        let values = values![account.id, &account.password_hash];
        if transaction.execute(LOCK, values).await? == 0 {
            return Err(SignInError::WrongPassword);
        }
        let replaced = match replaces {
            Some(old) => end_session(&mut transaction, old, now).await?,
            None => None,
        };
        // Signing in again is not a sign-out. If another user was signed in there, that user is signed out.
        if let Some(other) = replaced.filter(|other| *other != user) {
            let email = email_of(&mut transaction, other).await?;
            let record = Record::signed_out(other, &email);
            self.store.record(&mut transaction, record).await?;
        }
        begin_session(&mut transaction, &key, user, now, client).await?;
        let record = Record::signed_in(user, &account.email);
        self.store.record(&mut transaction, record).await?;
        transaction.commit().await?;
        tracing::info!(
            target: SecurityEvent::TARGET,
            event = SecurityEvent::SignedIn.name(),
            user = user.0,
            address = client.address_text(),
            "signed in"
        );
        Ok(key)
    }

    async fn new_key(&self, user: UserId) -> Result<SessionKey, DatabaseError> {
        Ok(SessionKey::new(
            user,
            self.store.session_signing_key().await?,
        ))
    }

    /// Logs and records a failed sign-in, and returns the error to respond with. Every failed sign-in passes here.
    async fn failed(&self, email: &Email, error: SignInError) -> SignInError {
        self.log_refusal(&error, None, "sign-in refused");
        match error {
            // If a wrong password cannot be recorded, respond with that error. Otherwise the guess would leave no
            // record. Only what little space is left is not for strangers: the log has the guess.
            SignInError::WrongPassword => match self.store.audit().sign_in_failed(email).await {
                Ok(()) | Err(DatabaseError::StorageFull(_)) => error,
                Err(unrecorded) => unrecorded.into(),
            },
            unchecked => unchecked,
        }
    }

    /// Logs that a password was refused, or not checked. The log omits the address of the account, because people type
    /// their password into that field. The caller logs other errors.
    fn log_refusal(&self, error: &SignInError, user: Option<UserId>, what: &'static str) {
        let event = match error {
            SignInError::WrongPassword => SecurityEvent::WrongPassword,
            SignInError::TooManyTries(_) | SignInError::Hash(PasswordHashError::Busy) => {
                SecurityEvent::Throttled
            }
            _ => return,
        };
        let client = self.store.origin().and_then(Origin::client);
        tracing::info!(
            target: SecurityEvent::TARGET,
            event = event.name(),
            reason = %error,
            user = user.map(|user| user.0),
            address = client.and_then(Client::address_text),
            "{what}"
        );
    }
}

impl Credentials {
    fn address(&self) -> Result<Email, DatabaseError> {
        Email::parse(&self.email).map_err(|error| DatabaseError::Corrupt(error.to_string()))
    }
}

#[cfg(test)]
mod tests;
