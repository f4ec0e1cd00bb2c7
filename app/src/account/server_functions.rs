//! The server functions of the account's page. Plain forms post to them, and each redirects to a page.

use leptos::prelude::*;
use model::session::SessionId;

use super::notice::AccountNotice;
use crate::{
    error::RequestError,
    paths::ACCOUNT,
    session::{
        Signer, device_cookie, redirect_after, redirect_signed, session, sign_in_browser,
        sign_out_browser, store,
    },
};

/// Changes the password, and ends the account's other sessions. This browser gets a new session and device cookie.
///
/// # Errors
/// None. A flash message on the page shows the result.
#[server(prefix = "/api/dashboard", endpoint = "change-password")]
pub(crate) async fn change_password(
    current_password: String,
    new_password: String,
) -> Result<(), RequestError> {
    let change = async {
        let session = session().await?;
        let store = store();
        let sign_in = store.sign_in();
        let cookie = device_cookie().await;
        Ok(sign_in
            .change_password(
                &session,
                &current_password,
                &new_password,
                cookie.as_deref(),
            )
            .await?)
    };
    match change.await {
        Ok(changed) => {
            sign_in_browser(&changed);
            let signer = Signer::Session(changed.session);
            redirect_signed(&signer, ACCOUNT, &AccountNotice::PasswordChanged);
        }
        Err(error) => failed(error),
    }
    Ok(())
}

/// Ends one of the user's own sessions. If it is this browser's, redirects to the sign-in page.
///
/// # Errors
/// None. A flash message on the page shows the result.
#[server(prefix = "/api/dashboard", endpoint = "end-session")]
pub(crate) async fn end_session(session_id: SessionId) -> Result<(), RequestError> {
    let end = async {
        let session = session().await?;
        let store = store();
        store.sessions().end(&session, session_id).await?;
        Ok(session.id() == session_id)
    };
    match end.await {
        Ok(true) => sign_out_browser(),
        Ok(false) => redirect_after(None, ACCOUNT, &AccountNotice::SessionEnded),
        Err(error) => failed(error),
    }
    Ok(())
}

/// Ends all of the user's own sessions, this one included, and redirects to the sign-in page.
///
/// # Errors
/// None. If it fails, a flash message on the page says so.
#[server(prefix = "/api/dashboard", endpoint = "end-all-sessions")]
pub(crate) async fn end_all_sessions() -> Result<(), RequestError> {
    let end = async {
        let session = session().await?;
        store().sessions().end_all(&session).await?;
        Ok(())
    };
    match end.await {
        Ok(()) => sign_out_browser(),
        Err(error) => failed(error),
    }
    Ok(())
}

fn failed(error: RequestError) {
    redirect_after(Some(&error), ACCOUNT, &AccountNotice::Failed(error.clone()));
}
