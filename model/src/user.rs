//! User accounts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Minimum number of characters of a password. No rule requires certain kinds of characters (NIST SP 800-63B, 5.1.1.2;
/// OWASP ASVS 5.0, 6.2).
pub const MIN_PASSWORD_LENGTH: usize = 12;

/// Maximum number of characters of a password. It bounds the work of hashing, and is longer than any real password.
pub const MAX_PASSWORD_LENGTH: usize = 256;

/// A user's ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub i64);

/// An account's email address, trimmed and in lower case, so that `Ada@Example.com ` and `ada@example.com` are one
/// account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

/// A text that cannot be an account's email address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an email address has the form name@example.com and at most 254 characters")]
pub struct InvalidEmail;

impl Email {
    /// Parses an address. Checks only for typing errors, not every rule of RFC 5321.
    ///
    /// # Errors
    /// [`InvalidEmail`] if one of these rules is broken:
    /// - The address has exactly one `@`, between two parts.
    /// - It has no white space or control characters.
    /// - It has at most 254 bytes (RFC 5321, 4.5.3.1.3).
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
    fn case_and_surrounding_space_do_not_change_an_address() {
        let typed = Email::parse("  Ada@Example.COM ").expect("an address");
        assert_eq!(typed.as_str(), "ada@example.com");
    }

    #[test]
    fn a_malformed_or_long_address_is_refused() {
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
