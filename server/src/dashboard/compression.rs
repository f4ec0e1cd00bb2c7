//! Compressed pages. The length of a compressed page tells an observer of the network whether a text that an attacker
//! chose is repeated elsewhere on the page (BREACH). So a page is not compressed if
//!
//! - it shows a secret: the page with a new token, which is the response to a form, and the page of a reset link, or
//! - a page of another site requested it, which could have put a guess into the address.
//!
//! [Decision 47](../../../../docs/decisions/0047-compressed-responses.md) says why the rest is safe.

use app::paths::RESET_PASSWORD;
use axum::{
    body::to_bytes,
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::cross_site::{SITE, is_cross_site};
use crate::http::{
    compression::{Coding, negotiated, respond},
    target::is_read,
};

/// Compresses pages as the browser asks. Pages are complete when they are sent, so nothing waits for the whole body.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let shows_secret = request.uri().path().starts_with(RESET_PASSWORD);
    let may_compress = is_read(request.method()) && !shows_secret;
    let coding = match is_cross_site(headers) {
        true => None,
        false => negotiated(headers, &Coding::QUICKEST_FIRST),
    };
    let response = next.run(request).await;
    if !may_compress || !is_page(&response) {
        return response;
    }
    let (head, body) = response.into_parts();
    match to_bytes(body, usize::MAX).await {
        Ok(body) => {
            let mut response = respond(coding, Response::from_parts(head, body));
            if response.headers().contains_key(header::VARY) {
                response.headers_mut().append(header::VARY, SITE.into());
            }
            response
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered to its end");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn is_page(response: &Response) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
}
