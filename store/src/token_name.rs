//! The name of a token, as the database has it.

use model::token::TokenName;

/// An unreadable name is treated as missing: a token must stay revocable even if its name is damaged.
pub(crate) fn stored_name(name: &str) -> Option<TokenName> {
    TokenName::parse(name).ok()
}
