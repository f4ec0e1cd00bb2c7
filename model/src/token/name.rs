//! Names of tokens.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::client::is_invisible;

/// The name of a token, usually after the integration that uses it: `Website gallery`.
///
/// A name is trimmed and has 1 to [`TokenName::MAX_LENGTH`] visible characters. Names are neither unique nor secret,
/// and no permission depends on them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
// The browser shows only names that the server has checked, and has no room for the check.
#[cfg_attr(not(target_arch = "wasm32"), serde(try_from = "String"))]
pub struct TokenName(String);

/// Why a text is not a valid [`TokenName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum InvalidTokenName {
    /// The text is empty or consists of white space.
    #[error("a token's name must have at least one character")]
    Empty,
    /// The text is longer than [`TokenName::MAX_LENGTH`].
    #[error("a token's name can have at most {} characters", TokenName::MAX_LENGTH)]
    TooLong,
    /// The text has invisible characters, such as line breaks or marks that change the direction of text.
    #[error(
        "a token's name cannot have line breaks, control characters or other invisible characters"
    )]
    Invisible,
}

impl TokenName {
    /// Maximum number of characters (Unicode scalar values).
    pub const MAX_LENGTH: usize = 60;

    /// Parses a name.
    ///
    /// # Errors
    /// [`InvalidTokenName`] if the text breaks a rule.
    pub fn parse(text: &str) -> Result<Self, InvalidTokenName> {
        let name = text.trim();
        if name.is_empty() {
            Err(InvalidTokenName::Empty)
        } else if !is_visible(name) {
            Err(InvalidTokenName::Invisible)
        } else if name.chars().count() > Self::MAX_LENGTH {
            Err(InvalidTokenName::TooLong)
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// Parses an optional name. Returns `None` for an empty text.
    ///
    /// # Errors
    /// The same as [`TokenName::parse`], except [`InvalidTokenName::Empty`].
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

/// Whether a name can be seen, and has no hidden character.
///
/// Two kinds of ignorable characters are parts of visible ones. Persian, Hindi, Sinhala and emoji need joiners, which are
/// accepted between two characters that are not ASCII. A variation selector follows the character that it changes.
pub fn is_visible(name: &str) -> bool {
    let characters: Vec<char> = name.chars().collect();
    let shows = |c: char| !c.is_whitespace() && !is_invisible(c) && c != BLANK_BRAILLE;
    let joins = |c: Option<&char>| {
        c.is_some_and(|&c| !c.is_ascii() && (shows(c) || is_variation_selector(c)))
    };
    let fits = |(at, &c): (usize, &char)| {
        let before = at.checked_sub(1).and_then(|at| characters.get(at));
        match c {
            '\u{200c}' | '\u{200d}' => joins(before) && joins(characters.get(at + 1)),
            _ if is_variation_selector(c) => before.is_some_and(|&c| shows(c)),
            _ => !is_invisible(c),
        }
    };
    characters.iter().any(|&c| shows(c)) && characters.iter().enumerate().all(fits)
}

/// The only blank character that is neither white space nor ignorable.
const BLANK_BRAILLE: char = '\u{2800}';

const fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
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
    fn a_name_is_trimmed_and_otherwise_kept_as_typed() {
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
    fn a_name_with_an_invisible_character_is_refused() {
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
            "\u{3164}",
            "a\u{3164}b",
            "\u{2800}",
            "\u{2800} \u{2800}",
            "\u{115f}",
            "\u{1160}",
            "\u{ffa0}",
            "\u{ad}",
            "a\u{ad}b",
            "\u{34f}",
            "\u{17b4}",
            "\u{180e}",
            "\u{1d173}",
            "\u{fff0}",
            "\u{e0fff}",
            "\u{fe0f}",
            "a \u{fe0f}b",
            "\u{200d}",
            "a\u{200d}b",
            "\u{200c}\u{646}",
            "\u{646}\u{200c}",
            "\u{646}\u{200c}\u{200c}\u{646}",
            "\u{646}\u{200c} \u{646}",
        ] {
            let refused = Err(InvalidTokenName::Invisible);
            assert_eq!(TokenName::parse(text), refused, "{text:?}");
            assert_eq!(
                TokenName::parse_optional(text).map(drop),
                refused.map(drop),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_name_may_join_characters_as_its_language_or_its_emoji_need() {
        for text in [
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "ශ්\u{200d}රී",
            "👩\u{200d}👩\u{200d}👧",
            "👁\u{fe0f}\u{200d}🗨\u{fe0f}",
            "❤\u{fe0f} 1\u{fe0f}\u{20e3}",
            "葛\u{e0100}",
            "⠃\u{2800}⠃",
        ] {
            assert_eq!(
                TokenName::parse(text).map(|name| name.0).as_deref(),
                Ok(text)
            );
        }
    }

    #[test]
    fn a_name_has_at_most_sixty_characters_whatever_their_size_in_bytes() {
        let longest = "写".repeat(TokenName::MAX_LENGTH);
        assert!(TokenName::parse(&format!(" {longest} ")).is_ok());
        let longer = TokenName::parse(&format!("{longest}x"));
        assert_eq!(longer, Err(InvalidTokenName::TooLong));
    }

    #[test]
    fn an_invalid_name_cannot_be_deserialised() {
        let read = |text| serde_json::from_str::<TokenName>(text).is_ok();
        assert!(read("\"Kiosk\""));
        for text in ["\"\"", "\"a\\nb\"", "7"] {
            assert!(!read(text), "{text}");
        }
    }
}
