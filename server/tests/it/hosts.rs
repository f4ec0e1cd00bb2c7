//! The host that a request addresses (contract, section 3, check 2).

use axum::body::Body;
use http::Method;

use crate::zone::{API_HOST, BASE, Client, Zone};

async fn client() -> (Zone, Client) {
    let zone = Zone::on_sqlite().await;
    let token = zone.token().await;
    let client = zone.key(&token.secret);
    (zone, client)
}

#[tokio::test]
async fn the_allowed_host_is_known_in_any_case_with_a_port_and_a_trailing_dot() {
    let (_zone, client) = client().await;
    for host in [
        "api.9pic.ai",
        "API.9Pic.AI",
        "api.9pic.ai:443",
        "api.9pic.ai.",
        "api.9pic.ai.:80",
    ] {
        let answer = client.clone().with("host", host).get("/903/events").await;
        answer.assert_success();
    }
}

#[tokio::test]
async fn a_host_is_compared_whole() {
    let (_zone, client) = client().await;
    for host in [
        "9pic.ai",
        "xapi.9pic.ai",
        "a.api.9pic.ai",
        "api.9pic.ai.evil.example",
        "api.9pic.ai..",
        "api.9pic.aix",
        "evil.example:443",
        "api.9pic.ai@evil.example",
        "evil@api.9pic.ai",
        "api.9pic.ai,evil.example",
        "api.9pic.ai:80:80",
        "api.9pic.ai:x",
        "127.0.0.1",
        "localhost",
        "[::1]:3000",
        "",
    ] {
        let answer = client.clone().with("host", host).get("/903/events").await;
        answer.assert_refused(403, "host_not_allowed");
    }
    let invisible = client
        .with("host", b"api.9pic.ai\xff")
        .get("/903/events")
        .await;
    invisible.assert_refused(403, "host_not_allowed");
}

#[tokio::test]
async fn a_missing_host_and_two_hosts_are_refused() {
    let (_zone, client) = client().await;
    let without = client.clone().without("host").get("/903/events").await;
    without.assert_refused(403, "host_not_allowed");
    let twice = client.and("host", API_HOST).get("/903/events").await;
    twice.assert_refused(403, "host_not_allowed");
}

/// The absolute form, and `:authority` over HTTP/2.
#[tokio::test]
async fn the_authority_of_the_target_is_the_host_and_may_not_disagree_with_the_header() {
    let (_zone, client) = client().await;
    let ask = async |client: Client, authority: &str| {
        let target = format!("http://{authority}{BASE}/903/events");
        client.send_to(Method::GET, &target, Body::empty()).await
    };
    let without = client.clone().without("host");
    ask(without.clone(), "api.9pic.ai").await.assert_success();
    ask(client.clone(), "API.9pic.ai:80").await.assert_success();
    for (client, authority) in [
        (without.clone(), "evil.example"),
        (client.clone(), "evil.example"),
        (client.clone().with("host", "evil.example"), "api.9pic.ai"),
        (without, "user@api.9pic.ai"),
    ] {
        ask(client, authority)
            .await
            .assert_refused(403, "host_not_allowed");
    }
}

#[tokio::test]
async fn a_forwarded_host_is_never_read() {
    let (_zone, client) = client().await;
    for name in ["x-forwarded-host", "forwarded", "x-host", "x-original-host"] {
        let value = if name == "forwarded" {
            "host=api.9pic.ai"
        } else {
            API_HOST
        };
        let lying = client
            .clone()
            .with("host", "evil.example")
            .with(name, value);
        lying
            .get("/903/events")
            .await
            .assert_refused(403, "host_not_allowed");
        let confusing = client.clone().with(name, "evil.example");
        confusing.get("/903/events").await.assert_success();
    }
}
