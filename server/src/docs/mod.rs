//! The documentation of the external API: public pages, readable without script, from one source.
//!
//! What a person wrote is Markdown in `pages`; what the code knows better (addresses, examples, answers,
//! codes, ranges) is filled in by [`source`] from the code and the API's own OpenAPI document, and the
//! reference is made wholly of that document by [`reference`]. The result is served as it is under an
//! address that ends in `.md`, and as HTML, made by [`html`] and [`document`], without that ending.

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
use sha2::{Digest, Sha256};

use self::{operation::Api, pages::PAGES};
use crate::api::{openapi, throttle::RateLimit};

/// Nothing but our own files (MDN, Content-Security-Policy). The page's script asks for nothing, but Lighthouse asks for
/// `/robots.txt` in the page's name.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Kept by whoever likes, and asked for anew each time: the `ETag` makes that cheap (RFC 9111, 5.2.2.4).
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// The pages under `/docs`, `/llms.txt` and `/robots.txt`. `api_origin` is where integrations call the API; `public_origin`,
/// where it is known, is what links to the dashboard start with, and those in `/llms.txt`, since that file is
/// read apart from its address; `limit` is what the pages say of how often a token may call.
pub(crate) fn router(
    api_origin: &str,
    public_origin: Option<&str>,
    limit: Option<RateLimit>,
) -> Router {
    let document = openapi::document(api_origin);
    let api = Api::new(api_origin, &document)
        .limited_to(limit)
        .beside(public_origin);
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

/// What search engines may read (RFC 9309): all that is public but the API, which has nothing for them.
fn robots_txt() -> String {
    let openapi = openapi::PATH;
    format!("User-agent: *\nAllow: {openapi}\nDisallow: /api/\n")
}

/// The index for language models (llmstxt.org): what there is to read, in an order to read it in.
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

/// A text that stays what it is while the server runs.
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

    /// Answers GET and HEAD.
    fn route<S: Clone + Send + Sync + 'static>(self) -> axum::routing::MethodRouter<S> {
        get(async move |headers: HeaderMap| self.answer(&headers))
    }

    fn answer(&self, request: &HeaderMap) -> Response {
        let mut response = if is_known(request, &self.etag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            self.body.clone().into_response()
        };
        response.headers_mut().extend((*self.head).clone());
        response
    }
}

/// The text's hash; 64 bits are far beyond chance for a dozen texts.
fn etag(text: &str) -> HeaderValue {
    let mut hash = format!("{:x}", Sha256::digest(text));
    hash.truncate(16);
    HeaderValue::try_from(format!("\"{hash}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Whether the caller has this text already (RFC 9110, 13.1.2).
fn is_known(request: &HeaderMap, etag: &HeaderValue) -> bool {
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == "*" || known == etag)
}
