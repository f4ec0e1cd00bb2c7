//! The error responses of the OpenAPI document. Endpoints with the same errors share one response.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::api::{
    endpoint::{envelope, reference},
    error::{Description, ReturnedBy, every_error},
};

/// The header that every response has.
const REQUEST_ID: &str = "X-Request-Id";

/// The header of responses that callers may keep.
pub(super) const ETAG: &str = "ETag";

/// The headers about the rate limit. A server without one sends none.
const LIMIT: [&str; 2] = ["RateLimit-Policy", "RateLimit"];

/// An error response.
pub(super) struct Failure {
    pub(super) status: StatusCode,
    /// Its name in the document. Two responses have the same name only if they have the same codes.
    pub(super) name: String,
    pub(super) response: Value,
}

/// The responses of the errors that an endpoint returns, by status.
pub(super) fn responses(returns: impl Fn(&Description) -> bool) -> Vec<Failure> {
    let mut by_status: BTreeMap<StatusCode, Vec<Description>> = BTreeMap::new();
    for error in every_error().filter(returns) {
        by_status.entry(error.status).or_default().push(error);
    }
    by_status
        .into_iter()
        .map(|(status, errors)| Failure {
            status,
            name: name(status, &errors),
            response: response(status, &errors),
        })
        .collect()
}

/// The name of the status, with `Event` if it has errors of the endpoints below an event, and the codes that only some
/// endpoints return: `EventForbiddenOrFeatureDisabled`.
fn name(status: StatusCode, errors: &[Description]) -> String {
    let has = |group| errors.iter().any(|error| error.returned_by == group);
    let of_some = errors
        .iter()
        .filter(|error| error.returned_by == ReturnedBy::SomeEndpoints)
        .map(|error| joined(error.code.split('_')));
    let of_all = match (
        has(ReturnedBy::EventEndpoints),
        has(ReturnedBy::EveryEndpoint),
    ) {
        (true, _) => Some("Event"),
        (false, true) => Some(""),
        (false, false) => None,
    };
    let reason = status.canonical_reason().unwrap_or_default();
    let of_all = of_all.map(|group| group.to_owned() + &joined(reason.split(' ')));
    let parts: Vec<_> = of_all.into_iter().chain(of_some).collect();
    parts.join("Or")
}

/// The words in one, each with a capital.
fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.fold(String::new(), |mut name, word| {
        let (first, rest) = word.split_at(word.len().min(1));
        name.push_str(&first.to_uppercase());
        name.push_str(rest);
        name
    })
}

fn response(status: StatusCode, errors: &[Description]) -> Value {
    let meanings: Vec<_> = errors
        .iter()
        .map(|error| format!("`{}`: {}", error.code, error.cause))
        .collect();
    let codes: Vec<_> = errors.iter().map(|error| error.code).collect();
    let examples: Map<_, _> = codes
        .iter()
        .map(|code| {
            let example = json!({ "$ref": format!("#/components/examples/{code}") });
            ((*code).to_owned(), example)
        })
        .collect();
    let mut headers = json!({
        "X-Error-Code": {
            "description": "The error code. It never changes.",
            "required": true,
            "schema": { "allOf": [reference("ErrorCode"), { "enum": codes }] },
        },
    });
    let further: &[_] = match status {
        StatusCode::UNAUTHORIZED => &["WWW-Authenticate"],
        StatusCode::TOO_MANY_REQUESTS => &["Retry-After", LIMIT[0], LIMIT[1]],
        StatusCode::UNPROCESSABLE_ENTITY => &["X-Error-Fields"],
        StatusCode::SERVICE_UNAVAILABLE => &["Retry-After"],
        _ => &[],
    };
    for name in [REQUEST_ID, "Link"].iter().chain(further) {
        headers[*name] = header(name);
    }
    json!({
        "description": meanings.join("\n\n"),
        "x-error-codes": codes,
        "headers": headers,
        "content": {
            "application/json": { "schema": reference("ErrorResponse"), "examples": examples },
        },
    })
}

/// The headers of each response without an error.
pub(super) fn success_headers() -> Value {
    let names = [REQUEST_ID].into_iter().chain(LIMIT);
    names.map(|name| (name.to_owned(), header(name))).collect()
}

/// The response to a caller that has the current one.
pub(super) fn not_modified() -> Value {
    json!({
        "description": "The response that `If-None-Match` names is still current.",
        "headers": { REQUEST_ID: header(REQUEST_ID), ETAG: header(ETAG) },
    })
}

/// A reference to a header of [`headers`].
pub(super) fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// The headers that several responses have.
pub(super) fn headers() -> Value {
    let header = |description: &str, schema: Value| json!({ "description": description, "required": true, "schema": schema });
    let text = || json!({ "type": "string" });
    let optional = |description: &str| json!({ "description": description, "schema": text() });
    json!({
        REQUEST_ID: header(
            "The request’s id: the one that the caller sent, or a generated one.",
            json!({ "type": "string", "minLength": 1, "maxLength": 64 }),
        ),
        "Retry-After": header(
            "Seconds to wait before retrying.",
            json!({ "type": "integer", "format": "int32", "minimum": 1 }),
        ),
        LIMIT[0]: optional("The limit: how many calls (`q`) in how many seconds (`w`)."),
        LIMIT[1]: optional(
            "How many calls are left (`r`), and after how many seconds one more is allowed (`t`).",
        ),
        ETAG: header("Identifies this response. Send it in `If-None-Match`.", text()),
        "Link": header("The explanation of the error, with `rel=\"help\"` (RFC 8288).", text()),
        "X-Error-Fields": optional(
            "The invalid parameters or fields, as a list of strings (RFC 9651): at most 20.",
        ),
        "WWW-Authenticate": header("How to authenticate.", text()),
    })
}

/// The body of every error, and all codes.
pub(super) fn schemas() -> [(String, Value); 2] {
    let codes: Vec<_> = every_error().map(|error| error.code).collect();
    let code = json!({
        "type": "string",
        "enum": codes,
        "description": "What went wrong, in the header `X-Error-Code`. New causes get new codes: handle an unknown one \
                        by its status.",
    });
    // `const`, because generators cannot read the type `null`.
    let mut error = envelope("error", &json!({ "const": null }));
    error["description"] =
        json!("What every error has as its body. Its code is in the header `X-Error-Code`.");
    [
        ("ErrorResponse".to_owned(), error),
        ("ErrorCode".to_owned(), code),
    ]
}

/// An example of each error that endpoints return, by code.
pub(super) fn examples() -> Map<String, Value> {
    every_error()
        .filter(|error| error.returned_by != ReturnedBy::NoEndpoint)
        .map(|error| {
            let Description { code, message, .. } = error;
            let response = json!({ "responseType": "error", "message": message, "data": null });
            (code.to_owned(), json!({ "value": response }))
        })
        .collect()
}
