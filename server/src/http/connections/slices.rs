//! Large response bodies, cut into slices.
//!
//! hyper copies what it writes into the connection's buffer, which never shrinks. A file in one piece would occupy its
//! size in memory for each connection that ever requested it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{
    Error,
    body::{Body, Bytes, HttpBody},
};
use hyper::body::{Frame, SizeHint};

use super::progress::{Phase, Progress};

/// The maximum size of a slice, in bytes.
const SLICE: usize = 16 * 1024;

/// Cuts `body` into slices, unless it is small, and records when it has been sent.
pub(super) fn sliced(body: Body, progress: &Arc<Progress>) -> Body {
    let is_small = |length| length <= SLICE as u64;
    if body.size_hint().exact().is_some_and(is_small) {
        // hyper writes it together with the head.
        progress.enter(Phase::Idle);
        return body;
    }
    progress.enter(Phase::Sending);
    Body::new(Sliced {
        body,
        rest: Bytes::new(),
        _sending: Sending(Arc::clone(progress)),
    })
}

struct Sliced {
    body: Body,
    /// The rest of the last piece that the body produced.
    rest: Bytes,
    _sending: Sending,
}

/// Records the end of a large response. hyper drops the body after its last slice.
struct Sending(Arc<Progress>);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.enter(Phase::Idle);
    }
}

impl HttpBody for Sliced {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        let length = self.rest.len().min(SLICE);
        let slice = self.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, rest) = (self.body.size_hint(), self.rest.len() as u64);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::BodyExt;

    use super::*;

    fn cut(body: Body) -> Body {
        sliced(body, &Arc::default())
    }

    async fn slices(mut body: Body) -> Vec<Bytes> {
        let mut slices = Vec::new();
        while let Some(frame) = body.frame().await {
            slices.push(frame.expect("a frame").into_data().expect("data"));
        }
        slices
    }

    fn bytes(length: usize) -> Bytes {
        (0..length).map(|at| (at % 251) as u8).collect()
    }

    #[tokio::test]
    async fn a_large_body_arrives_complete_in_small_slices_and_knows_its_length() {
        for length in [SLICE + 1, 3 * SLICE, 100_000] {
            let whole = bytes(length);
            let body = cut(Body::from(whole.clone()));
            assert_eq!(body.size_hint().exact(), Some(length as u64));
            let slices = slices(body).await;
            assert!(slices.iter().all(|slice| slice.len() <= SLICE));
            assert_eq!(slices.concat(), whole);
        }
    }

    #[tokio::test]
    async fn the_remaining_length_is_known_after_each_slice() {
        let mut body = cut(Body::from(bytes(SLICE + 7)));
        body.frame().await.expect("a slice").expect("data");
        assert_eq!(body.size_hint().exact(), Some(7));
        assert!(!body.is_end_stream());
        body.frame().await.expect("a slice").expect("data");
        assert!(body.is_end_stream());
    }

    #[tokio::test]
    async fn a_stream_is_sliced_and_its_error_is_passed_on() {
        let parts = [Ok(bytes(5)), Ok(bytes(SLICE + 5)), Err("gone")];
        let mut body = cut(Body::from_stream(stream::iter(parts)));
        for expected in [5, SLICE, 5] {
            let frame = body.frame().await.expect("a slice").expect("data");
            assert_eq!(frame.into_data().expect("data").len(), expected);
        }
        body.frame().await.expect("an error").expect_err("gone");
    }

    #[tokio::test]
    async fn a_small_body_is_not_changed() {
        assert_eq!(slices(cut(Body::from("small"))).await, ["small"]);
    }

    #[tokio::test]
    async fn a_large_response_is_being_sent_until_its_body_is_dropped_and_a_small_one_is_not() {
        let progress = Arc::default();
        let small = sliced(Body::from("small"), &progress);
        assert_eq!(progress.state().phase(), Phase::Idle);
        let large = sliced(Body::from(bytes(SLICE + 1)), &progress);
        drop(small);
        assert_eq!(progress.state().phase(), Phase::Sending);
        drop(large);
        assert_eq!(progress.state().phase(), Phase::Idle);
    }
}
