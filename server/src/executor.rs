//! Where the tasks run that a page starts while it is rendered: on tokio, under their request's name, so
//! that what they log stands under it too.

use any_spawner::{CustomExecutor, Executor, PinnedFuture, PinnedLocalFuture};

use crate::api::request_id;

struct UnderTheName;

impl CustomExecutor for UnderTheName {
    fn spawn(&self, task: PinnedFuture<()>) {
        tokio::spawn(request_id::carried(task));
    }

    fn spawn_local(&self, task: PinnedLocalFuture<()>) {
        tokio::task::spawn_local(request_id::carried(task));
    }

    /// Tokio polls by itself.
    fn poll_local(&self) {}
}

/// To be called before Leptos chooses its own; again, it does nothing.
pub(crate) fn set() {
    let _ = Executor::init_custom_executor(UnderTheName);
}
