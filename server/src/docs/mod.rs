//! The public documentation of the external API. It works without script.
//!
//! - The text is Markdown in the folder `pages`.
//! - [`source`] fills in values from the code: addresses, examples, responses, codes, ranges, and the programs in the
//!   folder `recipes`.
//! - [`reference`] generates the reference from the OpenAPI document, [`postman`] a collection of the same endpoints, and
//!   [`changelog`] page and feed from a list.
//! - [`search`] makes the index in which the page's script searches.
//! - A page is served as Markdown under an address with `.md`, and as HTML ([`html`], [`document`]) without it.

mod changelog;
mod codes;
mod document;
mod html;
mod markdown;
mod operation;
mod pages;
mod postman;
mod reference;
mod search;
mod source;

use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect},
    routing::{any, get},
};
use serde_json::Value;

use self::{document::Frame, operation::Api, pages::PAGES};
use crate::{
    api::{openapi, throttle::RateLimit},
    http::served::Served,
};

/// Only our own files (MDN, Content-Security-Policy). `connect-src` is for the script, and for Lighthouse, which requests
/// `/robots.txt` on behalf of the page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The pages under `/docs`, the Postman collection, the index of the search, and a 404 for any other address there;
/// `/llms.txt`, `/llms-full.txt` and `/robots.txt`.
///
/// - `api_origin`: where integrations call the API.
/// - `document`: its OpenAPI document.
/// - `public_origin`: the start of links to the dashboard and of those in `/llms.txt`, which is also read on its own. If
///   it is not known, those in `/llms.txt` start with `api_origin`.
/// - `contact`: the link with which readers get in touch.
/// - `limit`: the rate limit that the pages state.
pub(crate) fn router(
    api_origin: &str,
    document: &Value,
    public_origin: Option<&str>,
    contact: &str,
    limit: Option<RateLimit>,
) -> Router {
    let api = Api::new(api_origin, document)
        .with_limit(limit)
        .with_dashboard(public_origin)
        .with_contact(contact);
    let frame = Frame::new(&api);
    let not_found = frame.not_found();
    let texts = PAGES
        .each_ref()
        .map(|page| (page, page.source.markdown(&api)));
    let pages = texts
        .iter()
        .fold(Router::new(), |router, (page, markdown)| {
            let html = served_html(frame.page(page, markdown));
            let markdown = served_text("text/markdown; charset=utf-8", markdown.clone());
            router
                .route(page.path, html.route())
                .route(&page.markdown_path(), markdown.route())
                .route(
                    &format!("{}/", page.path),
                    get(async || Redirect::permanent(page.path)),
                )
        });
    let index = llms_txt(public_origin.unwrap_or(api_origin));
    let index = served_text("text/plain; charset=utf-8", index);
    let search = served_text("application/json", search::index(&texts));
    let everything = texts.map(|(_, markdown)| markdown);
    let everything = served_text("text/plain; charset=utf-8", everything.join("\n"));
    let robots = served_text("text/plain; charset=utf-8", robots_txt());
    let feed = served_text(
        "application/atom+xml; charset=utf-8",
        changelog::feed(api_origin),
    );
    let postman = served_text("application/json", postman::collection(&api));
    pages
        .route(changelog::FEED, feed.route())
        .route(postman::PATH, postman.route())
        .route(search::PATH, search.route())
        .route(
            "/docs/{*unknown}",
            any(async move || unknown_page(not_found.clone())),
        )
        .route("/llms.txt", index.route())
        .route("/llms-full.txt", everything.route())
        .route("/robots.txt", robots.route())
}

fn unknown_page(document: String) -> impl IntoResponse {
    let policy = [(header::CONTENT_SECURITY_POLICY, POLICY)];
    (StatusCode::NOT_FOUND, policy, Html(document))
}

/// The rules for search engines (RFC 9309): they may read everything public, except the API.
fn robots_txt() -> String {
    let openapi = openapi::PATH;
    format!("User-agent: *\nAllow: {openapi}\nDisallow: /api/\n")
}

/// The index for language models (llmstxt.org), in reading order.
fn llms_txt(origin: &str) -> String {
    let pages: String = PAGES
        .iter()
        .map(|page| {
            let (name, path, about) = (page.name, page.markdown_path(), page.description);
            format!("- [{name}]({origin}{path}): {about}\n")
        })
        .collect();
    let (openapi, postman) = (openapi::PATH, postman::PATH);
    format!(
        "# 9Pic API\n\n\
         > The HTTP API of 9Pic: an organisation’s own programs read its events, their photos by bib number \
         and capture time, and time-limited links to the originals, as JSON.\n\n\
         ## Documentation\n\n{pages}\n\
         ## For tools\n\n\
         - [OpenAPI document]({origin}{openapi}): the same endpoints, for generators of clients and tests.\n\
         - [Postman collection]({origin}{postman}): the same endpoints as requests that are ready to send.\n\
         - [All pages in one]({origin}/llms-full.txt): the documentation as one Markdown text.\n"
    )
}

fn served_html(text: String) -> Served {
    let policy = (header::CONTENT_SECURITY_POLICY, POLICY);
    Served::new("text/html; charset=utf-8", text, [policy])
}

fn served_text(content_type: &'static str, text: String) -> Served {
    Served::new(content_type, text, [])
}
