//! Conditional requests to the API: a caller that has the current response gets 304, after the same checks as always.

use std::collections::BTreeSet;

use http::{HeaderMap, Method, StatusCode};
use server::api::{ROUTES, Route};

use crate::support::{
    PING,
    client::{BASE, Client, Response},
    server::TestServer,
};

const EVENTS: &str = "/903/events";

/// Sends `GET` for a path below [`BASE`]. The response may have no body.
async fn get(client: &Client, path: &str) -> Response {
    client
        .fetch(Method::GET, &format!("{BASE}{path}"), "")
        .await
}

fn if_none_match(client: &Client, tag: &str) -> Client {
    client.clone().with("if-none-match", tag)
}

/// The paths, below [`BASE`], of responses that callers may keep.
fn kept() -> Vec<String> {
    let is_kept = |route: &&Route| route.method == Method::GET && !route.path.ends_with("/ping");
    let routes = ROUTES.iter().filter(is_kept);
    let path = |route: &Route| {
        let path = route.path.strip_prefix(BASE).expect("a path of the API");
        let path = path.replace("{org_id}", "903").replace("{event_id}", "456");
        let window = "?from=0&to=4000000000";
        let query = if path.ends_with("/timeline/images") {
            window
        } else {
            ""
        };
        path.replace("{bib}", "1234") + query
    };
    routes.map(path).collect()
}

#[tokio::test]
async fn every_list_and_detail_that_has_not_changed_is_304() {
    let (_server, client) = TestServer::with_client().await;
    let mut tags = BTreeSet::new();
    for path in kept() {
        for coding in ["identity", "br", "zstd", "gzip"] {
            let client = client.clone().with("accept-encoding", coding);
            let (status, headers, _) = client.raw(Method::GET, &format!("{BASE}{path}"), "").await;
            assert_eq!(status, StatusCode::OK, "{path}");
            let tag = headers["etag"].to_str().expect("a text");
            assert!(tag.starts_with('"'), "strong: {tag}");
            let is_compressed = headers.contains_key("content-encoding");
            assert!(
                tags.insert(tag.to_owned()) || !is_compressed,
                "{path} {coding}: {tag}"
            );
            for sent in [
                tag.to_owned(),
                format!("W/{tag}"),
                format!("\"x\", {tag}"),
                "*".into(),
            ] {
                let unchanged = get(&if_none_match(&client, &sent), &path).await;
                assert_not_modified(&unchanged, &headers);
            }
            let other = get(&if_none_match(&client, "\"x\""), "/903/events?page=999").await;
            assert_eq!(other.status, StatusCode::OK, "{path}");
        }
    }
}

/// RFC 9110, 15.4.5.
#[track_caller]
fn assert_not_modified(response: &Response, of_get: &HeaderMap) {
    assert_eq!(response.status, StatusCode::NOT_MODIFIED, "{response:?}");
    assert_eq!(response.text, "");
    for name in ["etag", "cache-control", "vary", "content-security-policy"] {
        assert_eq!(response.headers.get(name), of_get.get(name), "{name}");
    }
    for name in [
        "content-type",
        "content-length",
        "content-encoding",
        "x-error-code",
    ] {
        assert_eq!(response.header(name), None, "{name}");
    }
    assert!(response.header("x-request-id").is_some(), "{response:?}");
}

#[tokio::test]
async fn changed_data_has_another_tag() {
    let (server, client) = TestServer::with_client().await;
    let before = get(&client, EVENTS).await;
    let tag = before.header("etag").expect("a tag");
    let change = "UPDATE events SET name = 'Night Run' WHERE id = 456";
    server.database.sql(change).await;
    let after = get(&if_none_match(&client, tag), EVENTS).await;
    assert_eq!(after.status, StatusCode::OK);
    assert_ne!(after.header("etag"), Some(tag));
    let again = get(
        &if_none_match(&client, after.header("etag").expect("a tag")),
        EVENTS,
    )
    .await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
}

/// The guard decides before the tag does.
#[tokio::test]
async fn a_refused_caller_gets_its_refusal_and_no_304() {
    let (server, client) = TestServer::with_client().await;
    let token = server.token().await;
    let own = server.key(&token.secret);
    let response = get(&own, EVENTS).await;
    let tag = response.header("etag").expect("a tag");
    for tag in [tag, "*"] {
        let stranger = if_none_match(&server.anonymous(), tag);
        stranger
            .get(EVENTS)
            .await
            .assert_refused(401, "token_missing");
        let wrong = if_none_match(&server.key("made-up"), tag);
        wrong.get(EVENTS).await.assert_refused(403, "token_invalid");
        let client = if_none_match(&client, tag);
        let foreign = client.get("/904/events").await;
        foreign.assert_refused(403, "organisation_mismatch");
        client
            .get("/903/event/556/details")
            .await
            .assert_refused(403, "event_mismatch");
        client
            .get("/903/events?page=0")
            .await
            .assert_refused(422, "invalid_request");
    }
    server.set_active(&token, false).await;
    for tag in [tag, "*"] {
        let refused = if_none_match(&own, tag).get(EVENTS).await;
        refused.assert_refused(403, "token_inactive");
    }
}

#[tokio::test]
async fn head_has_the_tag_of_get_and_the_same_conditions() {
    let (_server, client) = TestServer::with_client().await;
    let client = client.with("accept-encoding", "zstd");
    for path in kept() {
        let target = format!("{BASE}{path}");
        let (_, of_get, body) = client.raw(Method::GET, &target, "").await;
        let (status, of_head, none) = client.raw(Method::HEAD, &target, "").await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(none.is_empty(), "{path}");
        for name in ["etag", "vary", "content-encoding", "cache-control"] {
            assert_eq!(of_head.get(name), of_get.get(name), "{path}: {name}");
        }
        let length = of_head["content-length"].to_str().expect("a text");
        assert_eq!(length.parse(), Ok(body.len()), "{path}");
        let tag = of_get["etag"].to_str().expect("a text");
        let known = if_none_match(&client, tag);
        let unchanged = known.fetch(Method::HEAD, &target, "").await;
        assert_not_modified(&unchanged, &of_get);
    }
}

/// The test client checks `Cache-Control` and `ETag` of each response.
#[tokio::test]
async fn ping_and_responses_to_post_are_never_304() {
    let (_server, client) = TestServer::with_client().await;
    let client = if_none_match(&client, "*").with("content-type", "application/json");
    client.get(PING).await.assert_success();
    let wanted = r#"{"method":"bib","identifier":"1234"}"#;
    let path = "/903/event/456/original-photos";
    let links = client.send_body(Method::POST, path, wanted).await;
    links.assert_success();
}
