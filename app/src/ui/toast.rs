//! Toasts: short messages about the result of an action.

use std::time::Duration;

use leptos::prelude::*;

use super::{BrowserOnly, Icon, IconName, LiveText};

/// Minimum time that a confirmation stays. A failure stays until the user dismisses it.
const MIN_STAY: Duration = Duration::from_secs(6);
/// Time per character, for a slow reader. Long confirmations stay longer than [`MIN_STAY`].
const STAY_PER_CHARACTER: Duration = Duration::from_millis(120);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Toast {
    number: u32,
    failed: bool,
    text: String,
}

/// The toasts on the page.
#[derive(Clone, Copy)]
pub(crate) struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    next_number: StoredValue<u32>,
    /// What the changes of the page wait for. Empty if they wait for nothing special.
    waiting: RwSignal<String>,
}

impl Toasts {
    /// Provides an empty list as context. The component that renders [`ToastRegion`] calls this.
    pub(crate) fn provide() {
        provide_context(Self {
            shown: RwSignal::new(Vec::new()),
            next_number: StoredValue::new(0),
            waiting: RwSignal::new(String::new()),
        });
    }

    /// Shows that an action succeeded. The toast disappears by itself.
    pub(crate) fn confirm(self, text: impl Into<String>) {
        let text = text.into();
        let stay = MIN_STAY.max(STAY_PER_CHARACTER * text.len() as u32);
        let number = self.show(false, text);
        set_timeout(move || self.dismiss(number), stay);
    }

    /// Shows that an action failed, and why. The toast stays until the user dismisses it.
    pub(crate) fn fail(self, text: impl Into<String>) {
        self.show(true, text.into());
    }

    /// Shows what a change waits for, until this is called with an empty text.
    pub(crate) fn show_wait(self, text: String) {
        if untrack(|| self.waiting.with(|shown| *shown != text)) {
            self.waiting.set(text);
        }
    }

    /// What a change waits for. A modal dialog shows this itself: the toasts are behind it.
    pub(crate) fn waiting(self) -> Signal<String> {
        self.waiting.into()
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
            // A repeated text replaces the earlier toast, so that it is announced again but shown once.
            shown.retain(|other| (other.failed, &other.text) != (failed, &toast.text));
            shown.push(toast);
        });
        number
    }

    fn dismiss(self, number: u32) {
        self.shown
            .update(|shown| shown.retain(|toast| toast.number != number));
    }
}

/// The toasts that the page's frame provides.
pub(crate) fn use_toasts() -> Toasts {
    expect_context()
}

/// The part of the page that shows the toasts: role `status` for confirmations, role `alert` for failures.
///
/// The region exists before the first toast. Assistive technology announces only changes to an existing region
/// (WAI-ARIA). `aria-atomic` is off, so that a new toast does not make it read the earlier ones again.
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
                        on:click=move |_| toasts.dismiss(toast.number)
                    >
                        <Icon name=IconName::Close />
                    </button>
                </div>
            </For>
        }
    };
    let is_waiting = Memo::new(move |_| toasts.waiting.with(|text| !text.is_empty()));
    let wait = move || {
        view! {
            <div class="toast toast-waiting">
                <p>
                    <LiveText text=toasts.waiting />
                </p>
            </div>
        }
    };
    view! {
        <div class="toasts">
            <div role="status" aria-atomic="false">
                {list(false)}
                <BrowserOnly when=is_waiting content=wait />
            </div>
            <div role="alert" aria-atomic="false">
                {list(true)}
            </div>
        </div>
    }
}
