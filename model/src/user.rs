//! The people who sign in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The fewest characters that a password can have. There is no rule on their kinds (NIST SP 800-63B, 5.1.1.2;
/// OWASP ASVS 5.0, 6.2).
pub const MIN_PASSWORD_LENGTH: usize = 12;

/// The most characters that a password can have: more than anybody needs, and little work to hash.
pub const MAX_PASSWORD_LENGTH: usize = 256;

/// The number of a user's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub i64);

/// An e-mail address as accounts are found by: trimmed and lower-cased, so that `Ada@Example.com `
/// and `ada@example.com` are one account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

/// Why a text is no e-mail address that an account can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an email address has the form name@example.com and at most 254 characters")]
pub struct InvalidEmail;

impl Email {
    /// Reads an address. Only the form that rules out slips of the hand is checked: what RFC 5321
    /// allows beyond it, the mail server knows better.
    ///
    /// # Errors
    /// [`InvalidEmail`] without exactly one `@` between two parts, with white space or control
    /// characters in it, or with more than 254 characters (RFC 5321, 4.5.3.1.3).
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let address = text.trim().to_lowercase();
        let well_formed = address.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !host.contains('@')
        });
        let clean = !address.chars().any(|c| c.is_whitespace() || c.is_control());
        if well_formed && clean && address.len() <= 254 {
            Ok(Self(address))
        } else {
            Err(InvalidEmail)
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_one_account_however_it_is_typed() {
        let typed = Email::parse("  Ada@Example.COM ").expect("an address");
        assert_eq!(typed.as_str(), "ada@example.com");
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(260));
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "a@b@c",
            "a b@c",
            "a\u{7}@b",
            &long,
        ] {
            assert_eq!(Email::parse(text), Err(InvalidEmail), "{text:?}");
        }
    }
}
