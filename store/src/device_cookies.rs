//! Device cookies: they prove that an account has signed in on a device before.
//!
//! Each sign-in sets one. It holds the device's random number, the number of the account, and two HMAC-SHA256 under a key
//! that all servers of the database share:
//!
//! - one of the two numbers. It proves that a server of ours made the cookie, without a read of the database. So each
//!   device has requests of its own before it signs in, and each account a maximum for all of its devices;
//! - one of the device's number, the account's address and the hash of its password. So the cookie cannot be made
//!   without the account's password, and a change of the password ends it.
//!
//! The cookie needs no other expiry, and stays after a sign-out.
//!
//! It grants nothing. Besides the requests, it has two effects: wrong passwords on the device count apart from those of
//! strangers ([`crate::sign_in_throttle`]), and passwords are hashed before those of strangers ([`crate::password`]).

use hmac::{Hmac, Mac};
use model::user::{Email, UserId};
use rand::{RngCore, TryRngCore, rngs::OsRng};
use sha2::Sha256;

/// The number of a device where an account has signed in before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceId(pub(crate) [u8; 16]);

impl DeviceId {
    pub(crate) fn random() -> Self {
        let mut number = [0; 16];
        OsRng.unwrap_err().fill_bytes(&mut number);
        Self(number)
    }

    /// The cookie's value for the account with this number, this address and this hash of its password, in hexadecimal
    /// digits.
    pub(crate) fn cookie(
        self,
        key: &[u8; 32],
        owner: UserId,
        email: &Email,
        password_hash: &str,
    ) -> String {
        let owner_bytes = owner.0.to_be_bytes();
        let made = made(key, self, owner).finalize().into_bytes();
        let proof = proof(key, self, email, password_hash)
            .finalize()
            .into_bytes();
        let bytes = self.0.iter().chain(&owner_bytes).chain(&made).chain(&proof);
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }

    /// The device and the account that a server wrote into `cookie`; none if the cookie is made up. The account's
    /// password can be another one by now.
    pub(crate) fn made_with(cookie: &str, key: &[u8; 32]) -> Option<(Self, UserId)> {
        let (device, owner, _proof) = parts(cookie, key)?;
        Some((device, owner))
    }

    /// The device in `cookie`, if this account has signed in there with its current password.
    pub(crate) fn proven(
        cookie: &str,
        key: &[u8; 32],
        email: &Email,
        password_hash: &str,
    ) -> Option<Self> {
        let (device, _owner, given) = parts(cookie, key)?;
        let proof = proof(key, device, email, password_hash);
        proof.verify_slice(&given).is_ok().then_some(device)
    }
}

/// The parts of a cookie that a server made: device, account, and the proof of the password.
fn parts(cookie: &str, key: &[u8; 32]) -> Option<(DeviceId, UserId, [u8; 32])> {
    let bytes = from_hex(cookie)?;
    let (number, rest) = bytes.split_first_chunk()?;
    let (owner, rest) = rest.split_first_chunk()?;
    let (tag, proof): (&[u8; 32], _) = rest.split_first_chunk()?;
    let (device, owner) = (DeviceId(*number), UserId(i64::from_be_bytes(*owner)));
    made(key, device, owner).verify_slice(tag).ok()?;
    Some((device, owner, proof.try_into().ok()?))
}

fn made(key: &[u8; 32], device: DeviceId, owner: UserId) -> Hmac<Sha256> {
    mac(key, "made", device).chain_update(owner.0.to_be_bytes())
}

fn proof(key: &[u8; 32], device: DeviceId, email: &Email, password_hash: &str) -> Hmac<Sha256> {
    // An address contains no control character, so the two cannot be divided in another way.
    mac(key, "proof", device)
        .chain_update(email.as_str())
        .chain_update([0])
        .chain_update(password_hash)
}

/// Begins the HMAC for one purpose. No purpose begins with another one.
fn mac(key: &[u8; 32], purpose: &str, device: DeviceId) -> Hmac<Sha256> {
    let mac = <Hmac<Sha256> as Mac>::new_from_slice(key);
    let mac = mac.expect("HMAC takes a key of any length");
    mac.chain_update(purpose).chain_update(device.0)
}

/// Parses hexadecimal digits.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16);
    let pair = |pair: &[u8]| Some((value(pair[0])? * 16 + value(pair[1])?) as u8);
    digits.chunks_exact(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$argon2id$one";
    const ADA: UserId = UserId(7);

    fn email(text: &str) -> Email {
        Email::parse(text).expect("an address")
    }

    #[test]
    fn a_cookie_proves_a_sign_in_of_its_account_and_of_no_other() {
        let (ada, bob, key) = (email("ada@example.com"), email("bob@example.com"), [7; 32]);
        let device = DeviceId::random();
        let cookie = device.cookie(&key, ADA, &ada, HASH);
        let proven = |key, email| DeviceId::proven(&cookie, key, email, HASH);
        assert_eq!(proven(&key, &ada), Some(device));
        assert_eq!(proven(&key, &bob), None);
        assert_eq!(proven(&[8; 32], &ada), None);
        assert_eq!(DeviceId::made_with(&cookie, &key), Some((device, ADA)));
        assert_eq!(DeviceId::made_with(&cookie, &[8; 32]), None);
    }

    #[test]
    fn a_cookie_proves_nothing_after_a_change_of_the_password_it_was_made_with() {
        let (ada, key) = (email("ada@example.com"), [7; 32]);
        let cookie = DeviceId::random().cookie(&key, ADA, &ada, HASH);
        for other in ["", "$argon2id$other", &HASH[1..]] {
            assert_eq!(
                DeviceId::proven(&cookie, &key, &ada, other),
                None,
                "{other}"
            );
        }
    }

    #[test]
    fn a_cookie_has_two_numbers_and_two_tags_and_no_address() {
        let cookie = DeviceId::random().cookie(&[7; 32], ADA, &email("ada@example.com"), HASH);
        let length = from_hex(&cookie).map(|bytes| bytes.len());
        assert_eq!(length, Some(16 + 8 + 32 + 32));
    }

    #[test]
    fn a_forged_cookie_proves_nothing() {
        let (ada, key) = (email("ada@example.com"), [7; 32]);
        let cookie = DeviceId::random().cookie(&key, ADA, &ada, HASH);
        let short = &cookie[..cookie.len() - 2];
        let long = format!("{cookie}00");
        for text in [
            "",
            "00",
            "\u{e9}",
            "zz",
            &cookie[..32],
            &cookie[1..],
            short,
            &long,
        ] {
            assert_eq!(DeviceId::proven(text, &key, &ada, HASH), None, "{text}");
            assert_eq!(DeviceId::made_with(text, &key), None, "{text}");
        }
        for position in 0..cookie.len() {
            let digit = if cookie.as_bytes()[position] == b'0' {
                "1"
            } else {
                "0"
            };
            let mut changed = cookie.clone();
            changed.replace_range(position..=position, digit);
            assert_eq!(
                DeviceId::proven(&changed, &key, &ada, HASH),
                None,
                "{changed}"
            );
            let in_proof = position >= 2 * (16 + 8 + 32);
            let made = DeviceId::made_with(&changed, &key);
            assert_eq!(made.is_some(), in_proof, "{changed}");
        }
    }
}
