//! Who is signed in, and which organisation is selected.
//!
//! These three server functions are posted by plain forms, with and without script, and answer with a
//! redirect: each changes what the whole page is about, so the whole page is loaded anew.

use leptos::prelude::*;
use model::organisation::OrganisationId;

use crate::error::RequestError;

/// Signs in: a new session for whoever has this address and password. Answers with a redirect to `next`
/// (a path of this site), or back to the sign-in page, which says what was wrong.
///
/// # Errors
/// None: every outcome is a redirect.
#[server(prefix = "/api/dashboard", endpoint = "sign-in")]
pub(crate) async fn sign_in(
    email: String,
    password: String,
    next: Option<String>,
) -> Result<(), RequestError> {
    server::sign_in(&email, &password, next.as_deref()).await;
    Ok(())
}

/// Ends the session on the server, and answers with a redirect to the sign-in page.
///
/// # Errors
/// [`RequestError::Unavailable`] when the session could not be ended: it is then still there.
#[server(prefix = "/api/dashboard", endpoint = "sign-out")]
pub(crate) async fn sign_out() -> Result<(), RequestError> {
    server::sign_out()
        .await
        .inspect_err(RequestError::set_status)
}

/// Remembers on the account which organisation one works in, and answers with a redirect to `return_to`
/// (a path of this site), through the sign-in page if the session has ended.
///
/// # Errors
/// [`RequestError::NotAMember`], or those of the database.
#[server(prefix = "/api/dashboard", endpoint = "select-organisation")]
pub(crate) async fn select_organisation(
    organisation_id: OrganisationId,
    return_to: Option<String>,
) -> Result<(), RequestError> {
    server::select_organisation(organisation_id, return_to.as_deref())
        .await
        .inspect_err(RequestError::set_status)
}

#[cfg(feature = "ssr")]
mod cookies;
#[cfg(feature = "ssr")]
mod server;

#[cfg(feature = "ssr")]
pub(crate) use self::server::{
    after_account_change, after_token_change, answer, confirmed_member, cookies, leave, member,
    session, session_and_member, set_cookie, store, wants_password, watching_member,
};
#[cfg(feature = "ssr")]
pub use self::{
    cookies::Cookies,
    server::{
        SessionSettings, account_page, failed_sign_in, local_path, sign_in_path, signed_in,
        token_notice, viewer,
    },
};
