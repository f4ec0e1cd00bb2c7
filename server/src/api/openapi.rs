//! The OpenAPI document. It is generated from the router's list of routes, the response types and the errors, so it
//! always matches the server.
//!
//! This file adds what all endpoints share: envelope, key, ids, errors of the guard. Each endpoint's own file adds the
//! rest ([`super::endpoint`]).

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, header::ACCESS_CONTROL_ALLOW_ORIGIN};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tower::util::MapResponseLayer;

use super::{
    endpoint::{Endpoint, parameter, parsed, reference},
    error::{ApiError, Description, ReturnedBy, every_error},
    help::HelpLinks,
    routes::{ROUTES, Route},
};
use crate::http::{
    headers::{ANY_ORIGIN, RESOURCE_POLICY},
    hosts::Hosts,
    request_id,
    served::Served,
};

/// The path of the document.
pub(crate) const PATH: &str = "/api/v1/openapi.json";

/// The origin in the example files. The server's own origin replaces it.
const EXAMPLE_ORIGIN: &str = "https://api.9pic.ai";

/// The document of an API under `origin`.
pub(crate) fn document(origin: &str) -> Value {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for route in &ROUTES {
        let Some(describe) = route.document else {
            continue;
        };
        let endpoint = describe();
        for (name, schema) in &endpoint.data.1 {
            schemas.insert(name.clone(), to_value(schema));
        }
        let method = route.method.as_str().to_ascii_lowercase();
        paths.insert(
            route.path.to_owned(),
            json!({ method: operation(route, endpoint, origin) }),
        );
    }
    schemas.insert("Error".to_owned(), error_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "9Pic external API",
            "version": "1",
            "description": "Read access to an organisation’s events and photos with an API token.",
        },
        "servers": [{ "url": origin }],
        "security": [{ "ApiKey": [] }, { "Bearer": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "ApiKey": {
                    "type": "apiKey", "in": "header", "name": "X-API-Key",
                    "description": "An API token of the Developer Zone.",
                },
                "Bearer": {
                    "type": "http", "scheme": "bearer",
                    "description": "The same token. It is used only if there is no X-API-Key.",
                },
            },
        },
    })
}

fn operation(route: &Route, endpoint: Endpoint, origin: &str) -> Value {
    let mut parameters = path_ids(route.path);
    parameters.extend(endpoint.parameters);
    let is_of_event = route.path.contains("{event_id}");
    let mut responses = refusals(|error| match error.returned_by {
        ReturnedBy::EveryEndpoint => true,
        ReturnedBy::EventEndpoints => is_of_event,
        ReturnedBy::SomeEndpoints => endpoint.codes.contains(&error.code),
        ReturnedBy::NoEndpoint => false,
    });
    let success = json!({
        "schema": success_schema(&endpoint.data.0),
        "example": parsed(&endpoint.example.replace(EXAMPLE_ORIGIN, origin)),
    });
    let mut headers = json!({ "X-Request-Id": request_id_header() });
    add_limit_headers(&mut headers, false);
    if is_kept(route) {
        headers["ETag"] = etag_header();
        responses.insert("304".to_owned(), not_modified());
    }
    let success = json!({
        "description": "The requested data.",
        "headers": headers,
        "content": { "application/json": success },
    });
    responses.insert("200".to_owned(), success);
    let example_address = example_address(route.path, &parameters);
    let mut operation = json!({
        "operationId": endpoint.operation_id,
        "summary": endpoint.summary,
        "description": endpoint.description,
        "parameters": parameters,
        "responses": responses,
        // The address of the example's request, for the reference and for a test.
        "x-example-address": example_address,
    });
    if let Some(body) = endpoint.body {
        operation["requestBody"] = body;
    }
    operation
}

/// The ids in the path.
fn path_ids(path: &str) -> Vec<Value> {
    let ids = [
        (
            "org_id",
            "The organisation’s number, as shown in the dashboard.",
            903,
        ),
        (
            "event_id",
            "The event’s number, as in the list of events.",
            456,
        ),
    ];
    let number = json!({ "type": "integer", "format": "int64", "minimum": 0, "maximum": i64::MAX });
    ids.into_iter()
        .filter(|(name, ..)| path.contains(&format!("{{{name}}}")))
        .map(|(name, description, example)| {
            parameter("path", name, description, number.clone(), json!(example))
        })
        .collect()
}

/// The path with example values: those of required parameters, and a short page.
fn example_address(path: &str, parameters: &[Value]) -> String {
    let mut address = path.to_owned();
    let mut separator = '?';
    for parameter in parameters {
        let name = parameter["name"].as_str().unwrap_or_default();
        let value = match &parameter["example"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if parameter["in"] == "path" {
            address = address.replace(&format!("{{{name}}}"), &value);
        } else if parameter["required"] == true || name == "page_size" {
            address.extend([separator.to_string(), format!("{name}={value}")]);
            separator = '&';
        }
    }
    address
}

/// The responses of the errors that the endpoint returns, by status.
fn refusals(returns: impl Fn(&Description) -> bool) -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<Description>> = BTreeMap::new();
    for error in every_error().filter(returns) {
        by_status
            .entry(error.status.as_u16())
            .or_default()
            .push(error);
    }
    by_status
        .into_iter()
        .map(|(status, errors)| (status.to_string(), refusal(status, &errors)))
        .collect()
}

fn refusal(status: u16, errors: &[Description]) -> Value {
    let meanings: Vec<_> = errors
        .iter()
        .map(|error| format!("`{}`: {}", error.code, error.cause))
        .collect();
    let codes: Vec<_> = errors.iter().map(|error| error.code).collect();
    let examples: Map<_, _> = errors
        .iter()
        .map(|error| {
            let response =
                json!({ "responseType": "error", "message": error.message, "data": null });
            (error.code.to_owned(), json!({ "value": response }))
        })
        .collect();
    let text = json!({ "type": "string" });
    let mut headers = json!({
        "X-Error-Code": {
            "description": "The error code. It never changes.",
            "required": true,
            "schema": { "type": "string", "enum": codes },
        },
        "X-Request-Id": request_id_header(),
        "Link": {
            "description": "The explanation of the error, with `rel=\"help\"` (RFC 8288).",
            "required": true,
            "schema": text,
        },
    });
    let wait = json!({
        "description": "Seconds to wait before retrying.",
        "required": true,
        "schema": { "type": "integer", "minimum": 1 },
    });
    match status {
        401 => {
            headers["WWW-Authenticate"] =
                json!({ "description": "How to authenticate.", "required": true, "schema": text });
        }
        429 => {
            headers["Retry-After"] = wait;
            add_limit_headers(&mut headers, true);
        }
        422 => {
            headers["X-Error-Fields"] = json!({
                "description": "The invalid parameters or fields, as a list of strings (RFC 9651): at most 20.",
                "schema": text,
            });
        }
        503 => headers["Retry-After"] = wait,
        _ => {}
    }
    json!({
        "description": meanings.join("\n\n"),
        "x-error-codes": codes,
        "headers": headers,
        "content": {
            "application/json": { "schema": reference("Error"), "examples": examples },
        },
    })
}

/// The headers about the rate limit. A server without one sends none.
fn add_limit_headers(headers: &mut Value, required: bool) {
    for (name, description) in [
        (
            "RateLimit-Policy",
            "The limit: how many calls (`q`) in how many seconds (`w`).",
        ),
        (
            "RateLimit",
            "How many calls are left (`r`), and after how many seconds one more is allowed (`t`).",
        ),
    ] {
        let schema = json!({ "type": "string" });
        headers[name] =
            json!({ "description": description, "required": required, "schema": schema });
    }
}

/// Whether callers may keep the endpoint's responses: those with data, but not a ping, and no links. A test compares this
/// with the responses.
fn is_kept(route: &Route) -> bool {
    route.method == Method::GET && !route.path.ends_with("/ping")
}

fn etag_header() -> Value {
    json!({
        "description": "Identifies this response. Send it in `If-None-Match`.",
        "required": true,
        "schema": { "type": "string" },
    })
}

fn not_modified() -> Value {
    json!({
        "description": "The response that `If-None-Match` names is still current.",
        "headers": { "X-Request-Id": request_id_header(), "ETag": etag_header() },
    })
}

fn request_id_header() -> Value {
    json!({
        "description": "The request’s id: the one that the caller sent, or a generated one.",
        "required": true,
        "schema": { "type": "string", "minLength": 1, "maxLength": 64 },
    })
}

fn success_schema(data: &Value) -> Value {
    envelope_schema("success", data)
}

fn error_schema() -> Value {
    envelope_schema("error", &json!({ "type": "null" }))
}

/// The three keys of every response (contract, section 4).
fn envelope_schema(kind: &str, data: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["responseType", "message", "data"],
        "additionalProperties": false,
        "properties": {
            "responseType": { "type": "string", "const": kind },
            "message": { "type": "string", "description": "For people; may change at any time." },
            "data": data,
        },
    })
}

fn to_value(schema: &impl Serialize) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

/// Serves the document under `hosts`. It is public, so pages of other origins may load it too. Errors look like those
/// of the endpoints.
pub(crate) fn router(origin: &str, hosts: Hosts, help: Arc<HelpLinks>) -> Router {
    let headers = [
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (RESOURCE_POLICY, ANY_ORIGIN),
    ];
    let document = Served::new("application/json", document(origin).to_string(), headers);
    let router = Router::new()
        .route(PATH, document.route())
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(from_fn_with_state(hosts, only_under))
        .layer(MapResponseLayer::new(move |response| help.add(response)));
    request_id::identify(router)
}

async fn only_under(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    match hosts.include(&request) {
        true => next.run(request).await,
        false => ApiError::Misdirected.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_endpoints_name_exactly_the_errors_that_only_some_endpoints_return() {
        let documents = ROUTES.iter().filter_map(|route| route.document);
        let named: BTreeSet<_> = documents.flat_map(|describe| describe().codes).collect();
        let of_some: BTreeSet<_> = every_error()
            .filter(|error| error.returned_by == ReturnedBy::SomeEndpoints)
            .map(|error| error.code)
            .collect();
        assert_eq!(named, of_some);
    }
}
