//! Who is signed in, and which organisation is selected.
//!
//! Plain forms post to these four server functions, with and without script. Each responds with a redirect, because
//! each changes the whole page.

use leptos::prelude::*;
use model::organisation::OrganisationId;

use crate::error::RequestError;

/// Signs in. Redirects to `next` (a path of this site), or back to the sign-in page, which shows the error.
///
/// # Errors
/// None: every outcome is a redirect.
#[server(prefix = "/api/dashboard", endpoint = "sign-in")]
pub(crate) async fn sign_in(
    email: String,
    password: String,
    next: Option<String>,
) -> Result<(), RequestError> {
    actions::sign_in(&email, &password, next.as_deref()).await;
    Ok(())
}

/// Sets a new password by the secret of a reset link. Redirects to the sign-in page, or back to the page of the link, which
/// shows the error.
///
/// # Errors
/// None: every outcome is a redirect.
#[server(prefix = "/api/dashboard", endpoint = "reset-password")]
pub(crate) async fn reset_password(link: String, new_password: String) -> Result<(), RequestError> {
    actions::reset_password(&link, &new_password).await;
    Ok(())
}

/// Ends the session on the server, and redirects to the sign-in page.
///
/// # Errors
/// Those of the database. The session then stays valid.
#[server(prefix = "/api/dashboard", endpoint = "sign-out")]
pub(crate) async fn sign_out() -> Result<(), RequestError> {
    actions::sign_out()
        .await
        .inspect_err(RequestError::set_status)
}

/// Selects an organisation on the account, and redirects to `return_to` (a path of this site). If the session has
/// ended, redirects to sign-in first.
///
/// # Errors
/// [`RequestError::NotAMember`], or those of the database.
#[server(prefix = "/api/dashboard", endpoint = "select-organisation")]
pub(crate) async fn select_organisation(
    organisation_id: OrganisationId,
    return_to: Option<String>,
) -> Result<(), RequestError> {
    actions::select_organisation(organisation_id, return_to.as_deref())
        .await
        .inspect_err(RequestError::set_status)
}

#[cfg(feature = "ssr")]
mod actions;
#[cfg(feature = "ssr")]
mod cookies;
#[cfg(feature = "ssr")]
mod flash;
#[cfg(feature = "ssr")]
mod form;
#[cfg(feature = "ssr")]
mod member;
#[cfg(feature = "ssr")]
mod request;

#[cfg(feature = "ssr")]
pub(crate) use self::{
    actions::{SignInFailure, SignInMessage, SignInNotice, sign_in_browser, sign_out_browser},
    flash::{Signer, take_flash},
    form::{redirect_after, redirect_signed, respond_to_form, with_error_status},
    member::{
        confirm, key_of_page, member, session, session_and_member, wants_password, watching_member,
    },
    request::{device_cookie, store},
};
#[cfg(feature = "ssr")]
pub use self::{
    cookies::Cookies,
    member::{signed_in, viewer},
    request::{Revocation, SessionSettings},
};
