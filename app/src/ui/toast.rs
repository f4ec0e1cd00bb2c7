//! Toasts: short messages about the result of an action.

use std::time::Duration;

use leptos::prelude::*;

use super::{Icon, IconName};

/// Minimum time that a confirmation stays. A failure stays until the user dismisses it.
const MIN_STAY: Duration = Duration::from_secs(6);
/// Time per character, for a slow reader. Long confirmations stay longer than [`MIN_STAY`].
const STAY_PER_CHARACTER: Duration = Duration::from_millis(120);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Done,
    /// An action waits.
    Wait,
    Failed,
    /// An action failed because the server could not be reached, or could not reach its database.
    Unreachable,
}

impl Kind {
    const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Unreachable)
    }
}

/// A change that can fail: its kind, and the id of what it changes.
pub(crate) type FailedChange = (&'static str, i64);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Toast {
    number: u32,
    kind: Kind,
    /// The change that failed.
    change: Option<FailedChange>,
    text: String,
}

/// The toasts on the page.
#[derive(Clone, Copy)]
pub(crate) struct Toasts {
    shown: RwSignal<Vec<Toast>>,
    next_number: StoredValue<u32>,
    /// The text that says what the page's actions wait for, and the number of its toast. If it is empty, none is shown.
    wait: RwSignal<(String, u32)>,
}

impl Toasts {
    /// Provides an empty list as context. The component that renders [`ToastRegion`] calls this.
    pub(crate) fn provide() {
        provide_context(Self {
            shown: RwSignal::new(Vec::new()),
            next_number: StoredValue::new(0),
            wait: RwSignal::new((String::new(), 0)),
        });
    }

    /// Shows that an action succeeded. A second line is shown on request. The toast disappears by itself, but not under
    /// the pointer or while it has the focus.
    pub(crate) fn confirm(self, text: impl Into<String>) {
        let text = text.into();
        let stay = MIN_STAY.max(STAY_PER_CHARACTER * text.len() as u32);
        let number = self.show(Kind::Done, None, text);
        self.dismiss_after(stay, number);
    }

    fn dismiss_after(self, stay: Duration, number: u32) {
        let dismiss = move || {
            let in_use = document().query_selector(".toast:is(:hover, :focus-within)");
            match in_use {
                Ok(Some(_)) => self.dismiss_after(MIN_STAY, number),
                _ => self.dismiss(number),
            }
        };
        set_timeout(dismiss, stay);
    }

    /// Shows that an action failed, and why. The toast stays until the user dismisses it.
    pub(crate) fn fail(self, text: impl Into<String>) {
        self.show(Kind::Failed, None, text.into());
    }

    /// Shows that a change failed, and why. The toast stays until the user dismisses it, until [`Self::over`] for this
    /// change, or if the server was unreachable, until [`Self::reached_again`].
    pub(crate) fn fail_change(self, change: FailedChange, is_unreachable: bool, text: String) {
        let kind = match is_unreachable {
            true => Kind::Unreachable,
            false => Kind::Failed,
        };
        self.show(kind, Some(change), text);
    }

    /// Removes the toast about a failure of this change: it has now succeeded.
    pub(crate) fn over(self, change: FailedChange) {
        self.retain(|toast| toast.change != Some(change));
    }

    /// Removes the toasts about an unreachable server.
    pub(crate) fn reached_again(self) {
        self.retain(|toast| toast.kind != Kind::Unreachable);
    }

    /// Shows what an action waits for, until the next call. An empty text shows nothing.
    pub(crate) fn wait(self, text: String) {
        let (shown, number) = self.wait.get_untracked();
        if shown == text {
            return;
        }
        if !shown.is_empty() {
            self.dismiss(number);
        }
        let number = match text.is_empty() {
            true => number,
            false => self.show(Kind::Wait, None, text.clone()),
        };
        self.wait.set((text, number));
    }

    /// What an action waits for. A modal dialog shows it itself, because the toasts are behind it.
    pub(crate) fn waiting(self) -> String {
        self.wait.get().0
    }

    fn show(self, kind: Kind, change: Option<FailedChange>, text: String) -> u32 {
        let number = self.next_number.get_value();
        self.next_number.set_value(number.wrapping_add(1));
        let toast = Toast {
            number,
            kind,
            change,
            text,
        };
        self.shown.update(|shown| {
            // A repeated text replaces the earlier toast, so that it is announced again but shown once.
            shown.retain(|other| (other.kind, &other.text) != (kind, &toast.text));
            shown.push(toast);
        });
        number
    }

    fn dismiss(self, number: u32) {
        self.retain(|toast| toast.number != number);
    }

    fn retain(self, keep: impl Fn(&Toast) -> bool) {
        self.shown.update(|shown| shown.retain(keep));
    }
}

/// The message, and its details in a second line.
fn split(text: String) -> (String, Option<String>) {
    match text.split_once('\n') {
        Some((text, details)) => (text.to_owned(), Some(details.to_owned())),
        None => (text, None),
    }
}

/// The toasts that the page's frame provides.
pub(crate) fn use_toasts() -> Toasts {
    expect_context()
}

/// The part of the page that shows the toasts: role `alert` for failures, role `status` for the others.
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
                    shown.retain(|toast| toast.kind.is_failure() == failed);
                    shown
                }
                key=|toast| toast.number
                children=move |toast| {
                    let (text, details) = split(toast.text);
                    view! {
                        <div class=match toast.kind {
                            Kind::Done => "toast",
                            Kind::Wait => "toast toast-waiting",
                            Kind::Failed | Kind::Unreachable => "toast toast-failed",
                        }>
                            <Icon name=if failed { IconName::Warning } else { IconName::Check } />
                            // A touch focuses the text, which shows its details.
                            <p data-details=details tabindex="-1">
                                {text}
                            </p>
                            <button
                                type="button"
                                class="icon-button"
                                aria-label="Dismiss message"
                                on:click=move |_| toasts.dismiss(toast.number)
                            >
                                <Icon name=IconName::Close />
                            </button>
                        </div>
                    }
                }
            />
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
