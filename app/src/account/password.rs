//! The form that changes the password.

use leptos::{prelude::*, server_fn::ServerFn};
use model::user::MIN_PASSWORD_LENGTH;

use super::{
    page::{NOTICE, is_about_new_password},
    server_functions::ChangePassword,
    show_passwords::ShowPasswords,
};
use crate::error::RequestError;

const HINT: &str = "new-password-hint";

/// The form that changes the password. What is typed can be pasted, and shown.
#[component]
pub(super) fn PasswordForm(
    /// Whose password: password managers go by it.
    email: String,
    /// Why it was not changed, if it was not.
    problem: Option<RequestError>,
) -> impl IntoView {
    let new_is_wrong = problem.as_ref().is_some_and(is_about_new_password);
    let present_is_wrong = problem == Some(RequestError::WrongPassword);
    view! {
        <section class="card" aria-labelledby="password-title">
            <header class="card-header">
                <h2 id="password-title">"Password"</h2>
            </header>
            <form class="account-form" method="post" action=ChangePassword::url()>
                <input
                    type="email"
                    id="account-email"
                    autocomplete="username"
                    value=email
                    readonly
                    hidden
                />
                <PasswordField
                    name="current_password"
                    label="Current password"
                    autocomplete="current-password"
                    described_by=present_is_wrong.then_some(NOTICE)
                    invalid=present_is_wrong
                />
                <PasswordField
                    name="new_password"
                    label="New password"
                    autocomplete="new-password"
                    described_by=Some(if new_is_wrong { "account-notice new-password-hint" } else { HINT })
                    invalid=new_is_wrong
                />
                <p class="hint" id=HINT>
                    {format!(
                        "At least {MIN_PASSWORD_LENGTH} characters of any kind, and none of the passwords that everybody tries first. A few unrelated words make a good one.",
                    )}
                </p>
                <ShowPasswords />
                <p class="hint">"Changing it signs you out in all other browsers."</p>
                <button type="submit" class="button button-primary">
                    "Change password"
                </button>
            </form>
        </section>
    }
}

/// No greatest length: a password that is cut when it is pasted is another one.
#[component]
fn PasswordField(
    name: &'static str,
    label: &'static str,
    autocomplete: &'static str,
    described_by: Option<&'static str>,
    invalid: bool,
) -> impl IntoView {
    view! {
        <label class="field">
            <span class="field-label">{label}</span>
            <input
                type="password"
                name=name
                required
                autocomplete=autocomplete
                autocapitalize="none"
                spellcheck="false"
                aria-describedby=described_by
                aria-invalid=invalid.then_some("true")
            />
        </label>
    }
}
