//! Request bodies, watched while they arrive.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};

use super::progress::Progress;

/// The body of a request. It records while a handler waits for more of it, and whether it was read to its end.
pub(super) fn arriving(body: Incoming, progress: &Arc<Progress>) -> Body {
    if body.is_end_stream() {
        // Most requests have no body: avoid the allocation.
        return Body::empty();
    }
    Body::new(Arriving {
        body,
        progress: Arc::clone(progress),
    })
}

struct Arriving {
    body: Incoming,
    progress: Arc<Progress>,
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if !self.body.is_end_stream() {
            self.progress.leave_body_unread();
        }
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.progress.waits_for_body(frame.is_pending());
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
