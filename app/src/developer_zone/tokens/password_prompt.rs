//! Asking for the password before a token is made or deleted, where it was given too long ago.

use leptos::{ev, html, prelude::*};

use super::context::PageFacts;
use crate::{error::RequestError, ui::BrowserOnly};

/// Whether a dialog asks for the password, and what it was answered. The server decides when it must: what
/// one was about to do is tried, and waits in its dialog if it is refused for that.
#[derive(Clone, Copy)]
pub(super) struct Confirmation {
    asked: RwSignal<bool>,
    problem: RwSignal<Option<String>>,
    field: NodeRef<html::Input>,
}

impl Confirmation {
    /// Not asked yet.
    pub(super) fn new() -> Self {
        Self {
            asked: RwSignal::new(false),
            problem: RwSignal::new(None),
            field: NodeRef::new(),
        }
    }

    /// What to send along: nothing as long as nothing is asked, else the password.
    ///
    /// # Errors
    /// Asked and not given yet: the browser says so.
    pub(super) fn password(self) -> Result<Option<String>, NotGiven> {
        match self.field.get_untracked() {
            Some(field) if self.asked.get_untracked() => {
                if field.report_validity() {
                    Ok(Some(field.value()))
                } else {
                    Err(NotGiven)
                }
            }
            _ => Ok(None),
        }
    }

    /// Asks for the password, if it is for want of it that the server has refused. Gives whether it is.
    pub(super) fn is_wanted_by(self, error: &RequestError) -> bool {
        let problem = match error {
            RequestError::PasswordRequired => None,
            RequestError::WrongPassword | RequestError::TooManyTries(_) => Some(error.to_string()),
            _ => return false,
        };
        self.problem.set(problem);
        self.asked.set(true);
        if let Some(field) = self.field.get_untracked() {
            field.select();
        }
        true
    }

    fn forget(self) {
        self.asked.set(false);
        self.problem.set(None);
    }
}

/// The password was asked for and not given.
pub(super) struct NotGiven;

/// The field for the password, where it is asked for; in a dialog, above its buttons.
#[component]
pub(super) fn ConfirmPassword(
    confirmation: Confirmation,
    /// Whether the dialog is open: what was typed goes with it.
    open: RwSignal<bool>,
    /// What is wanted: `to create the token`.
    purpose: &'static str,
    /// Enter was pressed.
    go: Callback<()>,
) -> impl IntoView {
    let Confirmation {
        asked,
        problem,
        field,
    } = confirmation;
    Effect::new(move || {
        if !open.get() {
            confirmation.forget();
        }
    });
    Effect::new(move || {
        if let Some(field) = field.get() {
            // Fails only for an element that has left the document.
            let _ = field.focus();
        }
    });
    let PageFacts { email, .. } = expect_context();
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        go.run(());
    };
    let content = move || {
        view! {
            <form class="confirm-password" on:submit=submit>
                <p id="confirm-password-why">
                    {format!("Confirm your password {purpose}.")}
                </p>
                <input type="email" autocomplete="username" value=email.clone() readonly hidden />
                <label class="field">
                    <span class="field-label">"Password"</span>
                    <input
                        type="password"
                        required
                        autocomplete="current-password"
                        aria-describedby="confirm-password-why confirm-password-problem"
                        node_ref=field
                    />
                </label>
                <div id="confirm-password-problem" role="alert">
                    {move || problem.get().map(|text| view! { <p class="form-error">{text}</p> })}
                </div>
                <button type="submit" hidden></button>
            </form>
        }
    };
    view! { <BrowserOnly when=asked content /> }
}
