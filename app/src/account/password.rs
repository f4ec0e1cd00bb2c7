//! The form that changes the password.

use leptos::{prelude::*, server_fn::ServerFn};
use model::user::MIN_PASSWORD_LENGTH;

use super::{server_functions::ChangePassword, show_passwords::ShowPasswords};
use crate::{error::RequestError, page_account::with_account, ui::FLASH_MESSAGE};

/// Id of the hint below the new password.
const HINT: &str = "new-password-hint";

/// The form that changes the password. Passwords can be pasted, and shown.
#[component]
pub(super) fn PasswordForm(
    /// The account's address, for password managers.
    email: String,
    /// Why the password was not changed.
    problem: Option<RequestError>,
) -> impl IntoView {
    let new_is_wrong = matches!(problem, Some(RequestError::NewPassword(_)));
    let current_is_wrong = problem == Some(RequestError::WrongPassword);
    let new_described_by = match new_is_wrong {
        true => format!("{FLASH_MESSAGE} {HINT}"),
        false => HINT.to_owned(),
    };
    view! {
        <section class="card" aria-labelledby="password-title">
            <header class="card-header">
                <h2 id="password-title">"Password"</h2>
            </header>
            <form class="account-form" method="post" action=with_account(ChangePassword::url())>
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
                    described_by=current_is_wrong.then(|| FLASH_MESSAGE.to_owned())
                    invalid=current_is_wrong
                />
                <PasswordField
                    name="new_password"
                    label="New password"
                    autocomplete="new-password"
                    described_by=Some(new_described_by)
                    invalid=new_is_wrong
                />
                <p class="hint" id=HINT>
                    {format!(
                        "At least {MIN_PASSWORD_LENGTH} characters of any kind, and not a common password. A few unrelated words make a good one.",
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

/// A field for a password. It has no maximum length, which would cut a longer password when it is pasted.
#[component]
fn PasswordField(
    name: &'static str,
    label: &'static str,
    autocomplete: &'static str,
    described_by: Option<String>,
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
