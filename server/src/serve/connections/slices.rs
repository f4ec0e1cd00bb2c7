//! Large answers in small pieces.
//!
//! hyper copies what it writes into a buffer of the connection, which keeps its size as long as that is open: a
//! file that came in one piece would be kept there, once for each connection that ever asked for it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{
    Error,
    body::{Body, Bytes, HttpBody},
};
use hyper::body::{Frame, SizeHint};

/// The largest piece, in bytes.
const PIECE: usize = 16 * 1024;

/// `body` in pieces, if it is not small as it is.
pub(super) fn sliced(body: Body) -> Body {
    let is_small = |length| length <= PIECE as u64;
    if body.size_hint().exact().is_some_and(is_small) {
        return body;
    }
    Body::new(Sliced {
        body,
        rest: Bytes::new(),
    })
}

struct Sliced {
    body: Body,
    /// Of the last piece that came.
    rest: Bytes,
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
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(piece))))
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

    async fn pieces(mut body: Body) -> Vec<Bytes> {
        let mut pieces = Vec::new();
        while let Some(frame) = body.frame().await {
            pieces.push(frame.expect("a frame").into_data().expect("data"));
        }
        pieces
    }

    fn bytes(length: usize) -> Bytes {
        (0..length).map(|at| (at % 251) as u8).collect()
    }

    #[tokio::test]
    async fn a_large_answer_comes_whole_in_order_and_in_small_pieces_and_says_how_long_it_is() {
        for length in [PIECE + 1, 3 * PIECE, 100_000] {
            let whole = bytes(length);
            let body = sliced(Body::from(whole.clone()));
            assert_eq!(body.size_hint().exact(), Some(length as u64));
            let pieces = pieces(body).await;
            assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
            assert_eq!(pieces.concat(), whole);
        }
    }

    #[tokio::test]
    async fn of_what_is_left_the_length_is_known_after_each_piece() {
        let mut body = sliced(Body::from(bytes(PIECE + 7)));
        body.frame().await.expect("a piece").expect("data");
        assert_eq!(body.size_hint().exact(), Some(7));
        assert!(!body.is_end_stream());
        body.frame().await.expect("a piece").expect("data");
        assert!(body.is_end_stream());
    }

    #[tokio::test]
    async fn pieces_of_a_stream_are_cut_and_its_error_is_handed_on() {
        let parts = [Ok(bytes(5)), Ok(bytes(PIECE + 5)), Err("gone")];
        let mut body = sliced(Body::from_stream(stream::iter(parts)));
        for expected in [5, PIECE, 5] {
            let frame = body.frame().await.expect("a piece").expect("data");
            assert_eq!(frame.into_data().expect("data").len(), expected);
        }
        body.frame().await.expect("an error").expect_err("gone");
    }

    #[tokio::test]
    async fn a_small_answer_is_left_as_it_is() {
        assert_eq!(pieces(sliced(Body::from("small"))).await, ["small"]);
    }
}
