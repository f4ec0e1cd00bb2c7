//! Errors of the dashboard: people get a page, programs get the plain error.

use app::{App, paths::HOME};
use http::{Method, StatusCode};
use leptos_axum::generate_route_list;

use crate::support::{
    MEMBER,
    client::{Client, Response},
    server::TestServer,
};

const SIGN_OUT: &str = "/api/dashboard/sign-out";
const SELECT: &str = "/api/dashboard/select-organisation";

/// The member's browser, on a page of the dashboard.
async fn browser(server: &TestServer) -> Client {
    let member = server.session(MEMBER).await;
    member
        .with("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        .with("referer", "https://dashboard.example/account?from=here")
        .with("content-type", "application/x-www-form-urlencoded")
}

async fn ask(client: &Client, method: Method, target: &str, body: &str) -> Response {
    client.fetch(method, target, body.to_owned()).await
}

/// Checks that the response is a complete page with these words and this link, and without script.
#[track_caller]
fn assert_page(response: &Response, status: u16, words: &str, link: &str) {
    let page = &response.text;
    assert_eq!(response.status.as_u16(), status, "{page}");
    let content_type = response.header("content-type");
    assert_eq!(content_type, Some("text/html; charset=utf-8"));
    let policy = response.header("content-security-policy");
    let policy = policy.expect("a policy");
    let start = "default-src 'none'; style-src 'self'";
    assert!(policy.starts_with(start), "{policy}");
    assert!(!policy.contains("script-src"), "{policy}");
    assert_eq!(response.header("location"), None);
    let start = "<!DOCTYPE html><html lang=\"en-GB\">";
    assert!(page.starts_with(start), "{page}");
    assert!(page.contains(words), "{page}");
    assert!(page.contains(&format!("href=\"{link}\"")), "{page}");
}

/// The pages' router knows more spellings of an address than the server's. It must not show a page that its route, and so
/// the check of the session, did not handle.
#[tokio::test]
async fn another_spelling_of_an_address_is_no_page() {
    let server = TestServer::on_sqlite().await;
    let stranger = server.anonymous().with("accept", "text/html");
    let member = browser(&server).await;
    // The address of Home is nothing but the slash.
    let routes = generate_route_list(App).into_iter();
    for route in routes.filter(|route| route.path() != HOME) {
        let page = route.path().replace("{id}", "1");
        for client in [&stranger, &member] {
            let with_slash = ask(client, Method::GET, &format!("{page}/?a=1&b=%2F"), "").await;
            assert_eq!(with_slash.status, StatusCode::PERMANENT_REDIRECT, "{page}");
            let there = format!("{page}?a=1&b=%2F");
            assert_eq!(with_slash.header("location"), Some(&*there));
            for other in [
                format!("{page}//"),
                format!("{page}/."),
                format!("/.{page}"),
                format!("/x/..{page}"),
                format!("/{page}"),
                format!("/{page}/"),
                format!("/\\{page}/"),
            ] {
                let response = ask(client, Method::GET, &other, "").await;
                assert_eq!(response.header("location"), None, "{other}");
                assert_eq!(response.status, StatusCode::NOT_FOUND, "{other}");
                let words = "There is no page at this address";
                assert!(response.text.contains(words), "{other}: {}", response.text);
            }
        }
        let posted = ask(&member, Method::POST, &format!("{page}/"), "").await;
        assert_eq!(posted.status, StatusCode::NOT_FOUND, "{page}");
    }
    let documentation = ask(&stranger, Method::GET, "/docs/", "").await;
    assert_eq!(documentation.header("location"), Some("/docs"));
}

#[tokio::test]
async fn without_a_database_every_page_is_503_and_links_to_itself() {
    let server = TestServer::on_sqlite().await;
    let browser = browser(&server).await;
    server.store.close().await;
    for page in ["/events", "/developer-zone?tab=a&amp;b", "/account"] {
        let target = page.replace("&amp;", "&");
        let response = ask(&browser, Method::GET, &target, "").await;
        assert_page(&response, 503, "The dashboard is unavailable", page);
        assert_eq!(response.header("retry-after"), Some("5"));
    }
}

#[tokio::test]
async fn a_form_that_fails_shows_the_reason_and_a_link_back_to_its_page() {
    let server = TestServer::on_sqlite().await;
    let browser = browser(&server).await;
    let foreign = ask(&browser, Method::POST, SELECT, "organisation_id=904").await;
    let not_a_member = "You are not a member of this organisation.";
    assert_page(&foreign, 403, not_a_member, "/account?from=here");
    assert!(
        foreign.text.contains("Nothing was changed"),
        "{}",
        foreign.text
    );
    for (target, unreadable) in [
        (SELECT, "organisation_id=x"),
        ("/developer-zone/tokens/new", "x"),
    ] {
        let response = ask(&browser, Method::POST, target, unreadable).await;
        let words = "The request could not be read.";
        assert!(
            response.status.is_client_error(),
            "{target}: {}",
            response.status
        );
        assert_page(
            &response,
            response.status.as_u16(),
            words,
            "/account?from=here",
        );
    }
    let large = "x".repeat(70_000);
    let announced = browser.clone().with("content-length", "70000");
    let response = ask(&announced, Method::POST, SELECT, &large).await;
    assert_page(
        &response,
        413,
        "The request could not be read.",
        "/account?from=here",
    );
    server.store.close().await;
    for form in [SIGN_OUT, SELECT] {
        let response = ask(&browser, Method::POST, form, "organisation_id=903").await;
        let words = "The service cannot reach its database right now.";
        assert_page(&response, 503, words, "/account?from=here");
    }
}

#[tokio::test]
async fn a_cross_site_request_is_refused_without_a_link_to_that_site() {
    let server = TestServer::on_sqlite().await;
    let browser = browser(&server).await.with("sec-fetch-site", "cross-site");
    for referer in [
        "https://evil.example//elsewhere",
        "https://evil.example",
        "?",
        "/\\evil",
    ] {
        let browser = browser.clone().with("referer", referer);
        let response = ask(&browser, Method::POST, SIGN_OUT, "").await;
        assert_page(&response, 403, "This request came from another site.", "/");
    }
}

#[tokio::test]
async fn get_of_a_server_function_is_page_not_found() {
    let server = TestServer::on_sqlite().await;
    let response = ask(&browser(&server).await, Method::GET, SIGN_OUT, "").await;
    assert_page(&response, response.status.as_u16(), "Page not found", "/");
}

#[tokio::test]
async fn the_dashboards_own_404_page_is_not_replaced() {
    let server = TestServer::on_sqlite().await;
    let response = ask(&browser(&server).await, Method::GET, "/nothing", "").await;
    assert_eq!(response.status, StatusCode::NOT_FOUND);
    assert!(response.text.contains("Page not found"), "{response:?}");
    let policy = response.header("content-security-policy");
    let policy = policy.expect("a policy");
    assert!(policy.contains("'nonce-"), "{policy}");
}

#[tokio::test]
async fn a_client_that_does_not_accept_html_gets_the_plain_error() {
    let server = TestServer::on_sqlite().await;
    let script = browser(&server).await.with("accept", "application/json");
    server.store.close().await;
    for (method, target) in [(Method::POST, SIGN_OUT), (Method::GET, "/events")] {
        let response = ask(&script, method, target, "").await;
        assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.text, "\"Unavailable\"");
        let content_type = response.header("content-type");
        assert_ne!(content_type, Some("text/html; charset=utf-8"));
    }
    let response = ask(&script, Method::GET, "/events", "").await;
    assert_eq!(response.header("retry-after"), Some("5"));
}
