//! Asks for the password before a token is created or activated, if the user last entered it too long ago.

use leptos::{html, prelude::*};

use super::context::PageFacts;
use crate::{error::RequestError, ui::BrowserOnly};

/// Whether a dialog asks for the password.
///
/// The server decides. If the page knows in advance, the dialog asks immediately. Otherwise it first posts its form without a
/// password. If the server requires one, the form stays open and shows a password field.
#[derive(Clone, Copy)]
pub(super) struct PasswordPrompt {
    shown: RwSignal<bool>,
    problem: RwSignal<Option<String>>,
    field: NodeRef<html::Input>,
    at_once: StoredValue<bool>,
}

impl PasswordPrompt {
    pub(super) fn new(at_once: bool) -> Self {
        Self {
            shown: RwSignal::new(at_once),
            at_once: StoredValue::new(at_once),
            problem: RwSignal::new(None),
            field: NodeRef::new(),
        }
    }

    /// Shows the prompt if `error` says that the password is missing or wrong. Returns whether it does.
    pub(super) fn is_wanted_by(self, error: &RequestError) -> bool {
        if !error.is_about_password() {
            return false;
        }
        let is_problem = *error != RequestError::PasswordRequired;
        self.problem.set(is_problem.then(|| error.to_string()));
        self.shown.set(true);
        if let Some(field) = self.field.get_untracked() {
            field.select();
        }
        true
    }

    fn hide(self) {
        self.shown.set(self.at_once.get_value());
        self.problem.set(None);
    }

    /// From now on asks only if the server does.
    pub(super) fn ask_only_if_refused(self) {
        self.at_once.set_value(false);
    }
}

/// The password field in a dialog's form. It is shown only while the prompt is active.
#[component]
pub(super) fn PasswordField(
    prompt: PasswordPrompt,
    /// Whether the dialog is open. When it closes, the typed password is cleared.
    open: RwSignal<bool>,
    /// What the password is for: `to create the token`.
    purpose: &'static str,
) -> impl IntoView {
    let PasswordPrompt {
        shown,
        problem,
        field,
        at_once,
    } = prompt;
    Effect::new(move || {
        if !open.get() {
            prompt.hide();
        }
    });
    // If it is there from the start, the focus is on the first field, until the password was wrong.
    Effect::new(move || {
        if let Some(field) = field.get()
            && (!at_once.get_value() || problem.with_untracked(Option::is_some))
        {
            // Fails only for an element that has left the document.
            let _ = field.focus();
        }
    });
    let PageFacts { email, .. } = expect_context();
    let content = move || {
        view! {
            <div class="confirm-password">
                <p id="confirm-password-why">{format!("Confirm your password {purpose}.")}</p>
                <input type="email" autocomplete="username" value=email.clone() readonly hidden />
                <label class="field">
                    <span class="field-label">"Password"</span>
                    <input
                        type="password"
                        name="password"
                        required
                        autocomplete="current-password"
                        aria-describedby="confirm-password-why confirm-password-problem"
                        node_ref=field
                    />
                </label>
                <div id="confirm-password-problem" role="alert">
                    {move || {
                        problem.get().map(|text| view! { <p class="form-error" prop:textContent=text></p> })
                    }}
                </div>
            </div>
        }
    };
    view! { <BrowserOnly when=shown content /> }
}
