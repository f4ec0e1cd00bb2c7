//! JSON that a caller sends.

use std::error::Error;

use axum::body::{Body, HttpBody, to_bytes};
use http::{HeaderMap, header::CONTENT_TYPE};
use http_body_util::LengthLimitError;
use serde_json::{Map, Value};

use super::error::ApiError;

/// The maximum size of a request body, in bytes (contract, section 6).
const MAX_BODY: usize = 64 * 1024;

/// Whether the body declares a size that is too large.
pub(super) fn is_too_large(body: &Body) -> bool {
    body.size_hint().lower() > MAX_BODY as u64
}

/// The object that a body holds. One that does not say how large it is, is cut off while it is read.
///
/// # Errors
/// 415 where the content type is not JSON, 413 where the body is too large, 400 where it is no JSON, 422
/// where it is JSON and no object.
pub(super) async fn json_object(
    headers: &HeaderMap,
    body: Body,
) -> Result<Map<String, Value>, ApiError> {
    if !is_json(headers) {
        return Err(ApiError::NotJson);
    }
    let body = to_bytes(body, MAX_BODY)
        .await
        .map_err(|error| unread(&error))?;
    match serde_json::from_slice(&body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ApiError::Invalid("body: must be a JSON object".to_owned())),
        Err(error) => Err(ApiError::Malformed(error.to_string())),
    }
}

fn unread(error: &axum::Error) -> ApiError {
    if error
        .source()
        .is_some_and(<dyn Error>::is::<LengthLimitError>)
    {
        ApiError::BodyTooLarge
    } else {
        ApiError::Malformed("it broke off".to_owned())
    }
}

/// `application/json`, whatever its parameters (RFC 8259, 11).
fn is_json(headers: &HeaderMap) -> bool {
    let sent = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = sent.and_then(|sent| sent.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
