//! Reset links: an operator gives one to a user who has forgotten the password. It sets a new password, once.
//!
//! A link contains a random secret, of which the database keeps the SHA-256. It works for [`LIFETIME`]. An account has at
//! most one: a new link replaces the former one. A trigger of the schema ends it when the account's address, password or
//! state changes. So no way to change an account can forget that.
//!
//! Opening a link changes nothing, because mail scanners and browsers open links by themselves. The transaction that
//! sets the password deletes the link first. Of any number of uses on any servers, exactly one deletes it.

use std::{fmt, time::Duration};

use model::{
    audit::Kind,
    client::{Client, ClientNetwork},
    security::SecurityEvent,
    timestamp::Timestamp,
    user::{Email, UserId},
};
use rand::{RngCore, TryRngCore, rngs::OsRng};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    Store,
    actor::Origin,
    audit::Record,
    change::lock_account,
    clock::latest,
    database::{Purpose, row, values},
    device_cookies::from_hex,
    error::{AccountError, DatabaseError, ResetError},
    password::Requester,
    sessions::end_sessions_of,
    users::lock_user,
};

/// How long a link works.
pub const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// The secret of a link: 128 random bits. It cannot be printed by accident, and its memory is wiped when it is dropped.
pub struct ResetSecret(Zeroizing<[u8; 16]>);

impl ResetSecret {
    fn random() -> Self {
        let mut secret = Zeroizing::new([0; 16]);
        OsRng.unwrap_err().fill_bytes(&mut *secret);
        Self(secret)
    }

    /// Parses a secret; none if `text` cannot be one. It can be made up: [`ResetLinks::find`] checks that.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(from_hex(text)?);
        let secret = bytes.as_slice().try_into().ok()?;
        Some(Self(Zeroizing::new(secret)))
    }

    /// The secret in hexadecimal digits, for the link.
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{:032x}", u128::from_be_bytes(*self.0)))
    }

    fn digest(&self) -> [u8; 32] {
        Sha256::digest(*self.0).into()
    }
}

impl fmt::Debug for ResetSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetSecret(…)")
    }
}

/// Reset links; see [`Store::reset_links`].
pub struct ResetLinks<'a> {
    store: &'a Store,
}

row! {
    struct LinkRow {
        user_id: i64,
        email: String,
    }
}

impl LinkRow {
    fn address(&self) -> Result<Email, DatabaseError> {
        Email::parse(&self.email).map_err(|error| DatabaseError::Corrupt(error.to_string()))
    }
}

/// Changes no row if the account is disabled or deleted.
const CREATE: &str = "INSERT INTO reset_links (user_id, digest, expires_at)
    SELECT id, $2, $3 FROM users WHERE id = $1 AND state = 'enabled'
    ON CONFLICT (user_id) DO UPDATE SET digest = excluded.digest, expires_at = excluded.expires_at";
const FIND: &str = "SELECT users.id AS user_id, users.email FROM reset_links
    JOIN users ON users.id = reset_links.user_id
    WHERE reset_links.digest = $1 AND reset_links.expires_at > $2 AND reset_links.expires_at <= $3
        AND users.state = 'enabled'";
const USE: &str = "DELETE FROM reset_links
    WHERE digest = $1 AND expires_at > $2 AND expires_at <= $3 AND user_id = $4";
const SET_PASSWORD: &str = "UPDATE users SET password_hash = $2, demo = FALSE WHERE id = $1";

impl<'a> ResetLinks<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// Creates a link for an account, in place of a former one: for operators.
    ///
    /// # Errors
    /// [`AccountError::NoSuchUser`], [`AccountError::Disabled`], and those of the database.
    pub async fn create(&self, email: &Email) -> Result<ResetSecret, AccountError> {
        let secret = ResetSecret::random();
        let expires_at = expiry(self.store.clock().now()).epoch_millis();
        let mut transaction = self.store.database().begin().await?;
        let user = lock_user(&mut transaction, email).await?;
        let digest = secret.digest();
        let values = values![user.0, &digest[..], expires_at];
        if transaction.execute(CREATE, values).await? == 0 {
            return Err(AccountError::Disabled(email.clone()));
        }
        let record = Record::of_account(Kind::ResetLinkCreated, user, email.as_str());
        self.store.record(&mut transaction, record).await?;
        transaction.commit().await?;
        Ok(secret)
    }

    /// The address of the account for which the link works; none if it works for none. Changes nothing.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn find(&self, secret: &ResetSecret) -> Result<Option<Email>, DatabaseError> {
        let found = self.read(secret).await?;
        found.map(|link| link.address()).transpose()
    }

    /// Sets the password of the link's account, and returns its address. Ends the link, and all sessions and device
    /// cookies of the account. If the password is refused, the link goes on.
    ///
    /// # Errors
    /// [`ResetError`].
    pub async fn set_password(
        &self,
        secret: &ResetSecret,
        password: &str,
    ) -> Result<Email, ResetError> {
        let outcome = self.use_link(secret, password).await;
        if let Err(error @ ResetError::LinkEnded) = &outcome {
            tracing::info!(
                target: SecurityEvent::TARGET,
                event = SecurityEvent::ResetRefused.name(),
                reason = %error,
                address = self.client().and_then(Client::address_text),
                "reset link refused"
            );
        }
        outcome
    }

    async fn use_link(&self, secret: &ResetSecret, password: &str) -> Result<Email, ResetError> {
        // A made-up link costs one read: no hashing, and none of the connections of revocations.
        let link = self.read(secret).await?.ok_or(ResetError::LinkEnded)?;
        let (user, email) = (UserId(link.user_id), link.address()?);
        let requester = Requester::Account(user);
        let passwords = self.store.passwords();
        let hash: Result<_, ResetError> = passwords.hash_new(requester, password, &email).await;
        let hash = hash?;
        let mut transaction = self.store.database_for(Purpose::Revocation).begin().await?;
        let account = lock_account(&mut transaction, user).await?;
        let account = account.ok_or(ResetError::LinkEnded)?;
        let (after, latest) = self.valid_expiries();
        let digest = secret.digest();
        let values = values![&digest[..], after, latest, user.0];
        if transaction.execute(USE, values).await? == 0 {
            return Err(ResetError::LinkEnded);
        }
        transaction
            .execute(SET_PASSWORD, values![user.0, &hash])
            .await?;
        end_sessions_of(&mut transaction, user).await?;
        let record = Record::password_reset(user, &account.email);
        self.store.record(&mut transaction, record).await?;
        transaction.commit().await?;
        self.store
            .sign_in_throttle()
            .password_was_reset(&email, self.network());
        tracing::info!(
            target: SecurityEvent::TARGET,
            event = SecurityEvent::PasswordReset.name(),
            user = user.0,
            address = self.client().and_then(Client::address_text),
            "password set by a reset link"
        );
        Ok(email)
    }

    async fn read(&self, secret: &ResetSecret) -> Result<Option<LinkRow>, DatabaseError> {
        let (after, latest) = self.valid_expiries();
        let digest = secret.digest();
        let values = values![&digest[..], after, latest];
        self.store.database().fetch_optional(FIND, values).await
    }

    /// A link works now if it expires after the first instant, and not after the second. With a later expiry, the clock
    /// was ahead when it was created, and it would work for too long.
    fn valid_expiries(&self) -> (i64, i64) {
        let now = self.store.clock().now();
        (now.epoch_millis(), expiry(latest(now)).epoch_millis())
    }

    fn client(&self) -> Option<&Client> {
        self.store.origin().and_then(Origin::client)
    }

    fn network(&self) -> Option<ClientNetwork> {
        Some(self.client()?.address?.network())
    }
}

/// When a link that is created at `now` expires.
fn expiry(now: Timestamp) -> Timestamp {
    now.plus_millis(LIFETIME.as_secs() as i64 * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_parsed_from_its_own_text_and_cannot_be_printed_by_accident() {
        let secret = ResetSecret::random();
        let text = secret.reveal();
        assert_eq!(text.len(), 32);
        let parsed = ResetSecret::parse(&text).expect("a secret");
        assert_eq!(parsed.digest(), secret.digest());
        assert_eq!(format!("{secret:?}"), "ResetSecret(…)");
        let long = format!("{}00", *text);
        for other in [
            "",
            "0",
            &text[..30],
            &long,
            &text.replacen(&text[..2], "+f", 1),
        ] {
            assert!(ResetSecret::parse(other).is_none(), "{other}");
        }
    }
}
