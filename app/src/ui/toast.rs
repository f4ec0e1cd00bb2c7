//! Short messages about what has just been done, or could not be.

use std::time::Duration;

use leptos::prelude::*;

use super::{Icon, IconName};

/// How long a confirmation stays at least. What failed stays until it is put away.
const CONFIRMATION_STAYS: Duration = Duration::from_secs(6);
/// For each of its characters, at an unhurried reader's pace: so that a long one can be read to its end.
const STAYS_PER_CHARACTER: Duration = Duration::from_millis(120);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Toast {
    number: u32,
    failed: bool,
    text: String,
}

/// The messages on the page.
#[derive(Clone, Copy)]
pub(crate) struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    next_number: StoredValue<u32>,
}

impl Toasts {
    /// No messages yet; for the component that holds the [`ToastRegion`].
    pub(crate) fn provide() {
        provide_context(Self {
            shown: RwSignal::new(Vec::new()),
            next_number: StoredValue::new(0),
        });
    }

    /// Says that something was done.
    pub(crate) fn confirm(self, text: impl Into<String>) {
        let text = text.into();
        let stays = CONFIRMATION_STAYS.max(STAYS_PER_CHARACTER * text.len() as u32);
        let number = self.show(false, text);
        set_timeout(move || self.put_away(number), stays);
    }

    /// Says that something could not be done, and why.
    pub(crate) fn fail(self, text: impl Into<String>) {
        self.show(true, text.into());
    }

    fn show(self, failed: bool, text: String) -> u32 {
        let number = self.next_number.get_value();
        self.next_number.set_value(number.wrapping_add(1));
        let toast = Toast {
            number,
            failed,
            text,
        };
        self.shown.update(|shown| {
            // The same message twice is one message: announced again, shown once.
            shown.retain(|other| (other.failed, &other.text) != (failed, &toast.text));
            shown.push(toast);
        });
        number
    }

    fn put_away(self, number: u32) {
        self.shown
            .update(|shown| shown.retain(|toast| toast.number != number));
    }
}

/// The page's messages.
pub(crate) fn use_toasts() -> Toasts {
    expect_context()
}

/// Where the messages stand. Present from the start, so that assistive technology announces what comes
/// into it (WAI-ARIA: role `status` for confirmations, role `alert` for failures). Not atomic, as both roles
/// would be by themselves: a second message must not have the first read out again.
#[component]
pub(crate) fn ToastRegion() -> impl IntoView {
    let toasts = use_toasts();
    let list = move |failed: bool| {
        view! {
            <For
                each=move || {
                    let mut shown = toasts.shown.get();
                    shown.retain(|toast| toast.failed == failed);
                    shown
                }
                key=|toast| toast.number
                let:toast
            >
                <div class="toast" class:toast-failed=failed>
                    <Icon name=if failed { IconName::Warning } else { IconName::Check } />
                    <p>{toast.text}</p>
                    <button
                        type="button"
                        class="icon-button"
                        aria-label="Dismiss message"
                        on:click=move |_| toasts.put_away(toast.number)
                    >
                        <Icon name=IconName::Close />
                    </button>
                </div>
            </For>
        }
    };
    view! {
        <div class="toasts">
            <div role="status" aria-atomic="false">
                {list(false)}
            </div>
            <div role="alert" aria-atomic="false">
                {list(true)}
            </div>
        </div>
    }
}
