//! The sign-in page: a plain form, which works the same with and without script. It loads no WASM.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::{Meta, Title};
use leptos_router::hooks::use_query_map;

use crate::{
    error::wait_text,
    paths::{DOCUMENTATION, FORGOTTEN_PASSWORD},
    session::{SignIn, SignInFailure, SignInMessage, SignInNotice, take_flash},
    ui::{Brand, FLASH_MESSAGE, FlashMessage, PasswordField, ShowPasswords},
};

impl SignInMessage {
    fn text(self) -> String {
        match self {
            Self::Failed(reason) => reason.text(),
            Self::PasswordSet => "Your password was changed. Sign in with the new one.".to_owned(),
        }
    }
}

impl SignInFailure {
    fn text(self) -> String {
        match self {
            Self::WrongCredentials => {
                "The email or the password is wrong. Check both and try again.".to_owned()
            }
            Self::TooManyTries(seconds) => {
                let wait = wait_text(seconds);
                format!("Too many wrong passwords. Wait {wait}, then try again.")
            }
            Self::TooManySignIns(seconds) => {
                let wait = wait_text(seconds);
                format!("Too many sign-ins. Wait {wait}, then try again.")
            }
            Self::Unavailable => {
                "Sign-in is unavailable right now. Try again in a moment.".to_owned()
            }
        }
    }
}

/// The page at `/sign-in`.
#[component]
pub(crate) fn SignInPage() -> impl IntoView {
    let notice = take_flash::<SignInNotice>();
    let next = use_query_map().with_untracked(|query| query.get("next"));
    let email = notice.as_ref().map(|notice| notice.email.clone());
    let message = notice.map(|notice| notice.message);
    let is_success = message == Some(SignInMessage::PasswordSet);
    let described_by = message.map(|_| FLASH_MESSAGE);
    view! {
        <Title text="Sign in" />
        <Meta
            name="description"
            content="Sign in to the 9Pic dashboard: your organisation’s events, its API tokens and their activity."
        />
        <main class="sign-in" id="main">
            <form class="sign-in-card" method="post" action=SignIn::url()>
                <Brand />
                <h1>"Sign in"</h1>
                {message
                    .map(|message| view! { <FlashMessage text=message.text() is_success /> })}
                <label class="field">
                    <span class="field-label">"Email"</span>
                    <input
                        type="email"
                        name="email"
                        value=email.unwrap_or_default()
                        required
                        autocomplete="username"
                        autofocus=message.is_none()
                        aria-describedby=described_by
                    />
                </label>
                <PasswordField
                    name="password"
                    label="Password"
                    autocomplete="current-password"
                    described_by
                />
                <ShowPasswords label="Show password" />
                {next.map(|next| view! { <input type="hidden" name="next" value=next /> })}
                <button type="submit" class="button button-primary">
                    "Sign in"
                </button>
                <a href=FORGOTTEN_PASSWORD>"Forgotten your password?"</a>
            </form>
            <p class="sign-in-foot">
                <a href=DOCUMENTATION>"API documentation"</a>
            </p>
        </main>
    }
}
