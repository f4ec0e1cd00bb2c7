//! Showing what others do, without reloading.
//!
//! The page asks again and again. Listening to events of the server would be no cheaper: servers have nothing in
//! common but the database, so each would have to ask that as often for its listeners, and hold a connection for
//! every open tab besides. A question costs a few reads by index, and most answers are empty; nobody asks for a tab
//! that nobody sees.

use std::time::Duration;

use leptos::{ev, prelude::*, task::spawn_local};

use super::list::TokenList;
use crate::{
    error::RequestError,
    ui::{Icon, IconName},
};

/// How long after an answer the next question is asked: what others do is seen within two seconds.
const EVERY: Duration = Duration::from_millis(1_500);

/// Where questions fail, each waits twice as long as the one before, so many times.
const LONGER: u32 = 4;

/// After so many failures the page says that it may be behind.
const SAID_AFTER: u32 = 2;

/// The page's watch over its tokens.
#[derive(Clone, Copy)]
pub(super) struct Watch {
    list: TokenList,
    failures: RwSignal<u32>,
    /// Whether the next question waits until the tab is seen again.
    unseen: StoredValue<bool>,
}

impl Watch {
    /// Begins, in the browser.
    pub(super) fn start(list: TokenList) -> Self {
        let watch = Self {
            list,
            failures: RwSignal::new(0),
            unseen: StoredValue::new(false),
        };
        Effect::new(move || {
            watch.ask_later();
            let listener = window_event_listener(ev::visibilitychange, move |_| {
                if !document().hidden() && watch.unseen.get_value() {
                    watch.unseen.set_value(false);
                    watch.ask();
                }
            });
            on_cleanup(move || listener.remove());
        });
        watch
    }

    fn ask_later(self) {
        let doubled = self.failures.get_untracked().min(LONGER);
        set_timeout(move || self.ask(), EVERY * 2_u32.pow(doubled));
    }

    fn ask(self) {
        if document().hidden() {
            self.unseen.set_value(true);
            return;
        }
        spawn_local(async move {
            match self.list.catch_up().await {
                Ok(()) => self.failures.set(0),
                Err(error) if self.is_final(&error) => return,
                Err(_) => self.failures.update(|failures| *failures += 1),
            }
            self.ask_later();
        });
    }

    /// Whether the page is over with this answer, and has said so. Not as long as a token is shown that is shown
    /// once.
    fn is_final(self, error: &RequestError) -> bool {
        if self.list.is_token_shown() {
            return false;
        }
        match error {
            RequestError::SessionEnded => self.list.say_session_ended(),
            // The page as it is now says what has become of it.
            RequestError::NotAMember | RequestError::PlanRequired(_) => {
                let _ = window().location().reload();
            }
            _ => return false,
        }
        true
    }
}

/// Says that the table may be behind, as long as the server cannot be asked.
#[component]
pub(super) fn NotUpToDate(watch: Watch) -> impl IntoView {
    let is_behind = move || watch.failures.get() >= SAID_AFTER;
    view! {
        <div role="status">
            <Show when=is_behind>
                <p class="limit">
                    <Icon name=IconName::Warning />
                    "The server cannot be reached, so the table may not be up to date. It is tried again by itself."
                </p>
            </Show>
        </div>
    }
}
