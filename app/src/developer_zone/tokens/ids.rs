//! Ids of elements in the card that get the focus from elsewhere.

use model::token::TokenId;

/// The button that changes a token's name. It gets the focus when its form closes.
pub(super) fn change_button_id(token: TokenId) -> String {
    format!("name-token-{token}")
}

/// A row's trash button. It gets the focus when the row above is deleted.
pub(super) fn delete_button_id(token: TokenId) -> String {
    format!("delete-token-{token}")
}
