//! The form of every answer (contract, section 4): three keys, never more, never fewer.

use std::{borrow::Cow, sync::LazyLock};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use serde::Serialize;

use crate::http::{
    headers::{NO_SNIFFING, NOTHING, OWN_ORIGIN_ONLY, RESOURCE_POLICY},
    request_id::REQUEST_ID,
};

const ERROR_CODE: HeaderName = HeaderName::from_static("x-error-code");

/// Code and message of an error that is our fault.
pub(super) const INTERNAL: (&str, &str) = (
    "internal",
    "Something went wrong on our side. If it persists, tell us the X-Request-Id of this response.",
);

/// In bytes: room for most errors, and for answers that list nothing.
const SMALL_ANSWER: usize = 256;

/// What an answer begins with; its message and its data follow.
const SUCCESS: &str = r#"{"responseType":"success","message":"#;
const ERROR: &str = r#"{"responseType":"error","message":"#;

/// An answer that gives what was asked for.
pub(super) struct Success<T> {
    /// For people; the contract names it nonetheless.
    pub(super) message: Cow<'static, str>,
    pub(super) data: T,
}

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        let body = envelope(SUCCESS, &self.message, &self.data);
        body.map(|body| response(StatusCode::OK, body))
            .unwrap_or_else(|error| {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the response cannot be written as JSON"
                );
                let (code, message) = INTERNAL;
                failure(StatusCode::INTERNAL_SERVER_ERROR, code, message)
            })
    }
}

/// An error response. Programs read `code`, which never changes; people read `message`.
pub(super) fn failure(status: StatusCode, code: &'static str, message: &str) -> Response {
    let body = envelope(ERROR, message, &()).expect("a text can be written as JSON");
    let mut response = response(status, body);
    let headers = response.headers_mut();
    headers.insert(ERROR_CODE, HeaderValue::from_static(code));
    response
}

/// The last three are for the browser in which somebody opens an answer (OWASP, REST Security Cheat Sheet).
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (CONTENT_TYPE, HeaderValue::from_static("application/json")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (X_CONTENT_TYPE_OPTIONS, NO_SNIFFING),
    (CONTENT_SECURITY_POLICY, NOTHING),
    (RESOURCE_POLICY, OWN_ORIGIN_ONLY),
    // A place for what is put in on the way out.
    (REQUEST_ID, HeaderValue::from_static("")),
];

/// [`HEADERS`], to be copied: that costs half of what putting one after the other into a head does. Roomy, or a
/// copy would be laid out anew for whatever is put into it.
static HEAD: LazyLock<HeaderMap> = LazyLock::new(|| {
    let mut head = HeaderMap::with_capacity(2 * HEADERS.len());
    head.extend(HEADERS);
    head
});

fn response(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().clone_from(&HEAD);
    response
}

/// The outer object is written out: as keys and values of a map, it would take as long as a small answer's data.
fn envelope<T: Serialize>(begin: &str, message: &str, data: &T) -> serde_json::Result<Vec<u8>> {
    let mut body = Vec::with_capacity(SMALL_ANSWER);
    body.extend_from_slice(begin.as_bytes());
    serde_json::to_writer(&mut body, message)?;
    body.extend_from_slice(br#","data":"#);
    serde_json::to_writer(&mut body, data)?;
    body.push(b'}');
    Ok(body)
}
