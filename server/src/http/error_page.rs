//! Error pages.
//!
//! Some errors are not pages: server functions return JSON, extractors and layers a line of text, and a panic nothing.
//! If a browser asks for HTML, this layer replaces the error by a page with the same status. Scripts and programs do
//! not ask for HTML, and get the response unchanged.

use app::{Assets, Back, RequestError, error_page, paths::local_path};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Uri, header},
    middleware::Next,
    response::Response,
};

use super::{headers::PLAIN_PAGE, target::is_read};

/// The maximum size of an error body, in bytes. Ours have a few hundred.
const MAX_ERROR: usize = 4 * 1024;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// An explanation for the error page, in the extensions of a response. Without one, the page explains the status.
#[derive(Clone)]
pub(crate) struct Explanation(pub(crate) String);

/// Replaces an error by an error page, if the browser asked for a page.
pub(crate) async fn layer(State(assets): State<Assets>, request: Request, next: Next) -> Response {
    let back = wants_page(request.headers()).then(|| way_back(&request));
    let response = next.run(request).await;
    match back {
        Some(back) if is_error_without_page(&response) => page(&assets, back, response).await,
        _ => response,
    }
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// Whether this is an error that is not a page yet.
fn is_error_without_page(response: &Response) -> bool {
    let status = response.status();
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_html = content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    (status.is_client_error() || status.is_server_error()) && !is_html
}

/// The link on the error page: the requested page again, or back to the page with the form.
fn way_back(request: &Request) -> Back {
    if is_read(request.method()) {
        return local_path(path_of(request.uri()))
            .map_or(Back::Home, |path| Back::Again(path.into()));
    }
    let referer = request.headers().get(header::REFERER);
    let page: Option<Uri> = referer.and_then(|page| page.to_str().ok()?.parse().ok());
    let path = page.as_ref().and_then(path_of);
    local_path(path).map_or(Back::Home, |path| Back::To(path.into()))
}

fn path_of(uri: &Uri) -> Option<&str> {
    uri.path_and_query().map(|path| path.as_str())
}

async fn page(assets: &Assets, back: Back, response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    let explanation = match head.extensions.get() {
        Some(Explanation(text)) => Some(text.clone()),
        None => error_in(body).await.map(|error| error.to_string()),
    };
    let html = error_page(assets, head.status, explanation, back);
    for header_of_old_body in [
        header::CONTENT_LENGTH,
        header::CONTENT_DISPOSITION,
        header::LOCATION,
    ] {
        head.headers.remove(header_of_old_body);
    }
    head.headers.insert(header::CONTENT_TYPE, HTML);
    head.headers
        .insert(header::CONTENT_SECURITY_POLICY, PLAIN_PAGE);
    Response::from_parts(head, Body::from(html))
}

/// The error of a server function.
async fn error_in(body: Body) -> Option<RequestError> {
    let body = to_bytes(body, MAX_ERROR).await.ok()?;
    serde_json::from_slice(&body).ok()
}
