//! What the Developer Zone asks of the server.
//!
//! Each request names the organisation that the page shows. Whether whoever is signed in may act there
//! is found out anew each time.

use leptos::{prelude::*, server_fn::codec::Json};
use model::{
    event::EventId,
    organisation::OrganisationId,
    token::{Receipt, TokenId, TokenSummary},
};
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use {std::sync::Arc, store::Member};

#[cfg(feature = "ssr")]
use crate::{
    connection::CallPing,
    session::{answer, confirmed_member, member, store},
};
use crate::{connection::PingAnswer, error::RequestError};

/// A token that has just been made. The only answer that holds a token's secret.
#[derive(Serialize, Deserialize)]
pub(crate) struct NewToken {
    /// The whole token.
    pub(crate) secret: String,
    /// Its row.
    pub(crate) summary: TokenSummary,
    /// An event to try it on, if the organisation has one that is configured.
    pub(crate) example_event: Option<EventId>,
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

/// Makes a token and gives its secret away, this once. The `password` of whoever is signed in must come along
/// where it was given too long ago.
///
/// # Errors
/// [`RequestError::TokenLimitReached`], [`RequestError::PasswordRequired`], [`RequestError::WrongPassword`],
/// [`RequestError::TooManyTries`], and those of [`list_tokens`].
#[server(prefix = "/api/dashboard", endpoint = "create-token", input = Json)]
pub(crate) async fn create_token(
    organisation_id: OrganisationId,
    password: Option<String>,
) -> Result<NewToken, RequestError> {
    answer(async {
        let member = confirmed_member(organisation_id, password).await?;
        // Read before: nothing may stand between a token that was made and its answer.
        let example_event = example_event(&member).await;
        let created = store().tokens().create(&member, None).await?;
        Ok(NewToken {
            secret: created.secret.reveal(),
            summary: created.summary,
            example_event,
        })
    })
    .await
}

/// A convenience: where it cannot be read, the token is made all the same.
#[cfg(feature = "ssr")]
async fn example_event(member: &Member) -> Option<EventId> {
    let example = store().events().example(member).await;
    example.unwrap_or_else(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "no event to show a new token with"
        );
        None
    })
}

/// Calls ping with a token, as an integration would. For members alone, and on the plan alone: to anybody
/// else it would tell of tokens found elsewhere.
///
/// # Errors
/// Those of [`list_tokens`]. What the API refuses is an answer.
#[server(prefix = "/api/dashboard", endpoint = "test-connection", input = Json)]
pub(crate) async fn test_connection(
    organisation_id: OrganisationId,
    event_id: EventId,
    secret: String,
) -> Result<PingAnswer, RequestError> {
    answer(async {
        member(organisation_id).await?.require_developer_zone()?;
        let api = expect_context::<Arc<dyn CallPing>>();
        Ok(api.call_ping(&secret, organisation_id, event_id).await)
    })
    .await
}

/// Switches a token on or off, without asking for the password: an emergency stop must be quick. Answers once the change is in force on every server.
///
/// # Errors
/// [`RequestError::NoSuchToken`], and those of [`list_tokens`].
#[server(prefix = "/api/dashboard", endpoint = "set-token-active", input = Json)]
pub(crate) async fn set_token_active(
    organisation_id: OrganisationId,
    token_id: TokenId,
    active: bool,
) -> Result<Receipt, RequestError> {
    answer(async {
        let member = member(organisation_id).await?;
        Ok(store()
            .tokens()
            .set_active((&member).into(), token_id, active)
            .await?)
    })
    .await
}

/// Deletes a token for good. Answers once no server takes it any more. The `password` as for [`create_token`].
///
/// # Errors
/// [`RequestError::NoSuchToken`], and those of [`create_token`].
#[server(prefix = "/api/dashboard", endpoint = "delete-token", input = Json)]
pub(crate) async fn delete_token(
    organisation_id: OrganisationId,
    token_id: TokenId,
    password: Option<String>,
) -> Result<Receipt, RequestError> {
    answer(async {
        let member = confirmed_member(organisation_id, password).await?;
        Ok(store().tokens().delete((&member).into(), token_id).await?)
    })
    .await
}
