//! The form of a response's body: its validator, and its compression. A caller that has the current form gets 304.

use axum::{
    body::{Body, HttpBody, to_bytes},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, StatusCode,
    header::{CACHE_CONTROL, ETAG, VARY},
};

use super::{envelope::REVALIDATED, error::ApiError};
use crate::http::{
    compression::{Coding, MIN_LENGTH, VARIES, negotiated, respond},
    conditional::{ContentHash, without_content_headers},
};

/// Whether [`finish`] would change the response.
pub(super) fn is_unfinished(response: &Response) -> bool {
    let length = response.body().size_hint().lower();
    length >= MIN_LENGTH as u64 || is_kept(response.headers())
}

fn is_kept(headers: &HeaderMap) -> bool {
    headers.get(CACHE_CONTROL) == Some(&REVALIDATED)
}

/// Compresses a large body as the request asks. Gives a response that the caller may keep its `ETag`, and removes the
/// body that the caller already has (RFC 9110, 13.1.2).
pub(super) async fn finish(request: &HeaderMap, response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    let Ok(content) = to_bytes(body, usize::MAX).await else {
        return ApiError::Internal.into_response();
    };
    let is_large = content.len() >= MIN_LENGTH;
    let coding = match is_large {
        true => negotiated(request, &Coding::QUICKEST_FIRST),
        false => None,
    };
    if is_kept(&head.headers) {
        let tag = ContentHash::of(&content).tag(coding);
        head.headers.insert(ETAG, tag.value());
        if tag.is_known(request) {
            head.status = StatusCode::NOT_MODIFIED;
            without_content_headers(&mut head.headers);
            head.headers.extend(is_large.then_some((VARY, VARIES)));
            return Response::from_parts(head, Body::empty());
        }
    }
    respond(coding, Response::from_parts(head, content))
}
