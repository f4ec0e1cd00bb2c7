//! API tokens as everyone may see them: never the secret.

mod name;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::name::{InvalidTokenName, TokenName};
use crate::timestamp::Timestamp;

/// How many tokens an organisation can have. The database's `slot` column enforces it; pages and
/// messages only repeat it.
pub const TOKEN_LIMIT: usize = 10;

/// Characters of a token that stay readable after its creation.
pub const PREVIEW_LENGTH: usize = 5;

/// The number of a token; given once, never to another token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenId(pub i64);

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether the API takes a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenStatus {
    /// It opens the API.
    Active,
    /// It is inactive: refused until it is activated again.
    Inactive,
}

impl TokenStatus {
    /// The status of a token that is switched on, or off.
    pub const fn from_active(active: bool) -> Self {
        if active { Self::Active } else { Self::Inactive }
    }

    /// Whether the API takes the token.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Active)
    }

    /// The word on the badge.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
        }
    }
}

/// The first characters of a token: enough to tell rows apart, far too few to guess the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenPreview(String);

impl TokenPreview {
    /// A preview from the start of a token. Only the first [`PREVIEW_LENGTH`] characters are kept,
    /// whatever is given.
    pub fn of(token: &str) -> Self {
        Self(token.chars().take(PREVIEW_LENGTH).collect())
    }

    /// The bare characters, as the database keeps them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenPreview {
    /// `k7Q2x***`: three stars whatever the token's length, so that nothing more is said of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}***", self.0)
    }
}

/// A token's row in the Developer Zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSummary {
    /// Its number.
    pub id: TokenId,
    /// What it is called, if it has a name.
    pub name: Option<TokenName>,
    /// How it starts.
    pub preview: TokenPreview,
    /// Whether the API takes it.
    pub status: TokenStatus,
    /// E-mail address of who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a call with it was last accepted, as far as whoever says this knows: what other servers have
    /// accepted in the last seconds may be missing.
    pub last_used: Option<Timestamp>,
}

impl TokenSummary {
    /// How it is called in a sentence: see [`called`].
    pub fn called(&self) -> String {
        called(self.name.as_ref(), &self.preview)
    }
}

/// How a token is called in a sentence: `Website gallery (k7Q2x***)`, or `k7Q2x***` without a name. The preview
/// is always there, because names can be the same.
pub fn called(name: Option<&TokenName>, preview: &TokenPreview) -> String {
    match name {
        Some(name) => format!("{name} ({preview})"),
        None => preview.to_string(),
    }
}

/// What a change of a token came to: shown to whoever made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The token as the change left it; of a deleted one, as it was last.
    pub token: TokenSummary,
    /// An instant, by the store's clock, at which every server already went by the change.
    pub in_force_since: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_called_by_its_name_and_always_by_its_preview() {
        let preview = TokenPreview::of("k7Q2x");
        let name = TokenName::parse("Website gallery").expect("a name");
        assert_eq!(called(Some(&name), &preview), "Website gallery (k7Q2x***)");
        assert_eq!(called(None, &preview), "k7Q2x***");
    }

    #[test]
    fn a_preview_never_holds_more_than_five_characters() {
        let preview = TokenPreview::of("k7Q2xSECRETSECRETSECRET");
        assert_eq!(preview.to_string(), "k7Q2x***");
        assert!(!format!("{preview:?}").contains("SECRET"));
    }
}
