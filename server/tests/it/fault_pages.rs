//! What goes wrong in the dashboard is told to people by a page, and to programs as it is.

use http::{HeaderMap, Method, StatusCode};

use crate::zone::{Client, Zone};

const MEMBER: &str = "member@example.com";

const SIGN_OUT: &str = "/api/dashboard/sign-out";
const SELECT: &str = "/api/dashboard/select-organisation";

/// The member's browser, which asks for pages from one of ours.
async fn browser(zone: &Zone) -> Client {
    let member = zone.session(MEMBER).await;
    member
        .with("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        .with("referer", "https://dashboard.example/account?from=here")
        .with("content-type", "application/x-www-form-urlencoded")
}

async fn ask(
    client: &Client,
    method: Method,
    target: &str,
    body: &str,
) -> (StatusCode, HeaderMap, String) {
    let (status, headers, body) = client.raw(method, target, body.to_owned()).await;
    (status, headers, String::from_utf8(body).expect("a text"))
}

/// A whole page with these words, that runs nothing and leads there.
#[track_caller]
fn assert_page(answer: &(StatusCode, HeaderMap, String), status: u16, words: &str, link: &str) {
    let (found, headers, page) = answer;
    assert_eq!(found.as_u16(), status, "{page}");
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    let policy = headers["content-security-policy"].to_str().expect("a text");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'self'"),
        "{policy}"
    );
    assert!(!policy.contains("script-src"), "{policy}");
    assert_eq!(headers.get("location"), None);
    assert!(
        page.starts_with("<!DOCTYPE html><html lang=\"en-GB\">"),
        "{page}"
    );
    assert!(page.contains(words), "{page}");
    assert!(page.contains(&format!("href=\"{link}\"")), "{page}");
}

#[tokio::test]
async fn without_a_database_every_page_says_so_and_offers_itself_again() {
    let zone = Zone::on_sqlite().await;
    let browser = browser(&zone).await;
    zone.store.close().await;
    for page in ["/events", "/developer-zone?tab=a&amp;b", "/account"] {
        let target = page.replace("&amp;", "&");
        let answer = ask(&browser, Method::GET, &target, "").await;
        assert_page(&answer, 503, "The dashboard is unavailable", page);
        assert_eq!(answer.1["retry-after"], "5");
    }
}

#[tokio::test]
async fn a_form_that_could_not_be_carried_out_says_why_and_leads_back_to_its_page() {
    let zone = Zone::on_sqlite().await;
    let browser = browser(&zone).await;
    let foreign = ask(&browser, Method::POST, SELECT, "organisation_id=904").await;
    let not_a_member = "You are not a member of this organisation.";
    assert_page(&foreign, 403, not_a_member, "/account?from=here");
    assert!(foreign.2.contains("Nothing was changed"), "{}", foreign.2);
    for (target, unreadable) in [
        (SELECT, "organisation_id=x"),
        ("/developer-zone/tokens/new", "x"),
    ] {
        let answer = ask(&browser, Method::POST, target, unreadable).await;
        let words = "The request could not be read.";
        assert!(answer.0.is_client_error(), "{target}: {}", answer.0);
        assert_page(&answer, answer.0.as_u16(), words, "/account?from=here");
    }
    let large = "x".repeat(70_000);
    let announced = browser.clone().with("content-length", "70000");
    let answer = ask(&announced, Method::POST, SELECT, &large).await;
    assert_page(
        &answer,
        413,
        "The request could not be read.",
        "/account?from=here",
    );
    zone.store.close().await;
    for form in [SIGN_OUT, SELECT] {
        let answer = ask(&browser, Method::POST, form, "organisation_id=903").await;
        let words = "The service cannot reach its database right now.";
        assert_page(&answer, 503, words, "/account?from=here");
    }
}

#[tokio::test]
async fn a_request_from_another_sites_page_is_refused_by_a_page_that_does_not_lead_there() {
    let zone = Zone::on_sqlite().await;
    let browser = browser(&zone).await.with("sec-fetch-site", "cross-site");
    for referer in [
        "https://evil.example//elsewhere",
        "https://evil.example",
        "?",
        "/\\evil",
    ] {
        let browser = browser.clone().with("referer", referer);
        let answer = ask(&browser, Method::POST, SIGN_OUT, "").await;
        let home = if referer == "https://evil.example" {
            "/"
        } else {
            "/events"
        };
        assert_page(&answer, 403, "This request came from another site.", home);
    }
}

#[tokio::test]
async fn an_address_that_takes_no_get_is_no_page() {
    let zone = Zone::on_sqlite().await;
    let answer = ask(&browser(&zone).await, Method::GET, SIGN_OUT, "").await;
    assert_page(&answer, answer.0.as_u16(), "Page not found", "/events");
}

#[tokio::test]
async fn a_page_that_tells_a_fault_itself_is_left_as_it_is() {
    let zone = Zone::on_sqlite().await;
    let (status, headers, page) = ask(&browser(&zone).await, Method::GET, "/nothing", "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(page.contains("Page not found"), "{page}");
    let policy = headers["content-security-policy"].to_str().expect("a text");
    assert!(policy.contains("'nonce-"), "{policy}");
}

#[tokio::test]
async fn a_program_gets_the_error_as_it_is() {
    let zone = Zone::on_sqlite().await;
    let script = browser(&zone).await.with("accept", "application/json");
    zone.store.close().await;
    let (status, headers, text) = ask(&script, Method::POST, SIGN_OUT, "").await;
    assert_eq!(
        (status, text.as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "\"Unavailable\"")
    );
    assert_ne!(headers["content-type"], "text/html; charset=utf-8");
    let (status, headers, text) = ask(&script, Method::GET, "/events", "").await;
    assert_eq!(
        (status, text.as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "\"Unavailable\"")
    );
    assert_eq!(headers["retry-after"], "5");
}
