//! A session, its key, and how long it lasts.

use std::{fmt, time::Duration};

use model::{session::SessionId, timestamp::Timestamp, user::UserId};
use rand::{RngCore, TryRngCore, rngs::OsRng};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::device_cookies::from_hex;

/// How long a session lasts without use: a working day with its breaks.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(12 * 60 * 60);

/// How long a session lasts at most.
pub const ABSOLUTE_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The secret of a session, which a browser sends in a cookie: 128 random bits (OWASP ASVS 5.0, 7.2.3). The
/// database keeps only its SHA-256.
///
/// It can be neither copied nor printed by accident, and its memory is wiped when it is dropped.
pub struct SessionKey(Zeroizing<[u8; 16]>);

impl SessionKey {
    pub(crate) fn random() -> Self {
        let mut key = Zeroizing::new([0; 16]);
        OsRng.unwrap_err().fill_bytes(&mut *key);
        Self(key)
    }

    /// Parses a key; none if `text` cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(from_hex(text)?);
        let key = <[u8; 16]>::try_from(bytes.as_slice()).ok()?;
        Some(Self(Zeroizing::new(key)))
    }

    /// The key in hexadecimal digits, for its cookie.
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{:032x}", u128::from_be_bytes(*self.0)))
    }

    pub(super) fn digest(&self) -> [u8; 32] {
        Sha256::digest(*self.0).into()
    }
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
    /// Of the key that the request came with.
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

/// Sessions that were last used, or signed in, no later than these two instants have ended at `now`.
pub(crate) fn ended(now: Timestamp) -> (i64, i64) {
    let before = |end| now.plus_millis(-millis(end)).epoch_millis();
    (before(IDLE_TIMEOUT), before(ABSOLUTE_TIMEOUT))
}

pub(super) const fn millis(duration: Duration) -> i64 {
    duration.as_secs() as i64 * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_parsed_from_its_own_text_and_from_no_other() {
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
