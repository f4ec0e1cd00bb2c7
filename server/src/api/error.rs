//! Errors of the API: what it sends for each, and what the documentation says about it.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};
use model::{
    all_variants,
    permission::{Check, Explanation, Refusal},
};
use store::{
    error::{DatabaseError, EventError, ListError},
    outage::log_failure,
};

use self::ReturnedBy::{EventEndpoints, EveryEndpoint, NoEndpoint, SomeEndpoints};
use super::{envelope, error_fields, throttle::Exceeded};

const CHALLENGE: HeaderValue =
    HeaderValue::from_static(r#"ApiKey realm="9pic", header="X-API-Key""#);
/// Seconds after which a caller may retry while the database is unavailable: about the time of a restart.
const RETRY_WHEN_UNAVAILABLE: HeaderValue = HeaderValue::from_static("5");

/// Why a call failed.
#[derive(Debug)]
pub(super) enum ApiError {
    /// The guard refused the call.
    Refused(Refusal),
    /// A rate limit is exceeded: check 6, or too many wrong keys from one address.
    RateLimited(Exceeded),
    /// Parameters or fields are invalid. The text names each and its problem.
    Invalid(String),
    /// No endpoint has this path.
    NotFound,
    /// The endpoint has other methods. The router adds `Allow`.
    MethodNotAllowed,
    /// The OpenAPI document is not served under the host of the request.
    Misdirected,
    /// The body is too large.
    BodyTooLarge,
    /// The body is not declared as JSON, compressed, or not in UTF-8. The text says what to send.
    NotJson(&'static str),
    /// The body is not valid JSON. The text says where the error is.
    Malformed(String),
    /// No photo of the event shows the bib number.
    NoSuchBib(String),
    /// The event has none of the requested photos.
    NoSuchImage,
    /// The signature of the link to a file is wrong.
    LinkInvalid,
    /// The link to a file has expired.
    LinkExpired,
    /// The link to a file is valid, but the file no longer exists.
    NoSuchFile,
    /// The store failed.
    Store(DatabaseError),
    /// A bug or failure of the server. The code that creates this error logs the cause.
    Internal,
}

/// What the API sends for an error, and what the documentation says about it.
pub(crate) struct Description {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// The code sent in `X-Error-Code`. It never changes.
    pub(crate) code: &'static str,
    /// The message for people. It reveals nothing internal.
    pub(crate) message: Cow<'static, str>,
    /// Why the API sends it. Text between backticks is code.
    pub(crate) cause: &'static str,
    /// What to do about it.
    pub(crate) remedy: &'static str,
    /// Which endpoints return it.
    pub(crate) returned_by: ReturnedBy,
}

/// Which endpoints return an error. The OpenAPI document lists it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReturnedBy {
    /// All endpoints.
    EveryEndpoint,
    /// The endpoints below an event.
    EventEndpoints,
    /// The endpoints that name its code ([`Endpoint::refusing`](super::endpoint::Endpoint::refusing)).
    SomeEndpoints,
    /// No endpoint: the error is about a path or method without an endpoint, or about a link to a file.
    NoEndpoint,
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Exceeded> for ApiError {
    fn from(exceeded: Exceeded) -> Self {
        Self::RateLimited(exceeded)
    }
}

impl From<DatabaseError> for ApiError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::NulCharacter => {
                Self::Invalid("a parameter or field contains the character U+0000".to_owned())
            }
            error => Self::Store(error),
        }
    }
}

impl From<ListError> for ApiError {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Cursor => Self::Invalid(
                "after: is not a cursor of this list. Send nextCursor unchanged, with the same address and filters, \
                 or begin again without after"
                    .to_owned(),
            ),
            ListError::LostChanges => Self::Invalid(
                "after: is from changes that this service does not have any more. Begin again without after"
                    .to_owned(),
            ),
            ListError::Database(error) => error.into(),
        }
    }
}

impl From<EventError> for ApiError {
    /// An event that is deleted after the guard's check gives the same error as one that never existed.
    fn from(error: EventError) -> Self {
        match error {
            EventError::NoSuchEvent(_) => Self::Refused(Refusal::EventMismatch),
            EventError::Database(error) => error.into(),
        }
    }
}

impl ApiError {
    /// The refusal, if one of the guard's checks failed.
    pub(super) const fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused(refusal) => Some(*refusal),
            Self::RateLimited(_) => Some(Refusal::RateLimited),
            _ => None,
        }
    }

    /// One error of each variant that is not a refusal.
    fn besides_refusals() -> impl Iterator<Item = Self> {
        all_variants![
            NotFound,
            MethodNotAllowed,
            Misdirected,
            BodyTooLarge,
            NotJson("The request body must be JSON."),
            Malformed("expected value at line 1 column 1".to_owned()),
            Invalid("page: must be a whole number from 1".to_owned()),
            NoSuchBib("1234".to_owned()),
            NoSuchImage,
            LinkInvalid,
            LinkExpired,
            NoSuchFile,
            Internal,
            Store(DatabaseError::Unavailable("away".into()));
            except Refused, RateLimited
        ]
        .into_iter()
    }

    /// What the API sends for the error, and what the documentation says about it.
    pub(super) fn describe(self) -> Description {
        match self {
            Self::Refused(refusal) => of_refusal(refusal),
            Self::RateLimited(_) => of_refusal(Refusal::RateLimited),
            Self::NotFound => Description {
                status: StatusCode::NOT_FOUND,
                code: "not_found",
                message: "There is no such endpoint. Check the path.".into(),
                cause: "No endpoint has this path.",
                remedy: "Compare the path with the API reference.",
                returned_by: NoEndpoint,
            },
            Self::MethodNotAllowed => Description {
                status: StatusCode::METHOD_NOT_ALLOWED,
                code: "method_not_allowed",
                message: "The endpoint does not support this method. The Allow header lists the supported ones.".into(),
                cause: "The endpoint does not support this method.",
                remedy: "Use one of the methods in the `Allow` header.",
                returned_by: NoEndpoint,
            },
            Self::Misdirected => Description {
                status: StatusCode::MISDIRECTED_REQUEST,
                code: "misdirected_request",
                message: "This server serves nothing under the host name of this request.".into(),
                cause: "The OpenAPI document is not served under the host name of the request.",
                remedy: "Use the address of the API.",
                returned_by: NoEndpoint,
            },
            Self::BodyTooLarge => Description {
                status: StatusCode::PAYLOAD_TOO_LARGE,
                code: "body_too_large",
                message: "The request body is larger than 64 KiB. Request fewer photos at a time.".into(),
                cause: "The request body is larger than 64 KiB.",
                remedy: "Request fewer photos at a time.",
                returned_by: SomeEndpoints,
            },
            Self::NotJson(problem) => Description {
                status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
                code: "unsupported_media_type",
                message: problem.into(),
                cause: "The request body is not declared as JSON, or it is compressed or not in UTF-8.",
                remedy: "Send plain JSON in UTF-8 with `Content-Type: application/json`, and no `Content-Encoding`.",
                returned_by: SomeEndpoints,
            },
            Self::Malformed(problem) => Description {
                status: StatusCode::BAD_REQUEST,
                code: "malformed_request",
                message: format!("The request body is not valid JSON: {problem}").into(),
                cause: "The request body is not valid JSON.",
                remedy: "Build the body with a JSON library. The message says where the error is.",
                returned_by: SomeEndpoints,
            },
            Self::Invalid(problems) => Description {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                code: "invalid_request",
                message: problems.into(),
                cause: "A parameter or field is missing, out of range or of the wrong type.",
                remedy: "The message names each field and what it must be. `X-Error-Fields` lists the fields.",
                returned_by: EveryEndpoint,
            },
            Self::NoSuchBib(bib) => Description {
                status: StatusCode::NOT_FOUND,
                code: "bib_not_found",
                message: format!("BIB number {bib} not found for this event").into(),
                cause: "No photo of the event shows this bib number.",
                remedy: "Tell your users that there are no photos yet. Some may be added later.",
                returned_by: SomeEndpoints,
            },
            Self::NoSuchImage => Description {
                status: StatusCode::BAD_REQUEST,
                code: "image_not_found",
                message: "The event has no photo with this id. Take image_id from a list of this event’s photos.".into(),
                cause: "The event has none of the requested photos.",
                remedy: "Take `image_id` from a list of this event’s photos.",
                returned_by: SomeEndpoints,
            },
            Self::LinkInvalid => Description {
                status: StatusCode::FORBIDDEN,
                code: "link_invalid",
                message: "The link is incomplete or was changed. Copy all of it, or request a new one from the API.".into(),
                cause: "The link to a file is incomplete or was changed.",
                remedy: "Use the link exactly as the API returned it.",
                returned_by: NoEndpoint,
            },
            Self::LinkExpired => Description {
                status: StatusCode::FORBIDDEN,
                code: "link_expired",
                message: "The link has expired. Request a new one from the API.".into(),
                cause: "The link to a file works for a limited time, which is over.",
                remedy: "Request a new link.",
                returned_by: NoEndpoint,
            },
            Self::NoSuchFile => Description {
                status: StatusCode::NOT_FOUND,
                code: "file_not_found",
                message: "The file is no longer in storage. Request a new link: the response says whether the original exists.".into(),
                cause: "The file was removed from storage after the link was made.",
                remedy: "Request a new link. The response says whether the original exists.",
                returned_by: NoEndpoint,
            },
            Self::Store(
                DatabaseError::Unavailable(_)
                | DatabaseError::Locked(_)
                | DatabaseError::StorageFull(_),
            ) => Description {
                status: StatusCode::SERVICE_UNAVAILABLE,
                code: "unavailable",
                message: "The service is unavailable. Try again in a moment.".into(),
                cause: "The service cannot check the token or read the data at the moment.",
                remedy: "Wait for the seconds in `Retry-After`, then try again.",
                returned_by: EveryEndpoint,
            },
            Self::Store(
                DatabaseError::OutcomeUnknown(_)
                | DatabaseError::NulCharacter
                | DatabaseError::Refused(_)
                | DatabaseError::Damaged(_)
                | DatabaseError::Corrupt(_),
            )
            | Self::Internal => Description {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                code: envelope::INTERNAL.0,
                message: envelope::INTERNAL.1.into(),
                cause: "Something failed on our side.",
                remedy: "Try again. If it persists, tell us the `X-Request-Id` of the response.",
                returned_by: EveryEndpoint,
            },
        }
    }
}

fn of_refusal(refusal: Refusal) -> Description {
    let Explanation { cause, remedy } = refusal.explanation();
    Description {
        status: match refusal {
            Refusal::TokenMissing => StatusCode::UNAUTHORIZED,
            Refusal::EventNotConfigured => StatusCode::NOT_FOUND,
            Refusal::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::FORBIDDEN,
        },
        code: refusal.code(),
        message: refusal.message().into(),
        cause,
        remedy,
        // Every endpoint asks for permission to read the organisation, those of an event also for the event.
        returned_by: match refusal.check() {
            Check::Feature => SomeEndpoints,
            Check::Event | Check::EventConfigured => EventEndpoints,
            _ => EveryEndpoint,
        },
    }
}

/// Every error that the API sends, in the order of the checks. The documentation is made from this list.
pub(crate) fn every_error() -> impl Iterator<Item = Description> {
    let refusals = Refusal::ALL.into_iter().map(of_refusal);
    refusals.chain(ApiError::besides_refusals().map(ApiError::describe))
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Store(error) = &self {
            log_failure(error, "the store failed during an API call");
        }
        let refusal = self.refusal();
        let exceeded = match &self {
            Self::RateLimited(exceeded) => Some(*exceeded),
            _ => None,
        };
        let Description {
            status,
            code,
            message,
            ..
        } = self.describe();
        let mut response = envelope::failure(status, code, &message);
        if let Some(refusal) = refusal {
            // The guard reads it to count refusals of checks 7 to 10.
            response.extensions_mut().insert(refusal);
        }
        let headers = response.headers_mut();
        if let Some(exceeded) = exceeded {
            exceeded.add_headers(headers);
        }
        match status {
            StatusCode::UNAUTHORIZED => headers.insert(WWW_AUTHENTICATE, CHALLENGE),
            StatusCode::SERVICE_UNAVAILABLE => headers.insert(RETRY_AFTER, RETRY_WHEN_UNAVAILABLE),
            StatusCode::UNPROCESSABLE_ENTITY => error_fields::value(&message)
                .and_then(|names| headers.insert(error_fields::ERROR_FIELDS, names)),
            _ => None,
        };
        response
    }
}
