//! Compressed responses: what is compressed, and that it can be read back.

use std::io::Read;

use http::{HeaderMap, Method, StatusCode};

use crate::support::{MEMBER, client::Client, server::TestServer};

/// A response to a request that accepts this coding.
async fn fetch(client: &Client, path: &str, coding: &str) -> (HeaderMap, Vec<u8>) {
    let client = client.clone().with("accept-encoding", coding);
    let (status, headers, body) = client.raw(Method::GET, path, "").await;
    assert_eq!(status, StatusCode::OK, "{path}");
    (headers, body)
}

/// The body of a compressed response.
fn plain(coding: &str, mut body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        "br" => brotli::BrotliDecompress(&mut body, &mut plain),
        "zstd" => zstd::stream::copy_decode(body, &mut plain),
        "gzip" => {
            let mut decoder = flate2::read::GzDecoder::new(body);
            decoder.read_to_end(&mut plain).map(drop)
        }
        other => panic!("{other} is not a coding of ours"),
    }
    .expect("compressed");
    plain
}

const CODINGS: [&str; 3] = ["br", "zstd", "gzip"];

/// The names in all `Vary` headers.
fn varies_by(headers: &HeaderMap) -> Vec<&str> {
    let values = headers.get_all("vary").iter();
    values
        .map(|value| value.to_str().expect("a text"))
        .collect()
}

/// The page without the nonce and the ids that differ in each rendering.
fn without_nonces(page: &[u8]) -> String {
    let page = String::from_utf8(page.to_vec()).expect("a text");
    let mut parts = page.split("nonce=\"");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once('"').map_or("", |(_, rest)| rest)
    })
}

#[tokio::test]
async fn a_page_of_the_dashboard_is_compressed_as_the_browser_asks() {
    let server = TestServer::on_sqlite().await;
    let member = server.session(MEMBER).await;
    for path in ["/events", "/developer-zone", "/account"] {
        let (headers, page) = fetch(&member, path, "identity").await;
        assert!(!headers.contains_key("content-encoding"), "{path}");
        assert_eq!(varies_by(&headers), ["accept-encoding", "sec-fetch-site"]);
        for coding in CODINGS {
            let (headers, body) = fetch(&member, path, coding).await;
            assert_eq!(headers["content-encoding"], coding, "{path}");
            assert_eq!(varies_by(&headers), ["accept-encoding", "sec-fetch-site"]);
            let length = headers["content-length"].to_str().expect("a text");
            assert_eq!(length.parse(), Ok(body.len()), "{path}");
            assert!(body.len() < page.len() / 2, "{path} {coding}");
            let text = plain(coding, &body);
            assert_eq!(without_nonces(&text), without_nonces(&page), "{path}");
        }
    }
}

#[tokio::test]
async fn head_of_a_compressed_page_has_the_headers_of_get_and_no_body() {
    let server = TestServer::on_sqlite().await;
    let client = server.anonymous().with("accept-encoding", "br");
    let (_, of_get, _) = client.raw(Method::GET, "/sign-in", "").await;
    let (status, of_head, body) = client.raw(Method::HEAD, "/sign-in", "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.is_empty());
    for name in ["content-encoding", "content-type", "cache-control", "vary"] {
        assert_eq!(of_head[name], of_get[name], "{name}");
    }
    assert!(of_head.contains_key("content-length"));
}

/// The attacker of BREACH needs a secret in the page, and a guess beside it (decision 47).
#[tokio::test]
async fn a_page_with_a_secret_or_requested_by_another_site_is_not_compressed() {
    let server = TestServer::on_sqlite().await;
    let member = server.session(MEMBER).await;
    for site in ["cross-site", "same-site"] {
        let foreign = member.clone().with("sec-fetch-site", site);
        let (headers, _) = fetch(&foreign, "/events", "br").await;
        assert!(!headers.contains_key("content-encoding"), "{site}");
    }
    for site in ["same-origin", "none"] {
        let own = member.clone().with("sec-fetch-site", site);
        let (headers, _) = fetch(&own, "/events", "br").await;
        assert_eq!(headers["content-encoding"], "br", "{site}");
    }
    let browser = server.anonymous().with("accept-encoding", "br");
    let reset = "/reset-password?link=guess";
    let (_, headers, _) = browser.raw(Method::GET, reset, "").await;
    assert!(!headers.contains_key("content-encoding"));
    let path = "/developer-zone/tokens/new";
    let (_, form) = fetch(&member, path, "identity").await;
    let form = String::from_utf8(form).expect("a text");
    let (_, number) = form
        .split_once("name=\"form_number\" value=\"")
        .expect("a number");
    let (number, _) = number.split_once('"').expect("an end");
    let sender = member
        .with("accept-encoding", "br")
        .with("content-type", "application/x-www-form-urlencoded");
    let body = format!("organisation_id=903&form_number={number}&name=Kiosk");
    let (status, headers, shown) = sender.raw(Method::POST, path, body).await;
    assert_eq!(status, StatusCode::OK);
    assert!(!headers.contains_key("content-encoding"));
    assert!(String::from_utf8_lossy(&shown).contains("token-field"));
}

const IMAGES: &str = "/api/v1/ext/903/event/456/images?page_size=96";

#[tokio::test]
async fn a_large_response_of_the_api_is_compressed_as_the_caller_asks() {
    let (_server, client) = TestServer::with_client().await;
    let (headers, page) = fetch(&client, IMAGES, "identity").await;
    assert!(!headers.contains_key("content-encoding"));
    assert_eq!(varies_by(&headers), ["accept-encoding"]);
    for coding in CODINGS {
        let (headers, body) = fetch(&client, IMAGES, coding).await;
        assert_eq!(headers["content-encoding"], coding);
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(varies_by(&headers), ["accept-encoding"]);
        assert!(body.len() < page.len() / 5, "{coding}: {}", body.len());
        assert_eq!(plain(coding, &body), page, "{coding}");
    }
}

#[tokio::test]
async fn a_small_response_of_the_api_is_never_compressed() {
    let (server, client) = TestServer::with_client().await;
    for (client, path) in [
        (&client, "/api/v1/ext/903/event/456/ping"),
        (&client, "/api/v1/ext/903/event/456/details"),
        (&client, "/api/v1/ext/903/events?page=999"),
        (&client, "/api/v1/ext/903/nothing"),
        (&server.anonymous(), IMAGES),
    ] {
        let client = client.clone().with("accept-encoding", "br, identity;q=0");
        let (_, headers, body) = client.raw(Method::GET, path, "").await;
        assert!(body.len() < 1024, "{path}");
        assert!(!headers.contains_key("content-encoding"), "{path}");
        assert!(!headers.contains_key("vary"), "{path}");
    }
}

#[tokio::test]
async fn documentation_and_openapi_document_are_compressed_and_each_form_has_its_own_tag() {
    let server = TestServer::on_sqlite().await;
    let anyone = server.anonymous();
    for path in [
        "/docs",
        "/docs/errors.md",
        "/docs/changelog.atom",
        "/docs/search.json",
        "/api/v1/openapi.json",
    ] {
        let (headers, text) = fetch(&anyone, path, "identity").await;
        let mut tags = vec![headers["etag"].clone()];
        for coding in CODINGS {
            let (headers, body) = fetch(&anyone, path, coding).await;
            assert_eq!(headers["content-encoding"], coding, "{path}");
            assert_eq!(varies_by(&headers), ["accept-encoding"], "{path}");
            assert_eq!(plain(coding, &body), text, "{path}");
            let tag = headers["etag"].clone();
            assert!(!tags.contains(&tag), "{path} {coding}");
            let known = anyone.clone().with("accept-encoding", coding);
            let known = known.with("if-none-match", &tag);
            let (status, headers, body) = known.raw(Method::GET, path, "").await;
            assert_eq!(status, StatusCode::NOT_MODIFIED, "{path} {coding}");
            assert!(body.is_empty());
            for name in ["content-encoding", "content-length", "content-type"] {
                assert!(!headers.contains_key(name), "{path}: {name}");
            }
            assert_eq!(headers["etag"], tag, "{path} {coding}");
            tags.push(tag);
        }
    }
}
