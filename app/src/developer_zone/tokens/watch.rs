//! Polls the server, so that the page shows changes by others without a reload.
//!
//! Server-sent events would not be cheaper: they hold a connection for every open tab. While nothing changes, a poll
//! reads nothing, and its response is empty. A hidden tab does not poll.

use std::time::Duration;

use leptos::{ev, prelude::*, task::spawn_local};

use super::list::TokenList;
use crate::{
    error::RequestError,
    ui::{Icon, IconName},
};

/// The delay between a response and the next poll: the page shows changes by others within two seconds.
const POLL_DELAY: Duration = Duration::from_millis(1_500);

/// How often failures in a row double the delay.
const MAX_DOUBLINGS: u32 = 4;

/// After this many failures in a row the page says that it may be out of date.
const FAILURES_SHOWN: u32 = 2;

/// The polling of the page.
#[derive(Clone, Copy)]
pub(super) struct Watch {
    list: TokenList,
    failures: RwSignal<u32>,
    /// Whether the next poll waits until the tab is visible.
    waiting: StoredValue<bool>,
}

impl Watch {
    /// Starts polling, in the browser.
    pub(super) fn start(list: TokenList) -> Self {
        let watch = Self {
            list,
            failures: RwSignal::new(0),
            waiting: StoredValue::new(false),
        };
        Effect::new(move || {
            watch.poll_later();
            let listener = window_event_listener(ev::visibilitychange, move |_| {
                if !document().hidden() && watch.waiting.get_value() {
                    watch.waiting.set_value(false);
                    watch.poll();
                }
            });
            on_cleanup(move || listener.remove());
        });
        watch
    }

    fn poll_later(self) {
        let doubled = self.failures.get_untracked().min(MAX_DOUBLINGS);
        set_timeout(move || self.poll(), POLL_DELAY * 2_u32.pow(doubled));
    }

    fn poll(self) {
        if document().hidden() {
            self.waiting.set_value(true);
            return;
        }
        spawn_local(async move {
            match self.list.catch_up().await {
                Ok(()) => {
                    if self.failures.get_untracked() > 0 {
                        self.list.reached_again();
                    }
                    self.failures.set(0);
                }
                Err(error) if self.is_final(&error) => return,
                // The server was reached: poll more slowly, and say nothing.
                Err(RequestError::TooManyRequests(_)) => self.failures.set(1),
                Err(_) => self.failures.update(|failures| *failures += 1),
            }
            self.poll_later();
        });
    }

    /// Whether this error ends the polling. If so, shows that the session has ended, or reloads the page. Never while
    /// the dialog shows a new token, which would be lost.
    fn is_final(self, error: &RequestError) -> bool {
        if self.list.is_token_shown() {
            return false;
        }
        match error {
            RequestError::SessionEnded => self.list.say_session_ended(),
            // The reloaded page says what happened, or is the other user's.
            RequestError::NotAMember
            | RequestError::PlanRequired(_)
            | RequestError::OtherAccount => {
                let _ = window().location().reload();
            }
            _ => return false,
        }
        true
    }
}

/// Says that the table may be out of date, while polls fail. Tells screen readers what others changed.
#[component]
pub(super) fn NotUpToDate(watch: Watch) -> impl IntoView {
    let is_behind = move || watch.failures.get() >= FAILURES_SHOWN;
    view! {
        <div role="status">
            <Show when=is_behind>
                <p class="limit">
                    <Icon name=IconName::Warning />
                    "The server cannot be reached, so the table may not be up to date. Retrying automatically."
                </p>
            </Show>
        </div>
        <p class="visually-hidden" role="status" prop:textContent=watch.list.news()></p>
    }
}
