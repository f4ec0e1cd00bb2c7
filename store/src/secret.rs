//! The secret of an API token.
//!
//! Shape, never to change (a test freezes it): 46 characters of `[0-9A-Za-z]`: 36 random ones (214
//! bits), the mark `9Pic`, and the CRC-32 of those 40 in six base-62 digits. The random part comes
//! first, so that the preview tells tokens apart; the mark lets secret scanners find leaked ones; the
//! checksum turns a slip of the hand away without asking the database.
//!
//! Kept is the SHA-256 of the whole. A slow hash protects guessable secrets; at 214 random bits there is
//! nothing to guess (OWASP Cryptographic Storage Cheat Sheet), and the guard hashes on every call.

use std::fmt;

use model::token::TokenPreview;
use rand::{CryptoRng, Rng, distr::Alphanumeric};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const RANDOM_LENGTH: usize = 36;
const MARK: &str = "9Pic";
const MARKED_LENGTH: usize = RANDOM_LENGTH + MARK.len();
const CHECKSUM_LENGTH: usize = 6;
/// Characters of a token.
pub const TOKEN_LENGTH: usize = MARKED_LENGTH + CHECKSUM_LENGTH;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A token in plain text, between its making and the one answer that shows it.
///
/// It can be neither copied, serialised nor printed; memory that held it is wiped when it is dropped.
pub struct PlainToken(Zeroizing<String>);

impl PlainToken {
    /// Makes a new token from `rng`, which must be fit for secrets.
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

    /// What is kept of the token.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(self.0.as_bytes())
    }

    /// What stays readable of the token.
    pub fn preview(&self) -> TokenPreview {
        TokenPreview::of(&self.0)
    }

    /// Gives the text away, for the one answer that shows it.
    pub fn reveal(mut self) -> String {
        std::mem::take(&mut *self.0)
    }
}

impl fmt::Debug for PlainToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainToken(…)")
    }
}

/// SHA-256 of a token: what the database keeps and the guard looks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest([u8; 32]);

/// A text that cannot be a token, whatever the database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the shape of an API token")]
pub struct MalformedToken;

impl TokenDigest {
    /// The digest of a presented key, after a look at its length, alphabet, mark and checksum.
    ///
    /// # Errors
    /// [`MalformedToken`], found without asking the database.
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

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(…)")
    }
}

/// Looks at every character, whatever the first ones are: so the compiler takes many at a time.
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

    /// Tokens are in partners' hands: one made by any earlier version must be read by every later one.
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
    fn what_is_no_letter_or_digit_is_malformed_though_the_checksum_is_right() {
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
        fn every_token_made_is_read_back(seed: u64) {
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
