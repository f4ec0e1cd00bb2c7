//! Why a request of a page was not carried out, in words for the person at the page.

use std::fmt;

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use model::{
    organisation::Plan,
    token::{InvalidTokenName, TOKEN_LIMIT, TokenId, TokenName},
    user::{MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH},
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
    /// The password must be given again first: it is too long ago that it was.
    PasswordRequired,
    /// The password is not the account's.
    WrongPassword,
    /// So many wrong passwords were given that the next one is looked at after so many seconds.
    TooManyTries(u64),
    /// The name cannot be a token's.
    TokenName(InvalidTokenName),
    /// The new password cannot be one.
    NewPassword(NewPasswordProblem),
    /// More is asked of the server than it can do soon.
    Busy,
    /// The request does not fit what was asked for.
    BadRequest,
    /// The database is out of reach.
    Unavailable,
    /// Something else failed on the server.
    Internal,
    /// The server could not be reached from the browser.
    Offline,
}

/// What is wrong with a new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NewPasswordProblem {
    /// It has fewer characters than it must have.
    Short,
    /// It has more characters than it can have.
    Long,
    /// It is among those that are tried first.
    Common,
}

impl fmt::Display for NewPasswordProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => write!(
                f,
                "The new password is too short. Use at least {MIN_PASSWORD_LENGTH} characters."
            ),
            Self::Long => write!(
                f,
                "The new password is too long. Use at most {MAX_PASSWORD_LENGTH} characters."
            ),
            Self::Common => f.write_str(
                "The new password is one of the first that anybody would try. Use one that nobody \
                 else would think of, such as a few words that have nothing to do with each other.",
            ),
        }
    }
}

/// How long to wait, in words: `1 second`, `45 seconds`, `5 minutes`.
pub(crate) fn wait_in_words(seconds: u64) -> String {
    let (count, unit) = if seconds < 100 {
        (seconds.max(1), "second")
    } else {
        (seconds.div_ceil(60), "minute")
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
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
            Self::PasswordRequired => f.write_str("Confirm your password to go on."),
            Self::WrongPassword => {
                f.write_str("This is not your password. Nothing was changed. Try again.")
            }
            Self::TooManyTries(seconds) => write!(
                f,
                "Too many wrong passwords. Nothing was changed. Wait {}, then try again.",
                wait_in_words(*seconds)
            ),
            Self::TokenName(InvalidTokenName::Empty) => {
                f.write_str("The name is empty. Type a name that says what uses the token.")
            }
            Self::TokenName(InvalidTokenName::TooLong) => write!(
                f,
                "The name is too long. Use at most {} characters.",
                TokenName::MAX_LENGTH
            ),
            Self::TokenName(InvalidTokenName::Unseen) => f.write_str(
                "The name has characters that cannot be seen, such as line breaks. Remove them, or \
                 type the name anew.",
            ),
            Self::NewPassword(problem) => problem.fmt(f),
            Self::Busy => f.write_str(
                "The service has too much to do right now. Nothing was changed. Try again in a moment.",
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
    use std::time::Duration;

    use http::{StatusCode, header::RETRY_AFTER};
    use leptos::prelude::use_context;
    use leptos_axum::ResponseOptions;
    use model::token::InvalidTokenName;
    use store::StoreError;

    use super::{NewPasswordProblem, RequestError};

    impl RequestError {
        /// The status that carries this error.
        pub const fn status(&self) -> StatusCode {
            match self {
                Self::SessionEnded => StatusCode::UNAUTHORIZED,
                Self::NotAMember
                | Self::PlanRequired(_)
                | Self::PasswordRequired
                | Self::WrongPassword => StatusCode::FORBIDDEN,
                Self::TooManyTries(_) => StatusCode::TOO_MANY_REQUESTS,
                Self::NewPassword(_) | Self::TokenName(_) => StatusCode::UNPROCESSABLE_ENTITY,
                Self::NoSuchToken(_) => StatusCode::NOT_FOUND,
                Self::TokenLimitReached => StatusCode::CONFLICT,
                Self::BadRequest => StatusCode::BAD_REQUEST,
                Self::Unavailable | Self::Busy | Self::Offline => StatusCode::SERVICE_UNAVAILABLE,
                Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            }
        }

        /// Gives the answer this error's status. (Leptos would send 500 for every error.)
        pub(crate) fn set_status(&self) {
            if let Some(response) = use_context::<ResponseOptions>() {
                response.set_status(self.status());
                if let Self::TooManyTries(seconds) = self {
                    response.insert_header(RETRY_AFTER, (*seconds).into());
                }
            }
        }
    }

    /// Rounded up: whoever waits for so long has waited long enough.
    fn whole_seconds(wait: Duration) -> u64 {
        wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
    }

    impl From<InvalidTokenName> for RequestError {
        fn from(problem: InvalidTokenName) -> Self {
            Self::TokenName(problem)
        }
    }

    impl From<StoreError> for RequestError {
        fn from(error: StoreError) -> Self {
            match error {
                StoreError::NotAMember(_) | StoreError::NoSuchOrganisation(_) => Self::NotAMember,
                StoreError::PlanRequired(plan) => Self::PlanRequired(plan),
                StoreError::NoSuchToken(token) => Self::NoSuchToken(token),
                StoreError::TokenLimitReached => Self::TokenLimitReached,
                StoreError::SessionEnded => Self::SessionEnded,
                StoreError::WrongPassword => Self::WrongPassword,
                StoreError::TooManyTries(wait) => Self::TooManyTries(whole_seconds(wait)),
                StoreError::PasswordTooShort => Self::NewPassword(NewPasswordProblem::Short),
                StoreError::PasswordTooLong => Self::NewPassword(NewPasswordProblem::Long),
                StoreError::PasswordTooCommon => Self::NewPassword(NewPasswordProblem::Common),
                StoreError::Busy => Self::Busy,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_in_words_and_never_too_short() {
        for (seconds, words) in [
            (0, "1 second"),
            (1, "1 second"),
            (2, "2 seconds"),
            (99, "99 seconds"),
            (100, "2 minutes"),
            (120, "2 minutes"),
            (121, "3 minutes"),
            (300, "5 minutes"),
        ] {
            assert_eq!(wait_in_words(seconds), words);
        }
    }
}
