//! Tasks and threads whose log lines carry the id of the request that started them.
//!
//! The id is a field of the current `tracing` span. Tokio's own functions start a task outside of every span, so
//! `clippy.toml` disallows them. A task that belongs to no request is started with the same functions: it has no
//! current span to take along.

use tokio::task::JoinHandle;
use tracing::{Instrument, Span};

/// Runs `future` as a task, in the current span.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that adds the span"
)]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(future.in_current_span())
}

/// Runs `work` on a thread that may block, in the current span.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that adds the span"
)]
pub fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let span = Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
}
