//! Runs the tasks that Leptos starts while it renders a page. They run on tokio in the span of the request, so that
//! their log lines carry its id. Leptos's own executor for tokio would start them outside of any span.

use any_spawner::{CustomExecutor, Executor, PinnedFuture, PinnedLocalFuture};
use tracing::Instrument;

struct InCurrentSpan;

impl CustomExecutor for InCurrentSpan {
    fn spawn(&self, task: PinnedFuture<()>) {
        store::task::spawn(task);
    }

    fn spawn_local(&self, task: PinnedLocalFuture<()>) {
        tokio::task::spawn_local(task.in_current_span());
    }

    /// Tokio polls its tasks itself.
    fn poll_local(&self) {}
}

/// Makes Leptos use this executor. Must run before Leptos sets its own; a second call does nothing.
pub(super) fn keep_request_span() {
    let _ = Executor::init_custom_executor(InCurrentSpan);
}
