//! Sign-in, sign-out, setting a forgotten password, and choosing an organisation: the code behind the plain forms of [`super`].

use model::{organisation::OrganisationId, security::SecurityEvent, user::Email};
use serde::{Deserialize, Serialize};
use store::{
    error::{ResetError, SignInError, TooManyRecords},
    reset_links::ResetSecret,
    sign_in::SignedIn,
};

use super::{
    flash::set_flash,
    member::member,
    request::{
        client, cookies, device_cookie, of_request, see_other, session_key, session_keys,
        set_cookie, store,
    },
};
use crate::{
    error::{RequestError, whole_seconds},
    paths::{HOME, RESET_PASSWORD, SIGN_IN, local_path, reset_link, sign_in_path},
};

/// The longest email address that a failed sign-in returns to the page, in characters (RFC 5321 allows 254).
const LONGEST_EMAIL: usize = 254;

/// What the sign-in page shows after a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignInNotice {
    /// The address for the email field: as it was typed, or that of a reset link's account.
    pub(crate) email: String,
    /// What happened.
    pub(crate) message: SignInMessage,
}

/// What happened before the sign-in page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SignInMessage {
    /// A sign-in failed.
    Failed(SignInFailure),
    /// A reset link has set the password.
    PasswordSet,
}

/// Why a sign-in failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SignInFailure {
    /// The address or the password is wrong. The page does not say which.
    WrongCredentials,
    /// There were too many wrong passwords: the next attempt must wait for this many seconds.
    TooManyTries(u64),
    /// The account has signed in too often: the next sign-in must wait for this many seconds.
    TooManySignIns(u64),
    /// The server could not check the password.
    Unavailable,
}

/// Signs in, and redirects to `next` or back to the sign-in page.
pub(super) async fn sign_in(email: &str, password: &str, next: Option<&str>) {
    let next = local_path(next).unwrap_or(HOME);
    match try_sign_in(email, password).await {
        Ok(()) => see_other(next),
        Err(reason) => {
            let email = email.chars().take(LONGEST_EMAIL).collect();
            let message = SignInMessage::Failed(reason);
            set_flash(SIGN_IN, &SignInNotice { email, message });
            see_other(&sign_in_path(next));
        }
    }
}

/// Begins a new session. It replaces the one whose cookie the browser sent.
async fn try_sign_in(email: &str, password: &str) -> Result<(), SignInFailure> {
    let email = Email::parse(email).map_err(|_| {
        tracing::info!(
            target: SecurityEvent::TARGET,
            event = SecurityEvent::WrongPassword.name(),
            reason = "no e-mail address",
            address = of_request(client).address_text(),
            "sign-in refused"
        );
        SignInFailure::WrongCredentials
    })?;
    let signed_in = store()
        .sign_in()
        .with_password(
            &email,
            password,
            device_cookie().await.as_deref(),
            session_key().as_ref(),
        )
        .await?;
    sign_in_browser(&signed_in);
    Ok(())
}

/// Sets the password, ends the browser's own session, and redirects to the sign-in page. The session may be another user's:
/// with it, the browser would skip the sign-in page. If the password is not set, redirects back to the link's page.
pub(super) async fn reset_password(link: &str, new_password: &str) {
    let Some(secret) = ResetSecret::parse(link) else {
        return see_other(RESET_PASSWORD);
    };
    let error = match store()
        .reset_links()
        .set_password(&secret, new_password)
        .await
    {
        Ok(email) => {
            let (email, message) = (email.to_string(), SignInMessage::PasswordSet);
            set_flash(SIGN_IN, &SignInNotice { email, message });
            // If it fails, the conversion has logged why. The password is set all the same.
            let _ = end_sessions().await;
            return sign_out_browser();
        }
        // The page says so.
        Err(ResetError::LinkEnded) => None,
        Err(ResetError::NewPassword(error)) => Some(RequestError::NewPassword(error.into())),
        Err(ResetError::Hash(error)) => Some(error.into()),
        Err(ResetError::Database(error)) => Some(error.into()),
    };
    if let Some(error) = error {
        set_flash(RESET_PASSWORD, &error);
    }
    see_other(&reset_link(&secret.reveal()));
}

/// Stores the session and the device cookie in the browser.
pub(crate) fn sign_in_browser(signed_in: &SignedIn) {
    let cookies = cookies();
    set_cookie(cookies.session(&signed_in.session));
    set_cookie(cookies.knows_browser(&signed_in.device_cookie));
}

impl From<SignInError> for SignInFailure {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::WrongPassword => Self::WrongCredentials,
            SignInError::TooManyTries(wait) => Self::TooManyTries(whole_seconds(wait)),
            SignInError::TooManyRecords(TooManyRecords(wait)) => {
                Self::TooManySignIns(whole_seconds(wait))
            }
            SignInError::Hash(_)
            | SignInError::Database(_)
            // Only a session and a new password cause these two.
            | SignInError::SessionEnded
            | SignInError::NewPassword(_) => {
                // The conversion logs the cause, which the page does not show.
                let _ = RequestError::from(error);
                Self::Unavailable
            }
        }
    }
}

/// Ends every session of the browser, and redirects to the sign-in page. There are several if it has kept an older
/// cookie, with another path.
pub(super) async fn sign_out() -> Result<(), RequestError> {
    end_sessions().await?;
    sign_out_browser();
    Ok(())
}

async fn end_sessions() -> Result<(), RequestError> {
    for key in session_keys() {
        store().sessions().end_by_key(&key).await?;
    }
    Ok(())
}

/// Deletes the session cookie, and redirects to the sign-in page.
pub(crate) fn sign_out_browser() {
    set_cookie(cookies().no_session());
    see_other(SIGN_IN);
}

/// Selects an organisation on the account, and redirects to `return_to`.
pub(super) async fn select_organisation(
    organisation: OrganisationId,
    return_to: Option<&str>,
) -> Result<(), RequestError> {
    let return_to = local_path(return_to).unwrap_or(HOME);
    match try_select(organisation).await {
        Err(RequestError::SessionEnded) => see_other(&sign_in_path(return_to)),
        selected => {
            selected?;
            see_other(return_to);
        }
    }
    Ok(())
}

async fn try_select(organisation: OrganisationId) -> Result<(), RequestError> {
    let member = member(organisation).await?;
    Ok(store().users().select_organisation(&member).await?)
}
