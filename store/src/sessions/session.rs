//! A session, its key, and how long it lasts.

use std::{fmt, time::Duration};

use hmac::{Hmac, Mac};
use model::{session::SessionId, timestamp::Timestamp, user::UserId};
use rand::{RngCore, TryRngCore, rngs::OsRng};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{clock::latest, device_cookies::from_hex};

/// How long a session lasts without use: a working day with its breaks.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(12 * 60 * 60);

/// How long a session lasts at most.
pub const ABSOLUTE_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What a browser sends in the cookie of a session: a secret of 128 random bits (OWASP ASVS 5.0, 7.2.3), the account,
/// and an HMAC of both under a key that all servers of the database share. The database keeps only the secret's SHA-256.
///
/// With the HMAC a server recognises a made-up cookie without a read of the database. It also knows the account before
/// it reads the session, and can limit its requests ([`super::Sessions::owner`]).
///
/// It cannot be printed by accident, and the secret's memory is wiped when it is dropped.
#[derive(Clone)]
pub struct SessionKey {
    secret: Zeroizing<[u8; 16]>,
    pub(super) user: UserId,
    tag: [u8; 16],
}

impl SessionKey {
    pub(crate) fn new(user: UserId, signing_key: &[u8; 32]) -> Self {
        let mut secret = Zeroizing::new([0; 16]);
        OsRng.unwrap_err().fill_bytes(&mut *secret);
        let whole = mac(signing_key, &secret, user).finalize().into_bytes();
        let mut tag = [0; 16];
        tag.copy_from_slice(&whole[..16]);
        Self { secret, user, tag }
    }

    /// Parses a key; none if `text` cannot be one. It can be made up: [`super::Sessions::owner`] checks that.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(from_hex(text)?);
        let (secret, rest) = bytes.split_first_chunk()?;
        let (user, tag) = rest.split_first_chunk()?;
        Some(Self {
            secret: Zeroizing::new(*secret),
            user: UserId(i64::from_be_bytes(*user)),
            tag: tag.try_into().ok()?,
        })
    }

    /// The key in hexadecimal digits, for its cookie.
    pub fn reveal(&self) -> Zeroizing<String> {
        let (secret, tag) = (hex(*self.secret), hex(self.tag));
        Zeroizing::new(format!("{}{:016x}{}", *secret, self.user.0, *tag))
    }

    /// The SHA-256 of the secret. It identifies the session without revealing the secret.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(*self.secret).into()
    }

    pub(super) fn is_signed_with(&self, signing_key: &[u8; 32]) -> bool {
        let mac = mac(signing_key, &self.secret, self.user);
        mac.verify_truncated_left(&self.tag).is_ok()
    }
}

fn mac(signing_key: &[u8; 32], secret: &[u8; 16], user: UserId) -> Hmac<Sha256> {
    let mac = <Hmac<Sha256> as Mac>::new_from_slice(signing_key);
    let mac = mac.expect("HMAC takes a key of any length");
    mac.chain_update(secret).chain_update(user.0.to_be_bytes())
}

fn hex(bytes: [u8; 16]) -> Zeroizing<String> {
    Zeroizing::new(format!("{:032x}", u128::from_be_bytes(bytes)))
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(…)")
    }
}

/// Proof that a user is signed in, at the time of the read that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub(super) id: SessionId,
    pub(super) user_id: UserId,
    /// The digest of the key that the request sent.
    pub(super) digest: [u8; 32],
    pub(super) confirmed_at: Timestamp,
}

impl Session {
    pub(crate) const fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// The session's number.
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// The user who is signed in.
    pub const fn user_id(&self) -> UserId {
        self.user_id
    }

    /// When the password was last given in this session, at sign-in or later.
    pub const fn confirmed_at(&self) -> Timestamp {
        self.confirmed_at
    }
}

/// Three instants that decide whether a session has ended at `now`. It has if its last use is not after the first, its
/// sign-in not after the second, or its last use after the third. The last use is never before the sign-in.
pub(crate) fn ended(now: Timestamp) -> (i64, i64, i64) {
    let before = |end| now.plus_millis(-millis(end)).epoch_millis();
    let latest = latest(now).epoch_millis();
    (before(IDLE_TIMEOUT), before(ABSOLUTE_TIMEOUT), latest)
}

pub(super) const fn millis(duration: Duration) -> i64 {
    duration.as_secs() as i64 * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: UserId = UserId(-7);
    const SIGNING_KEY: [u8; 32] = [7; 32];

    #[test]
    fn a_key_is_parsed_from_its_own_text_and_from_no_other() {
        let key = SessionKey::new(USER, &SIGNING_KEY);
        let text = key.reveal();
        let read = SessionKey::parse(&text).expect("a key");
        assert_eq!(*read.secret, *key.secret);
        assert_eq!((read.user, read.tag), (USER, key.tag));
        assert_eq!(format!("{key:?}"), "SessionKey(…)");
        let long = format!("{}00", *text);
        for other in [
            "",
            "AAAAAAAAAAAAAAAAAAAAAA",
            &text[..32],
            &text[..78],
            &long,
            &text.replacen(&text[..2], "+f", 1),
        ] {
            assert!(SessionKey::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_key_is_genuine_only_as_it_was_made_and_under_its_signing_key() {
        let key = SessionKey::new(USER, &SIGNING_KEY);
        assert!(key.is_signed_with(&SIGNING_KEY));
        assert!(!key.is_signed_with(&[8; 32]));
        let text = key.reveal();
        for at in 0..text.len() {
            let mut changed = text.to_string();
            let digit = if &text[at..=at] == "0" { "1" } else { "0" };
            changed.replace_range(at..=at, digit);
            let changed = SessionKey::parse(&changed).expect("a key");
            assert!(!changed.is_signed_with(&SIGNING_KEY), "{at}");
        }
    }
}
