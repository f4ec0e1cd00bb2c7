//! The server functions of the Developer Zone.
//!
//! Each request names the organisation that its page shows. Each function checks that the signed-in user is a member of
//! it. The functions that change a token take the fields of a form, with and without script ([`respond_to_form`]).

use leptos::{prelude::*, server_fn::codec::Json};
use model::{
    event::EventId,
    organisation::OrganisationId,
    servers::SilentServers,
    token::{Receipt, TokenId, TokenSummary},
};
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use {
    model::{token::TokenName, usage::DayStarts},
    std::sync::Arc,
    store::{
        Member,
        error::TokenError,
        token_polls::{ListedTokens, Poll},
    },
};

#[cfg(feature = "ssr")]
use super::{
    creation::Creation, notice::TokenNotice, out_of_use::with_links, tokens::written_last_use,
};
use super::{
    creation::CreationFields,
    receipt::{AllOutOfUse, Reported},
    tokens::{ListedToken, TokenRows},
};
use crate::{error::RequestError, texts::token_test::PingResponse};
#[cfg(feature = "ssr")]
use crate::{
    paths::{DEACTIVATE_ALL, TOKENS, token_page},
    session::{
        confirm, key_of_page, member, respond_to_form, session_and_member, store, wants_password,
        watching_member, with_error_status,
    },
    texts::token_test::CallPing,
    time_zone::ReaderZone,
};

/// A new token. No other response contains a token's secret.
#[derive(Serialize, Deserialize)]
pub(crate) struct NewToken {
    /// The whole token.
    pub(crate) secret: String,
    /// Its row.
    pub(crate) row: ListedToken,
    /// An event to test it with, if one is configured.
    pub(crate) example_event: Option<EventId>,
}

#[cfg(feature = "ssr")]
impl Reported<Receipt> {
    fn new(receipt: Receipt, notice: &TokenNotice) -> Self {
        Self {
            last_used: written_last_use(&receipt.token),
            receipt,
            words: notice.in_words(),
        }
    }
}

/// The organisation's tokens, newest first, as rows of the table, and whether a change asks for the password now.
///
/// # Errors
/// [`RequestError::SessionEnded`], [`RequestError::NotAMember`], [`RequestError::PlanRequired`], or those of
/// the database.
#[cfg(feature = "ssr")]
pub(super) async fn list_tokens(
    organisation: OrganisationId,
) -> Result<(TokenRows, bool), RequestError> {
    with_error_status(async {
        let (session, member) = session_and_member(organisation).await?;
        Ok((rows(&member).await?, wants_password(&session)))
    })
    .await
}

/// The poll that keeps the page up to date. Returns all rows, or nothing if `seen` is their [`TokenRows::fingerprint`].
/// Polling does not extend the session.
///
/// While nothing changes, it reads nothing: one check every three seconds serves all polls of an organisation. A changed
/// list is read once for all readers of a time zone ([`store::token_polls`]). The first poll of a session, and a poll
/// without `seen`, make five reads by index: the session, the member, the organisation, its tokens, and their counts of
/// seven days.
///
/// # Errors
/// [`RequestError::SessionEnded`], [`RequestError::NotAMember`], [`RequestError::PlanRequired`], or those of
/// the database.
#[server(prefix = "/api/dashboard", endpoint = "watch-tokens", input = Json)]
pub(crate) async fn watch_tokens(
    organisation_id: OrganisationId,
    seen: Option<String>,
) -> Result<Option<TokenRows>, RequestError> {
    with_error_status(async {
        let (store, key) = (store(), key_of_page().await?);
        let polls = store.token_polls();
        if let Some(seen) = &seen {
            match polls.poll(&key, organisation_id, days(), seen).await? {
                Poll::Unchanged => return Ok(None),
                Poll::Changed(list) => return Ok(Some(TokenRows::of(&list))),
                Poll::Unknown => {}
            }
        }
        let member = watching_member(organisation_id, &key).await?;
        let rows = rows(&member).await?;
        polls.know(&key, organisation_id).await;
        Ok((seen.as_ref() != Some(&rows.fingerprint)).then_some(rows))
    })
    .await
}

/// The servers that have not acknowledged the last change. None if all have. The page asks while a change of its own
/// waits. Any server can respond, because it reads the database. Asking does not extend the session.
///
/// # Errors
/// Those of [`watch_tokens`].
#[server(prefix = "/api/dashboard", endpoint = "silent-servers", input = Json)]
pub(crate) async fn ask_silent_servers(
    organisation_id: OrganisationId,
) -> Result<Option<SilentServers>, RequestError> {
    with_error_status(async {
        let member = watching_member(organisation_id, &key_of_page().await?).await?;
        member.require_developer_zone()?;
        Ok(store().key_cache().silent_servers().await?)
    })
    .await
}

#[cfg(feature = "ssr")]
async fn rows(member: &Member) -> Result<TokenRows, TokenError> {
    let (store, days) = (store(), days());
    let listed = store.tokens().list_with_week(member.into(), days).await?;
    Ok(TokenRows::of(&ListedTokens::new(listed)))
}

/// The days that the reader's page shows.
#[cfg(feature = "ssr")]
fn days() -> DayStarts {
    ReaderZone::current().days(store().clock().now())
}

/// Creates a token. Returns its secret, which no later request can read. Requires the password if it was last given too
/// long ago.
///
/// # Errors
/// [`RequestError::TokenName`], [`RequestError::TokenLimitReached`], [`RequestError::PasswordRequired`],
/// [`RequestError::WrongPassword`], [`RequestError::TooManyTries`], and those of [`watch_tokens`].
#[server(prefix = "/api/dashboard", endpoint = "create-token")]
pub(crate) async fn create_token(
    organisation_id: OrganisationId,
    #[server(flatten)] fields: CreationFields,
) -> Result<NewToken, RequestError> {
    with_error_status(async {
        let creation = Creation::check(organisation_id, fields).await?;
        // Read before the creation: after it, no failure may prevent the response with the secret.
        let example_event = example_event(&creation.member).await;
        let created = creation.create().await?;
        Ok(NewToken {
            secret: created.secret.reveal(),
            row: ListedToken::new(created.summary),
            example_event,
        })
    })
    .await
}

/// An event to test a new token with. If the read fails, the token is created without one.
#[cfg(feature = "ssr")]
async fn example_event(member: &Member) -> Option<EventId> {
    let example = store().events().example(member).await;
    example.unwrap_or_else(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not read an event to test a new token with"
        );
        None
    })
}

/// Notes that the browser has copied a new token to its clipboard: Home ticks that step.
///
/// # Errors
/// [`RequestError::NoSuchToken`], and those of [`watch_tokens`].
#[server(prefix = "/api/dashboard", endpoint = "note-copy", input = Json)]
pub(crate) async fn note_copy(
    organisation_id: OrganisationId,
    token_id: TokenId,
) -> Result<(), RequestError> {
    with_error_status(async {
        let member = member(organisation_id).await?;
        Ok(store().tokens().note_copy(&member, token_id).await?)
    })
    .await
}

/// Calls ping with a token, as an integration would. Only for members of organisations whose plan includes the
/// Developer Zone: others could use it to try out stolen tokens.
///
/// # Errors
/// Those of [`watch_tokens`]. A refusal by the API is a result, not an error.
#[server(prefix = "/api/dashboard", endpoint = "test-token", input = Json)]
pub(crate) async fn test_token(
    organisation_id: OrganisationId,
    event_id: EventId,
    secret: String,
) -> Result<PingResponse, RequestError> {
    with_error_status(async {
        member(organisation_id).await?.require_developer_zone()?;
        let api = expect_context::<Arc<dyn CallPing>>();
        let response = api.call_ping(&secret, organisation_id, event_id).await;
        Ok(response.explained())
    })
    .await
}

/// Deactivates a token. Never asks for the password: an emergency stop must be quick. Responds after no server accepts
/// the token any more. Completes even if the browser leaves the page.
///
/// # Errors
/// [`RequestError::NoSuchToken`], and those of [`watch_tokens`].
#[server(prefix = "/api/dashboard", endpoint = "deactivate-token")]
pub(crate) async fn deactivate_token(
    organisation_id: OrganisationId,
    token_id: TokenId,
    /// Whether the form is in the table of tokens, and not on the token's page.
    #[server(default)]
    in_table: bool,
) -> Result<Reported<Receipt>, RequestError> {
    let deactivation = async {
        let member = member(organisation_id).await?;
        Ok(with_links(switch(member, token_id, false).await?))
    };
    let outcome = respond_to_form(deactivation, |outcome| {
        let page = if in_table {
            TOKENS.to_owned()
        } else {
            token_page(token_id)
        };
        (page, TokenNotice::of_deactivation(outcome))
    })
    .await;
    let notice = TokenNotice::of_deactivation(&outcome);
    outcome.map(|receipt| Reported::new(receipt, &notice))
}

/// Activates a token. Requires the `password` like [`create_token`], because it gives access again. It is a function of
/// its own, so that it does not use up the limits of deactivating. Responds after every server accepts the token.
/// Completes even if the browser leaves the page.
///
/// # Errors
/// [`RequestError::NoSuchToken`], [`RequestError::PasswordRequired`], [`RequestError::WrongPassword`],
/// [`RequestError::TooManyTries`], and those of [`watch_tokens`].
#[server(prefix = "/api/dashboard", endpoint = "activate-token")]
pub(crate) async fn activate_token(
    organisation_id: OrganisationId,
    token_id: TokenId,
    password: Option<String>,
    /// Whether the form is in the table of tokens, and not on the token's page.
    #[server(default)]
    in_table: bool,
) -> Result<Reported<Receipt>, RequestError> {
    let activation = async {
        let (session, member) = session_and_member(organisation_id).await?;
        confirm(&session, password).await?;
        switch(member, token_id, true).await
    };
    let outcome = respond_to_form(activation, |outcome| {
        // Only the token's page has a field for the password.
        let is_asked = outcome.as_ref().is_err_and(RequestError::is_about_password);
        let page = if in_table && !is_asked {
            TOKENS.to_owned()
        } else {
            token_page(token_id)
        };
        (page, TokenNotice::of_activation(outcome))
    })
    .await;
    let notice = TokenNotice::of_activation(&outcome);
    outcome.map(|receipt| Reported::new(receipt, &notice))
}

/// Deactivates every active token of the organisation. Never asks for the password. Responds after no server accepts any
/// of them any more. Completes even if the browser leaves the page.
///
/// # Errors
/// Those of [`watch_tokens`].
#[server(prefix = "/api/dashboard", endpoint = "deactivate-all-tokens")]
pub(crate) async fn deactivate_all_tokens(
    organisation_id: OrganisationId,
) -> Result<Reported<AllOutOfUse>, RequestError> {
    let deactivation = async {
        let member = member(organisation_id).await?;
        let store = store();
        let done = run_to_completion(async move {
            let tokens = store.tokens();
            tokens.deactivate_all((&member).into()).await
        });
        Ok(AllOutOfUse::from(done.await?))
    };
    let outcome = respond_to_form(deactivation, |outcome| {
        let page = match outcome {
            Ok(_) => TOKENS,
            Err(_) => DEACTIVATE_ALL,
        };
        (page.to_owned(), TokenNotice::of_all(outcome))
    })
    .await;
    let notice = TokenNotice::of_all(&outcome);
    outcome.map(|receipt| Reported {
        receipt,
        words: notice.in_words(),
        last_used: None,
    })
}

#[cfg(feature = "ssr")]
async fn switch(member: Member, token: TokenId, active: bool) -> Result<Receipt, RequestError> {
    let store = store();
    run_to_completion(async move {
        let tokens = store.tokens();
        tokens.set_active((&member).into(), token, active).await
    })
    .await
}

/// Renames a token; a blank `name` removes its name.
///
/// # Errors
/// [`RequestError::TokenName`], [`RequestError::NoSuchToken`], and those of [`watch_tokens`].
#[server(prefix = "/api/dashboard", endpoint = "rename-token")]
pub(crate) async fn rename_token(
    organisation_id: OrganisationId,
    token_id: TokenId,
    name: String,
) -> Result<TokenSummary, RequestError> {
    let rename = async {
        let member = member(organisation_id).await?;
        let name = TokenName::parse_optional(&name)?;
        let store = store();
        let tokens = store.tokens();
        Ok(tokens.rename((&member).into(), token_id, name).await?)
    };
    respond_to_form(rename, |outcome| {
        (
            token_page(token_id),
            TokenNotice::of_renaming(outcome, &name),
        )
    })
    .await
}

/// Deletes a token permanently. Like deactivating, it never asks for the password. Responds after no server accepts the
/// token any more. Completes even if the browser leaves the page.
///
/// # Errors
/// [`RequestError::NoSuchToken`], and those of [`watch_tokens`].
#[server(prefix = "/api/dashboard", endpoint = "delete-token")]
pub(crate) async fn delete_token(
    organisation_id: OrganisationId,
    token_id: TokenId,
) -> Result<Reported<Receipt>, RequestError> {
    let deletion = async {
        let member = member(organisation_id).await?;
        let store = store();
        let done =
            run_to_completion(
                async move { store.tokens().delete((&member).into(), token_id).await },
            );
        Ok(with_links(done.await?))
    };
    let outcome = respond_to_form(deletion, |outcome| {
        let page = match outcome {
            Ok(_) => TOKENS.to_owned(),
            Err(_) => token_page(token_id),
        };
        (page, TokenNotice::of_deletion(outcome))
    })
    .await;
    let notice = TokenNotice::of_deletion(&outcome);
    outcome.map(|receipt| Reported::new(receipt, &notice))
}

/// Runs a change as a task of its own. If the browser leaves the page, its request is dropped. A click on the switch
/// must take effect even then.
#[cfg(feature = "ssr")]
async fn run_to_completion<T: Send + 'static>(
    change: impl Future<Output = Result<T, TokenError>> + Send + 'static,
) -> Result<T, RequestError> {
    match store::task::spawn(change).await {
        Ok(outcome) => Ok(outcome?),
        // The task panicked; the log has the reason.
        Err(_) => Err(RequestError::Internal),
    }
}
