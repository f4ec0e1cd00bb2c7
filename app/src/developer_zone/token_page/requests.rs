//! What the page of a token asks of the server: posted by plain forms, and answered with a page anew.

use leptos::prelude::*;
use model::{organisation::OrganisationId, token::TokenId};

use crate::{
    developer_zone::{
        notice::{OutOfUse, TokenNotice, typed},
        server_functions::{delete_token, rename_token},
    },
    error::RequestError,
    paths::{TOKENS, token_page},
    session::after_token_change,
};

/// Calls a token by `name`, or by none where that is blank.
///
/// # Errors
/// None: the page says what became of it.
#[server(prefix = "/api/dashboard", endpoint = "rename-token-form")]
pub(crate) async fn rename_token_form(
    organisation_id: OrganisationId,
    token_id: TokenId,
    name: String,
) -> Result<(), RequestError> {
    let outcome = match rename_token(organisation_id, token_id, name.clone()).await {
        Err(RequestError::TokenName(problem)) => {
            Ok(TokenNotice::NameRefused(problem, typed(&name)))
        }
        renamed => renamed.map(|_| TokenNotice::Renamed),
    };
    after_token_change(&token_page(token_id), outcome, TokenNotice::Failed);
    Ok(())
}

/// Deletes a token for good, and leads to the page of all tokens. The `password` of whoever is signed in must come
/// along where it was given too long ago; blank is not given.
///
/// # Errors
/// None: the page says what became of it.
#[server(prefix = "/api/dashboard", endpoint = "delete-token-form")]
pub(crate) async fn delete_token_form(
    organisation_id: OrganisationId,
    token_id: TokenId,
    password: Option<String>,
) -> Result<(), RequestError> {
    let password = password.filter(|password| !password.is_empty());
    let deleted = delete_token(organisation_id, token_id, password).await;
    let outcome = deleted.map(|receipt| {
        TokenNotice::Deleted(receipt.token.display_name(), OutOfUse::from(&receipt))
    });
    let page = match &outcome {
        Ok(_) => TOKENS.to_owned(),
        Err(_) => token_page(token_id),
    };
    after_token_change(&page, outcome, TokenNotice::NotDeleted);
    Ok(())
}
