//! The page that a reset link opens.

use http::StatusCode;
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_axum::ResponseOptions;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::user::Email;
use store::reset_links::ResetSecret;

use super::forgotten::ContactLink;
use crate::{
    dashboard::LoadFailed,
    error::RequestError,
    paths::{RESET_SECRET, SIGN_IN},
    session::{ResetPassword, store, take_flash, with_error_status},
    ui::{Brand, FlashMessage, IconName, NewPasswordField, Notice, ShowPasswords, notice_icon},
};

/// A link that works.
struct Link {
    secret: ResetSecret,
    /// The address of the account.
    email: Email,
    /// Why the last password was not set.
    problem: Option<RequestError>,
}

async fn load(secret: Option<String>) -> Result<Option<Link>, RequestError> {
    let Some(secret) = secret.as_deref().and_then(ResetSecret::parse) else {
        return Ok(None);
    };
    let email = store().reset_links().find(&secret).await?;
    Ok(email.map(|email| Link {
        secret,
        email,
        problem: take_flash(),
    }))
}

/// The page at `/reset-password`. Opening it does not use the link.
#[component]
pub(crate) fn ResetPasswordPage() -> impl IntoView {
    let secret = use_query_map().with_untracked(|query| query.get(RESET_SECRET));
    let content = Suspend::new(async move {
        match with_error_status(load(secret)).await {
            Ok(Some(link)) => view! { <ResetForm link /> }.into_any(),
            Ok(None) => view! { <LinkEnded /> }.into_any(),
            Err(error) => view! { <LoadFailed what="This page" error /> }.into_any(),
        }
    });
    view! {
        <Title text="Set a new password" />
        <main class="sign-in" id="main">
            <Suspense>{content}</Suspense>
        </main>
    }
}

#[component]
fn ResetForm(link: Link) -> impl IntoView {
    let Link {
        secret,
        email,
        problem,
    } = link;
    let is_of_field = matches!(problem, Some(RequestError::NewPassword(_)));
    let problem = problem.map(|problem| problem.to_string());
    let (of_field, message) = match is_of_field {
        true => (problem, None),
        false => (None, problem),
    };
    let autofocus = message.is_none();
    view! {
        <form class="sign-in-card" method="post" action=ResetPassword::url()>
            <Brand />
            <div>
                <h1>"Set a new password"</h1>
                <p class="sign-in-account">"for " {email.to_string()}</p>
            </div>
            {message.map(|text| view! { <FlashMessage text is_success=false /> })}
            <input
                type="email"
                id="account-email"
                autocomplete="username"
                value=email.to_string()
                readonly
                hidden
            />
            <input type="hidden" name=RESET_SECRET value=secret.reveal().to_string() />
            <NewPasswordField error=of_field autofocus />
            <ShowPasswords label="Show password" />
            <p class="hint">"You are then signed out in all browsers, and sign in with the new password."</p>
            <button type="submit" class="button button-primary">
                "Set password"
            </button>
        </form>
    }
}

/// The same for each link that does not work, whatever the reason: it must not tell about accounts.
#[component]
fn LinkEnded() -> impl IntoView {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(StatusCode::NOT_FOUND);
    }
    view! {
        <Brand />
        <Notice picture=notice_icon(IconName::Warning) title="This link does not work" whole_page=true>
            <p>
                "A link works once, and for one hour. It ends when a newer link is created, and when the password or the account changes. Ask 9Pic support for a new one."
            </p>
            <div class="dialog-actions">
                <a class="button" href=SIGN_IN>
                    "Sign in"
                </a>
                <ContactLink />
            </div>
        </Notice>
    }
}
