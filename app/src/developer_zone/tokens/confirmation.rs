//! What the card's dialog asks to confirm.

use leptos::prelude::*;
use model::token::{TokenStatus, TokenSummary};

use super::{password_prompt::PasswordPrompt, running::Change};
use crate::error::RequestError;

/// A change that needs a confirmation.
#[derive(Clone)]
pub(super) enum Question {
    /// Delete this token.
    Delete(TokenSummary),
    /// Activate this token. Only asked if the server wants the password.
    Activate(TokenSummary),
    /// Deactivate all tokens of the organisation.
    DeactivateAll,
}

impl Question {
    /// The token that it is about, if it is about a single one.
    pub(super) const fn token(&self) -> Option<&TokenSummary> {
        match self {
            Self::Delete(token) | Self::Activate(token) => Some(token),
            Self::DeactivateAll => None,
        }
    }

    /// The change that a confirmation begins.
    pub(super) const fn change(&self) -> Change {
        match self {
            Self::Delete(_) => Change::Delete,
            Self::Activate(token) => Change::Switch(token.id, TokenStatus::Active),
            Self::DeactivateAll => Change::DeactivateAll,
        }
    }
}

/// The dialog's question, and whether it is open.
#[derive(Clone, Copy)]
pub(super) struct Confirmation {
    pub(super) question: RwSignal<Question>,
    pub(super) open: RwSignal<bool>,
    pub(super) prompt: PasswordPrompt,
}

impl Confirmation {
    pub(super) fn closed() -> Self {
        Self {
            question: RwSignal::new(Question::DeactivateAll),
            open: RwSignal::new(false),
            prompt: PasswordPrompt::new(false),
        }
    }

    pub(super) fn ask(self, question: Question) {
        self.question.set(question);
        self.open.set(true);
    }

    /// Asks for the password if `error` says that activating the token needs one. Returns whether it does. Does not
    /// replace another question.
    pub(super) fn ask_password(self, token: &TokenSummary, error: &RequestError) -> bool {
        let question = Question::Activate(token.clone());
        if self.open.get_untracked() && !self.is_asking(question.change()) {
            return false;
        }
        let is_wanted = self.prompt.is_wanted_by(error);
        if is_wanted {
            self.ask(question);
        }
        is_wanted
    }

    /// Closes the dialog, unless it asks about another change.
    pub(super) fn close(self, change: Change) {
        if self.is_asking(change) {
            self.open.set(false);
        }
    }

    fn is_asking(self, change: Change) -> bool {
        untrack(|| self.question.with(|question| question.change() == change))
    }
}
