//! Rules for every endpoint. The list of endpoints is the router's own.

use std::num::NonZeroU32;

use http::Method;
use server::api::{
    ROUTES, Route,
    throttle::{RateLimit, RateLimits},
};

use crate::support::{client::BASE, server::TestServer};

const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// The route's path below [`BASE`], with these ids.
fn path(route: &Route, organisation: &str, event: &str) -> String {
    let below = route.path.strip_prefix(BASE).expect("a path of the API");
    let path = below
        .replace("{org_id}", organisation)
        .replace("{event_id}", event)
        .replace("{bib}", "1234")
        .replace("{*rest}", "some/more");
    assert!(!path.contains('{'), "no value for {path}");
    path
}

fn of_an_event(route: &Route) -> bool {
    route.path.contains("{event_id}")
}

#[tokio::test]
async fn every_route_and_method_without_a_key_is_401() {
    let server = TestServer::on_sqlite().await;
    for route in &ROUTES {
        for method in METHODS {
            let response = server
                .anonymous()
                .send(method, &path(route, "903", "456"))
                .await;
            response.assert_refused(401, "token_missing");
            assert_eq!(response.header("allow"), None, "{}", route.path);
        }
    }
}

/// A caller without a key learns nothing else about its request.
#[tokio::test]
async fn any_path_under_the_base_without_a_key_is_401() {
    let server = TestServer::on_sqlite().await;
    let stranger = server.anonymous();
    for path in [
        "",
        "/",
        "/903",
        "/x/events",
        "/903/events?page=x",
        "/903/nothing",
        "/%ff/events",
        "//",
    ] {
        for method in METHODS {
            let response = stranger.send(method, path).await;
            response.assert_refused(401, "token_missing");
        }
    }
    let elsewhere = stranger.clone().with("host", "evil.example");
    elsewhere
        .get("/903/events")
        .await
        .assert_refused(401, "token_missing");
    let large = vec![b'x'; 70_000];
    let response = stranger
        .send_body(Method::POST, "/903/event/456/faces", large)
        .await;
    response.assert_refused(401, "token_missing");
}

#[tokio::test]
async fn every_route_refuses_a_foreign_organisation() {
    let (server, client) = TestServer::with_client().await;
    let foreign = server.token_of("other@example.com", 904).await;
    for route in &ROUTES {
        let response = client
            .send(route.method.clone(), &path(route, "904", "556"))
            .await;
        response.assert_refused(403, "organisation_mismatch");
        let stranger = server.key(&foreign.secret);
        let response = stranger
            .send(route.method.clone(), &path(route, "903", "456"))
            .await;
        response.assert_refused(403, "organisation_mismatch");
    }
}

#[tokio::test]
async fn every_route_of_an_event_refuses_a_foreign_or_unconfigured_event() {
    let (_server, client) = TestServer::with_client().await;
    for route in ROUTES.iter().filter(|route| of_an_event(route)) {
        let response = client
            .send(route.method.clone(), &path(route, "903", "556"))
            .await;
        response.assert_refused(403, "event_mismatch");
        let response = client
            .send(route.method.clone(), &path(route, "903", "457"))
            .await;
        response.assert_refused(404, "event_not_configured");
    }
}

/// A caller learns nothing about the data of others.
#[tokio::test]
async fn every_route_responds_identically_to_a_foreign_and_a_missing_organisation_or_event() {
    let (_server, client) = TestServer::with_client().await;
    let client = client.with("x-request-id", "same");
    for route in &ROUTES {
        let ask = async |organisation: &str, event: &str| {
            let path = path(route, organisation, event);
            client.send(route.method.clone(), &path).await
        };
        let mut pairs = Vec::new();
        for event in ["456", "556"] {
            pairs.push((ask("904", event).await, ask("99999", event).await));
        }
        if of_an_event(route) {
            pairs.push((ask("903", "556").await, ask("903", "99999").await));
        }
        for (foreign, missing) in pairs {
            assert_eq!(foreign.status, 403, "{}", route.path);
            assert_eq!(foreign.text, missing.text, "{}", route.path);
            assert_eq!(foreign.headers, missing.headers, "{}", route.path);
        }
    }
}

#[tokio::test]
async fn an_id_that_is_no_decimal_number_is_422_on_every_route() {
    let (_server, client) = TestServer::with_client().await;
    let invalid_ids = [
        "x",
        "-1",
        "+903",
        "903.0",
        "0x387",
        "9e2",
        "903%20",
        "9223372036854775808",
        "%D9%A3",
    ];
    for route in &ROUTES {
        for id in invalid_ids {
            let response = client
                .send(route.method.clone(), &path(route, id, "456"))
                .await;
            response.assert_refused(422, "invalid_request");
            assert_eq!(
                response.message(),
                "org_id: must be a decimal number",
                "{id}"
            );
            if of_an_event(route) {
                let response = client
                    .send(route.method.clone(), &path(route, id, id))
                    .await;
                response.assert_refused(422, "invalid_request");
                assert_eq!(
                    response.message(),
                    "org_id: must be a decimal number; event_id: must be a decimal number"
                );
            }
        }
        let response = client
            .send(route.method.clone(), &path(route, "%ff", "456"))
            .await;
        response.assert_refused(422, "invalid_request");
        assert_eq!(response.message(), "path: must be UTF-8");
    }
}

#[tokio::test]
async fn a_wrong_method_is_405_and_allow_names_the_right_ones() {
    let (_server, client) = TestServer::with_client().await;
    for route in &ROUTES {
        let allowed = match route.method {
            Method::GET => "GET,HEAD",
            _ => route.method.as_str(),
        };
        for method in METHODS {
            if allowed.split(',').any(|taken| taken == method.as_str()) {
                continue;
            }
            let response = client.send(method, &path(route, "903", "456")).await;
            response.assert_refused(405, "method_not_allowed");
            assert_eq!(response.header("allow"), Some(allowed), "{}", route.path);
        }
    }
}

#[tokio::test]
async fn an_unknown_path_is_404_in_the_envelope() {
    let (_server, client) = TestServer::with_client().await;
    for unknown in [
        "",
        "/",
        "/903",
        "/903/",
        "/903/events/",
        "/903/Events",
        "/903/event/456",
        "/903/event/456/nothing",
        "/903/event/456/video-clipping",
        "//903/events",
        "/x/nothing",
        "/%ff",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            client
                .send(method, unknown)
                .await
                .assert_refused(404, "not_found");
        }
    }
}

#[tokio::test]
async fn head_responds_like_get_without_the_body() {
    let (_server, client) = TestServer::with_client().await;
    let client = client.with("x-request-id", "same");
    for route in ROUTES.iter().filter(|route| route.method == Method::GET) {
        for event in ["456", "556"] {
            let path = path(route, "903", event);
            let (get, head) = (
                client.get(&path).await,
                client.send(Method::HEAD, &path).await,
            );
            assert_eq!(get.status, head.status);
            assert_eq!(head.text, "");
            let length = get.text.len().to_string();
            assert_eq!(
                head.header("content-length"),
                Some(length.as_str()),
                "{path}"
            );
        }
    }
}

/// A program expects the envelope there, and a page would confuse it. Nothing is there to guard, so no key is needed.
#[tokio::test]
async fn a_path_that_only_looks_like_the_apis_is_404_in_the_envelope_with_or_without_a_key() {
    let (server, client) = TestServer::with_client().await;
    for target in [
        "/api",
        "/api/v2/ext/903/events",
        "/api/v1/nothing?page=1",
        "/API/v1/ext/903/events",
        "//api/v1/ext/903/events",
        "/%61pi/v1/ext/903/events",
        "/api%2Fv1%2Fext%2F903%2Fevents",
        "/api/v1/openapi.json/",
        "/api/v1/extra",
        "/api/%zz",
        "http://evil.example/api/v2",
    ] {
        for client in [&client, &server.anonymous().with("accept", "text/html")] {
            for method in METHODS {
                let response = client.send_to(method, target, "").await;
                response.assert_refused(404, "not_found");
            }
            let unknown = Method::from_bytes(b"BREW").expect("a method");
            let response = client.send_to(unknown, target, "").await;
            response.assert_refused(404, "not_found");
        }
    }
}

#[tokio::test]
async fn the_openapi_document_refuses_other_methods_and_hosts_in_the_envelope() {
    let server = TestServer::on_sqlite().await.configured(|config| {
        config.dashboard_hosts = Some(vec!["dev.example.com".parse().expect("a host")]);
    });
    let anyone = server.anonymous();
    let document = "/api/v1/openapi.json";
    let brew = Method::from_bytes(b"BREW").expect("a method");
    for method in [
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::OPTIONS,
        brew,
    ] {
        let response = anyone.send_to(method, document, "").await;
        response.assert_refused(405, "method_not_allowed");
        assert_eq!(response.header("allow"), Some("GET,HEAD"));
    }
    let elsewhere = anyone.with("host", "evil.example");
    let response = elsewhere.send_to(Method::GET, document, "").await;
    response.assert_refused(421, "misdirected_request");
}

/// A caller learns from no count whether an event or organisation exists.
#[tokio::test]
async fn the_rate_limit_headers_are_identical_for_a_foreign_and_a_missing_event_and_absent_for_an_organisation()
 {
    let limit = RateLimit::new(
        "0.001".parse().expect("a rate"),
        NonZeroU32::new(9).expect("9"),
    );
    let limits = RateLimits::of_tokens(limit.expect("a limit"));
    let server = TestServer::on_sqlite().await.limited_to(limits);
    let mut responses = Vec::new();
    for path in [
        "/903/event/556/ping",
        "/903/event/99999/ping",
        "/904/events",
        "/99999/events",
    ] {
        // Each token makes its first call.
        let token = server.token().await;
        let client = server.key(&token.secret).with("x-request-id", "same");
        responses.push(client.get(path).await);
    }
    let [foreign, missing, of_foreign, of_missing] = &responses[..] else {
        panic!("four calls");
    };
    assert_eq!(foreign.header("ratelimit"), Some("\"token\";r=8;t=1000"));
    for (one, other) in [(foreign, missing), (of_foreign, of_missing)] {
        assert_eq!(one.headers, other.headers);
        assert_eq!(one.text, other.text);
    }
    for name in ["ratelimit", "ratelimit-policy"] {
        assert_eq!(of_foreign.header(name), None);
    }
}

#[tokio::test]
async fn every_invalid_parameter_and_field_is_named_in_a_header() {
    let (_server, client) = TestServer::with_client().await;
    for (path, names) in [
        ("/x/event/y/ping", r#""org_id", "event_id""#),
        ("/903/events?page=0&page_size=x", r#""page", "page_size""#),
        ("/903/event/456/timeline/images", r#""from", "to""#),
    ] {
        let response = client.get(path).await;
        response.assert_refused(422, "invalid_request");
        assert_eq!(response.header("x-error-fields"), Some(names), "{path}");
    }
    let client = client.with("content-type", "application/json");
    let path = "/903/event/456/original-photos";
    let body = r#"{"method":"image_ids","identifier":["a",1]}"#;
    let response = client.send_body(Method::POST, path, body).await;
    assert_eq!(response.header("x-error-fields"), Some(r#""identifier.1""#));
    let unknown = client.get("/903/nothing").await;
    assert_eq!(unknown.header("x-error-fields"), None);
}
