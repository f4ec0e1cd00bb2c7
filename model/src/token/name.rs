//! What people call a token by.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::client::is_unseen;

/// What a token is called, after what uses it: `Website gallery`. It is trimmed, has 1 to
/// [`TokenName::MAX_LENGTH`] characters, and all of them can be seen where they stand. Several tokens may have the
/// same; it is no secret, and nothing goes by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct TokenName(String);

/// Why a text is no [`TokenName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum InvalidTokenName {
    /// There is nothing in it but blanks.
    #[error("a token's name has at least one character")]
    Empty,
    /// It has more characters than a name can have.
    #[error("a token's name has at most {} characters", TokenName::MAX_LENGTH)]
    TooLong,
    /// It has characters that cannot be seen: line ends, say, or marks that turn the direction of what follows.
    #[error(
        "a token's name has no line ends, control characters or other characters that cannot be seen"
    )]
    Unseen,
}

impl TokenName {
    /// The most characters (Unicode scalar values) that a name can have.
    pub const MAX_LENGTH: usize = 60;

    /// Reads a name.
    ///
    /// # Errors
    /// [`InvalidTokenName`], which says what to change.
    pub fn parse(text: &str) -> Result<Self, InvalidTokenName> {
        let name = text.trim();
        if name.is_empty() {
            Err(InvalidTokenName::Empty)
        } else if name.chars().any(is_unseen) {
            Err(InvalidTokenName::Unseen)
        } else if name.chars().count() > Self::MAX_LENGTH {
            Err(InvalidTokenName::TooLong)
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// Reads what stands in a field that may be left empty: then there is no name.
    ///
    /// # Errors
    /// As [`TokenName::parse`], but never [`InvalidTokenName::Empty`].
    pub fn parse_optional(text: &str) -> Result<Option<Self>, InvalidTokenName> {
        match Self::parse(text) {
            Err(InvalidTokenName::Empty) => Ok(None),
            name => name.map(Some),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for TokenName {
    type Error = InvalidTokenName;

    fn try_from(text: String) -> Result<Self, InvalidTokenName> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_was_typed_without_the_blanks_around_it() {
        let name = |text| TokenName::parse(text).map(|name| name.0);
        assert_eq!(name("  Website gallery "), Ok("Website gallery".to_owned()));
        assert_eq!(
            name("<b>=1+1 Zürich 写真"),
            Ok("<b>=1+1 Zürich 写真".to_owned())
        );
        for blank in ["", "  ", "\t\n", "\u{a0}\u{3000}"] {
            assert_eq!(name(blank), Err(InvalidTokenName::Empty), "{blank:?}");
            assert_eq!(TokenName::parse_optional(blank), Ok(None), "{blank:?}");
        }
    }

    #[test]
    fn a_name_holds_nothing_that_cannot_be_seen_where_it_stands() {
        for text in [
            "a\nb",
            "a\tb",
            "a\u{1b}[31mb",
            "a\u{0}b",
            "a\u{85}b",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{61c}b",
            "a\u{200b}b",
            "\u{200b}",
            "a\u{2028}b",
            "a\u{feff}b",
            "a\u{e0041}b",
        ] {
            let refused = Err(InvalidTokenName::Unseen);
            assert_eq!(TokenName::parse(text), refused, "{text:?}");
            assert_eq!(
                TokenName::parse_optional(text).map(drop),
                refused.map(drop),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_name_has_sixty_characters_at_most_however_many_bytes_they_take() {
        let longest = "写".repeat(TokenName::MAX_LENGTH);
        assert!(TokenName::parse(&format!(" {longest} ")).is_ok());
        let longer = TokenName::parse(&format!("{longest}x"));
        assert_eq!(longer, Err(InvalidTokenName::TooLong));
    }

    #[test]
    fn what_is_no_name_is_none_as_data_either() {
        let read = |text| serde_json::from_str::<TokenName>(text).is_ok();
        assert!(read("\"Kiosk\""));
        for text in ["\"\"", "\"a\\nb\"", "7"] {
            assert!(!read(text), "{text}");
        }
    }
}
