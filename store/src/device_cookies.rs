//! Device cookies: they prove that an account has signed in on a device before.
//!
//! Each sign-in sets one. It holds the device's random number, and an HMAC-SHA256 under a key that all servers of the
//! database share. The HMAC covers the number, the account's address and the hash of its password. So the cookie cannot
//! be made without the account's password, and a change of the password ends it. It needs no other expiry, and stays
//! after a sign-out.
//!
//! The cookie grants nothing and identifies no user. It has two effects: wrong passwords on the device count apart from
//! those of strangers ([`crate::sign_in_throttle`]), and passwords are hashed before those of strangers
//! ([`crate::password`]).

use hmac::{Hmac, Mac};
use model::user::Email;
use rand::{RngCore, TryRngCore, rngs::OsRng};
use sha2::Sha256;

/// The number of a device where an account has signed in before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DeviceId(pub(crate) [u8; 16]);

impl DeviceId {
    pub(crate) fn random() -> Self {
        let mut number = [0; 16];
        OsRng.unwrap_err().fill_bytes(&mut number);
        Self(number)
    }

    /// The cookie's value for the account with this address and this hash of its password, in hexadecimal digits.
    pub(crate) fn proof(self, key: &[u8; 32], email: &Email, password_hash: &str) -> String {
        let tag = tag(key, self, email, password_hash).finalize().into_bytes();
        let bytes = self.0.iter().chain(&tag);
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }

    /// The number in `proof`, if this account has signed in on the device with its current password.
    pub(crate) fn proven(
        proof: &str,
        key: &[u8; 32],
        email: &Email,
        password_hash: &str,
    ) -> Option<Self> {
        let bytes = from_hex(proof)?;
        let (number, given) = bytes.split_first_chunk()?;
        let device = Self(*number);
        tag(key, device, email, password_hash)
            .verify_slice(given)
            .ok()?;
        Some(device)
    }
}

fn tag(key: &[u8; 32], device: DeviceId, email: &Email, password_hash: &str) -> Hmac<Sha256> {
    let tag = <Hmac<Sha256> as Mac>::new_from_slice(key);
    let mut tag = tag.expect("HMAC takes a key of any length");
    tag.update(&device.0);
    tag.update(email.as_str().as_bytes());
    // An address contains no control character, so the two cannot be divided in another way.
    tag.update(&[0]);
    tag.update(password_hash.as_bytes());
    tag
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

    fn email(text: &str) -> Email {
        Email::parse(text).expect("an address")
    }

    #[test]
    fn a_cookie_proves_a_sign_in_of_its_account_and_of_no_other() {
        let (ada, bob, key) = (email("ada@example.com"), email("bob@example.com"), [7; 32]);
        let device = DeviceId::random();
        let proof = device.proof(&key, &ada, HASH);
        let proven = |key, email| DeviceId::proven(&proof, key, email, HASH);
        assert_eq!(proven(&key, &ada), Some(device));
        assert_eq!(proven(&key, &bob), None);
        assert_eq!(proven(&[8; 32], &ada), None);
    }

    #[test]
    fn a_cookie_ends_with_the_password_that_it_was_made_with() {
        let (ada, key) = (email("ada@example.com"), [7; 32]);
        let proof = DeviceId::random().proof(&key, &ada, HASH);
        for other in ["", "$argon2id$other", &HASH[1..]] {
            assert_eq!(DeviceId::proven(&proof, &key, &ada, other), None, "{other}");
        }
    }

    #[test]
    fn a_cookie_has_a_number_and_a_tag_and_no_address() {
        let proof = DeviceId::random().proof(&[7; 32], &email("ada@example.com"), HASH);
        assert_eq!(from_hex(&proof).map(|bytes| bytes.len()), Some(16 + 32));
    }

    #[test]
    fn a_forged_cookie_proves_nothing() {
        let (ada, key) = (email("ada@example.com"), [7; 32]);
        let proof = DeviceId::random().proof(&key, &ada, HASH);
        let mut changed = proof.clone();
        changed.replace_range(0..1, if proof.starts_with('0') { "1" } else { "0" });
        let short = &proof[..proof.len() - 2];
        let long = format!("{proof}00");
        let others = [
            "",
            "00",
            "\u{e9}",
            "zz",
            &proof[..32],
            short,
            &long,
            &changed,
            &proof[1..],
        ];
        for text in others {
            assert_eq!(DeviceId::proven(text, &key, &ada, HASH), None, "{text}");
        }
    }
}
