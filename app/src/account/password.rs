//! The form that changes the password.

use leptos::{prelude::*, server_fn::ServerFn};

use super::server_functions::ChangePassword;
use crate::{
    error::RequestError,
    page_account::with_account,
    ui::{NewPasswordField, PasswordField, ShowPasswords},
};

/// The form that changes the password. Passwords can be pasted, and shown. An error about a field is beside the field.
#[component]
pub(super) fn PasswordForm(
    /// The account's address, for password managers.
    email: String,
    /// Why the password was not changed.
    problem: Option<RequestError>,
) -> impl IntoView {
    let problem_if = |is_about: fn(&RequestError) -> bool| {
        let problem = problem.as_ref().filter(|problem| is_about(problem));
        problem.map(ToString::to_string)
    };
    let of_current = problem_if(is_about_current);
    let of_new = problem_if(is_about_new);
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
                    error=of_current
                />
                <NewPasswordField error=of_new />
                <ShowPasswords label="Show passwords" />
                <p class="hint">"Changing it signs you out in all other browsers."</p>
                <button type="submit" class="button button-primary">
                    "Change password"
                </button>
            </form>
        </section>
    }
}

/// Whether the form shows the error beside one of its fields.
pub(super) fn is_beside_field(problem: &RequestError) -> bool {
    is_about_current(problem) || is_about_new(problem)
}

fn is_about_current(problem: &RequestError) -> bool {
    matches!(problem, RequestError::WrongPassword)
}

fn is_about_new(problem: &RequestError) -> bool {
    matches!(problem, RequestError::NewPassword(_))
}
