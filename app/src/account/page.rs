//! The account page.

use leptos::prelude::*;
use leptos_meta::Title;
use model::session::{SessionId, SessionSummary};

use super::{
    notice::AccountNotice,
    password::{PasswordForm, is_beside_field},
    sessions::SessionList,
};
use crate::{
    dashboard::LoadFailed,
    error::RequestError,
    page_context::use_viewer,
    session::{session, store, take_flash, with_error_status},
    ui::FlashMessage,
};

/// The data of the page.
struct Account {
    /// The user's sessions, most recently used first.
    sessions: Vec<SessionSummary>,
    /// The session of this browser.
    this_session: SessionId,
    notice: Option<AccountNotice>,
}

async fn load() -> Result<Account, RequestError> {
    let session = session().await?;
    Ok(Account {
        sessions: store().sessions().of_user(session.user_id()).await?,
        this_session: session.id(),
        notice: take_flash(),
    })
}

/// Password and sessions.
#[component]
pub(crate) fn AccountPage() -> impl IntoView {
    let content = Suspend::new(async move {
        match with_error_status(load()).await {
            Ok(account) => view! { <Content account /> }.into_any(),
            Err(error) => view! { <LoadFailed what="Your account" error /> }.into_any(),
        }
    });
    let email = use_viewer().map(|viewer| viewer.email);
    let signed_in = email.map(|email| {
        view! {
            <p class="below-heading">
                "Signed in as " <span translate="no">{email}</span>
            </p>
        }
    });
    view! {
        <Title text="Your account" />
        <h1>"Your account"</h1>
        {signed_in}
        <Suspense>{content}</Suspense>
    }
}

#[component]
fn Content(account: Account) -> impl IntoView {
    let email = use_viewer().map(|viewer| viewer.email).unwrap_or_default();
    let Account {
        sessions,
        this_session,
        notice,
    } = account;
    let problem = match &notice {
        Some(AccountNotice::Failed(error)) => Some(error.clone()),
        _ => None,
    };
    let is_of_field = problem.as_ref().is_some_and(is_beside_field);
    let message = notice.filter(|_| !is_of_field).map(|notice| {
        view! { <FlashMessage text=notice.text() is_success=notice.is_success() /> }
    });
    view! {
        {message}
        <PasswordForm email problem />
        <SessionList sessions this=this_session />
    }
}
