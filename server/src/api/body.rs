//! JSON in a request body.

use std::{collections::HashSet, error::Error, fmt};

use axum::body::{Body, HttpBody, to_bytes};
use http::{
    HeaderMap,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use http_body_util::LengthLimitError;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
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
/// 415 if the body is not declared as JSON, or if it is compressed or not in UTF-8. 413 if it is too large. 400 if it is
/// not valid JSON. 422 if it is JSON, but not an object, or if a key is repeated.
pub(super) async fn json_object(
    headers: &HeaderMap,
    body: Body,
) -> Result<Map<String, Value>, ApiError> {
    check_declared(headers).map_err(ApiError::NotJson)?;
    let body = to_bytes(body, MAX_BODY)
        .await
        .map_err(|error| unread(&error))?;
    let body = without_mark(&body).map_err(ApiError::NotJson)?;
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => match repeated_key(body) {
            Some(key) => Err(ApiError::Invalid(format!("{key}: must appear once"))),
            None => Ok(object),
        },
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

/// Checks content type and encoding. JSON is UTF-8 (RFC 8259, 8.1), so no other charset is valid; further parameters have
/// no meaning (11).
fn check_declared(headers: &HeaderMap) -> Result<(), &'static str> {
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    let mut parts = text(CONTENT_TYPE)
        .unwrap_or_default()
        .split(';')
        .map(str::trim);
    if !parts
        .next()
        .is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json"))
    {
        return Err("The request body must be JSON. Send it with Content-Type: application/json.");
    }
    let charset = parts.filter_map(|parameter| parameter.split_once('='));
    let mut charset = charset.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let is_utf8 =
        |(_, value): (&str, &str)| value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8");
    if !charset.all(is_utf8) {
        return Err(NOT_UTF8);
    }
    match text(CONTENT_ENCODING) {
        None | Some("" | "identity") => Ok(()),
        Some(_) => Err(COMPRESSED),
    }
}

const NOT_UTF8: &str = "The request body must be in UTF-8.";
const COMPRESSED: &str =
    "The request body must not be compressed. Send it without Content-Encoding.";

/// The body without the mark that some programs write before UTF-8. Recognises what is no UTF-8, or compressed, by its
/// first bytes.
fn without_mark(body: &[u8]) -> Result<&[u8], &'static str> {
    match body {
        [0xef, 0xbb, 0xbf, rest @ ..] => Ok(rest),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, ..] | [_, 0, ..] => Err(NOT_UTF8),
        [0x1f, 0x8b, ..] => Err(COMPRESSED),
        _ => Ok(body),
    }
}

/// A key that the object in this JSON has more than once. Programs differ in which of the values they use (RFC 8259, 4).
fn repeated_key(json: &[u8]) -> Option<String> {
    struct Repeated(Option<String>);

    impl<'de> Deserialize<'de> for Repeated {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Keys;

            impl<'de> Visitor<'de> for Keys {
                type Value = Repeated;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an object")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Repeated, A::Error> {
                    let (mut keys, mut repeated) = (HashSet::new(), None);
                    while let Some((key, IgnoredAny)) = map.next_entry::<String, _>()? {
                        if let Some(key) = keys.replace(key) {
                            repeated = repeated.or(Some(key));
                        }
                    }
                    Ok(Repeated(repeated))
                }
            }

            deserializer.deserialize_map(Keys)
        }
    }

    serde_json::from_slice::<Repeated>(json).ok()?.0
}
