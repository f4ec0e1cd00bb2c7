//! The OpenAPI document. It is generated from the router's list of routes, the response types and the errors, so it
//! always matches the server.
//!
//! This file adds what all endpoints share: envelope, key, ids, errors of the guard. Each endpoint's own file adds the
//! rest ([`super::endpoint`]).

mod failures;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, header::ACCESS_CONTROL_ALLOW_ORIGIN};
use serde_json::{Map, Value, json};
use tower::util::MapResponseLayer;

use super::{
    endpoint::{Endpoint, Tag, parameter, parsed, reference},
    error::{ApiError, ReturnedBy},
    help::HelpLinks,
    routes::{ROUTES, Route},
};
use crate::{
    config::ContactUrl,
    http::{
        headers::{ANY_ORIGIN, RESOURCE_POLICY},
        hosts::Hosts,
        request_id,
        served::Served,
    },
};

/// The path of the document.
pub(crate) const PATH: &str = "/api/v1/openapi.json";

/// The origin in the example files. The server's own origin replaces it.
const EXAMPLE_ORIGIN: &str = "https://api.9pic.ai";

/// The largest number of an organisation or event in a path: 15 digits (contract, section 1).
const MAX_ID: i64 = 999_999_999_999_999;

/// The parameters that several endpoints share. Each is in the document once.
const SHARED_PARAMETERS: [&str; 3] = ["org_id", "event_id", "page"];

/// The document of an API under `origin`, whose operator is reached at `contact`.
pub(crate) fn document(origin: &str, contact: &ContactUrl) -> Value {
    let mut paths = Map::new();
    let mut shared = Shared::default();
    for route in &ROUTES {
        let Some(describe) = route.document else {
            continue;
        };
        let method = route.method.as_str().to_ascii_lowercase();
        let operation = operation(route, describe(), origin, &mut shared);
        paths.insert(route.path.to_owned(), json!({ method: operation }));
    }
    shared.schemas.extend(failures::schemas());
    json!({
        "openapi": "3.1.0",
        "info": info(contact),
        "servers": [{ "url": origin }],
        "security": [{ "ApiKey": [] }, { "Bearer": [] }],
        "tags": Tag::ALL.map(|tag| json!({ "name": tag.name(), "description": tag.description() })),
        "paths": paths,
        "components": {
            "schemas": shared.schemas,
            "parameters": shared.parameters,
            "responses": shared.responses,
            "headers": failures::headers(),
            "examples": failures::examples(),
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

fn info(contact: &ContactUrl) -> Value {
    let mut support = json!({ "name": "9Pic support" });
    match contact.as_str().strip_prefix("mailto:") {
        // What follows a question mark is for mail programs.
        Some(address) => support["email"] = json!(address.split('?').next()),
        None => support["url"] = json!(contact.as_str()),
    }
    json!({
        // Generators make the name of a package from the title, and a name in a program cannot start with a digit.
        "title": "The 9Pic API",
        "version": "1",
        "summary": "An organisation’s events and photos, for its own programs.",
        "description": "Read access to an organisation’s events and photos with an API token.",
        "contact": support,
        "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
    })
}

/// What several operations refer to.
#[derive(Default)]
struct Shared {
    schemas: Map<String, Value>,
    parameters: Map<String, Value>,
    responses: Map<String, Value>,
}

impl Shared {
    /// The parameter, or a reference to it.
    fn parameter(&mut self, parameter: Value) -> Value {
        let name = parameter["name"].as_str().unwrap_or_default();
        if !SHARED_PARAMETERS.contains(&name) {
            return parameter;
        }
        let reference = json!({ "$ref": format!("#/components/parameters/{name}") });
        self.parameters.insert(name.to_owned(), parameter);
        reference
    }

    /// A reference to the response.
    fn response(&mut self, name: String, response: Value) -> Value {
        let reference = json!({ "$ref": format!("#/components/responses/{name}") });
        self.responses.insert(name, response);
        reference
    }
}

fn operation(route: &Route, endpoint: Endpoint, origin: &str, shared: &mut Shared) -> Value {
    let mut parameters = path_ids(route.path);
    parameters.extend(endpoint.parameters);
    let example_address = example_address(route.path, &parameters);
    let parameters: Vec<_> = parameters
        .into_iter()
        .map(|parameter| shared.parameter(parameter))
        .collect();
    shared.schemas.extend(endpoint.schemas);
    let is_of_event = route.path.contains("{event_id}");
    let failures = failures::responses(|error| match error.returned_by {
        ReturnedBy::EveryEndpoint => true,
        ReturnedBy::EventEndpoints => is_of_event,
        ReturnedBy::SomeEndpoints => endpoint.codes.contains(&error.code),
        ReturnedBy::NoEndpoint => false,
    });
    let success = json!({
        "schema": reference(endpoint.response),
        "example": parsed(&endpoint.example.replace(EXAMPLE_ORIGIN, origin)),
    });
    let mut headers = failures::success_headers();
    let mut responses = Map::new();
    if is_kept(route) {
        headers[failures::ETAG] = failures::header(failures::ETAG);
        let not_modified = shared.response("NotModified".to_owned(), failures::not_modified());
        responses.insert("304".to_owned(), not_modified);
    }
    let success = json!({
        "description": "The requested data.",
        "headers": headers,
        "content": { "application/json": success },
    });
    responses.insert("200".to_owned(), success);
    for failure in failures {
        let status = failure.status.as_str().to_owned();
        responses.insert(status, shared.response(failure.name, failure.response));
    }
    let mut operation = json!({
        "operationId": endpoint.operation_id,
        "tags": [endpoint.tag.name()],
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
            "The organisation’s ID, as shown in the dashboard.",
            903,
        ),
        ("event_id", "The event’s ID, as in the list of events.", 456),
    ];
    let number = json!({ "type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_ID });
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

/// Whether callers may keep the endpoint's responses: those with data, but not a ping, and no links. A test compares this
/// with the responses.
fn is_kept(route: &Route) -> bool {
    route.method == Method::GET && !route.path.ends_with("/ping")
}

/// Serves the document under `hosts`. It is public, so pages of other origins may load it too. Errors look like those
/// of the endpoints.
pub(crate) fn router(document: &Value, hosts: Hosts, help: Arc<HelpLinks>) -> Router {
    let headers = [
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
        (RESOURCE_POLICY, ANY_ORIGIN),
    ];
    let document = Served::new("application/json", document.to_string(), headers);
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
    use crate::api::error::every_error;

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

    #[test]
    fn operations_that_share_a_parameter_or_a_schema_agree_on_it() {
        let mut schemas = Map::new();
        let mut parameters = Map::new();
        for endpoint in ROUTES.iter().filter_map(|route| route.document) {
            let endpoint = endpoint();
            for (name, schema) in endpoint.schemas {
                let known = schemas.entry(name).or_insert_with(|| schema.clone());
                assert_eq!(*known, schema);
            }
            for parameter in endpoint.parameters {
                let name = parameter["name"].as_str().expect("a name").to_owned();
                if SHARED_PARAMETERS.contains(&name.as_str()) {
                    let known = parameters.entry(name).or_insert_with(|| parameter.clone());
                    assert_eq!(*known, parameter);
                }
            }
        }
    }

    #[test]
    fn the_contact_is_a_web_page_or_a_mail_address() {
        let contact = |link: &str| info(&link.parse().expect("a link"))["contact"].clone();
        assert_eq!(
            contact("https://9pic.ai/contact"),
            json!({ "name": "9Pic support", "url": "https://9pic.ai/contact" })
        );
        assert_eq!(
            contact("mailto:help@example.com?subject=API"),
            json!({ "name": "9Pic support", "email": "help@example.com" })
        );
    }

    /// Descriptions come from comments in the code, which are for engineers.
    #[test]
    fn no_text_of_the_document_is_about_its_code() {
        fn texts(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(fields) => {
                    for (name, value) in fields {
                        match value.as_str() {
                            Some(text)
                                if ["title", "summary", "description"].contains(&name.as_str()) =>
                            {
                                found.push(text.to_owned());
                            }
                            _ => texts(value, found),
                        }
                    }
                }
                Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
                _ => {}
            }
        }
        let contact = "https://9pic.ai/contact".parse().expect("a link");
        let mut found = Vec::new();
        texts(&document(EXAMPLE_ORIGIN, &contact), &mut found);
        assert!(found.len() > 100, "{}", found.len());
        for text in found {
            let insides = [
                "contract", "guard", "decision", "::", "[`", "serde", "struct",
            ];
            let inside = insides.iter().find(|word| text.contains(**word));
            assert_eq!(inside, None, "{text}");
        }
    }
}
