//! The secret of an API token.
//!
//! Its shape must never change (a test checks it): 46 characters of `[0-9A-Za-z]`. These are 36 random characters (214
//! bits), the mark `9Pic`, and the CRC-32 of those 40 characters in six base-62 digits. The random part comes first, so
//! that previews differ. The mark lets secret scanners find leaked tokens. The checksum detects typing errors without a
//! read of the database.
//!
//! The database keeps the SHA-256 of the whole token. A slow hash is for secrets that can be guessed, and 214 random
//! bits cannot (OWASP Cryptographic Storage Cheat Sheet). The guard hashes on every call, so the hash must be fast.

use std::fmt;

use model::token::TokenPreview;
use rand::{CryptoRng, Rng, distr::Alphanumeric};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const RANDOM_LENGTH: usize = 36;
const MARK: &str = "9Pic";
const MARKED_LENGTH: usize = RANDOM_LENGTH + MARK.len();
const CHECKSUM_LENGTH: usize = 6;
/// The length of a token, in characters.
pub const TOKEN_LENGTH: usize = MARKED_LENGTH + CHECKSUM_LENGTH;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A token in plain text, from its creation to the one response that shows it.
///
/// It can be neither copied, serialised nor printed, and its memory is wiped when it is dropped.
pub struct PlainToken(Zeroizing<String>);

impl PlainToken {
    /// Creates a token from `rng`, which must be fit for secrets.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(TOKEN_LENGTH));
        text.extend(
            rng.sample_iter(Alphanumeric)
                .take(RANDOM_LENGTH)
                .map(char::from),
        );
        text.push_str(MARK);
        let checksum = checksum(text.as_bytes());
        text.extend(checksum.map(char::from));
        Self(text)
    }

    /// The digest that the database keeps.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(self.0.as_bytes())
    }

    /// The readable part that the database keeps.
    pub fn preview(&self) -> TokenPreview {
        TokenPreview::of(&self.0)
    }

    /// The text, for the one response that shows it.
    pub fn reveal(mut self) -> String {
        std::mem::take(&mut *self.0)
    }
}

impl fmt::Debug for PlainToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainToken(…)")
    }
}

/// The SHA-256 of a token, by which the guard looks it up.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest([u8; 32]);

/// A text that cannot be a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the shape of an API token")]
pub struct MalformedToken;

impl TokenDigest {
    /// The digest of a presented key, if its length, alphabet, mark and checksum are right.
    ///
    /// # Errors
    /// [`MalformedToken`], without a read of the database.
    pub fn of_presented(key: &[u8]) -> Result<Self, MalformedToken> {
        let well_formed = key.len() == TOKEN_LENGTH
            && is_alphanumeric(key)
            && &key[RANDOM_LENGTH..MARKED_LENGTH] == MARK.as_bytes()
            && key[MARKED_LENGTH..] == checksum(&key[..MARKED_LENGTH]);
        if well_formed {
            Ok(Self::of(key))
        } else {
            Err(MalformedToken)
        }
    }

    fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// The digest with these bytes, as the database stores it; none if there are not 32.
    pub(crate) fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().map(Self).ok()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(…)")
    }
}

/// Checks every character even after a wrong one: so the compiler can check many at a time.
fn is_alphanumeric(key: &[u8]) -> bool {
    let fits = |fits, byte: &u8| fits & byte.is_ascii_alphanumeric();
    key.iter().fold(true, fits)
}

/// CRC-32 (ISO-HDLC, as in zlib) of `marked`, most significant base-62 digit first.
fn checksum(marked: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let mut rest = crc32fast::hash(marked) as usize;
    let mut digits = [BASE62[0]; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[rest % BASE62.len()];
        rest /= BASE62.len();
    }
    digits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn token(seed: u64) -> String {
        PlainToken::generate(&mut StdRng::seed_from_u64(seed)).reveal()
    }

    /// Partners keep their tokens: every later version must accept the tokens of every earlier one.
    #[test]
    fn the_shape_of_a_token_never_changes() {
        let known = "000000000000000000000000000000000000";
        let checksum = String::from_utf8(checksum(format!("{known}9Pic").as_bytes()).to_vec());
        assert_eq!(checksum.as_deref(), Ok("14yBvz"));
        assert!(TokenDigest::of_presented(format!("{known}9Pic14yBvz").as_bytes()).is_ok());

        let made = token(1);
        assert_eq!(made.len(), 46);
        assert!(made.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(&made[36..40], "9Pic");
    }

    #[test]
    fn a_key_with_another_character_is_malformed_even_if_its_checksum_is_right() {
        for odd in [b' ', b'-', b'_', b'{', 0, 0xff] {
            let mut key = b"0000000000000000000000000000000000009Pic".to_vec();
            key[7] = odd;
            key.extend(checksum(&key));
            assert_eq!(
                TokenDigest::of_presented(&key),
                Err(MalformedToken),
                "{odd}"
            );
        }
    }

    #[test]
    fn two_tokens_differ_from_their_first_characters() {
        let (one, other) = (token(1), token(2));
        assert_ne!(TokenPreview::of(&one), TokenPreview::of(&other));
    }

    #[test]
    fn a_token_cannot_be_printed_by_accident() {
        let plain = PlainToken::generate(&mut StdRng::seed_from_u64(1));
        assert_eq!(format!("{plain:?}"), "PlainToken(…)");
        assert_eq!(format!("{:?}", plain.digest()), "TokenDigest(…)");
    }

    proptest! {
        #[test]
        fn every_generated_token_is_accepted(seed: u64) {
            let plain = PlainToken::generate(&mut StdRng::seed_from_u64(seed));
            let digest = plain.digest();
            prop_assert_eq!(TokenDigest::of_presented(plain.reveal().as_bytes()), Ok(digest));
        }

        #[test]
        fn a_token_with_one_character_changed_is_malformed(seed: u64, at in 0..TOKEN_LENGTH, to in "[0-9A-Za-z]") {
            let good = token(seed);
            let mut bad = good.clone();
            bad.replace_range(at..=at, &to);
            prop_assume!(bad != good);
            prop_assert_eq!(TokenDigest::of_presented(bad.as_bytes()), Err(MalformedToken));
        }

        #[test]
        fn no_bytes_make_the_parser_panic(key: Vec<u8>) {
            let _ = TokenDigest::of_presented(&key);
        }
    }
}
