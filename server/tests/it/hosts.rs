//! The host of a request (contract, section 3, check 2), and what each host serves.

use axum::body::Body;
use http::Method;

use crate::support::{
    client::{API_HOST, BASE, Client},
    server::TestServer,
};

const DASHBOARD_HOST: &str = "dev.example.com";

#[tokio::test]
async fn the_allowed_host_may_have_any_case_a_port_and_a_trailing_dot() {
    let (_server, client) = TestServer::with_client().await;
    for host in [
        "api.9pic.ai",
        "API.9Pic.AI",
        "api.9pic.ai:443",
        "api.9pic.ai.",
        "api.9pic.ai.:80",
    ] {
        let response = client.clone().with("host", host).get("/903/events").await;
        response.assert_success();
    }
}

#[tokio::test]
async fn a_host_must_match_as_a_whole() {
    let (_server, client) = TestServer::with_client().await;
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
        let response = client.clone().with("host", host).get("/903/events").await;
        response.assert_refused(403, "host_not_allowed");
    }
    let invisible = client
        .with("host", b"api.9pic.ai\xff")
        .get("/903/events")
        .await;
    invisible.assert_refused(403, "host_not_allowed");
}

#[tokio::test]
async fn a_request_without_host_or_with_two_is_refused() {
    let (_server, client) = TestServer::with_client().await;
    let without = client.clone().without("host").get("/903/events").await;
    without.assert_refused(403, "host_not_allowed");
    let twice = client.and("host", API_HOST).get("/903/events").await;
    twice.assert_refused(403, "host_not_allowed");
}

/// The absolute form of a target, and `:authority` over HTTP/2.
#[tokio::test]
async fn the_targets_authority_is_the_host_and_must_agree_with_the_header() {
    let (_server, client) = TestServer::with_client().await;
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
async fn forwarded_hosts_are_ignored() {
    let (_server, client) = TestServer::with_client().await;
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

/// A server whose dashboard is served only under [`DASHBOARD_HOST`].
async fn bound() -> TestServer {
    TestServer::on_sqlite().await.configured(|config| {
        config.dashboard_hosts = Some(vec![DASHBOARD_HOST.parse().expect("a host")]);
    })
}

/// The statuses of these paths under this host.
async fn statuses<const N: usize>(client: &Client, host: &str, paths: [&str; N]) -> [u16; N] {
    let client = client.clone().with("host", host);
    let mut statuses = [0; N];
    for (path, status) in paths.iter().zip(&mut statuses) {
        *status = client
            .raw(Method::GET, path, Body::empty())
            .await
            .0
            .as_u16();
    }
    statuses
}

const OF_DASHBOARD: [&str; 5] = [
    "/",
    "/events",
    "/sign-in",
    "/no-such-page",
    "/api/dashboard/x",
];
const OF_BOTH: [&str; 4] = [
    "/docs",
    "/docs/errors.md",
    "/llms.txt",
    "/api/v1/openapi.json",
];

#[tokio::test]
async fn the_dashboard_is_served_only_under_its_own_hosts() {
    let server = bound().await;
    let member = server.anonymous().with("host", DASHBOARD_HOST);
    let ours = statuses(&member, DASHBOARD_HOST, OF_DASHBOARD).await;
    assert_eq!(ours, [303, 303, 200, 404, 404]);
    let in_any_writing = statuses(&member, "DEV.example.com.:443", ["/sign-in"]).await;
    assert_eq!(in_any_writing, [200]);
    assert_eq!(statuses(&member, API_HOST, OF_DASHBOARD).await, [404; 5]);
    for stranger in ["evil.example", "127.0.0.1:3000", "xdev.example.com", ""] {
        assert_eq!(
            statuses(&member, stranger, OF_DASHBOARD).await,
            [421; 5],
            "{stranger}"
        );
        assert_eq!(
            statuses(&member, stranger, OF_BOTH).await,
            [421; 4],
            "{stranger}"
        );
    }
    for client in [
        server.anonymous().without("host"),
        server
            .anonymous()
            .with("host", DASHBOARD_HOST)
            .and("host", DASHBOARD_HOST),
        server
            .anonymous()
            .with("host", "evil.example")
            .with("x-forwarded-host", DASHBOARD_HOST),
    ] {
        let (status, headers, body) = client.raw(Method::GET, "/sign-in", Body::empty()).await;
        assert_eq!(status, 421);
        assert!(!headers.contains_key("set-cookie"));
        assert!(!String::from_utf8_lossy(&body).contains(DASHBOARD_HOST));
    }
}

/// The password is right each time.
#[tokio::test]
async fn sign_in_works_only_under_the_dashboards_hosts() {
    let server = bound().await;
    let form = "email=member%40example.com&password=developer-zone-demo";
    for (host, expected) in [
        (DASHBOARD_HOST, 303),
        (API_HOST, 404),
        ("evil.example", 421),
    ] {
        let client = server
            .anonymous()
            .with("host", host)
            .with("content-type", "application/x-www-form-urlencoded");
        let (status, headers, _) = client
            .raw(Method::POST, "/api/dashboard/sign-in", form)
            .await;
        assert_eq!(status, expected, "{host}");
        assert_eq!(
            headers.contains_key("set-cookie"),
            expected == 303,
            "{host}"
        );
    }
}

#[tokio::test]
async fn the_api_is_not_served_under_the_dashboards_hosts() {
    let server = bound().await;
    let token = server.token().await;
    let elsewhere = server.key(&token.secret).with("host", DASHBOARD_HOST);
    let refused = elsewhere.get("/903/events").await;
    refused.assert_refused(403, "host_not_allowed");
    let link = "/files/1.jpg?expires=1&signature=x";
    let refused = elsewhere.send_to(Method::GET, link, Body::empty()).await;
    refused.assert_refused(403, "host_not_allowed");
}

#[tokio::test]
async fn the_documentation_is_served_under_both_hosts_and_healthz_under_every_host() {
    let server = bound().await;
    let anyone = server.anonymous();
    for host in [DASHBOARD_HOST, API_HOST] {
        assert_eq!(statuses(&anyone, host, OF_BOTH).await, [200; 4], "{host}");
    }
    for host in [DASHBOARD_HOST, API_HOST, "evil.example", "10.0.0.7"] {
        assert_eq!(statuses(&anyone, host, ["/healthz"]).await, [200], "{host}");
    }
}

/// The documentation is also served under the API's host, where a relative link would not reach the dashboard.
#[tokio::test]
async fn the_documentation_links_to_the_dashboards_public_url() {
    let server = TestServer::on_sqlite().await.configured(|config| {
        config.public_url = "https://dev.example.com".parse().ok();
    });
    for path in ["/docs", "/docs.md"] {
        let client = server.anonymous();
        let page = client.fetch(Method::GET, path, Body::empty()).await.text;
        assert!(
            page.contains("https://dev.example.com/developer-zone"),
            "{path}"
        );
        for relative in [
            "href=\"/\"",
            "=\"/events",
            "](/events",
            "=\"/developer-zone",
        ] {
            assert!(!page.contains(relative), "{path}: {relative}");
        }
    }
}
