//! Where the tasks run that a page starts while it is rendered: on tokio, within their request's span, so
//! that what they log stands under the request's id. (Leptos' own executor leaves the span behind.)

use any_spawner::{CustomExecutor, Executor, PinnedFuture, PinnedLocalFuture};
use tracing::Instrument;

struct WithinSpan;

impl CustomExecutor for WithinSpan {
    fn spawn(&self, task: PinnedFuture<()>) {
        tokio::spawn(task.in_current_span());
    }

    fn spawn_local(&self, task: PinnedLocalFuture<()>) {
        tokio::task::spawn_local(task.in_current_span());
    }

    /// Tokio polls by itself.
    fn poll_local(&self) {}
}

/// To be called before Leptos chooses its own; again, it does nothing.
pub(crate) fn set() {
    let _ = Executor::init_custom_executor(WithinSpan);
}
