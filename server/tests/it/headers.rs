//! Security headers. The tests find pages, server functions, documents and routes by themselves, so they also check
//! those that are added later.

use std::collections::BTreeSet;

use app::paths::PUBLIC_PAGES;
use axum::body::Body;
use http::{HeaderMap, Method, StatusCode};
use leptos::server_fn::axum::server_fn_paths;
use leptos_axum::generate_route_list;
use server::api::ROUTES;

use crate::support::{client::Client, server::TestServer};

const STRICT: &str = "default-src 'none'; frame-ancestors 'none'";

/// A response, with its request for failure messages.
struct Seen {
    request: String,
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().expect("a text"));
        assert_eq!(
            values.next(),
            None,
            "{}: {name} was sent twice",
            self.request
        );
        value.unwrap_or_default()
    }

    #[track_caller]
    fn has(&self, name: &str, value: &str) {
        assert_eq!(self.header(name), value, "{}: {name}", self.request);
    }

    /// The headers of every response outside of the API.
    #[track_caller]
    fn has_common_headers(&self) {
        self.has("x-content-type-options", "nosniff");
        self.has("x-frame-options", "DENY");
        let is_reset_link = self.request.contains(" /reset-password");
        let referrer = if is_reset_link {
            "strict-origin"
        } else {
            "same-origin"
        };
        self.has("referrer-policy", referrer);
        self.has("cross-origin-opener-policy", "same-origin");
        let permissions: BTreeSet<_> = self.header("permissions-policy").split(", ").collect();
        assert!(permissions.contains("clipboard-write=(self)"));
        for feature in [
            "camera",
            "microphone",
            "geolocation",
            "clipboard-read",
            "usb",
        ] {
            assert!(
                permissions.contains(&format!("{feature}=()")[..]),
                "{feature}"
            );
        }
        let open = permissions
            .iter()
            .filter(|feature| !feature.ends_with("=()"));
        assert_eq!(open.count(), 1, "{permissions:?}");
    }

    /// A response that may load nothing and must not be stored.
    #[track_caller]
    fn is_strict(&self) {
        self.has_common_headers();
        self.has("content-security-policy", STRICT);
        self.has("cache-control", "no-store, no-transform");
        self.has("cross-origin-resource-policy", "same-origin");
    }

    /// A page of the dashboard.
    #[track_caller]
    fn is_page(&self) -> String {
        self.has_common_headers();
        self.has("content-type", "text/html; charset=utf-8");
        self.has("cache-control", "no-store, no-transform");
        self.has("cross-origin-resource-policy", "same-origin");
        let policy = self.header("content-security-policy");
        let (_, rest) = policy.split_once("'nonce-").expect("a nonce");
        let (nonce, _) = rest.split_once('\'').expect("an end");
        assert!(nonce.len() >= 22, "at least 128 bits: {nonce}");
        let expected = format!(
            "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
             style-src 'nonce-{nonce}'; img-src 'self'; font-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        assert_eq!(policy, expected, "{}", self.request);
        self.has_only_scripts_and_styles_with(nonce);
        nonce.to_owned()
    }

    fn has_only_scripts_and_styles_with(&self, nonce: &str) {
        let html = String::from_utf8_lossy(&self.body);
        let scripts = html.split("<script").skip(1);
        for script in scripts {
            let (tag, _) = script.split_once('>').expect("a tag");
            assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "<script{tag}>");
        }
        let tags = html.split('<').filter_map(|tag| tag.split_once('>'));
        for (tag, _) in tags {
            for inline in [
                " style=",
                " onclick=",
                " onload=",
                " onerror=",
                "javascript:",
            ] {
                assert!(!tag.contains(inline), "{}: <{tag}>", self.request);
            }
        }
        for style in html.split("<style").skip(1) {
            let (tag, _) = style.split_once('>').expect("a tag");
            assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "<style{tag}>");
        }
    }

    /// A response of the API: programs read it, and a browser may only show it.
    #[track_caller]
    fn is_of_the_api(&self) {
        self.has("content-type", "application/json");
        let is_kept = self.status.is_success() && !self.request.ends_with("/ping");
        self.has(
            "cache-control",
            if is_kept {
                "private, no-cache"
            } else {
                "no-store"
            },
        );
        self.has("content-security-policy", STRICT);
        self.has("x-content-type-options", "nosniff");
        self.has("cross-origin-resource-policy", "same-origin");
    }
}

async fn ask(client: &Client, method: Method, target: &str) -> Seen {
    send(client, method, target, Body::empty()).await
}

async fn send(client: &Client, method: Method, target: &str, body: impl Into<Body>) -> Seen {
    let request = format!("{method} {target}");
    let (status, headers, body) = client.raw(method, target, body).await;
    Seen {
        request,
        status,
        headers,
        body,
    }
}

async fn get(client: &Client, target: &str) -> Seen {
    ask(client, Method::GET, target).await
}

/// Every page of the dashboard's router. The token's page is that of token 1.
fn pages() -> Vec<String> {
    let pages = generate_route_list(app::App);
    let paths = pages.iter().map(|page| page.path().replace("{id}", "1"));
    let paths: Vec<_> = paths.filter(|path| path != "/").collect();
    assert!(paths.len() >= 3, "{paths:?}");
    paths
}

/// Every server function in the program.
fn server_functions() -> Vec<(String, Method)> {
    let functions = server_fn_paths().map(|(path, method)| (path.to_owned(), method));
    let functions: Vec<_> = functions.collect();
    assert!(functions.len() >= 8, "{functions:?}");
    functions
}

/// Every page that the documentation's index names.
async fn documentation(server: &TestServer) -> Vec<String> {
    let index = get(&server.anonymous(), "/llms.txt").await;
    let index = String::from_utf8_lossy(&index.body);
    let links = index.split("](").skip(1);
    let links = links.filter_map(|link| Some(link.split_once(')')?.0));
    let pages = links.filter_map(|link| {
        link.strip_prefix("https://api.9pic.ai")?
            .strip_suffix(".md")
    });
    let pages: Vec<_> = pages.map(str::to_owned).collect();
    assert!(pages.len() >= 5, "{pages:?}");
    pages
}

/// The files that a page loads.
fn assets(pages: [Seen; 2]) -> BTreeSet<String> {
    let mut assets = BTreeSet::new();
    for page in pages {
        let html = String::from_utf8_lossy(&page.body);
        let names = html.split("/assets/").skip(1);
        let names = names.filter_map(|rest| rest.split_once('"'));
        assets.extend(names.map(|(name, _)| format!("/assets/{name}")));
    }
    assert!(assets.len() >= 4, "build the front end first: {assets:?}");
    assets
}

#[tokio::test]
async fn every_page_allows_only_its_own_scripts_and_forbids_storing() {
    let server = TestServer::on_sqlite().await;
    let member = server.session("member@example.com").await;
    assert_eq!(server.token().await.id.0, 1);
    let mut nonces = BTreeSet::new();
    let mut count = 0;
    for path in pages().iter().map(String::as_str).chain(["/no-such-page"]) {
        let client = match path {
            "/sign-in" => server.anonymous(),
            _ => member.clone(),
        };
        for _ in 0..2 {
            let page = get(&client, path).await;
            let expected = match path {
                "/no-such-page" | "/reset-password" => StatusCode::NOT_FOUND,
                _ => StatusCode::OK,
            };
            assert_eq!(page.status, expected, "{path}");
            nonces.insert(page.is_page());
            count += 1;
        }
    }
    assert_eq!(nonces.len(), count, "a nonce was used twice");
}

#[tokio::test]
async fn every_redirect_and_server_function_allows_nothing_and_forbids_storing() {
    let server = TestServer::on_sqlite().await;
    let stranger = server.anonymous();
    let member = server.session("member@example.com").await;
    for path in pages().iter().map(String::as_str).chain(["/"]) {
        if !PUBLIC_PAGES.contains(&path) {
            let response = get(&stranger, path).await;
            assert!(response.status.is_redirection(), "{path}");
            response.is_strict();
        }
    }
    get(&member, "/sign-in").await.is_strict();
    for (path, method) in server_functions() {
        for client in [&stranger, &member] {
            send(client, method.clone(), &path, "{}").await.is_strict();
            let client = client.clone().with("content-type", "application/json");
            send(&client, method.clone(), &path, "{}").await.is_strict();
            let refused = client.with("sec-fetch-site", "cross-site");
            let refused = send(&refused, method.clone(), &path, "{}").await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
            refused.is_strict();
        }
    }
}

#[tokio::test]
#[ignore = "needs the built front end: `make test` runs it"]
async fn the_documentation_and_its_assets_have_a_content_security_policy() {
    let server = TestServer::on_sqlite().await;
    let anyone = server.anonymous();
    for path in documentation(&server).await {
        let page = get(&anyone, &path).await;
        page.has_common_headers();
        page.has("cache-control", "no-cache, no-transform");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(policy.ends_with("; frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let text = get(&anyone, &format!("{path}.md")).await;
        text.has_common_headers();
        text.has("content-security-policy", STRICT);
        let etag = page.header("etag").to_owned();
        let known = anyone.clone().with("if-none-match", etag);
        let unchanged = get(&known, &path).await;
        assert_eq!(unchanged.status, StatusCode::NOT_MODIFIED, "{path}");
        unchanged.has_common_headers();
        let wrong = ask(&anyone, Method::POST, &path).await;
        assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        wrong.is_strict();
    }
    let document = get(&anyone, "/api/v1/openapi.json").await;
    document.has_common_headers();
    document.has("content-security-policy", STRICT);
    document.has("cross-origin-resource-policy", "cross-origin");
    let member = server.session("member@example.com").await;
    let pages = [get(&member, "/events").await, get(&anyone, "/docs").await];
    for path in assets(pages) {
        let asset = get(&anyone, &path).await;
        asset.has_common_headers();
        asset.has("content-security-policy", STRICT);
        asset.has(
            "cache-control",
            "public, max-age=31536000, immutable, no-transform",
        );
        asset.has("cross-origin-resource-policy", "same-origin");
    }
}

#[tokio::test]
async fn the_page_that_shows_a_new_token_runs_no_script_and_forbids_storing() {
    let server = TestServer::on_sqlite().await;
    let member = server.session("member@example.com").await;
    let path = "/developer-zone/tokens/new";
    let form = String::from_utf8(get(&member, path).await.body).expect("a text");
    let (_, number) = form
        .split_once("name=\"form_number\" value=\"")
        .expect("a number");
    let (number, _) = number.split_once('"').expect("an end");
    let body = format!("organisation_id=903&form_number={number}&name=Kiosk");
    let sender = member.with("content-type", "application/x-www-form-urlencoded");
    let foreign = sender.clone().with("sec-fetch-site", "cross-site");
    let foreign = send(&foreign, Method::POST, path, body.clone()).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    for (status, shows) in [(StatusCode::OK, true), (StatusCode::CONFLICT, false)] {
        let response = send(&sender, Method::POST, path, body.clone()).await;
        assert_eq!(response.status, status);
        response.has_common_headers();
        response.has("content-type", "text/html; charset=utf-8");
        response.has("cache-control", "no-store, no-transform");
        response.has("cross-origin-resource-policy", "same-origin");
        response.has(
            "content-security-policy",
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'",
        );
        response.has_only_scripts_and_styles_with("nothing");
        let html = String::from_utf8_lossy(&response.body);
        assert_eq!(html.contains("token-field"), shows, "{html}");
        assert!(!html.contains("<script"), "{html}");
    }
}

#[tokio::test]
async fn errors_of_the_dashboard_have_the_common_headers_and_forbid_storing() {
    let server = TestServer::on_sqlite().await;
    let member = server.session("member@example.com").await;
    for (method, path, status) in [
        (Method::GET, "/healthz", 200),
        (Method::POST, "/healthz", 405),
        (Method::GET, "/assets/none.0123456789abcdef.js", 404),
        (Method::GET, "/assets/x", 404),
        (Method::POST, "/events", 405),
        (Method::GET, "/api/dashboard/no-such-function", 404),
        (Method::OPTIONS, "/events", 405),
    ] {
        let response = ask(&member, method, path).await;
        assert_eq!(response.status, status, "{}", response.request);
        response.has_common_headers();
        let stored = response.header("cache-control");
        assert!(stored.starts_with("no-store"), "{stored}");
        let policy = response.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    }
    for (client, query, status) in [
        (&member, "organisation=903", 200),
        (&member, "", 400),
        (&member, "organisation=904", 403),
        (&server.anonymous(), "organisation=903", 303),
    ] {
        let file = get(client, &format!("/developer-zone/activity.csv?{query}")).await;
        assert_eq!(file.status, status, "{}", file.request);
        file.is_strict();
    }
    let (path, method) = server_functions().remove(0);
    let large = send(&member, method, &path, vec![b'x'; 70_000]).await;
    large.is_strict();
    let bad_link = get(&member, "/files/456/x.jpg?expires=1&signature=x").await;
    bad_link.has_common_headers();
    bad_link.is_of_the_api();
    server.clock.break_down();
    let panicked = get(&member, "/events").await;
    assert_eq!(panicked.status, StatusCode::INTERNAL_SERVER_ERROR);
    panicked.is_strict();
}

#[tokio::test]
async fn every_response_of_the_api_restricts_browsers() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let key = server.key(&token.secret);
    for route in &ROUTES {
        let path = route.path.replace("{org_id}", "903");
        let path = path.replace("{bib}", "1234").replace("{*rest}", "x");
        for event in ["456", "457", "x"] {
            let path = path.replace("{event_id}", event);
            for client in [&server.anonymous(), &server.key("no key"), &key] {
                for method in [route.method.clone(), Method::HEAD, Method::DELETE] {
                    ask(client, method, &path).await.is_of_the_api();
                }
            }
        }
    }
    for path in ["/api/v1/ext", "/api/v1/ext/", "/api/v1/ext/903/nothing"] {
        get(&key, path).await.is_of_the_api();
    }
    let elsewhere = key.clone().with("host", "evil.example");
    get(&elsewhere, "/api/v1/ext/903/events")
        .await
        .is_of_the_api();
    for path in ["/api", "/api/v2/ext/903/events", "/API/v1/ext", "//api/x"] {
        get(&server.anonymous(), path).await.is_of_the_api();
    }
    let document = "/api/v1/openapi.json";
    let wrong_method = ask(&server.anonymous(), Method::POST, document).await;
    wrong_method.is_of_the_api();
    server.clock.break_down();
    let panicked = get(&key, "/api/v1/ext/903/events").await;
    assert_eq!(panicked.status, StatusCode::INTERNAL_SERVER_ERROR);
    panicked.is_of_the_api();
}

#[tokio::test]
async fn hsts_is_sent_exactly_when_the_public_url_is_https() {
    const PATHS: [&str; 6] = [
        "/sign-in",
        "/docs",
        "/healthz",
        "/api/v1/ext/903/events",
        "/api/v1/openapi.json",
        "/assets/x",
    ];
    for (public_url, expected) in [
        (None, ""),
        (Some("http://dev.example.com"), ""),
        (
            Some("https://dev.example.com"),
            "max-age=63072000; includeSubDomains",
        ),
    ] {
        let server = TestServer::on_sqlite().await.configured(|config| {
            config.public_url = public_url.map(|url| url.parse().expect("an origin"));
        });
        for path in PATHS {
            let response = get(&server.anonymous(), path).await;
            response.has("strict-transport-security", expected);
        }
    }
}
