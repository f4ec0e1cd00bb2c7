//! API tokens without their secrets, as pages show them.

mod name;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::name::{InvalidTokenName, TokenName, is_visible};
use crate::{servers::Acknowledgements, timestamp::Timestamp};

/// Maximum number of tokens of an organisation.
///
/// The database enforces it through the column `slot`. Pages and messages only show it.
pub const TOKEN_LIMIT: usize = 10;

/// Number of characters of a token that stay visible after its creation.
pub const PREVIEW_LENGTH: usize = 5;

/// A token's ID. IDs are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenId(pub i64);

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether the API accepts a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenStatus {
    /// The API accepts it.
    Active,
    /// The API refuses it until someone activates it again.
    Inactive,
}

impl TokenStatus {
    /// The status for the database's column `active`.
    pub const fn from_active(active: bool) -> Self {
        if active { Self::Active } else { Self::Inactive }
    }

    /// Whether the API accepts the token.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Active)
    }

    /// The text of the badge.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
        }
    }
}

/// The first characters of a token. People tell tokens apart by them, and they are too few to help guess the rest.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenPreview(String);

impl TokenPreview {
    /// The preview of a token, or of a stored preview. Keeps only the first [`PREVIEW_LENGTH`] characters.
    pub fn of(token: &str) -> Self {
        Self(token.chars().take(PREVIEW_LENGTH).collect())
    }

    /// The characters without the stars, as the database stores them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenPreview {
    /// `k7Q2x***`. Always three stars, so that the token's length stays unknown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}***", self.0)
    }
}

/// A token's row in the Developer Zone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TokenSummary {
    /// The token's ID.
    pub id: TokenId,
    /// The name, if it has one.
    pub name: Option<TokenName>,
    /// The first characters.
    pub preview: TokenPreview,
    /// Whether the API accepts it.
    pub status: TokenStatus,
    /// Email of the user who created it.
    pub created_by: String,
    /// Whether that user has left: no longer a member of the organisation, or the account is disabled or deleted. The
    /// token goes on.
    pub creator_left: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When a call with it was last accepted. Calls of the last seconds to other servers may be missing.
    pub last_used: Option<Timestamp>,
    /// Its first accepted call. Older programs and a call without a response have recorded none. Only the server knows
    /// it: pages get it in words.
    #[serde(skip)]
    pub first_call: Option<FirstCall>,
}

/// How the server responded to the first accepted call of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FirstCall {
    /// The HTTP status of the response.
    pub status: u16,
    /// How long the server took, in microseconds.
    pub micros: u32,
}

impl TokenSummary {
    /// The token's name in sentences. See [`display_name`].
    pub fn display_name(&self) -> String {
        display_name(self.name.as_ref(), &self.preview)
    }

    /// As [`Self::display_name`], but only the preview if the name is long: for messages that must stay short.
    pub fn short_name(&self) -> String {
        const LONGEST: usize = 10;
        match &self.name {
            Some(name) if name.as_str().chars().count() > LONGEST => self.preview.to_string(),
            _ => self.display_name(),
        }
    }
}

/// A token's name in sentences: `Website gallery (k7Q2x***)`, or `k7Q2x***` if it has no name.
///
/// The preview is always included, because names are not unique.
pub fn display_name(name: Option<&TokenName>, preview: &TokenPreview) -> String {
    match name {
        Some(name) => format!("{name} ({preview})"),
        None => preview.to_string(),
    }
}

/// The result of changing a token, for the user who changed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The token after the change. For a deleted token, its last state.
    pub token: TokenSummary,
    /// From this instant on, every server applies the change. Measured by the store's clock.
    pub in_force_since: Timestamp,
    /// The servers that the change has waited for. None if they could not be read, and it waited for the longest lease.
    #[serde(default)]
    pub acknowledged: Option<Acknowledgements>,
    /// Until when links to originals that the token made may still work. None if they ended with it, or never existed.
    #[serde(default)]
    pub links_until: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tokens_display_name_always_includes_the_preview() {
        let preview = TokenPreview::of("k7Q2x");
        let name = TokenName::parse("Website gallery").expect("a name");
        assert_eq!(
            display_name(Some(&name), &preview),
            "Website gallery (k7Q2x***)"
        );
        assert_eq!(display_name(None, &preview), "k7Q2x***");
    }

    #[test]
    fn a_preview_keeps_only_five_characters_of_the_token() {
        let preview = TokenPreview::of("k7Q2xSECRETSECRETSECRET");
        assert_eq!(preview.to_string(), "k7Q2x***");
        assert!(!format!("{preview:?}").contains("SECRET"));
    }
}
