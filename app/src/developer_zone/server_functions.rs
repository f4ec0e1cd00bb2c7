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
use {
    model::token::TokenName,
    std::sync::Arc,
    store::{Member, error::TokenError},
};

#[cfg(feature = "ssr")]
use super::notice::{OutOfUse, TokenNotice};
use super::tokens::{ListedToken, TokenRows};
use crate::{error::RequestError, texts::token_test::PingAnswer};
#[cfg(feature = "ssr")]
use crate::{
    paths::{TOKENS, token_page},
    session::{after_token_change, answer, confirmed_member, member, store, watching_member},
    texts::token_test::CallPing,
};

/// A token that has just been made. The only answer that holds a token's secret.
#[derive(Serialize, Deserialize)]
pub(crate) struct NewToken {
    /// The whole token.
    pub(crate) secret: String,
    /// Its row.
    pub(crate) row: ListedToken,
    /// An event to try it on, if the organisation has one that is configured.
    pub(crate) example_event: Option<EventId>,
}

/// The organisation's tokens, newest first, with what their rows show.
///
/// # Errors
/// [`RequestError::SessionEnded`], [`RequestError::NotAMember`], [`RequestError::PlanRequired`], or those of
/// the database.
#[cfg(feature = "ssr")]
pub(super) async fn list_tokens(organisation: OrganisationId) -> Result<TokenRows, RequestError> {
    answer(async {
        let member = member(organisation).await?;
        Ok(rows(&member).await?)
    })
    .await
}

/// The organisation's tokens, unless they are what the page shows: that of [`TokenRows::fingerprint`] `seen`. For a
/// page that asks again and again, so that it shows what others do; that is no use of the session, which ends meanwhile as if
/// nobody had asked. Whatever order changes are committed in and whichever server is asked, nothing is missed,
/// because the whole list is compared.
///
/// Costs five reads, each of a few rows by an index: the session, the member, the organisation, its tokens, and
/// their counts of seven days (up to some hundreds for each token).
///
/// # Errors
/// [`RequestError::SessionEnded`], [`RequestError::NotAMember`], [`RequestError::PlanRequired`], or those of
/// the database.
#[server(prefix = "/api/dashboard", endpoint = "watch-tokens", input = Json)]
pub(crate) async fn watch_tokens(
    organisation_id: OrganisationId,
    seen: Option<String>,
) -> Result<Option<TokenRows>, RequestError> {
    answer(async {
        let member = watching_member(organisation_id).await?;
        let rows = rows(&member).await?;
        Ok((seen.as_ref() != Some(&rows.fingerprint)).then_some(rows))
    })
    .await
}

#[cfg(feature = "ssr")]
async fn rows(member: &Member) -> Result<TokenRows, TokenError> {
    let listed = store().tokens().list_with_week(member.into()).await?;
    Ok(TokenRows::of(listed))
}

/// Makes a token, called `name` (blank for none), and gives its secret away, this once. The `password` of whoever
/// is signed in must come along where it was given too long ago.
///
/// # Errors
/// [`RequestError::TokenName`], [`RequestError::TokenLimitReached`], [`RequestError::PasswordRequired`],
/// [`RequestError::WrongPassword`], [`RequestError::TooManyTries`], and those of [`watch_tokens`].
#[server(prefix = "/api/dashboard", endpoint = "create-token", input = Json)]
pub(crate) async fn create_token(
    organisation_id: OrganisationId,
    name: Option<String>,
    password: Option<String>,
) -> Result<NewToken, RequestError> {
    answer(async {
        // What is typed is put right before anybody is asked for a password.
        let name = TokenName::parse_optional(name.as_deref().unwrap_or_default())?;
        let member = confirmed_member(organisation_id, password).await?;
        // Read before: nothing may stand between a token that was made and its answer.
        let example_event = example_event(&member).await;
        let created = store().tokens().create(&member, name).await?;
        Ok(NewToken {
            secret: created.secret.reveal(),
            row: ListedToken::new(created.summary),
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
/// Those of [`watch_tokens`]. What the API refuses is an answer.
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

/// Switches a token on or off, without asking for the password: an emergency stop must be quick. Answers once the
/// change is in force on every server, and is made also if its page is left before.
///
/// # Errors
/// [`RequestError::NoSuchToken`], and those of [`watch_tokens`].
#[server(prefix = "/api/dashboard", endpoint = "set-token-active", input = Json)]
pub(crate) async fn set_token_active(
    organisation_id: OrganisationId,
    token_id: TokenId,
    active: bool,
) -> Result<Receipt, RequestError> {
    answer(async {
        let member = member(organisation_id).await?;
        let store = store();
        to_the_end(async move {
            let tokens = store.tokens();
            tokens.set_active((&member).into(), token_id, active).await
        })
        .await
    })
    .await
}

/// The same, by a plain form: the table's, or that of the token's page. Answers with the page it stands on, which
/// says what became of it.
///
/// # Errors
/// None.
#[server(prefix = "/api/dashboard", endpoint = "switch-token-form")]
pub(crate) async fn switch_token_form(
    organisation_id: OrganisationId,
    token_id: TokenId,
    active: bool,
    #[server(default)] in_table: bool,
) -> Result<(), RequestError> {
    let switched = set_token_active(organisation_id, token_id, active).await;
    let notice = switched.map(|receipt| match active {
        true => TokenNotice::Activated(receipt.token.display_name()),
        false => TokenNotice::Deactivated(receipt.token.display_name(), OutOfUse::from(&receipt)),
    });
    let page = match in_table {
        true => TOKENS.to_owned(),
        false => token_page(token_id),
    };
    after_token_change(&page, notice, TokenNotice::Failed);
    Ok(())
}

/// Calls a token by `name`, or by none where that is blank.
///
/// # Errors
/// [`RequestError::TokenName`], [`RequestError::NoSuchToken`], and those of [`watch_tokens`].
#[server(prefix = "/api/dashboard", endpoint = "rename-token", input = Json)]
pub(crate) async fn rename_token(
    organisation_id: OrganisationId,
    token_id: TokenId,
    name: String,
) -> Result<TokenSummary, RequestError> {
    answer(async {
        let name = TokenName::parse_optional(&name)?;
        let member = member(organisation_id).await?;
        Ok(store()
            .tokens()
            .rename((&member).into(), token_id, name)
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
        let store = store();
        to_the_end(async move { store.tokens().delete((&member).into(), token_id).await }).await
    })
    .await
}

/// Makes a change although nobody may wait for its answer any more: whoever leaves a page drops what it has asked
/// for, and a click on the switch must not depend on that.
#[cfg(feature = "ssr")]
async fn to_the_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, TokenError>> + Send + 'static,
) -> Result<T, RequestError> {
    match store::task::spawn(change).await {
        Ok(outcome) => Ok(outcome?),
        // It has panicked; that is in the log.
        Err(_) => Err(RequestError::Internal),
    }
}
