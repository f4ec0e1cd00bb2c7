//! The form of every answer (contract, section 4): three keys, never more, never fewer.

use std::borrow::Cow;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use serde::Serialize;

use super::error::ApiError;
use crate::headers::{NO_SNIFFING, NOTHING, OWN_ORIGIN_ONLY, RESOURCE_POLICY};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a, T> {
    response_type: &'static str,
    message: &'a str,
    data: T,
}

/// An answer that gives what was asked for.
pub(super) struct Success<T> {
    /// For people; the contract names it nonetheless.
    pub(super) message: Cow<'static, str>,
    pub(super) data: T,
}

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        answer(
            StatusCode::OK,
            &Envelope {
                response_type: "success",
                message: &self.message,
                data: self.data,
            },
        )
    }
}

/// An answer that says what went wrong.
pub(super) fn failure(status: StatusCode, message: &str) -> Response {
    answer(
        status,
        &Envelope {
            response_type: "error",
            message,
            data: (),
        },
    )
}

/// The last three are for the browser in which somebody opens an answer (OWASP, REST Security Cheat Sheet).
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (CONTENT_TYPE, HeaderValue::from_static("application/json")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (X_CONTENT_TYPE_OPTIONS, NO_SNIFFING),
    (CONTENT_SECURITY_POLICY, NOTHING),
    (RESOURCE_POLICY, OWN_ORIGIN_ONLY),
];

fn answer<T: Serialize>(status: StatusCode, envelope: &Envelope<'_, T>) -> Response {
    match serde_json::to_vec(envelope) {
        Ok(body) => {
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = status;
            let headers = response.headers_mut();
            // With those that are added on the way out.
            headers.reserve(HEADERS.len() + 3);
            for (name, value) in HEADERS {
                headers.insert(name, value);
            }
            response
        }
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "an answer is no JSON"
            );
            ApiError::Internal.into_response()
        }
    }
}
