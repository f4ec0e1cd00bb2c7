//! The documentation: anyone can read it, it is complete, and every link has a target.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
};

use axum::body::Body;
use http::{Method, StatusCode};
use model::session::SESSION_COOKIE;
use serde_json::{Value, json};
use server::api::throttle::{RateLimit, RateLimits};

use crate::{
    openapi::resolved,
    support::{
        client::{API_HOST, Client, Response},
        server::TestServer,
    },
};

const PAGES: [&str; 8] = [
    "/docs",
    "/docs/authentication",
    "/docs/conventions",
    "/docs/errors",
    "/docs/recipes",
    "/docs/clients",
    "/docs/reference",
    "/docs/changelog",
];

/// The values of the reader for the examples.
const VALUES: &str = "/docs/values";

/// The index of the search.
const SEARCH: &str = "/docs/search.json";

/// Links into the dashboard, which redirects callers to sign-in.
const DASHBOARD: [&str; 3] = ["/", "/developer-zone", "/events"];

async fn get(server: &TestServer, path: &str) -> Response {
    fetch(&server.anonymous(), Method::GET, path).await
}

async fn fetch(client: &Client, method: Method, path: &str) -> Response {
    client.fetch(method, path, Body::empty()).await
}

/// Each text between `start` and `end`.
fn all_between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start)
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(end)?.0))
        .collect()
}

#[tokio::test]
async fn anyone_can_read_every_page_as_html_and_as_markdown() {
    let server = TestServer::on_sqlite().await;
    for path in PAGES {
        let html = get(&server, path).await;
        assert_eq!(html.status, StatusCode::OK, "{path}");
        assert_eq!(
            html.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(html.text.matches("<h1>").count(), 1, "{path}");
        assert_eq!(
            html.text.matches("aria-current=\"page\"").count(),
            1,
            "{path}"
        );
        let markdown = get(&server, &format!("{path}.md")).await;
        assert_eq!(markdown.status, StatusCode::OK, "{path}.md");
        let content_type = markdown.header("content-type");
        assert_eq!(content_type, Some("text/markdown; charset=utf-8"));
        let title = all_between(&html.text, "<h1>", "</h1>")[0];
        assert!(
            markdown.text.starts_with(&format!("# {title}\n")),
            "{path}.md"
        );
        for response in [html, markdown] {
            assert_eq!(response.header("set-cookie"), None, "{path}");
            assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
            assert_eq!(response.header("referrer-policy"), Some("same-origin"));
        }
    }
}

#[tokio::test]
async fn a_page_loads_only_our_files_and_has_no_inline_script_or_style() {
    let server = TestServer::on_sqlite().await;
    for path in PAGES {
        let page = get(&server, path).await;
        let policy = page.header("content-security-policy").unwrap_or_default();
        let directives: BTreeSet<_> = policy.split("; ").collect();
        let expected = BTreeSet::from([
            "default-src 'none'",
            "style-src 'self'",
            "script-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]);
        assert_eq!(directives, expected, "{path}");
        for inline in all_between(&page.text, "<script", "</script>") {
            assert!(
                inline.contains(" src=") && inline.ends_with('>'),
                "{inline}"
            );
        }
        for inline in ["<style", " style=", " onclick=", " onload=", "javascript:"] {
            assert!(!page.text.contains(inline), "{path}: {inline}");
        }
    }
}

#[tokio::test]
async fn a_page_that_has_not_changed_is_304() {
    let server = TestServer::on_sqlite().await;
    for path in [
        "/docs",
        "/docs/errors.md",
        SEARCH,
        "/llms.txt",
        "/robots.txt",
    ] {
        let page = get(&server, path).await;
        assert_eq!(
            page.header("cache-control"),
            Some("no-cache, no-transform"),
            "{path}"
        );
        let etag = page.header("etag").expect("an etag").to_owned();
        for known in [etag.clone(), format!("\"other\", W/{etag}"), "*".to_owned()] {
            let client = server.anonymous().with("if-none-match", &known);
            let again = fetch(&client, Method::GET, path).await;
            assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}: {known}");
            assert_eq!(again.header("etag"), Some(&etag[..]), "{path}");
            assert!(again.text.is_empty(), "{path}");
        }
        let client = server.anonymous().with("if-none-match", "\"other\"");
        let changed = fetch(&client, Method::GET, path).await;
        assert_eq!(changed.text, page.text, "{path}");
    }
}

#[tokio::test]
async fn a_page_allows_only_get_and_head() {
    let server = TestServer::on_sqlite().await;
    let client = server.anonymous();
    for path in [
        "/docs",
        "/docs/reference.md",
        SEARCH,
        "/llms.txt",
        "/robots.txt",
    ] {
        let head = fetch(&client, Method::HEAD, path).await;
        assert_eq!(head.status, StatusCode::OK, "{path}");
        assert!(head.text.is_empty(), "{path}");
        let length = get(&server, path).await.text.len().to_string();
        assert_eq!(head.header("content-length"), Some(&length[..]), "{path}");
        let post = fetch(&client, Method::POST, path).await;
        assert_eq!(post.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(post.header("allow"), Some("GET,HEAD"), "{path}");
    }
}

#[tokio::test]
async fn an_unknown_page_is_a_404_with_links_to_all_pages() {
    let server = TestServer::on_sqlite().await;
    let policy = get(&server, "/docs").await;
    for path in ["/docs/x", "/docs/x.md", "/docs/errors/x", "/docs/x/"] {
        for method in [Method::GET, Method::POST] {
            let page = fetch(&server.anonymous(), method, path).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
            for header in ["content-type", "content-security-policy"] {
                assert_eq!(page.header(header), policy.header(header), "{path}");
            }
            assert!(page.text.contains("<h1>Page not found</h1>"), "{path}");
            let noindex = "<meta name=\"robots\" content=\"noindex\">";
            assert!(page.text.contains(noindex), "{path}");
            for known in PAGES {
                let links = page.text.matches(&format!("href=\"{known}\"")).count();
                assert!(links >= 2, "{path}: {known}");
            }
        }
    }
    let outside = get(&server, "/docsx").await;
    assert_eq!(outside.status, StatusCode::NOT_FOUND);
    assert!(!outside.text.contains("API documentation"));
}

#[tokio::test]
async fn no_placeholder_is_left_in_a_page() {
    let server = TestServer::on_sqlite().await;
    for path in PAGES {
        for path in [path.to_owned(), format!("{path}.md")] {
            let text = get(&server, &path).await.text;
            assert!(!text.contains("{{"), "{path}: {text}");
            assert!(!text.contains("undefined"), "{path}");
        }
    }
}

#[tokio::test]
async fn examples_use_the_api_address_of_this_server() {
    let server = TestServer::on_sqlite().await;
    let ping = "https://api.9pic.ai/api/v1/ext/903/event/456/ping";
    for path in ["/docs", "/docs.md", "/docs/reference", "/docs/reference.md"] {
        let text = without_tags(&get(&server, path).await.text);
        assert_eq!(text.matches(ping).count(), 3, "{path}");
    }
    let elsewhere = server
        .configured(|config| config.api_url = "http://localhost:3001".parse().expect("an origin"));
    for path in ["/docs/authentication", "/docs/conventions.md"] {
        let text = without_tags(&get(&elsewhere, path).await.text);
        assert!(text.contains("\nHost: localhost:3001\n"), "{path}: {text}");
    }
    for path in PAGES {
        let text = get(&elsewhere, &format!("{path}.md")).await.text;
        assert!(!text.contains("api.9pic.ai"), "{path}: {text}");
    }
}

fn without_tags(html: &str) -> String {
    let mut parts = html.split('<');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once('>').map_or(part, |(_, rest)| rest)
    })
}

#[tokio::test]
async fn the_search_finds_every_page_section_and_error_code_where_its_page_has_it() {
    let server = TestServer::on_sqlite().await;
    let index = get(&server, SEARCH).await;
    assert_eq!(index.header("content-type"), Some("application/json"));
    let index = index.json();
    let entries = index.as_array().expect("a list");
    let text = |entry: &Value, field: &str| entry[field].as_str().expect(field).to_owned();
    let addresses: BTreeSet<_> = entries.iter().map(|it| text(it, "address")).collect();
    assert_eq!(addresses.len(), entries.len(), "an address is there twice");
    let (mut expected, mut targets) = (BTreeSet::new(), BTreeSet::new());
    for path in PAGES {
        let html = get(&server, path).await.text;
        expected.insert(path.to_owned());
        for element in ["<h2 id=\"", "<tr id=\""] {
            let ids = all_between(&html, element, "\"").into_iter();
            let ids = ids.filter(|id| *id != "contents-title");
            expected.extend(ids.map(|id| format!("{path}#{id}")));
        }
        let ids = all_between(&html, " id=\"", "\"").into_iter();
        targets.extend(ids.map(|id| format!("{path}#{id}")));
        targets.insert(path.to_owned());
    }
    assert!(expected.is_subset(&addresses), "{addresses:?}");
    assert!(addresses.is_subset(&targets), "{addresses:?}");
    let inactive = entries
        .iter()
        .find(|entry| entry["address"] == "/docs/errors#token_inactive")
        .expect("an entry");
    assert_eq!(inactive["title"], "token_inactive");
    assert_eq!(inactive["place"], json!(["Errors", "Every code"]));
    assert!(text(inactive, "text").starts_with("403 "), "{inactive}");
}

/// What the script of a page puts in the place of organisation 903 and event 456.
#[tokio::test]
async fn a_signed_in_reader_gets_the_selected_organisation_and_one_of_its_events() {
    let server = TestServer::on_sqlite().await;
    let reader = server.session("other@example.com").await;
    let response = fetch(&reader, Method::GET, VALUES).await;
    assert_eq!(response.status, StatusCode::OK);
    assert_eq!(
        response.json(),
        json!({
            "organisation": { "id": 904, "name": "Harbour Events" },
            "event": { "id": 556, "name": "Harbour Regatta 2026" },
        })
    );
    let cache = response.header("cache-control");
    assert_eq!(cache, Some("no-store, no-transform"));
    for header in ["access-control-allow-origin", "etag", "set-cookie"] {
        assert_eq!(response.header(header), None, "{header}");
    }
    let policy = response.header("cross-origin-resource-policy");
    assert_eq!(policy, Some("same-origin"));

    // No event is configured: then it is the next one.
    server.unconfigure_foreign_event().await;
    let next = fetch(&reader, Method::GET, VALUES).await.json();
    assert_eq!(next["event"]["id"], 556);

    let without_events = server.session("trial@example.com").await;
    let values = fetch(&without_events, Method::GET, VALUES).await.json();
    let organisation = json!({ "id": 907, "name": "First Steps" });
    let expected = json!({ "organisation": organisation, "event": null });
    assert_eq!(values, expected);
}

#[tokio::test]
async fn only_a_member_of_the_selected_organisation_gets_its_values() {
    let server = TestServer::on_sqlite().await;
    let reader = server.session("admin@example.com").await;
    let not_selected = fetch(&reader, Method::GET, VALUES).await;
    assert_eq!(not_selected.status, StatusCode::NO_CONTENT);
    let selected = reader
        .form("select-organisation", "organisation_id=904")
        .await;
    assert_eq!(selected.status, StatusCode::SEE_OTHER);
    let values = fetch(&reader, Method::GET, VALUES).await.json();
    assert_eq!(values["organisation"]["id"], 904);
    server
        .database
        .sql("DELETE FROM members WHERE organisation_id = 904")
        .await;
    let removed = fetch(&reader, Method::GET, VALUES).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert_eq!(removed.text, "");
}

#[tokio::test]
async fn a_stranger_and_the_host_of_the_api_get_no_values() {
    const DASHBOARD_HOST: &str = "dev.example.com";
    let server = TestServer::on_sqlite().await;
    let cookie = server.session("other@example.com").await.headers()["cookie"].clone();
    let server = server.configured(|config| {
        config.dashboard_hosts = Some(vec![DASHBOARD_HOST.parse().expect("a host")]);
    });
    let stranger = server.anonymous().with("host", DASHBOARD_HOST);
    let made_up = format!("{SESSION_COOKIE}={}", "7f".repeat(40));
    let made_up = stranger.clone().with("cookie", &made_up);
    for client in [&stranger, &made_up] {
        let response = fetch(client, Method::GET, VALUES).await;
        assert_eq!(response.status, StatusCode::NO_CONTENT);
        assert_eq!(response.text, "");
    }
    let page = fetch(&stranger, Method::GET, "/docs/errors").await;
    assert_eq!(page.status, StatusCode::OK);
    let reader = stranger.with("cookie", &cookie);
    for (host, status) in [
        (DASHBOARD_HOST, StatusCode::OK),
        (API_HOST, StatusCode::NOT_FOUND),
        ("evil.example", StatusCode::MISDIRECTED_REQUEST),
    ] {
        let client = reader.clone().with("host", host);
        let response = fetch(&client, Method::GET, VALUES).await;
        assert_eq!(response.status, status, "{host}");
        let has_values = response.text.contains("Harbour");
        assert_eq!(has_values, status == StatusCode::OK, "{host}");
    }
}

#[tokio::test]
async fn pages_state_the_rate_limit_of_this_server() {
    let unlimited = get(&TestServer::on_sqlite().await, "/docs/conventions.md").await;
    assert!(unlimited.text.contains("This server sets no rate limit."));
    let (rate, burst) = ("12.5".parse().expect("a rate"), NonZeroU32::MIN);
    let limits = RateLimit::new(rate, burst).map(RateLimits::of_tokens);
    let server = TestServer::on_sqlite()
        .await
        .limited_to(limits.expect("a limit"));
    let limited = get(&server, "/docs/conventions.md").await;
    let stated = "A token may make 12.5 calls a second, and 1 at once after an idle time.";
    assert!(limited.text.contains(stated), "{}", limited.text);
}

#[tokio::test]
async fn every_link_and_every_anchor_has_a_target() {
    let server = TestServer::on_sqlite().await;
    let mut ids = BTreeMap::new();
    let mut links = BTreeSet::new();
    for path in PAGES {
        let html = get(&server, path).await.text;
        let here: Vec<_> = all_between(&html, " id=\"", "\"")
            .into_iter()
            .map(str::to_owned)
            .collect();
        let distinct: BTreeSet<_> = here.iter().cloned().collect();
        assert_eq!(
            distinct.len(),
            here.len(),
            "{path} has an id twice: {here:?}"
        );
        let from_here = all_between(&html, " href=\"", "\"");
        links.extend(
            from_here
                .into_iter()
                .map(|link| match link.strip_prefix('#') {
                    Some(_) => format!("{path}{link}"),
                    None => link.to_owned(),
                }),
        );
        ids.insert(path.to_owned(), distinct);
        let markdown = get(&server, &format!("{path}.md")).await.text;
        links.extend(
            all_between(&markdown, "](", ")")
                .into_iter()
                .map(str::to_owned),
        );
    }
    // Assets exist only after a build of the front end. `headers` checks them.
    links.retain(|link| !link.is_empty() && !link.starts_with("/assets/"));
    // Where readers get in touch is the operator's choice.
    assert!(links.remove("https://9pic.ai/contact"), "{links:?}");
    assert!(links.len() > PAGES.len() * 4, "{links:?}");
    for link in links {
        let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
        let response = get(&server, path).await;
        let expected = if DASHBOARD.contains(&path) {
            StatusCode::SEE_OTHER
        } else {
            StatusCode::OK
        };
        assert_eq!(response.status, expected, "{link}");
        if !anchor.is_empty() {
            let page = path.strip_suffix(".md").unwrap_or(path);
            let ids = ids.get(page).expect("a page of the documentation");
            assert!(ids.contains(anchor), "{link}");
        }
    }
}

/// The page and the OpenAPI document come from the API's own list of errors. So the API never sends a code that both
/// lack.
#[tokio::test]
async fn the_errors_page_lists_every_code_of_the_openapi_document() {
    let server = TestServer::on_sqlite().await;
    let document = get(&server, "/api/v1/openapi.json").await.json();
    let page = get(&server, "/docs/errors").await.text;
    let endpoints = document["paths"].as_object().expect("paths");
    let responses = endpoints
        .values()
        .flat_map(|methods| methods.as_object().expect("methods").values())
        .flat_map(|operation| operation["responses"].as_object().expect("responses"));
    let mut codes = BTreeSet::new();
    for (status, response) in responses {
        let response = resolved(&document, response);
        for code in response["x-error-codes"].as_array().into_iter().flatten() {
            codes.insert((code.as_str().expect("a code").to_owned(), status.clone()));
        }
    }
    assert!(codes.len() > 15, "{codes:?}");
    for (code, status) in codes {
        let row = format!("<tr id=\"{code}\">");
        let rest = page.split_once(&row).map(|(_, rest)| rest);
        let row = rest
            .and_then(|rest| rest.split_once("</tr>"))
            .map(|(row, _)| row);
        assert!(
            row.is_some_and(|row| row.contains(&status)),
            "{code} {status}"
        );
    }
}

#[tokio::test]
async fn the_reference_has_every_endpoint_of_the_openapi_document() {
    let server = TestServer::on_sqlite().await;
    let document = get(&server, "/api/v1/openapi.json").await.json();
    let reference = get(&server, "/docs/reference.md").await.text;
    let paths = document["paths"].as_object().expect("paths");
    for (path, methods) in paths {
        for method in methods.as_object().expect("methods").keys() {
            let request = format!("```http\n{} {path}\n```", method.to_uppercase());
            assert_eq!(reference.matches(&request).count(), 1, "{request}");
        }
    }
    assert_eq!(reference.matches("\n## ").count(), paths.len());
    assert_eq!(reference.matches("\n### Response\n").count(), paths.len());
}

/// The keys of a list in a Postman collection.
fn keys(list: &Value) -> BTreeSet<&str> {
    let entries = list.as_array().into_iter().flatten();
    entries
        .map(|entry| entry["key"].as_str().expect("a key"))
        .collect()
}

/// The method and the template of a request in a Postman collection.
fn endpoint_of(request: &Value) -> (String, String) {
    let steps = request["url"]["path"].as_array().expect("a path");
    let steps = steps.iter().map(|step| {
        let step = step.as_str().expect("a text");
        match step.strip_prefix(':') {
            Some(name) => format!("/{{{name}}}"),
            None => format!("/{step}"),
        }
    });
    let method = request["method"].as_str().expect("a method");
    (method.to_lowercase(), steps.collect())
}

fn parsed(text: &Value) -> Value {
    serde_json::from_str(text.as_str().expect("a text")).expect("JSON")
}

#[tokio::test]
async fn the_postman_collection_has_each_endpoint_once_with_its_parameters_body_and_example() {
    let server = TestServer::on_sqlite().await;
    let document = get(&server, "/api/v1/openapi.json").await.json();
    let collection = get(&server, "/docs/postman.json").await.json();
    let folders = collection["item"].as_array().expect("folders");
    let items = folders.iter().flat_map(|folder| {
        let items = folder["item"].as_array().expect("items");
        items.iter().map(move |item| (&folder["name"], item))
    });
    let mut items: Vec<_> = items.collect();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let endpoint = (method.clone(), path.clone());
            let place = items
                .iter()
                .position(|(_, item)| endpoint_of(&item["request"]) == endpoint);
            let (folder, item) = items.swap_remove(place.expect("a request for the endpoint"));
            assert_eq!(folder, &operation["tags"][0], "{path}");
            assert_eq!(item["name"], operation["summary"]);
            assert_parameters(&document, operation, &item["request"]["url"]);
            let content = "/requestBody/content/application~1json/example";
            let body = item["request"]["body"].get("raw").map(parsed);
            assert_eq!(body.as_ref(), operation.pointer(content), "{path}");
            let example = &item["response"][0];
            let content = "/responses/200/content/application~1json/example";
            let response = operation.pointer(content);
            assert_eq!(Some(&parsed(&example["body"])), response, "{path}");
            let address = address_of(&example["originalRequest"]["url"]);
            assert_eq!(address, operation["x-example-address"], "{path}");
        }
    }
    assert!(items.is_empty(), "{items:?}");
}

/// The request has every parameter, and sends the required ones.
#[track_caller]
fn assert_parameters(document: &Value, operation: &Value, url: &Value) {
    let parameters = operation["parameters"].as_array().expect("parameters");
    let parameters: Vec<_> = parameters
        .iter()
        .map(|parameter| resolved(document, parameter))
        .collect();
    for (place, list) in [("path", &url["variable"]), ("query", &url["query"])] {
        let here = parameters.iter().filter(|field| field["in"] == place);
        let names: BTreeSet<_> = here.filter_map(|field| field["name"].as_str()).collect();
        assert_eq!(keys(list), names, "{url}");
    }
    for query in url["query"].as_array().expect("a query") {
        let named = parameters
            .iter()
            .find(|field| field["name"] == query["key"]);
        let is_required = named.is_some_and(|field| field["required"] == true);
        assert_eq!(query["disabled"], !is_required, "{query}");
    }
}

/// The address that Postman makes of an example's URL, without the origin.
fn address_of(url: &Value) -> String {
    let raw = url["raw"].as_str().expect("a text");
    let raw = raw.strip_prefix("{{origin}}").expect("the origin");
    let variables = url["variable"].as_array().expect("variables");
    variables.iter().fold(raw.to_owned(), |address, variable| {
        let (key, value) = (variable["key"].as_str(), variable["value"].as_str());
        address.replace(&format!(":{}", key.expect("a key")), value.expect("a text"))
    })
}

#[tokio::test]
async fn the_postman_collection_defines_its_variables_and_has_no_token() {
    let server = TestServer::on_sqlite().await;
    let text = get(&server, "/docs/postman.json").await;
    assert_eq!(text.header("content-type"), Some("application/json"));
    let collection = text.json();
    let defined = keys(&collection["variable"]);
    let used: BTreeSet<_> = all_between(&text.text, "{{", "}}").into_iter().collect();
    assert_eq!(used, defined);
    for variable in collection["variable"].as_array().expect("variables") {
        let expected = match variable["key"].as_str() {
            Some("origin") => "https://api.9pic.ai",
            Some("organisation") => "903",
            Some("event") => "456",
            _ => "",
        };
        assert_eq!(variable["value"], expected, "{variable}");
    }
    let key = &collection["auth"]["apikey"];
    assert_eq!(collection["auth"]["type"], "apikey");
    let values: Vec<_> = (0..3).map(|place| &key[place]["value"]).collect();
    assert_eq!(values, ["X-API-Key", "{{api_token}}", "header"]);
}

/// The wording of `message` may change, but pages print the current one.
#[tokio::test]
async fn errors_printed_on_pages_are_the_apis_own() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let client = server.key(&token.secret);
    let out_of_range = client.get("/903/events?page=0&page_size=0").await;
    server.set_active(&token, false).await;
    let inactive = client.get("/903/events").await;
    for (path, response) in [
        ("/docs/conventions.md", out_of_range),
        ("/docs/errors.md", inactive),
    ] {
        let page = get(&server, path).await.text;
        let printed = format!("{:#}\n```", response.json());
        assert!(page.contains(&printed), "{path}: {printed}");
    }
}

/// The format of llmstxt.org: a title, a summary, and sections of links with a description each.
#[tokio::test]
async fn llms_txt_lists_every_page() {
    let server = TestServer::on_sqlite().await;
    let index = get(&server, "/llms.txt").await;
    assert_eq!(
        index.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    let mut lines = index.text.lines().filter(|line| !line.is_empty());
    assert_eq!(lines.next(), Some("# 9Pic API"));
    assert!(lines.next().is_some_and(|line| line.starts_with("> ")));
    let links = lines.filter(|line| !line.starts_with("## "));
    let links: Vec<_> = links
        .map(|line| {
            let (link, about) = line.split_once("): ").expect("a link with a line on it");
            assert!(line.starts_with("- [") && about.ends_with('.'), "{line}");
            link.split_once("](").expect("a link").1
        })
        .collect();
    let pages = PAGES.iter().map(|path| format!("{path}.md"));
    let files = [
        "/api/v1/openapi.json",
        "/docs/postman.json",
        "/llms-full.txt",
    ]
    .map(str::to_owned);
    let expected: Vec<_> = pages
        .chain(files)
        .map(|path| format!("https://api.9pic.ai{path}"))
        .collect();
    assert_eq!(links, expected);
}

#[tokio::test]
async fn llms_full_txt_has_every_page() {
    let server = TestServer::on_sqlite().await;
    let everything = get(&server, "/llms-full.txt").await.text;
    for path in PAGES {
        let page = get(&server, &format!("{path}.md")).await.text;
        assert!(everything.contains(&page), "{path}");
    }
}

#[tokio::test]
async fn a_slash_after_a_page_leads_to_the_page() {
    let server = TestServer::on_sqlite().await;
    for path in PAGES {
        let slash = get(&server, &format!("{path}/")).await;
        assert_eq!(slash.status, StatusCode::PERMANENT_REDIRECT, "{path}");
        assert_eq!(slash.header("location"), Some(path));
    }
}

#[tokio::test]
async fn robots_txt_allows_everything_public_but_the_api() {
    let server = TestServer::on_sqlite().await;
    let robots = get(&server, "/robots.txt").await;
    assert_eq!(
        robots.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(
        robots.text,
        "User-agent: *\nAllow: /api/v1/openapi.json\nDisallow: /api/\n"
    );
}

/// RFC 4287. The feed's own tests check its entries.
#[tokio::test]
async fn the_changelog_is_also_an_atom_feed_which_every_page_names() {
    let server = TestServer::on_sqlite().await;
    let feed = get(&server, "/docs/changelog.atom").await;
    assert_eq!(feed.status, StatusCode::OK);
    let content_type = feed.header("content-type");
    assert_eq!(content_type, Some("application/atom+xml; charset=utf-8"));
    let page = get(&server, "/docs/changelog").await.text;
    let links = all_between(&feed.text, "<id>", "</id>");
    assert!(links.len() > 1, "{links:?}");
    for link in &links[1..] {
        let (_, id) = link.split_once('#').expect("an anchor");
        assert!(page.contains(&format!("id=\"{id}\"")), "{link}");
    }
    for path in PAGES {
        let html = get(&server, path).await.text;
        let named = "type=\"application/atom+xml\" title=\"9Pic API changelog\" href=\"/docs/changelog.atom\"";
        assert!(html.contains(named), "{path}");
    }
}
