//! The public documentation of the external API. It works without script.
//!
//! - The text is Markdown in the folder `pages`.
//! - [`source`] fills in values from the code: addresses, examples, responses, codes, ranges.
//! - [`reference`] generates the reference from the OpenAPI document.
//! - A page is served as Markdown under an address with `.md`, and as HTML ([`html`], [`document`]) without it.

mod codes;
mod document;
mod html;
mod markdown;
mod operation;
mod pages;
mod reference;
mod source;

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use self::{operation::Api, pages::PAGES};
use crate::api::{openapi, throttle::RateLimit};

/// Only our own files (MDN, Content-Security-Policy). `connect-src` is for Lighthouse, which requests `/robots.txt` on
/// behalf of the page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Caches may keep a page but must revalidate it each time. The `ETag` makes that cheap (RFC 9111, 5.2.2.4).
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache, no-transform");

/// The pages under `/docs`, `/llms.txt` and `/robots.txt`.
///
/// - `api_origin`: where integrations call the API.
/// - `document`: its OpenAPI document.
/// - `public_origin`: the start of links to the dashboard and of those in `/llms.txt`, which is also read on its own.
/// - `limit`: the rate limit that the pages state.
pub(crate) fn router(
    api_origin: &str,
    document: &Value,
    public_origin: Option<&str>,
    limit: Option<RateLimit>,
) -> Router {
    let api = Api::new(api_origin, document)
        .with_limit(limit)
        .with_dashboard(public_origin);
    let pages = PAGES.iter().fold(Router::new(), |router, page| {
        let markdown = page.source.markdown(&api);
        let html = Served::html(document::write(page, &markdown, api.dashboard()));
        let markdown = Served::text("text/markdown; charset=utf-8", markdown);
        router
            .route(page.path, html.route())
            .route(&page.markdown_path(), markdown.route())
    });
    let index = llms_txt(public_origin.unwrap_or_default());
    let index = Served::text("text/plain; charset=utf-8", index);
    let robots = Served::text("text/plain; charset=utf-8", robots_txt());
    pages
        .route("/llms.txt", index.route())
        .route("/robots.txt", robots.route())
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
    let openapi = openapi::PATH;
    format!(
        "# 9Pic API\n\n\
         > The HTTP API of 9Pic: an organisation’s own programs read its events, their photos by bib number \
         and capture time, and time-limited links to the originals, as JSON.\n\n\
         ## Documentation\n\n{pages}\n\
         ## For tools\n\n\
         - [OpenAPI document]({origin}{openapi}): the same endpoints, for generators of clients and tests.\n"
    )
}

/// A text that does not change while the server runs.
#[derive(Clone)]
struct Served {
    head: Arc<HeaderMap>,
    etag: HeaderValue,
    body: Bytes,
}

impl Served {
    fn html(text: String) -> Self {
        Self::new("text/html; charset=utf-8", text, Some(POLICY))
    }

    fn text(content_type: &'static str, text: String) -> Self {
        Self::new(content_type, text, None)
    }

    fn new(content_type: &'static str, text: String, policy: Option<HeaderValue>) -> Self {
        let etag = etag(&text);
        let mut head = HeaderMap::from_iter([
            (header::CACHE_CONTROL, REVALIDATE),
            (header::ETAG, etag.clone()),
            (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        ]);
        head.extend(policy.map(|policy| (header::CONTENT_SECURITY_POLICY, policy)));
        Self {
            head: Arc::new(head),
            etag,
            body: text.into(),
        }
    }

    /// Handles GET and HEAD.
    fn route<S: Clone + Send + Sync + 'static>(self) -> axum::routing::MethodRouter<S> {
        get(async move |headers: HeaderMap| self.response(&headers))
    }

    fn response(&self, request: &HeaderMap) -> Response {
        let mut response = if is_cached(request, &self.etag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            self.body.clone().into_response()
        };
        response.headers_mut().extend((*self.head).clone());
        response
    }
}

/// A hash of the text. 64 bits exclude accidental collisions among a dozen texts.
fn etag(text: &str) -> HeaderValue {
    let mut hash = format!("{:x}", Sha256::digest(text));
    hash.truncate(16);
    HeaderValue::try_from(format!("\"{hash}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Whether the caller already has this text (RFC 9110, 13.1.2).
fn is_cached(request: &HeaderMap, etag: &HeaderValue) -> bool {
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == "*" || known == etag)
}
