//! Explanations of the error codes, for the documentation.

use model::permission::{Explanation, Refusal};
use store::error::DatabaseError;

use super::error::ApiError;

/// What an error code means for an integration's developer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Help {
    /// Why the API sends it.
    pub(crate) cause: &'static str,
    /// What to do about it.
    pub(crate) remedy: &'static str,
    /// Whether the same call can succeed later.
    pub(crate) retry: Retry,
}

/// Whether the same call can succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Not before something changes.
    No,
    /// After the seconds in `Retry-After`.
    AfterWait,
    /// A few times, with growing delays.
    WithBackoff,
}

/// An error code with its explanation.
pub(crate) struct ErrorCode {
    /// The code, which never changes.
    pub(crate) code: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The explanation.
    pub(crate) help: Help,
}

/// Every code that the API sends, in the order of the checks.
pub(crate) fn error_codes() -> impl Iterator<Item = ErrorCode> {
    ApiError::every().map(|error| ErrorCode {
        code: error.code(),
        status: error.status().as_u16(),
        help: error.help(),
    })
}

impl ApiError {
    /// One error of each kind.
    pub(super) fn every() -> impl Iterator<Item = Self> {
        let others = [
            Self::NotFound,
            Self::MethodNotAllowed,
            Self::BodyTooLarge,
            Self::NotJson,
            Self::Malformed("expected value at line 1 column 1".to_owned()),
            Self::Invalid("page: must be a whole number from 1".to_owned()),
            Self::NoSuchBib("1234".to_owned()),
            Self::NoSuchImage,
            Self::LinkInvalid,
            Self::LinkExpired,
            Self::NoSuchFile,
            Self::Internal,
            Self::Store(DatabaseError::Unavailable("away".into())),
        ];
        Refusal::ALL.into_iter().map(Self::Refused).chain(others)
    }

    /// The explanation for the documentation.
    pub(super) fn help(&self) -> Help {
        let (cause, remedy, retry) = match self {
            Self::Refused(refusal) => return of_refusal(*refusal),
            Self::RateLimited(_) => return of_refusal(Refusal::RateLimited),
            Self::NotFound => (
                "No endpoint has this path.",
                "Compare the path with the API reference.",
                Retry::No,
            ),
            Self::MethodNotAllowed => (
                "The endpoint does not support this method.",
                "Use one of the methods in the `Allow` header.",
                Retry::No,
            ),
            Self::BodyTooLarge => (
                "The request body is larger than 64 KiB.",
                "Request fewer photos at a time.",
                Retry::No,
            ),
            Self::NotJson => (
                "The request body is not declared as JSON.",
                "Send `Content-Type: application/json`.",
                Retry::No,
            ),
            Self::Malformed(_) => (
                "The request body is not valid JSON.",
                "Build the body with a JSON library. The message says where the error is.",
                Retry::No,
            ),
            Self::Invalid(_) => (
                "A parameter or field is missing, out of range or of the wrong type.",
                "The message names each field and what it must be.",
                Retry::No,
            ),
            Self::NoSuchBib(_) => (
                "No photo of the event shows this bib number.",
                "Tell your users that there are no photos yet. Some may be added later.",
                Retry::No,
            ),
            Self::NoSuchImage => (
                "The event has none of the requested photos.",
                "Take `image_id` from a list of this event’s photos.",
                Retry::No,
            ),
            Self::LinkInvalid => (
                "The link to a file is incomplete or was changed.",
                "Use the link exactly as the API returned it.",
                Retry::No,
            ),
            Self::LinkExpired => (
                "The link to a file is older than one hour.",
                "Request a new link.",
                Retry::No,
            ),
            Self::NoSuchFile => (
                "The file was removed from storage after the link was made.",
                "Request a new link. The response says whether the original exists.",
                Retry::No,
            ),
            Self::Store(error) if error.is_unavailable() => (
                "The service cannot check the token or read the data at the moment.",
                "Wait for the seconds in `Retry-After`, then try again.",
                Retry::AfterWait,
            ),
            Self::Store(_) | Self::Internal => (
                "Something failed on our side.",
                "Try again. If it persists, tell us the `X-Request-Id` of the response.",
                Retry::WithBackoff,
            ),
        };
        Help {
            cause,
            remedy,
            retry,
        }
    }
}

fn of_refusal(refusal: Refusal) -> Help {
    let Explanation { cause, remedy } = refusal.explanation();
    Help {
        cause,
        remedy,
        retry: match refusal {
            Refusal::RateLimited => Retry::AfterWait,
            _ => Retry::No,
        },
    }
}

impl Retry {
    /// As the documentation writes it.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::No => "No",
            Self::AfterWait => "After `Retry-After`",
            Self::WithBackoff => "Yes, with growing delays",
        }
    }
}
