//! The sign-in page: a plain form, which works the same with and without script.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::{Meta, Title};
use leptos_router::hooks::use_query_map;

use crate::{
    document::IslandScriptsPrefetch,
    error::wait_text,
    session::{FailedSignIn, SignIn, SignInFailure, take_flash},
    ui::{Brand, FLASH_MESSAGE, FlashMessage},
};

impl SignInFailure {
    fn message(self) -> String {
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
    let failed = take_flash::<FailedSignIn>();
    let next = use_query_map().with_untracked(|query| query.get("next"));
    let email = failed
        .as_ref()
        .map(|failed| failed.email.clone())
        .unwrap_or_default();
    let has_failed = failed.is_some();
    let described_by = has_failed.then_some(FLASH_MESSAGE);
    view! {
        <Title text="Sign in" />
        <IslandScriptsPrefetch />
        <Meta
            name="description"
            content="Sign in to the 9Pic dashboard: your organisation’s events, its API tokens and their activity."
        />
        <main class="sign-in" id="main">
            <form class="sign-in-card" method="post" action=SignIn::url()>
                <Brand />
                <h1>"Sign in"</h1>
                {failed
                    .map(|failed| {
                        view! { <FlashMessage text=failed.reason.message() is_success=false /> }
                    })}
                <label class="field">
                    <span class="field-label">"Email"</span>
                    <input
                        type="email"
                        name="email"
                        value=email
                        required
                        autocomplete="username"
                        autofocus=!has_failed
                        aria-describedby=described_by
                    />
                </label>
                <label class="field">
                    <span class="field-label">"Password"</span>
                    <input
                        type="password"
                        name="password"
                        required
                        autocomplete="current-password"
                        aria-describedby=described_by
                    />
                </label>
                {next.map(|next| view! { <input type="hidden" name="next" value=next /> })}
                <button type="submit" class="button button-primary">
                    "Sign in"
                </button>
            </form>
        </main>
    }
}
