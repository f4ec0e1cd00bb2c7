//! Texts that do not change while the server runs: documentation, OpenAPI document, feeds.

use std::{convert::Infallible, sync::Arc};

use axum::{
    body::{Body, Bytes},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY},
    },
    response::Response,
    routing::{MethodRouter, get},
};
use futures_util::stream;
use store::task::spawn_blocking;
use tokio::sync::OnceCell;

use super::{
    compression::{Coding, Effort, MIN_LENGTH, VARIES, negotiated},
    conditional::{ContentHash, without_content_headers},
};

/// Caches may keep a text but must revalidate it each time. The `ETag` makes that cheap (RFC 9111, 5.2.2.4).
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache, no-transform");

/// A text that does not change while the server runs. It is compressed once for each coding that callers ask for.
#[derive(Clone)]
pub(crate) struct Served(Arc<Inner>);

struct Inner {
    head: HeaderMap,
    content: Bytes,
    hash: ContentHash,
    /// In the order of [`CODINGS`].
    compressed: [OnceCell<Option<Bytes>>; CODINGS.len()],
}

const CODINGS: [Coding; 3] = Coding::SMALLEST_FIRST;

impl Served {
    /// A text of this type, with further headers.
    pub(crate) fn new(
        content_type: &'static str,
        text: String,
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> Self {
        let mut head = HeaderMap::from_iter([
            (CACHE_CONTROL, REVALIDATE),
            (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        ]);
        if text.len() >= MIN_LENGTH {
            head.insert(VARY, VARIES);
        }
        head.extend(headers);
        Self(Arc::new(Inner {
            head,
            hash: ContentHash::of(text.as_bytes()),
            content: text.into(),
            compressed: Default::default(),
        }))
    }

    /// Handles GET and HEAD.
    pub(crate) fn route<S: Clone + Send + Sync + 'static>(self) -> MethodRouter<S> {
        get(async move |headers: HeaderMap| self.response(&headers).await)
    }

    async fn response(&self, request: &HeaderMap) -> Response {
        let Inner {
            head,
            content,
            hash,
            ..
        } = &*self.0;
        let is_large = content.len() >= MIN_LENGTH;
        let coding = is_large.then(|| negotiated(request, &CODINGS)).flatten();
        let mut response = Response::default();
        response.headers_mut().clone_from(head);
        let tag = hash.tag(coding);
        if tag.is_known(request) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response.headers_mut().insert(ETAG, tag.value());
            without_content_headers(response.headers_mut());
            return response.map(|_: Body| nothing());
        }
        let compressed = match coding {
            Some(coding) => self.compressed(coding).await.map(|body| (coding, body)),
            None => None,
        };
        let headers = response.headers_mut();
        let coding = compressed.as_ref().map(|(coding, _)| *coding);
        headers.insert(ETAG, hash.tag(coding).value());
        headers.extend(coding.map(|coding| (CONTENT_ENCODING, coding.value())));
        let body = compressed.map_or_else(|| content.clone(), |(_, body)| body);
        response.map(|_: Body| Body::from(body))
    }

    /// The text in a coding; `None` if it could not be compressed.
    async fn compressed(&self, coding: Coding) -> Option<Bytes> {
        let place = CODINGS.iter().position(|own| *own == coding)?;
        let compressed = self.0.compressed[place].get_or_init(async || {
            let content = self.0.content.clone();
            let compressing = spawn_blocking(move || coding.compress(&content, Effort::Once));
            compressing.await.ok()?.ok().map(Bytes::from)
        });
        compressed.await.clone()
    }
}

/// No body, of a length that axum does not know: it would say `Content-Length: 0`, which in a 304 would be the length of the
/// text (RFC 9110, 8.6).
fn nothing() -> Body {
    Body::from_stream(stream::empty::<Result<Bytes, Infallible>>())
}
