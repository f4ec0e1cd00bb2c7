//! The page that says how to get a new password.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{page_context::use_page_context, paths::SIGN_IN, ui::Brand};

/// The page at `/forgotten-password`. It asks for no address, so it cannot tell whether an address has an account.
#[component]
pub(crate) fn ForgottenPasswordPage() -> impl IntoView {
    view! {
        <Title text="Forgotten your password?" />
        <main class="sign-in" id="main">
            <div class="sign-in-card">
                <Brand />
                <h1>"Forgotten your password?"</h1>
                <p>
                    "Ask 9Pic support for a link that sets a new one. Say which email address you sign in with."
                </p>
                <p class="hint">
                    "The link works once, and for one hour. Until you use it, your password stays as it is. API tokens go on working."
                </p>
                <ContactLink />
                <a href=SIGN_IN>"Back to sign in"</a>
            </div>
        </main>
    }
}

/// The link to the address where people ask for help.
#[component]
pub(super) fn ContactLink() -> impl IntoView {
    view! {
        <a
            class="button button-primary"
            href=use_page_context().contact_url
            target="_blank"
            rel="noopener"
        >
            "Contact 9Pic"
            <span class="visually-hidden">" (opens in a new tab)"</span>
        </a>
    }
}
