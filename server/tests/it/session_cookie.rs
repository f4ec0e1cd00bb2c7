//! The session cookie: when a browser gets one, what protects it, and where sign-in redirects to.

use http::{
    HeaderMap, Method, StatusCode,
    header::{LOCATION, SET_COOKIE},
};
use model::session::SESSION_COOKIE;
use serde_json::json;

use crate::support::{MEMBER, client::Client, server::TestServer};

const CREDENTIALS: &str = "email=member%40example.com&password=developer-zone-demo";

/// A cookie with the form of a session's key.
fn forged() -> String {
    let half = "7f".repeat(16);
    format!("{SESSION_COOKIE}={half}0000000000000001{half}")
}

/// The `Set-Cookie` header of the session.
fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(SET_COOKIE).iter();
    let mut cookies = cookies.map(|cookie| cookie.to_str().expect("a text"));
    cookies.find(|cookie| cookie.contains(&format!("{SESSION_COOKIE}=")))
}

/// Signs in, and returns the cookie as the browser sends it back.
async fn sign_in(client: &Client) -> String {
    let response = client.form("sign-in", CREDENTIALS).await;
    assert_eq!(response.status, StatusCode::SEE_OTHER);
    let cookie = session_cookie(&response.headers).expect("a session");
    let (pair, _) = cookie.split_once(';').expect("attributes");
    pair.to_owned()
}

/// Whether a client with this cookie may see pages and call server functions.
async fn opens_the_dashboard(server: &TestServer, cookie: &str) -> bool {
    let client = server.anonymous().with("cookie", cookie);
    let (page, ..) = client.raw(Method::GET, "/events", "").await;
    let client = client.with("content-type", "application/json");
    let watch = json!({ "organisation_id": 903 }).to_string();
    let target = "/api/dashboard/watch-tokens";
    let (call, ..) = client.raw(Method::POST, target, watch).await;
    match (page, call) {
        (StatusCode::OK, StatusCode::OK) => true,
        (StatusCode::SEE_OTHER, StatusCode::UNAUTHORIZED) => false,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn sign_in_starts_a_new_session_and_ends_the_one_that_the_browser_had() {
    let server = TestServer::on_sqlite().await;
    let first = sign_in(&server.anonymous().with("cookie", forged())).await;
    assert_ne!(first, forged());
    assert!(opens_the_dashboard(&server, &first).await);
    let second = sign_in(&server.anonymous().with("cookie", &first)).await;
    assert_ne!(second, first);
    assert!(opens_the_dashboard(&server, &second).await);
    assert!(!opens_the_dashboard(&server, &first).await);
}

#[tokio::test]
async fn another_cookie_with_the_name_of_the_session_hides_it_from_no_page_and_no_action() {
    let server = TestServer::on_sqlite().await;
    let own = sign_in(&server.anonymous()).await;
    for foreign in [
        forged(),
        format!("{SESSION_COOKIE}=foreign"),
        format!("{SESSION_COOKIE}="),
    ] {
        for cookie in [format!("{foreign}; {own}"), format!("{own}; {foreign}")] {
            assert!(opens_the_dashboard(&server, &cookie).await, "{cookie}");
        }
    }
    let client = server.anonymous();
    let client = client.with("cookie", format!("{}; {own}", forged()));
    let response = client.form("sign-out", "").await;
    assert_eq!(response.status, StatusCode::SEE_OTHER);
    assert!(!opens_the_dashboard(&server, &own).await);
}

/// A closed store answers only what it can without its database.
#[tokio::test]
async fn a_made_up_cookie_costs_no_read_of_the_database() {
    let server = TestServer::on_sqlite().await;
    let cookie = sign_in(&server.anonymous()).await;
    server.store.close().await;
    let forged = forged();
    let data = json!({ "organisation_id": 903 });
    for (cookie, expected) in [
        (&cookie[..], StatusCode::SERVICE_UNAVAILABLE),
        (&forged[..], StatusCode::UNAUTHORIZED),
    ] {
        let client = server.anonymous().with("cookie", cookie);
        for name in ["watch-tokens", "activate-token"] {
            let mut data = data.clone();
            data["token_id"] = json!(1);
            let response = client.call(name, &data).await;
            assert_eq!(response.status, expected, "{name}: {response:?}");
        }
    }
    let client = server.anonymous().with("cookie", forged);
    let (page, ..) = client.raw(Method::GET, "/events", "").await;
    assert_eq!(page, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn sign_out_ends_the_session_on_the_server() {
    let server = TestServer::on_sqlite().await;
    let cookie = sign_in(&server.anonymous()).await;
    assert!(opens_the_dashboard(&server, &cookie).await);
    let client = server.anonymous().with("cookie", &cookie);
    let response = client.form("sign-out", "").await;
    assert_eq!(response.status, StatusCode::SEE_OTHER);
    let deleted = session_cookie(&response.headers).expect("a deleted cookie");
    assert!(deleted.contains("Max-Age=0"), "{deleted}");
    assert!(!opens_the_dashboard(&server, &cookie).await);
}

/// A browser may have kept an older cookie of ours, with another path. It sends both.
#[tokio::test]
async fn sign_out_ends_each_session_whose_cookie_the_browser_sends() {
    let server = TestServer::on_sqlite().await;
    let (one, other) = (
        sign_in(&server.anonymous()).await,
        sign_in(&server.anonymous()).await,
    );
    let client = server.anonymous();
    let client = client.with("cookie", format!("{one}; {}; {other}", forged()));
    let response = client.form("sign-out", "").await;
    assert_eq!(response.status, StatusCode::SEE_OTHER);
    for cookie in [one, other] {
        assert!(!opens_the_dashboard(&server, &cookie).await, "{cookie}");
    }
}

#[tokio::test]
async fn over_https_the_session_cookie_is_bound_to_its_host_and_to_https() {
    let server = TestServer::on_sqlite().await.configured(|config| {
        config.public_url = Some("https://dev.example.com".parse().expect("an origin"));
    });
    let client = server.anonymous().with("host", "dev.example.com");
    let response = client.form("sign-in", CREDENTIALS).await;
    let cookie = session_cookie(&response.headers).expect("a session");
    let (pair, attributes) = cookie.split_once("; ").expect("attributes");
    let (name, key) = pair.split_once('=').expect("a value");
    assert_eq!(name, format!("__Host-{SESSION_COOKIE}"));
    assert!(key.len() >= 22, "at least 128 bits: {key}");
    let attributes: Vec<_> = attributes.split("; ").collect();
    for attribute in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
        assert!(attributes.contains(&attribute), "{attribute}: {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
}

#[tokio::test]
async fn sign_in_redirects_to_the_page_wanted_and_never_to_another_site() {
    let server = TestServer::on_sqlite().await;
    let signed_in = server.session(MEMBER).await;
    for (next, leads_to) in [
        ("/events?page=2", "/events?page=2"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
    ] {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("next", next)
            .finish();
        let form = format!("{CREDENTIALS}&{query}");
        let response = server.anonymous().form("sign-in", &form).await;
        assert_eq!(response.status, StatusCode::SEE_OTHER, "{next:?}");
        assert_eq!(response.location(), leads_to, "the form, {next:?}");
        let page = format!("/sign-in?{query}");
        let (status, headers, _) = signed_in.raw(Method::GET, &page, "").await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{next:?}");
        assert_eq!(
            headers[LOCATION], leads_to,
            "the page of a signed-in user, {next:?}"
        );
    }
}
