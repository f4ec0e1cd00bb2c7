//! What the account's page asks of the server: posted by plain forms, and answered with the page anew.

use leptos::prelude::*;
use model::session::SessionId;

use crate::error::RequestError;
#[cfg(feature = "ssr")]
use crate::{
    session::{after_account_change, cookies, leave, session, set_cookie, store},
    site::AccountNotice,
};

/// Gives the account another password, and ends its other sessions.
///
/// # Errors
/// None: the page says what became of it.
#[server(prefix = "/api/dashboard", endpoint = "change-password")]
pub(crate) async fn change_password(
    current_password: String,
    new_password: String,
) -> Result<(), RequestError> {
    let changed = async {
        let session = session().await?;
        let changed = store()
            .sign_in()
            .change_password(&session, &current_password, &new_password)
            .await?;
        set_cookie(cookies().session(&changed));
        Ok(AccountNotice::PasswordChanged)
    };
    after_account_change(changed.await);
    Ok(())
}

/// Ends one of one's own sessions. The one that asks leads to the sign-in page.
///
/// # Errors
/// None: the page says what became of it.
#[server(prefix = "/api/dashboard", endpoint = "end-session")]
pub(crate) async fn end_session(session_id: SessionId) -> Result<(), RequestError> {
    let ended = async {
        let session = session().await?;
        let store = store();
        store.sessions().end(session.user_id(), session_id).await?;
        Ok(session.id() == session_id)
    };
    match ended.await {
        Ok(true) => leave(),
        outcome => after_account_change(outcome.map(|_| AccountNotice::SessionEnded)),
    }
    Ok(())
}

/// Ends all of one's own sessions, this one included, and leads to the sign-in page.
///
/// # Errors
/// None: where it could not be done, the page says so.
#[server(prefix = "/api/dashboard", endpoint = "end-all-sessions")]
pub(crate) async fn end_all_sessions() -> Result<(), RequestError> {
    let ended = async {
        let session = session().await?;
        store().sessions().end_all(session.user_id()).await?;
        Ok(())
    };
    match ended.await {
        Ok(()) => leave(),
        Err(error) => after_account_change(Err(error)),
    }
    Ok(())
}
