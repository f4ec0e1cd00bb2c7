//! JSON in a request body.

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

/// Reads the JSON object in a body. The size is limited even if the body declares none.
///
/// # Errors
/// 415 if the content type is not JSON. 413 if the body is too large. 400 if it is not valid JSON. 422 if it
/// is JSON, but not an object.
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
        ApiError::Malformed("the body is incomplete".to_owned())
    }
}

/// Whether the content type is `application/json`, with any parameters (RFC 8259, 11).
fn is_json(headers: &HeaderMap) -> bool {
    let sent = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = sent.and_then(|sent| sent.split(';').next());
    media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}
