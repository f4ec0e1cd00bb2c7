//! What a page of tokens says once, after a form was sent.

use std::fmt;

use http::request::Parts;
use leptos::prelude::*;
use model::{
    timestamp::Timestamp,
    token::{InvalidTokenName, Receipt},
};
use serde::{Deserialize, Serialize};

use super::receipt::out_of_use;
use crate::{
    error::RequestError,
    ui::{iso_utc, utc_date_time},
};

/// What became of a form about a token. The host puts it into the extensions of the request for the page that is
/// to say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenNotice {
    /// It has another name, or none any more.
    Renamed,
    /// The token that is called so is inactive.
    Deactivated(String, OutOfUse),
    /// The token that is called so is active.
    Activated(String),
    /// The token that was called so is deleted.
    Deleted(String, OutOfUse),
    /// The name that was typed is none.
    NameRefused(InvalidTokenName, String),
    /// It was not created: a form without script, with the name that was typed.
    NotCreated(RequestError, String),
    /// It was not deleted.
    NotDeleted(RequestError),
    /// Nothing was changed.
    Failed(RequestError),
}

/// Since when a token is out of use, and when it was last used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutOfUse {
    since: Timestamp,
    last_used: Option<Timestamp>,
}

impl From<&Receipt> for OutOfUse {
    fn from(receipt: &Receipt) -> Self {
        Self {
            since: receipt.in_force_since,
            last_used: receipt.token.last_used,
        }
    }
}

impl TokenNotice {
    /// What the page that is being rendered is to say.
    pub(crate) fn of_request() -> Option<Self> {
        with_context(|request: &Parts| request.extensions.get().cloned()).flatten()
    }

    /// Whether something was done.
    pub(super) const fn is_good(&self) -> bool {
        matches!(
            self,
            Self::Renamed | Self::Deactivated(..) | Self::Activated(_) | Self::Deleted(..)
        )
    }

    /// The name that was typed and could not be taken, to be put right.
    pub(super) fn typed(&self) -> Option<&str> {
        match self {
            Self::NameRefused(_, typed) => Some(typed),
            _ => None,
        }
    }
}

/// What was typed, as much of it as goes into a cookie.
pub(crate) fn typed(text: &str) -> String {
    text.chars().take(120).collect()
}

fn instant(at: Timestamp) -> String {
    format!("{} UTC", utc_date_time(&iso_utc(at)))
}

impl fmt::Display for OutOfUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last_use = self.last_used.map(instant);
        f.write_str(&out_of_use(&instant(self.since), last_use.as_deref()))
    }
}

impl fmt::Display for TokenNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Renamed => f.write_str("The name was changed."),
            Self::Deactivated(called, out_of_use) => {
                write!(f, "Token {called} is inactive. {out_of_use}")
            }
            Self::Activated(called) => write!(f, "Token {called} is active."),
            Self::Deleted(called, out_of_use) => {
                write!(f, "Token {called} was deleted. {out_of_use}")
            }
            Self::NameRefused(problem, _) => RequestError::TokenName(*problem).fmt(f),
            Self::NotCreated(error, _) | Self::NotDeleted(error) | Self::Failed(error) => {
                error.fmt(f)
            }
        }
    }
}
