//! JSON that a caller sends.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, rejection::BytesRejection};
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use serde_json::{Map, Value};

use super::{Api, error::ApiError};

/// The object that the body holds.
pub(super) struct JsonObject(pub(super) Map<String, Value>);

impl FromRequest<Api> for JsonObject {
    type Rejection = ApiError;

    /// # Errors
    /// 415 where the content type is not JSON, 413 where the body is too large, 400 where it is no JSON, 422
    /// where it is JSON and no object.
    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::NotJson);
        }
        let body = Bytes::from_request(request, api)
            .await
            .map_err(|rejection| unread(&rejection))?;
        match serde_json::from_slice(&body) {
            Ok(Value::Object(object)) => Ok(Self(object)),
            Ok(_) => Err(ApiError::Invalid("body: must be a JSON object".to_owned())),
            Err(error) => Err(ApiError::Malformed(error.to_string())),
        }
    }
}

fn unread(rejection: &BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
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
