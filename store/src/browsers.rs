//! Browsers in which an account has signed in before.
//!
//! Each gets a cookie at sign-in that says so: a random number, and the HMAC-SHA256 of it and the account's
//! address under a key that all servers of the database have. It opens nothing and names nobody. It only has
//! what it gets wrong counted apart from what strangers get wrong ([`crate::attempts`]), and nobody can make
//! one for an account whose password they do not know. So it needs no end, and stays when one signs out.

use hmac::{Hmac, Mac};
use model::user::Email;
use rand::{RngCore, TryRngCore, rngs::OsRng};
use sha2::Sha256;

/// The number of a browser in which an account has signed in before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BrowserId(pub(crate) [u8; 16]);

impl BrowserId {
    pub(crate) fn random() -> Self {
        let mut number = [0; 16];
        OsRng.unwrap_err().fill_bytes(&mut number);
        Self(number)
    }

    /// What the browser is to show at its next sign-in with this account: hexadecimal.
    pub(crate) fn proof(self, key: &[u8; 32], email: &Email) -> String {
        let tag = tag(key, self, email).finalize().into_bytes();
        let bytes = self.0.iter().chain(&tag);
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }

    /// The number that `proof` holds, if this account has signed in there.
    pub(crate) fn proven(proof: &str, key: &[u8; 32], email: &Email) -> Option<Self> {
        let bytes = from_hex(proof)?;
        let (number, given) = bytes.split_first_chunk()?;
        let browser = Self(*number);
        tag(key, browser, email).verify_slice(given).ok()?;
        Some(browser)
    }
}

fn tag(key: &[u8; 32], browser: BrowserId, email: &Email) -> Hmac<Sha256> {
    let tag = <Hmac<Sha256> as Mac>::new_from_slice(key);
    let mut tag = tag.expect("HMAC takes a key of any length");
    tag.update(&browser.0);
    tag.update(email.as_str().as_bytes());
    tag
}

/// The bytes that `text` writes in hexadecimal digits.
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

    fn email(text: &str) -> Email {
        Email::parse(text).expect("an address")
    }

    #[test]
    fn a_browser_is_known_to_the_account_that_signed_in_there_and_to_no_other() {
        let (ada, bob, key) = (email("ada@example.com"), email("bob@example.com"), [7; 32]);
        let browser = BrowserId::random();
        let proof = browser.proof(&key, &ada);
        assert_eq!(BrowserId::proven(&proof, &key, &ada), Some(browser));
        assert_eq!(BrowserId::proven(&proof, &key, &bob), None);
        assert_eq!(BrowserId::proven(&proof, &[8; 32], &ada), None);
    }

    #[test]
    fn what_a_browser_shows_has_room_for_its_number_and_a_tag_and_not_for_an_address() {
        let proof = BrowserId::random().proof(&[7; 32], &email("ada@example.com"));
        assert_eq!(from_hex(&proof).map(|bytes| bytes.len()), Some(16 + 32));
    }

    #[test]
    fn what_is_no_proof_proves_nothing() {
        let (ada, key) = (email("ada@example.com"), [7; 32]);
        let proof = BrowserId::random().proof(&key, &ada);
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
            assert_eq!(BrowserId::proven(text, &key, &ada), None, "{text}");
        }
    }
}
