//! The id of a request. It is in every log line about the request, and in the `X-Request-Id` header of the response. So
//! a caller can report it, and an operator can find the request in the log.

use std::{
    array,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::Request,
    middleware::{Next, from_fn},
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use hyper::body::{Frame, SizeHint};
use rand::{RngCore, TryRngCore, rngs::OsRng};
use tracing::{Instrument, Span, Value};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The target of the span that carries the id ([`crate::telemetry`]).
pub(crate) const SPAN_TARGET: &str = "request";

/// The maximum length of a caller's id (contract, section 4).
const MAX_LENGTH: usize = 64;

/// Generates ids. This process never generates one twice; two processes hardly ever generate the same.
pub(crate) struct RequestIds {
    state: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU64::new(OsRng.unwrap_err().next_u64()),
        }
    }

    /// The caller's id if it sent exactly one and the id is valid, otherwise a new one.
    pub(crate) fn of_request(&self, headers: &HeaderMap) -> RequestId {
        let mut sent = headers.get_all(REQUEST_ID).iter();
        match (sent.next(), sent.next()) {
            (Some(id), None) if is_acceptable(id) => RequestId::Sent(id.clone()),
            _ => RequestId::Generated(self.generate()),
        }
    }

    /// SplitMix64 (Steele, Lea and Flood 2014) on 63 bits: a counter whose values are mixed one to one. So no id repeats.
    /// Ids are not secret: who knows the algorithm can compute the next ones, and count the requests between two.
    fn generate(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        const BITS: u64 = u64::MAX >> 1;
        let mut mixed = self.state.fetch_add(STEP, Ordering::Relaxed) & BITS;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9) & BITS;
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) & BITS;
        mixed ^ (mixed >> 31)
    }
}

fn is_acceptable(id: &HeaderValue) -> bool {
    (1..=MAX_LENGTH).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
}

/// The id of a request.
#[derive(Clone, Debug)]
pub(crate) enum RequestId {
    /// Our own id of 63 bits, written as sixteen hexadecimal digits.
    Generated(u64),
    /// The caller's.
    Sent(HeaderValue),
}

impl RequestId {
    fn into_header(self) -> HeaderValue {
        match self {
            Self::Generated(bits) => {
                HeaderValue::from_bytes(&hexadecimal(bits)).expect("digits are visible")
            }
            Self::Sent(id) => id,
        }
    }

    /// A span that carries the id. Its level is the highest, so that it is enabled at every log level.
    fn span(&self) -> Span {
        let id: &dyn Value = match self {
            Self::Generated(bits) => bits,
            Self::Sent(id) => &id.to_str().unwrap_or_default(),
        };
        tracing::error_span!(target: SPAN_TARGET, "request", request_id = id)
    }
}

/// The number as sixteen hexadecimal digits.
pub(crate) fn hexadecimal(bits: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    array::from_fn(|place| DIGITS[(bits >> (60 - 4 * place)) as usize & 15])
}

/// Runs `response` in a span that carries the id, and adds the id to the response's headers.
///
/// Neither path nor query is logged: a caller may have put the key there by mistake.
pub(crate) async fn with_id(
    id: RequestId,
    method: Method,
    response: impl Future<Output = Response>,
) -> Response {
    let span = id.span();
    let handled = async {
        let response = response.await;
        tracing::debug!(%method, status = response.status().as_u16(), "responded");
        if response.body().size_hint().exact().is_some() {
            response
        } else {
            response.map(|body| {
                let span = Span::current();
                Body::new(BodyInSpan { body, span })
            })
        }
    };
    let mut response = handled.instrument(span).await;
    response.headers_mut().insert(REQUEST_ID, id.into_header());
    response
}

/// A body that is produced while it is sent. Its log lines carry the request's id too.
struct BodyInSpan {
    body: Body,
    span: Span,
}

impl HttpBody for BodyInSpan {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { body, span } = self.get_mut();
        let _entered = span.enter();
        Pin::new(body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Gives each request to `router` an id.
pub(crate) fn identify(router: Router) -> Router {
    let ids = Arc::new(RequestIds::new());
    router.layer(from_fn(move |request: Request, next: Next| {
        let (id, method) = (ids.of_request(request.headers()), request.method().clone());
        with_id(id, method, next.run(request))
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use futures_util::{FutureExt, StreamExt, stream};
    use http_body_util::BodyExt;
    use tracing::subscriber::with_default;
    use tracing_subscriber::registry;

    use super::*;

    fn sent(values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(
                REQUEST_ID,
                HeaderValue::from_bytes(value).expect("a header"),
            );
        }
        headers
    }

    #[test]
    fn an_acceptable_id_of_the_caller_is_kept() {
        let ids = RequestIds::new();
        let longest = [b'x'; MAX_LENGTH];
        for id in [b"a".as_slice(), b"trace-7/{ok}~!", &longest] {
            assert_eq!(ids.of_request(&sent(&[id])).into_header(), id);
        }
    }

    #[test]
    fn an_id_that_is_not_acceptable_is_replaced() {
        let ids = RequestIds::new();
        let too_long = [b'x'; MAX_LENGTH + 1];
        let unacceptable: [&[&[u8]]; 6] = [
            &[],
            &[b""],
            &[b"two words"],
            &["é".as_bytes()],
            &[&too_long],
            &[b"one", b"two"],
        ];
        for values in unacceptable {
            let id = ids.of_request(&sent(values)).into_header();
            assert!(values.iter().all(|value| id != *value), "{id:?}");
            assert_eq!(id.len(), 16);
        }
    }

    #[test]
    fn no_id_is_generated_twice() {
        let ids = RequestIds::new();
        let generated: HashSet<_> = (0..10_000).map(|_| ids.generate()).collect();
        assert_eq!(generated.len(), 10_000);
    }

    #[test]
    fn a_body_is_produced_in_the_span_of_its_request() {
        let produce = || {
            let name = Span::current().metadata().map(tracing::Metadata::name);
            let part = Bytes::from(name.unwrap_or("no span"));
            Ok::<_, axum::Error>(part)
        };
        let body = Body::from_stream(stream::iter(0..2).map(move |_| produce()));
        let response = with_id(RequestId::Generated(1), Method::GET, async {
            Response::new(body)
        });
        let produced = async { response.await.into_body().collect().await };
        let produced = with_default(registry(), || produced.now_or_never().expect("ready"));
        assert_eq!(produced.expect("a body").to_bytes(), "requestrequest");
    }
}
