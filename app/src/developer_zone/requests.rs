//! What the Developer Zone asks of the server.
//!
//! Each request names the organisation that the page shows. Whether whoever is signed in may act there
//! is found out anew each time.

use leptos::{prelude::*, server_fn::codec::Json};
use model::{
    organisation::OrganisationId,
    token::{TokenId, TokenSummary},
};
use serde::{Deserialize, Serialize};

use crate::error::RequestError;
#[cfg(feature = "ssr")]
use crate::session::{answer, member, store};

/// A token that has just been made. The only answer that holds a token's secret.
#[derive(Serialize, Deserialize)]
pub(crate) struct NewToken {
    /// The whole token.
    pub(crate) secret: String,
    /// Its row.
    pub(crate) summary: TokenSummary,
}

/// The organisation's tokens, newest first.
///
/// # Errors
/// [`RequestError::SessionEnded`], [`RequestError::NotAMember`], [`RequestError::PlanRequired`], or those of
/// the database.
#[server(prefix = "/api/dashboard", endpoint = "list-tokens", input = Json)]
pub(crate) async fn list_tokens(
    organisation_id: OrganisationId,
) -> Result<Vec<TokenSummary>, RequestError> {
    answer(async {
        let member = member(organisation_id).await?;
        Ok(store().tokens().list((&member).into()).await?)
    })
    .await
}

/// Makes a token and gives its secret away, this once.
///
/// # Errors
/// [`RequestError::TokenLimitReached`], and those of [`list_tokens`].
#[server(prefix = "/api/dashboard", endpoint = "create-token", input = Json)]
pub(crate) async fn create_token(
    organisation_id: OrganisationId,
) -> Result<NewToken, RequestError> {
    answer(async {
        let member = member(organisation_id).await?;
        let created = store().tokens().create(&member).await?;
        Ok(NewToken {
            secret: created.secret.reveal(),
            summary: created.summary,
        })
    })
    .await
}

/// Switches a token on or off. Answers once the change is in force on every server.
///
/// # Errors
/// [`RequestError::NoSuchToken`], and those of [`list_tokens`].
#[server(prefix = "/api/dashboard", endpoint = "set-token-active", input = Json)]
pub(crate) async fn set_token_active(
    organisation_id: OrganisationId,
    token_id: TokenId,
    active: bool,
) -> Result<TokenSummary, RequestError> {
    answer(async {
        let member = member(organisation_id).await?;
        Ok(store()
            .tokens()
            .set_active((&member).into(), token_id, active)
            .await?)
    })
    .await
}

/// Deletes a token for good. Answers once no server takes it any more.
///
/// # Errors
/// [`RequestError::NoSuchToken`], and those of [`list_tokens`].
#[server(prefix = "/api/dashboard", endpoint = "delete-token", input = Json)]
pub(crate) async fn delete_token(
    organisation_id: OrganisationId,
    token_id: TokenId,
) -> Result<(), RequestError> {
    answer(async {
        let member = member(organisation_id).await?;
        store().tokens().delete((&member).into(), token_id).await?;
        Ok(())
    })
    .await
}
