//! The errors that a page shows when a request fails.

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

/// Why a server function failed, with a text for the person at the page.
///
/// Internal causes, such as a message from the database, go only to the server's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestError {
    /// The user is not signed in, or the session has ended.
    SessionEnded,
    /// The user is not a member of the organisation. The organisation may not even exist.
    NotAMember,
    /// The organisation's plan does not include the Developer Zone.
    PlanRequired(Plan),
    /// The token does not exist, usually because it was deleted.
    NoSuchToken(TokenId),
    /// The organisation has the maximum number of tokens.
    TokenLimitReached,
    /// The user must confirm the password first, because the last confirmation is too old.
    PasswordRequired,
    /// The password is incorrect.
    WrongPassword,
    /// Too many wrong passwords. The server checks the next one after this many seconds.
    TooManyTries(u64),
    /// The session, the account, the network or the organisation sends too many requests. It may send one after this many
    /// seconds.
    TooManyRequests(u64),
    /// The text is not a valid token name.
    TokenName(InvalidTokenName),
    /// The new password breaks a rule.
    NewPassword(NewPasswordProblem),
    /// The server has too many requests in its queue.
    Busy,
    /// The request has missing or malformed arguments.
    BadRequest,
    /// The disk of the database is nearly full.
    StorageFull,
    /// The server cannot reach the database.
    Unavailable,
    /// Another account has signed in in this browser since the page was rendered.
    OtherAccount,
    /// The change may have been made: the database did not confirm it, or a proxy responded in the server's place.
    Unconfirmed,
    /// Another failure on the server.
    Internal,
    /// The browser could not reach the server.
    Offline,
}

impl RequestError {
    /// Whether the request needs the password, or another one than it had.
    pub(crate) const fn is_about_password(&self) -> bool {
        matches!(
            self,
            Self::PasswordRequired | Self::WrongPassword | Self::TooManyTries(_)
        )
    }
}

/// The rule that a new password breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NewPasswordProblem {
    /// It is shorter than [`MIN_PASSWORD_LENGTH`].
    Short,
    /// It is longer than [`MAX_PASSWORD_LENGTH`].
    Long,
    /// It is on the list of common passwords.
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
                "The new password is too common, and easy to guess. Use another one, such as \
                 several unrelated words.",
            ),
        }
    }
}

/// A waiting time as text: `1 second`, `45 seconds`, `5 minutes`. Rounds up.
pub(crate) fn wait_text(seconds: u64) -> String {
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
            Self::SessionEnded => {
                f.write_str("Your session has ended. Sign in again to continue.")
            }
            Self::NotAMember => f.write_str(
                "You are not a member of this organisation. Choose another one in the sidebar.",
            ),
            Self::PlanRequired(plan) => write!(
                f,
                "The Developer Zone requires the Enterprise plan. This organisation is on {}. \
                 Contact 9Pic to upgrade.",
                plan.label()
            ),
            Self::NoSuchToken(_) => {
                f.write_str("Someone else deleted this token. The list has been refreshed.")
            }
            Self::TokenLimitReached => write!(
                f,
                "You have reached the limit of {TOKEN_LIMIT} tokens. Delete an existing token to \
                 create a new one."
            ),
            Self::PasswordRequired => f.write_str("Confirm your password to continue."),
            Self::WrongPassword => {
                f.write_str("Incorrect password. Nothing was changed. Try again.")
            }
            Self::TooManyTries(seconds) => write!(
                f,
                "Too many wrong passwords. Nothing was changed. Wait {}, then try again.",
                wait_text(*seconds)
            ),
            Self::TooManyRequests(seconds) => write!(
                f,
                "Too many requests. Nothing was changed. Wait {}, then try again.",
                wait_text(*seconds)
            ),
            Self::TokenName(InvalidTokenName::Empty) => {
                f.write_str("The name is empty. Type a name that says what uses the token.")
            }
            Self::TokenName(InvalidTokenName::TooLong) => write!(
                f,
                "The name is too long. Use at most {} characters.",
                TokenName::MAX_LENGTH
            ),
            Self::TokenName(InvalidTokenName::Invisible) => f.write_str(
                "The name has invisible characters, such as line breaks. Remove them, or retype \
                 the name.",
            ),
            Self::NewPassword(problem) => problem.fmt(f),
            Self::Busy => f.write_str(
                "The service is busy. Nothing was changed. Try again in a moment.",
            ),
            Self::BadRequest => {
                f.write_str("The request could not be read. Reload the page and try again.")
            }
            Self::OtherAccount => f.write_str(
                "Another user has signed in in this browser. Nothing was changed. Reload the page to \
                 continue as that user.",
            ),
            Self::StorageFull => f.write_str(
                "Storage is full. Nothing was changed. Tell 9Pic support. You can still deactivate \
                 and delete tokens.",
            ),
            Self::Unavailable => f.write_str(
                "The service cannot reach its database right now. Nothing was changed. Try again in \
                 a moment.",
            ),
            Self::Unconfirmed => f.write_str(
                "The change may have been made, but no confirmation of it arrived. Reload the page in a \
                 moment to see.",
            ),
            Self::Internal => f.write_str(
                "Something went wrong on our side. Reload the page to see the current state, then \
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
pub(crate) use self::server::whole_seconds;

#[cfg(feature = "ssr")]
mod server {
    use std::time::Duration;

    use http::{StatusCode, header::RETRY_AFTER};
    use leptos::prelude::use_context;
    use leptos_axum::ResponseOptions;
    use model::token::InvalidTokenName;
    use store::{
        error::{
            AuditError, DatabaseError, ListError, MemberError, NewPasswordError, PasswordHashError,
            PlanRequired, SessionError, SignInError, TokenError, TooManyRecords,
        },
        outage::log_failure,
    };

    use super::{NewPasswordProblem, RequestError};

    impl RequestError {
        /// The response's status for this error.
        pub const fn status(&self) -> StatusCode {
            match self {
                Self::SessionEnded => StatusCode::UNAUTHORIZED,
                Self::NotAMember
                | Self::PlanRequired(_)
                | Self::PasswordRequired
                | Self::WrongPassword => StatusCode::FORBIDDEN,
                Self::TooManyTries(_) | Self::TooManyRequests(_) => StatusCode::TOO_MANY_REQUESTS,
                Self::NewPassword(_) | Self::TokenName(_) => StatusCode::UNPROCESSABLE_ENTITY,
                Self::NoSuchToken(_) => StatusCode::NOT_FOUND,
                Self::TokenLimitReached | Self::OtherAccount => StatusCode::CONFLICT,
                Self::BadRequest => StatusCode::BAD_REQUEST,
                Self::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
                Self::Unavailable | Self::Unconfirmed | Self::Busy | Self::Offline => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
                Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            }
        }

        /// Sets the response's status, and `Retry-After` where it applies. Leptos sends 500 for every error otherwise.
        pub(crate) fn set_status(&self) {
            if let Some(response) = use_context::<ResponseOptions>() {
                response.set_status(self.status());
                if let Self::TooManyTries(seconds) | Self::TooManyRequests(seconds) = self {
                    response.insert_header(RETRY_AFTER, (*seconds).into());
                }
            }
        }
    }

    /// The wait in seconds, rounded up: a client that waits this long is never refused as too early.
    pub(crate) fn whole_seconds(wait: Duration) -> u64 {
        wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
    }

    impl From<InvalidTokenName> for RequestError {
        fn from(problem: InvalidTokenName) -> Self {
            Self::TokenName(problem)
        }
    }

    impl From<DatabaseError> for RequestError {
        fn from(error: DatabaseError) -> Self {
            log_failure(&error, "request failed");
            match error {
                DatabaseError::Unavailable(_) | DatabaseError::Locked(_) => Self::Unavailable,
                DatabaseError::StorageFull(_) => Self::StorageFull,
                DatabaseError::OutcomeUnknown(_) => Self::Unconfirmed,
                DatabaseError::NulCharacter => Self::BadRequest,
                DatabaseError::Refused(_)
                | DatabaseError::Damaged(_)
                | DatabaseError::Corrupt(_) => Self::Internal,
            }
        }
    }

    impl From<ListError> for RequestError {
        fn from(error: ListError) -> Self {
            match error {
                ListError::Cursor | ListError::LostChanges => Self::BadRequest,
                ListError::Database(error) => error.into(),
            }
        }
    }

    impl From<TooManyRecords> for RequestError {
        fn from(TooManyRecords(wait): TooManyRecords) -> Self {
            Self::TooManyRequests(whole_seconds(wait))
        }
    }

    impl From<PlanRequired> for RequestError {
        fn from(PlanRequired(plan): PlanRequired) -> Self {
            Self::PlanRequired(plan)
        }
    }

    impl From<MemberError> for RequestError {
        fn from(error: MemberError) -> Self {
            match error {
                MemberError::NotAMember(_) => Self::NotAMember,
                MemberError::SessionEnded => Self::SessionEnded,
                MemberError::Database(error) => error.into(),
            }
        }
    }

    impl From<TokenError> for RequestError {
        fn from(error: TokenError) -> Self {
            match error {
                TokenError::NoSuchOrganisation(_) | TokenError::NotAMember(_) => Self::NotAMember,
                TokenError::SessionEnded => Self::SessionEnded,
                TokenError::PlanRequired(required) => required.into(),
                TokenError::LimitReached => Self::TokenLimitReached,
                TokenError::TooManyRecords(error) => error.into(),
                TokenError::NoSuchToken(token) => Self::NoSuchToken(token),
                TokenError::Database(error) => error.into(),
            }
        }
    }

    impl From<AuditError> for RequestError {
        fn from(error: AuditError) -> Self {
            match error {
                AuditError::NoSuchOrganisation(_) => Self::NotAMember,
                AuditError::PlanRequired(required) => required.into(),
                AuditError::Database(error) => error.into(),
            }
        }
    }

    impl From<SessionError> for RequestError {
        fn from(error: SessionError) -> Self {
            match error {
                SessionError::Ended => Self::SessionEnded,
                SessionError::Database(error) => error.into(),
            }
        }
    }

    impl From<SignInError> for RequestError {
        fn from(error: SignInError) -> Self {
            match error {
                SignInError::WrongPassword => Self::WrongPassword,
                SignInError::TooManyTries(wait) => Self::TooManyTries(whole_seconds(wait)),
                SignInError::TooManyRecords(error) => error.into(),
                SignInError::SessionEnded => Self::SessionEnded,
                SignInError::NewPassword(error) => Self::NewPassword(error.into()),
                SignInError::Hash(error) => error.into(),
                SignInError::Database(error) => error.into(),
            }
        }
    }

    impl From<PasswordHashError> for RequestError {
        fn from(error: PasswordHashError) -> Self {
            match error {
                PasswordHashError::Busy => Self::Busy,
                PasswordHashError::Failed(_) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, "request failed");
                    Self::Internal
                }
            }
        }
    }

    impl From<NewPasswordError> for NewPasswordProblem {
        fn from(error: NewPasswordError) -> Self {
            match error {
                NewPasswordError::TooShort => Self::Short,
                NewPasswordError::TooLong => Self::Long,
                NewPasswordError::TooCommon => Self::Common,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_time_is_rounded_up() {
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
            assert_eq!(wait_text(seconds), words);
        }
    }
}
