//! Says for which servers the changes of this page wait, if a server is silent.

use std::time::Duration;

use leptos::{prelude::*, task::spawn_local};
use model::organisation::OrganisationId;

use super::running::Running;
use crate::{
    call::{call, number},
    developer_zone::server_functions::AskSilentServers,
    ui::Toasts,
};

/// How long a change runs until the page asks what it waits for, and how long between two questions.
const DELAY: Duration = Duration::from_secs(2);

/// What the changes of the page wait for.
#[derive(Clone, Copy)]
pub(super) struct Waiting {
    organisation: OrganisationId,
    running: Running,
    toasts: Toasts,
    /// The number of times that a change began while no other was running.
    round: StoredValue<u32>,
}

impl Waiting {
    pub(super) fn new(organisation: OrganisationId, running: Running, toasts: Toasts) -> Self {
        Self {
            organisation,
            running,
            toasts,
            round: StoredValue::new(0),
        }
    }

    /// Call it before a change begins.
    pub(super) fn begin(self) {
        if !self.running.is_any() {
            let round = self.round.get_value().wrapping_add(1);
            self.round.set_value(round);
            self.ask_later(round);
        }
    }

    /// Call it after a change has ended.
    pub(super) fn end(self) {
        if !self.running.is_any() {
            self.toasts.wait(String::new());
        }
    }

    fn ask_later(self, round: u32) {
        set_timeout(move || spawn_local(self.ask(round)), DELAY);
    }

    async fn ask(self, round: u32) {
        let is_over = move || self.round.get_value() != round || !self.running.is_any();
        if is_over() {
            return;
        }
        let organisation = number(self.organisation.0);
        let silent = call::<AskSilentServers>(&[("organisation_id", organisation)]);
        let silent = silent.await.ok().flatten();
        if !is_over() {
            let text = silent.map(|servers| format!("Waiting for {servers}."));
            self.toasts.wait(text.unwrap_or_default());
            self.ask_later(round);
        }
    }
}
