//! Errors of the API: status, code and message of each.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};
use model::permission::Refusal;
use store::error::{DatabaseError, EventError};

use super::{envelope, throttle::Exceeded};

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
    /// The body is too large.
    BodyTooLarge,
    /// The content type of the body is not JSON.
    NotJson,
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
        Self::Store(error)
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

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Refused(Refusal::TokenMissing) => StatusCode::UNAUTHORIZED,
            Self::Refused(Refusal::EventNotConfigured)
            | Self::NotFound
            | Self::NoSuchBib(_)
            | Self::NoSuchFile => StatusCode::NOT_FOUND,
            Self::RateLimited(_) | Self::Refused(Refusal::RateLimited) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Refused(_) | Self::LinkInvalid | Self::LinkExpired => StatusCode::FORBIDDEN,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Malformed(_) | Self::NoSuchImage => StatusCode::BAD_REQUEST,
            Self::Store(error) if error.is_unavailable() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The code sent in `X-Error-Code`. It never changes.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::RateLimited(_) => Refusal::RateLimited.code(),
            Self::Invalid(_) => "invalid_request",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BodyTooLarge => "body_too_large",
            Self::NotJson => "unsupported_media_type",
            Self::Malformed(_) => "malformed_request",
            Self::NoSuchBib(_) => "bib_not_found",
            Self::NoSuchImage => "image_not_found",
            Self::NoSuchFile => "file_not_found",
            Self::LinkInvalid => "link_invalid",
            Self::LinkExpired => "link_expired",
            Self::Store(error) if error.is_unavailable() => "unavailable",
            Self::Store(_) | Self::Internal => envelope::INTERNAL.0,
        }
    }

    /// The message for people. It reveals nothing internal.
    pub(super) fn message(&self) -> Cow<'_, str> {
        match self {
            Self::Refused(refusal) => refusal.message().into(),
            Self::RateLimited(_) => Refusal::RateLimited.message().into(),
            Self::Invalid(problems) => problems.into(),
            Self::NotFound => "There is no such endpoint. Check the path.".into(),
            Self::MethodNotAllowed => {
                "The endpoint does not support this method. The Allow header lists the supported ones."
                    .into()
            }
            Self::BodyTooLarge => {
                "The request body is larger than 64 KiB. Request fewer photos at a time.".into()
            }
            Self::NotJson => {
                "The request body must be JSON. Send it with Content-Type: application/json.".into()
            }
            Self::Malformed(problem) => format!("The request body is not valid JSON: {problem}").into(),
            Self::NoSuchBib(bib) => format!("BIB number {bib} not found for this event").into(),
            Self::LinkInvalid => {
                "The link is incomplete or was changed. Copy all of it, or request a new one from the API.".into()
            }
            Self::LinkExpired => {
                "The link has expired: links are valid for one hour. Request a new one from the API.".into()
            }
            Self::NoSuchFile => {
                "The file is no longer in storage. Request a new link: the response says whether the original exists.".into()
            }
            Self::NoSuchImage => {
                "The event has no photo with this id. Take image_id from a list of this event’s photos.".into()
            }
            Self::Store(error) if error.is_unavailable() => {
                "The service is unavailable. Try again in a moment.".into()
            }
            Self::Store(_) | Self::Internal => envelope::INTERNAL.1.into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Store(error) = &self {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "the store failed during an API call"
            );
        }
        let status = self.status();
        let mut response = envelope::failure(status, self.code(), &self.message());
        if let Some(refusal) = self.refusal() {
            // The guard reads it to count refusals of checks 7 to 10.
            response.extensions_mut().insert(refusal);
        }
        let headers = response.headers_mut();
        if let Self::RateLimited(exceeded) = &self {
            exceeded.add_headers(headers);
        }
        match status {
            StatusCode::UNAUTHORIZED => headers.insert(WWW_AUTHENTICATE, CHALLENGE),
            StatusCode::SERVICE_UNAVAILABLE => headers.insert(RETRY_AFTER, RETRY_WHEN_UNAVAILABLE),
            _ => None,
        };
        response
    }
}
