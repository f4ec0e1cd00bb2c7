//! The envelope of every response (contract, section 4): exactly three keys.

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

use super::throttle;
use crate::http::{
    headers::{NO_SNIFFING, NOTHING, OWN_ORIGIN_ONLY, RESOURCE_POLICY},
    request_id::REQUEST_ID,
};

pub(super) const ERROR_CODE: HeaderName = HeaderName::from_static("x-error-code");

/// Code and message of an error that is our fault.
pub(super) const INTERNAL: (&str, &str) = (
    "internal",
    "Something went wrong on our side. If it persists, tell us the X-Request-Id of this response.",
);

/// In bytes: enough for most errors and for empty lists.
const SMALL_BODY: usize = 256;

/// The start of a body. Message and data follow.
const SUCCESS: &str = r#"{"responseType":"success","message":"#;
const ERROR: &str = r#"{"responseType":"error","message":"#;

/// A successful response with data. A caller may keep it, if it asks each time whether it is still current.
pub(super) struct Success<T> {
    /// For people, but fixed by the contract.
    pub(super) message: Cow<'static, str>,
    pub(super) data: T,
}

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        self.with_head(&KEPT)
    }
}

/// A successful response that must not be kept: it is true only at this moment, or it holds links for its caller.
pub(super) struct Unstored<T>(pub(super) Success<T>);

impl<T: Serialize> IntoResponse for Unstored<T> {
    fn into_response(self) -> Response {
        self.0.with_head(&UNSTORED)
    }
}

impl<T: Serialize> Success<T> {
    fn with_head(self, head: &HeaderMap) -> Response {
        let body = envelope(SUCCESS, &self.message, &self.data);
        body.map(|body| response(StatusCode::OK, head, body))
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
    let mut response = response(status, &FAILED, body);
    let headers = response.headers_mut();
    headers.insert(ERROR_CODE, HeaderValue::from_static(code));
    response
}

/// `Cache-Control` of a response that only its caller may keep. With each use the caller asks whether it is current, so
/// the guard still decides each time.
pub(super) const REVALIDATED: HeaderValue = HeaderValue::from_static("private, no-cache");

/// The headers of a success that may be kept.
static KEPT: LazyLock<HeaderMap> = LazyLock::new(|| success(REVALIDATED));

/// The headers of every other success.
static UNSTORED: LazyLock<HeaderMap> = LazyLock::new(|| success(NOT_STORED));

/// The headers of an error.
static FAILED: LazyLock<HeaderMap> = LazyLock::new(|| head(NOT_STORED).into_iter().collect());

const NOT_STORED: HeaderValue = HeaderValue::from_static("no-store");

/// A value that a later step sets. A clone of a map has no room for another header: the insert would copy all headers to
/// a larger map.
const LATER: HeaderValue = HeaderValue::from_static("");

fn success(cache_control: HeaderValue) -> HeaderMap {
    let limit = throttle::HEADERS.map(|name| (name, LATER));
    head(cache_control).into_iter().chain(limit).collect()
}

/// The headers of every response. Three of them protect a browser that opens a response directly (OWASP, REST Security
/// Cheat Sheet). They are made once for each kind of response: cloning a map costs half as much as inserting each header.
fn head(cache_control: HeaderValue) -> [(HeaderName, HeaderValue); 6] {
    [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, cache_control),
        (X_CONTENT_TYPE_OPTIONS, NO_SNIFFING),
        (CONTENT_SECURITY_POLICY, NOTHING),
        (RESOURCE_POLICY, OWN_ORIGIN_ONLY),
        (REQUEST_ID, LATER),
    ]
}

fn response(status: StatusCode, head: &HeaderMap, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().clone_from(head);
    response
}

/// Writes the outer object by hand: a map would cost as much as the data of a small response.
fn envelope<T: Serialize>(begin: &str, message: &str, data: &T) -> serde_json::Result<Vec<u8>> {
    let mut body = Vec::with_capacity(SMALL_BODY);
    body.extend_from_slice(begin.as_bytes());
    serde_json::to_writer(&mut body, message)?;
    body.extend_from_slice(br#","data":"#);
    serde_json::to_writer(&mut body, data)?;
    body.push(b'}');
    Ok(body)
}
