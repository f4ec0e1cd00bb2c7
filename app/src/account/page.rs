//! The page.

use leptos::prelude::*;
use leptos_meta::Title;

use super::{password::PasswordForm, sessions::SessionList};
use crate::{
    error::RequestError,
    site::{AccountNotice, use_site},
};

/// Id of what the page says of the form that was sent.
pub(super) const NOTICE: &str = "account-notice";

/// Password and sessions.
#[component]
pub(crate) fn AccountPage() -> impl IntoView {
    let site = use_site();
    let email = site.viewer.map(|viewer| viewer.email).unwrap_or_default();
    let content = site.account.map(|account| {
        let problem = match &account.notice {
            Some(AccountNotice::Failed(error)) => Some(error.clone()),
            _ => None,
        };
        view! {
            {account.notice.map(|notice| view! { <Said notice /> })}
            <PasswordForm email problem />
            <SessionList sessions=account.sessions this=account.this_session />
        }
    });
    view! {
        <Title text="Your account" />
        <h1>"Your account"</h1>
        {content}
    }
}

/// What became of the form that was sent. It has the focus, so that it is read out and next to be read.
#[component]
fn Said(notice: AccountNotice) -> impl IntoView {
    let (class, role, text) = match notice {
        AccountNotice::PasswordChanged => (
            "form-success",
            "status",
            "Your password was changed. You are signed out in all other browsers.".to_owned(),
        ),
        AccountNotice::SessionEnded => (
            "form-success",
            "status",
            "That browser is signed out.".to_owned(),
        ),
        AccountNotice::Failed(error) => ("form-error", "alert", error.to_string()),
    };
    view! {
        <p class=class id=NOTICE role=role tabindex="-1" autofocus>
            {text}
        </p>
    }
}

/// Which of the password's fields a problem is about.
pub(super) fn is_about_new_password(problem: &RequestError) -> bool {
    matches!(problem, RequestError::NewPassword(_))
}
