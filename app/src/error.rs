//! Why a request of a page was not carried out, in words for the person at the page.

use std::fmt;

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use model::{
    organisation::Plan,
    token::{TOKEN_LIMIT, TokenId},
};
use serde::{Deserialize, Serialize};

/// Why a server function did not do what it was asked. Causes that are nobody's business at the page
/// (what the database said) stay in the server's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestError {
    /// There is no session (any more).
    SessionEnded,
    /// The user is not a member of the organisation, which may not exist at all.
    NotAMember,
    /// The organisation's plan has no Developer Zone.
    PlanRequired(Plan),
    /// The token does not exist (any more).
    NoSuchToken(TokenId),
    /// The organisation has as many tokens as it can have.
    TokenLimitReached,
    /// The request does not fit what was asked for.
    BadRequest,
    /// The database is out of reach.
    Unavailable,
    /// Something else failed on the server.
    Internal,
    /// The server could not be reached from the browser.
    Offline,
}

impl fmt::Display for RequestError {
    /// What happened, then what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SessionEnded => f.write_str("Your session has ended. Sign in again to go on."),
            Self::NotAMember => f.write_str(
                "You are not a member of this organisation. Choose another one in the sidebar.",
            ),
            Self::PlanRequired(plan) => write!(
                f,
                "The Developer Zone needs the Enterprise plan, and this organisation is on {}. \
                 Contact 9Pic to upgrade.",
                plan.label()
            ),
            Self::NoSuchToken(_) => {
                f.write_str("This token was deleted in the meantime. The list has been refreshed.")
            }
            Self::TokenLimitReached => write!(
                f,
                "You have reached the limit of {TOKEN_LIMIT} tokens. Delete an existing token to \
                 create a new one."
            ),
            Self::BadRequest => {
                f.write_str("The request could not be read. Reload the page and try again.")
            }
            Self::Unavailable => f.write_str(
                "The service cannot reach its database right now. Nothing was changed. Try again in \
                 a moment.",
            ),
            Self::Internal => f.write_str(
                "Something went wrong on our side. Reload the page to see the present state, then \
                 try again.",
            ),
            Self::Offline => f.write_str(
                "The server could not be reached. Check your connection, then reload the page to see \
                 whether the change was made.",
            ),
        }
    }
}

impl FromServerFnError for RequestError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        let error = match error {
            ServerFnErrorErr::Request(_) => Self::Offline,
            ServerFnErrorErr::Args(_)
            | ServerFnErrorErr::MissingArg(_)
            | ServerFnErrorErr::Deserialization(_) => Self::BadRequest,
            _ => Self::Internal,
        };
        #[cfg(feature = "ssr")]
        error.set_status();
        error
    }
}

#[cfg(feature = "ssr")]
mod server {
    use http::StatusCode;
    use leptos::prelude::use_context;
    use leptos_axum::ResponseOptions;
    use store::StoreError;

    use super::RequestError;

    impl RequestError {
        /// The status that carries this error.
        pub const fn status(&self) -> StatusCode {
            match self {
                Self::SessionEnded => StatusCode::UNAUTHORIZED,
                Self::NotAMember | Self::PlanRequired(_) => StatusCode::FORBIDDEN,
                Self::NoSuchToken(_) => StatusCode::NOT_FOUND,
                Self::TokenLimitReached => StatusCode::CONFLICT,
                Self::BadRequest => StatusCode::BAD_REQUEST,
                Self::Unavailable | Self::Offline => StatusCode::SERVICE_UNAVAILABLE,
                Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            }
        }

        /// Gives the answer this error's status. (Leptos would send 500 for every error.)
        pub(crate) fn set_status(&self) {
            if let Some(response) = use_context::<ResponseOptions>() {
                response.set_status(self.status());
            }
        }
    }

    impl From<StoreError> for RequestError {
        fn from(error: StoreError) -> Self {
            match error {
                StoreError::NotAMember(_) | StoreError::NoSuchOrganisation(_) => Self::NotAMember,
                StoreError::PlanRequired(plan) => Self::PlanRequired(plan),
                StoreError::NoSuchToken(token) => Self::NoSuchToken(token),
                StoreError::TokenLimitReached => Self::TokenLimitReached,
                other => {
                    tracing::error!(error = &other as &dyn std::error::Error, "request failed");
                    if other.is_unavailable() {
                        Self::Unavailable
                    } else {
                        Self::Internal
                    }
                }
            }
        }
    }
}
