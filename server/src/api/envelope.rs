//! The form of every answer (contract, section 4): three keys, never more, never fewer.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
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

fn answer<T: Serialize>(status: StatusCode, envelope: &Envelope<'_, T>) -> Response {
    match serde_json::to_vec(envelope) {
        Ok(body) => (
            status,
            [
                (CONTENT_TYPE, HeaderValue::from_static("application/json")),
                (CACHE_CONTROL, HeaderValue::from_static("no-store")),
                // For the browser in which somebody opens it (OWASP, REST Security Cheat Sheet).
                (X_CONTENT_TYPE_OPTIONS, NO_SNIFFING),
                (CONTENT_SECURITY_POLICY, NOTHING),
                (RESOURCE_POLICY, OWN_ORIGIN_ONLY),
            ],
            body,
        )
            .into_response(),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "an answer is no JSON"
            );
            ApiError::Internal.into_response()
        }
    }
}
