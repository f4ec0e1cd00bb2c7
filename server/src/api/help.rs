//! The errors, explained: what the documentation says of each code.

use model::permission::{Explanation, Refusal};
use store::error::DatabaseError;

use super::error::ApiError;

/// What an error code means to the developer of an integration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Help {
    /// Why it is sent.
    pub(crate) cause: &'static str,
    /// What to do about it.
    pub(crate) remedy: &'static str,
    /// Whether the same call can succeed later.
    pub(crate) retry: Retry,
}

/// Whether the same call can succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Not until something was changed.
    No,
    /// After as many seconds as `Retry-After` says.
    AfterWait,
    /// A few times, with growing pauses.
    WithBackoff,
}

/// An error code with all that the documentation says of it.
pub(crate) struct ErrorCode {
    /// The stable name.
    pub(crate) code: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What it means.
    pub(crate) help: Help,
}

/// Every code that the API sends, in the order in which the guard and then the endpoints look.
pub(crate) fn error_codes() -> impl Iterator<Item = ErrorCode> {
    ApiError::every().map(|error| ErrorCode {
        code: error.code(),
        status: error.status().as_u16(),
        help: error.help(),
    })
}

impl ApiError {
    /// One of each, to be described.
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

    /// What the documentation says of it.
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
                "The endpoint does not take this method.",
                "Use one of the methods in the `Allow` header.",
                Retry::No,
            ),
            Self::BodyTooLarge => (
                "The request body is larger than 64 KiB.",
                "Ask for fewer photos at a time.",
                Retry::No,
            ),
            Self::NotJson => (
                "The request body is not declared as JSON.",
                "Send `Content-Type: application/json`.",
                Retry::No,
            ),
            Self::Malformed(_) => (
                "The request body is not valid JSON.",
                "Build the body with a JSON library; the message says where reading stopped.",
                Retry::No,
            ),
            Self::Invalid(_) => (
                "A parameter or field is missing, out of range or of the wrong type.",
                "The message names each field and what it must be.",
                Retry::No,
            ),
            Self::NoSuchBib(_) => (
                "No photo of the event carries this bib number.",
                "Show that there are no photos; some may be added later.",
                Retry::No,
            ),
            Self::NoSuchImage => (
                "The event has none of the photos that were named.",
                "Take `image_id` from a list of this event’s photos.",
                Retry::No,
            ),
            Self::LinkInvalid => (
                "The link to a file was changed or cut off.",
                "Follow the link exactly as the API gave it.",
                Retry::No,
            ),
            Self::LinkExpired => (
                "The link to a file is older than one hour.",
                "Ask for a new link.",
                Retry::No,
            ),
            Self::NoSuchFile => (
                "The file was taken out of storage after its link was made.",
                "Ask for a new link: the answer says whether the original is there.",
                Retry::No,
            ),
            Self::Store(error) if error.is_unavailable() => (
                "The service cannot check the token or read the data at the moment.",
                "Wait as long as `Retry-After` says, then try again.",
                Retry::AfterWait,
            ),
            Self::Store(_) | Self::Internal => (
                "Something failed on our side.",
                "Try again; if it persists, tell us the `X-Request-Id` of the answer.",
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
    /// As the documentation says it.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::No => "No",
            Self::AfterWait => "After `Retry-After`",
            Self::WithBackoff => "Yes, with growing pauses",
        }
    }
}
