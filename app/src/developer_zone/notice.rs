//! The flash messages of pages about tokens.

use leptos::prelude::*;
use model::{
    servers::Acknowledgements,
    token::{InvalidTokenName, Receipt, TokenSummary},
};
use serde::{Deserialize, Serialize};

use super::{
    out_of_use::{OutOfUse, with_details},
    receipt::AllOutOfUse,
};
use crate::{
    error::RequestError, session::take_flash, texts::servers::about_servers, ui::FlashMessage,
};

/// The longest name that a message returns for correction, in characters: the size of a cookie is limited.
const LONGEST_TYPED: usize = 120;

/// The result of a form about a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TokenNotice {
    /// The token was renamed.
    Renamed,
    /// The token of this name is active.
    Activated(String, Option<Acknowledgements>),
    /// The token of this name is inactive.
    Deactivated(String, OutOfUse),
    /// All tokens are inactive.
    AllDeactivated(AllOutOfUse),
    /// The token of this name is deleted.
    Deleted(String, OutOfUse),
    /// The name, as the user typed it, is not valid.
    NameRefused(InvalidTokenName, String),
    /// The token was not created. Holds the name as the user typed it.
    NotCreated(RequestError, String),
    /// The token was not activated, because of the password.
    NotActivated(RequestError),
    /// The token was not deleted.
    NotDeleted(RequestError),
    /// Nothing was changed.
    Failed(RequestError),
}

impl TokenNotice {
    /// The outcome of activating a token.
    pub(super) fn of_activation(outcome: &Result<Receipt, RequestError>) -> Self {
        match outcome {
            Ok(receipt) => Self::Activated(receipt.token.short_name(), receipt.acknowledged),
            Err(error) if error.is_about_password() => Self::NotActivated(error.clone()),
            Err(error) => Self::Failed(error.clone()),
        }
    }

    /// The outcome of deactivating a token.
    pub(super) fn of_deactivation(outcome: &Result<Receipt, RequestError>) -> Self {
        match outcome {
            Ok(receipt) => Self::Deactivated(receipt.token.short_name(), OutOfUse::from(receipt)),
            Err(error) => Self::Failed(error.clone()),
        }
    }

    /// The outcome of deactivating all tokens.
    pub(super) fn of_all(outcome: &Result<AllOutOfUse, RequestError>) -> Self {
        match outcome {
            Ok(receipt) => Self::AllDeactivated(*receipt),
            Err(error) => Self::Failed(error.clone()),
        }
    }

    /// The outcome of renaming a token to `typed`.
    pub(super) fn of_renaming(outcome: &Result<TokenSummary, RequestError>, typed: &str) -> Self {
        match outcome {
            Ok(_) => Self::Renamed,
            Err(RequestError::TokenName(problem)) => Self::NameRefused(*problem, shortened(typed)),
            Err(error) => Self::Failed(error.clone()),
        }
    }

    /// The outcome of deleting a token.
    pub(super) fn of_deletion(outcome: &Result<Receipt, RequestError>) -> Self {
        match outcome {
            Ok(receipt) => Self::Deleted(receipt.token.short_name(), OutOfUse::from(receipt)),
            Err(error) => Self::NotDeleted(error.clone()),
        }
    }

    /// A creation that failed.
    pub(super) fn of_failed_creation(error: &RequestError, typed: &str) -> Self {
        Self::NotCreated(error.clone(), shortened(typed))
    }

    /// The text, for the reader who sends the current request. Its first line is enough; details are in a second one.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Renamed => "The name was changed.".to_owned(),
            Self::Activated(called, acknowledged) => {
                let servers = about_servers(*acknowledged);
                with_details(format!("Token {called} is active."), &servers)
            }
            Self::Deactivated(called, facts) => {
                let facts = facts.in_words("Deactivated");
                format!("Token {called} is inactive. {facts}")
            }
            Self::AllDeactivated(receipt) => receipt.in_words(),
            Self::Deleted(called, facts) => {
                let facts = facts.in_words("Deleted");
                format!("Token {called} was deleted. {facts}")
            }
            Self::NameRefused(problem, _) => RequestError::TokenName(*problem).to_string(),
            Self::NotCreated(error, _)
            | Self::NotActivated(error)
            | Self::NotDeleted(error)
            | Self::Failed(error) => error.to_string(),
        }
    }

    const fn is_success(&self) -> bool {
        matches!(
            self,
            Self::Renamed
                | Self::Activated(..)
                | Self::Deactivated(..)
                | Self::AllDeactivated(_)
                | Self::Deleted(..)
        )
    }

    /// The refused name, so that the user can correct it in the field.
    pub(super) fn refused_name(&self) -> Option<&str> {
        match self {
            Self::NameRefused(_, typed) => Some(typed),
            _ => None,
        }
    }
}

/// The flash message of the page, if there is one.
#[component]
pub(super) fn TokenFlash() -> impl IntoView {
    take_flash().map(|notice| view! { <NoticeMessage notice /> })
}

/// A notice as a flash message.
#[component]
pub(super) fn NoticeMessage(notice: TokenNotice) -> impl IntoView {
    view! { <FlashMessage text=notice.in_words() is_success=notice.is_success() /> }
}

fn shortened(typed: &str) -> String {
    typed.chars().take(LONGEST_TYPED).collect()
}
