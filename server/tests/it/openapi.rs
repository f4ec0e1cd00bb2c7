//! The OpenAPI document matches the API: its paths are those of the router, and its examples are real responses.

use std::{collections::BTreeSet, fs};

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};
use server::api::{ROUTES, Route};

use crate::support::{
    client::{Client, Response},
    server::TestServer,
};

/// The endpoints without a feature, which the document leaves out.
const WITHOUT_FEATURE: [&str; 2] = ["/faces", "/video-clipping/{*rest}"];

async fn document(server: &TestServer) -> Value {
    let client = server.anonymous();
    let target = "/api/v1/openapi.json";
    let response = client.fetch(Method::GET, target, Body::empty()).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some("application/json"));
    response.json()
}

/// Follows the `$ref` of a part of the document, if it has one.
pub(crate) fn resolved<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    let reference = part["$ref"].as_str();
    let pointer = reference.and_then(|reference| reference.strip_prefix('#'));
    pointer
        .and_then(|pointer| document.pointer(pointer))
        .unwrap_or(part)
}

fn is_without_feature(route: &Route) -> bool {
    WITHOUT_FEATURE
        .iter()
        .any(|path| route.path.ends_with(path))
}

/// Each operation of the document, with its path and method.
fn operations(document: &Value) -> Vec<(String, Method, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let mut found = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("operations") {
            let method = method.to_uppercase().parse().expect("a method");
            found.push((path.clone(), method, operation.clone()));
        }
    }
    found
}

/// Sends the operation's example request. `replaced` changes a part of its address, for another organisation or event.
async fn call(
    client: &Client,
    method: &Method,
    operation: &Value,
    replaced: Option<(&str, &str)>,
) -> Response {
    let address = operation["x-example-address"].as_str().expect("an address");
    let (from, to) = replaced.unwrap_or_default();
    let address = address.replacen(from, to, 1);
    let body = &operation["requestBody"]["content"]["application/json"]["example"];
    let (client, body) = if body.is_null() {
        (client.clone(), Body::empty())
    } else {
        let client = client.clone().with("content-type", "application/json");
        (client, Body::from(body.to_string()))
    };
    client.send_to(method.clone(), &address, body).await
}

#[tokio::test]
async fn the_document_has_every_endpoint_of_the_router_and_no_other() {
    let server = TestServer::on_sqlite().await;
    let documented: BTreeSet<_> = operations(&document(&server).await)
        .into_iter()
        .map(|(path, method, _)| (path, method.to_string()))
        .collect();
    let routed: BTreeSet<_> = ROUTES
        .iter()
        .filter(|route| !is_without_feature(route))
        .map(|route| (route.path.to_owned(), route.method.to_string()))
        .collect();
    assert_eq!(documented, routed);
    assert_eq!(documented.len(), 9);
}

/// The list of routes could be wrong, so the test calls the router.
#[tokio::test]
async fn every_example_request_gets_its_example_response() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let client = server.key(&token.secret);
    fs::create_dir(server.originals.path().join("456")).expect("made");
    fs::write(server.originals.path().join("456/IMG_0001.jpg"), "a photo").expect("written");
    for (path, method, operation) in operations(&document(&server).await) {
        let response = call(&client, &method, &operation, None).await;
        response.assert_success();
        let printed = &operation["responses"]["200"]["content"]["application/json"]["example"];
        assert!(printed.is_object(), "{path} has no example");
        assert_eq!(
            without_signatures(response.json()),
            without_signatures(printed.clone()),
            "the example of {method} {path} is not what the demo data gives; the response is\n{}",
            serde_json::to_string_pretty(&response.json()).expect("JSON")
        );
    }
}

/// Reduces links to their paths: expiry and signature differ each time, and the origin is the server's. Cursors are
/// signed with the server's key.
fn without_signatures(mut response: Value) -> Value {
    for place in ["/data/nextCursor", "/data/pagination/nextCursor"] {
        if let Some(cursor) = response.pointer_mut(place).filter(|it| it.is_string()) {
            *cursor = json!("a cursor");
        }
    }
    if let Some(links) = response["data"]["presigned_urls"].as_array_mut() {
        for link in links {
            let url = link["url"].as_str().expect("a text");
            let path = url.split('?').next().expect("a path");
            let start = path.find("/files/").expect("a link to our own files");
            link["url"] = json!(path[start..]);
        }
    }
    response
}

#[tokio::test]
async fn every_reference_in_the_document_has_a_target() {
    let server = TestServer::on_sqlite().await;
    let document = document(&server).await;
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference
            .strip_prefix('#')
            .expect("a reference within the document");
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} has no target"
        );
    }
}

fn collect_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                found.push(reference.clone());
            }
            object
                .values()
                .for_each(|value| collect_references(value, found));
        }
        Value::Array(list) => list
            .iter()
            .for_each(|value| collect_references(value, found)),
        _ => {}
    }
}

/// The document lists the refusals that the guard really makes.
#[tokio::test]
async fn every_endpoint_documents_each_refusal_of_the_guard() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let good = server.key(&token.secret);
    let document = document(&server).await;
    for (path, method, operation) in operations(&document) {
        let ask =
            async |client: &Client, replaced| call(client, &method, &operation, replaced).await;
        let mut responses = vec![
            ask(&server.anonymous(), None).await,
            ask(&server.key("made-up"), None).await,
            ask(&good.clone().with("host", "evil.example"), None).await,
            ask(&good, Some(("/903/", "/904/"))).await,
            ask(&good, Some(("/903/", "/x/"))).await,
        ];
        if path.contains("{event_id}") {
            responses.push(ask(&good, Some(("/456/", "/556/"))).await);
            responses.push(ask(&good, Some(("/456/", "/457/"))).await);
        }
        for response in responses {
            let status = response.status.as_str();
            let code = response.code().expect("refused");
            let failure = resolved(&document, &operation["responses"][status]);
            let codes = &failure["x-error-codes"];
            let documented = codes
                .as_array()
                .is_some_and(|codes| codes.contains(&json!(code)));
            assert!(documented, "{method} {path}: {status} {code}");
        }
    }
}

/// The headers that the document requires are sent, and no response has an undocumented `ETag` or status 304.
#[tokio::test]
async fn the_documented_headers_of_a_success_are_those_of_the_response() {
    let (server, client) = TestServer::with_client().await;
    let document = document(&server).await;
    for (path, method, operation) in operations(&document) {
        let response = call(&client, &method, &operation, None).await;
        let headers = &operation["responses"]["200"]["headers"];
        for (name, header) in headers.as_object().expect("headers") {
            let is_sent = response.header(&name.to_lowercase()).is_some();
            assert!(
                is_sent || resolved(&document, header)["required"] != true,
                "{method} {path}: {name}"
            );
        }
        let is_tagged = response.header("etag").is_some();
        assert_eq!(headers["ETag"].is_object(), is_tagged, "{method} {path}");
        let not_modified = &operation["responses"]["304"];
        assert_eq!(not_modified.is_object(), is_tagged, "{method} {path}");
    }
}
