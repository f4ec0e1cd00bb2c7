//! What the head of every response tells browsers. The walk finds by itself what there is to ask for, so that
//! whatever is added is looked at too.

use std::collections::BTreeSet;

use axum::body::Body;
use http::{HeaderMap, Method, StatusCode};
use leptos::server_fn::axum::server_fn_paths;
use leptos_axum::generate_route_list;
use server::api::ROUTES;

use crate::support::{client::Client, server::TestServer};

const STRICT: &str = "default-src 'none'; frame-ancestors 'none'";

/// One response, and how it is called when something is wrong with it.
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
        assert_eq!(values.next(), None, "{}: {name} came twice", self.request);
        value.unwrap_or_default()
    }

    #[track_caller]
    fn says(&self, name: &str, value: &str) {
        assert_eq!(self.header(name), value, "{}: {name}", self.request);
    }

    /// What is never different outside the API.
    #[track_caller]
    fn is_closed(&self) {
        self.says("x-content-type-options", "nosniff");
        self.says("x-frame-options", "DENY");
        self.says("referrer-policy", "same-origin");
        self.says("cross-origin-opener-policy", "same-origin");
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

    /// An response for which nothing is loaded and that nobody keeps.
    #[track_caller]
    fn is_strict(&self) {
        self.is_closed();
        self.says("content-security-policy", STRICT);
        self.says("cache-control", "no-store");
        self.says("cross-origin-resource-policy", "same-origin");
    }

    /// A page of the dashboard.
    #[track_caller]
    fn is_page(&self) -> String {
        self.is_closed();
        self.says("content-type", "text/html; charset=utf-8");
        self.says("cache-control", "no-store");
        self.says("cross-origin-resource-policy", "same-origin");
        let policy = self.header("content-security-policy");
        let (_, rest) = policy.split_once("'nonce-").expect("a nonce");
        let (nonce, _) = rest.split_once('\'').expect("an end");
        assert!(nonce.len() >= 22, "128 bits and more: {nonce}");
        let expected = format!(
            "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
             style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        assert_eq!(policy, expected, "{}", self.request);
        self.runs_only_what_carries(nonce);
        nonce.to_owned()
    }

    fn runs_only_what_carries(&self, nonce: &str) {
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
        assert!(!html.contains("<style"), "{}", self.request);
    }

    /// An response of the API: programs read it, and a browser that shows it is told to do no more.
    #[track_caller]
    fn is_of_the_api(&self) {
        self.says("content-type", "application/json");
        self.says("cache-control", "no-store");
        self.says("content-security-policy", STRICT);
        self.says("x-content-type-options", "nosniff");
        self.says("cross-origin-resource-policy", "same-origin");
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

/// Every page that the dashboard's own router has; that of a token is the first one's.
fn pages() -> Vec<String> {
    let pages = generate_route_list(app::App);
    let paths = pages.iter().map(|page| page.path().replace("{id}", "1"));
    let paths: Vec<_> = paths.filter(|path| path != "/").collect();
    assert!(paths.len() >= 3, "{paths:?}");
    paths
}

/// Every server function that is compiled in.
fn server_functions() -> Vec<(String, Method)> {
    let functions = server_fn_paths().map(|(path, method)| (path.to_owned(), method));
    let functions: Vec<_> = functions.collect();
    assert!(functions.len() >= 8, "{functions:?}");
    functions
}

/// The documentation's pages, which its index names.
async fn documentation(server: &TestServer) -> Vec<String> {
    let index = get(&server.anonymous(), "/llms.txt").await;
    let index = String::from_utf8_lossy(&index.body);
    let links = index.split("](").skip(1);
    let links = links.filter_map(|link| Some(link.split_once(')')?.0));
    let pages = links.filter_map(|link| link.strip_suffix(".md"));
    let pages: Vec<_> = pages.map(str::to_owned).collect();
    assert!(pages.len() >= 5, "{pages:?}");
    pages
}

/// The files that a page loads.
fn assets(page: &Seen) -> BTreeSet<String> {
    let html = String::from_utf8_lossy(&page.body);
    let names = html.split("/assets/").skip(1);
    let names = names.filter_map(|rest| rest.split_once('"'));
    let assets: BTreeSet<_> = names.map(|(name, _)| format!("/assets/{name}")).collect();
    assert!(assets.len() >= 4, "is the front end built? {assets:?}");
    assets
}

#[tokio::test]
async fn every_page_runs_its_own_scripts_alone_and_is_kept_by_nobody() {
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
                "/no-such-page" => StatusCode::NOT_FOUND,
                _ => StatusCode::OK,
            };
            assert_eq!(page.status, expected, "{path}");
            nonces.insert(page.is_page());
            count += 1;
        }
    }
    assert_eq!(nonces.len(), count, "a nonce came twice");
}

#[tokio::test]
async fn every_redirect_and_every_server_function_is_strict_and_kept_by_nobody() {
    let server = TestServer::on_sqlite().await;
    let stranger = server.anonymous();
    let member = server.session("member@example.com").await;
    for path in pages().iter().map(String::as_str).chain(["/"]) {
        if path != "/sign-in" {
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
async fn the_documentation_and_what_it_loads_say_what_they_may_do() {
    let server = TestServer::on_sqlite().await;
    let anyone = server.anonymous();
    for path in documentation(&server).await {
        let page = get(&anyone, &path).await;
        page.is_closed();
        page.says("cache-control", "no-cache");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(policy.ends_with("; frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let text = get(&anyone, &format!("{path}.md")).await;
        text.is_closed();
        text.says("content-security-policy", STRICT);
        let etag = page.header("etag").to_owned();
        let known = anyone.clone().with("if-none-match", etag);
        let unchanged = get(&known, &path).await;
        assert_eq!(unchanged.status, StatusCode::NOT_MODIFIED, "{path}");
        unchanged.is_closed();
        let wrong = ask(&anyone, Method::POST, &path).await;
        assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        wrong.is_strict();
    }
    let document = get(&anyone, "/api/v1/openapi.json").await;
    document.is_closed();
    document.says("content-security-policy", STRICT);
    document.says("cross-origin-resource-policy", "cross-origin");
    for path in assets(&get(&anyone, "/sign-in").await) {
        let asset = get(&anyone, &path).await;
        asset.is_closed();
        asset.says("content-security-policy", STRICT);
        asset.says("cache-control", "public, max-age=31536000, immutable");
        asset.says("cross-origin-resource-policy", "same-origin");
    }
}

#[tokio::test]
async fn the_page_that_shows_a_token_runs_nothing_and_is_kept_by_nobody() {
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
        response.is_closed();
        response.says("content-type", "text/html; charset=utf-8");
        response.says("cache-control", "no-store");
        response.says("cross-origin-resource-policy", "same-origin");
        response.says(
            "content-security-policy",
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'",
        );
        response.runs_only_what_carries("nothing");
        let html = String::from_utf8_lossy(&response.body);
        assert_eq!(html.contains("token-field"), shows, "{html}");
        assert!(!html.contains("<script"), "{html}");
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_is_wrong_is_strict_too() {
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
        response.is_closed();
        response.says("cache-control", "no-store");
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
    bad_link.is_closed();
    bad_link.is_of_the_api();
    server.clock.break_down();
    let panicked = get(&member, "/events").await;
    assert_eq!(panicked.status, StatusCode::INTERNAL_SERVER_ERROR);
    panicked.is_strict();
}

#[tokio::test]
async fn every_answer_of_the_api_says_how_little_a_browser_may_do_with_it() {
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
    server.clock.break_down();
    let panicked = get(&key, "/api/v1/ext/903/events").await;
    assert_eq!(panicked.status, StatusCode::INTERNAL_SERVER_ERROR);
    panicked.is_of_the_api();
}

#[tokio::test]
async fn browsers_are_held_to_https_where_the_server_is_reached_by_it_and_only_there() {
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
            response.says("strict-transport-security", expected);
        }
    }
}
