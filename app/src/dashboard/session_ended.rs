//! What appears when the session has ended while the user works on a page: a dialog, and after it a lasting banner.

use leptos::prelude::*;

use crate::{
    paths::SIGN_IN,
    ui::{Dialog, LiveText},
};

/// Whether a request has failed because the session has ended.
#[derive(Clone, Copy)]
pub(crate) struct SessionEnded {
    has_ended: RwSignal<bool>,
    /// Whether the dialog is open.
    open: RwSignal<bool>,
    /// Whether the request would have changed something.
    was_change: RwSignal<bool>,
}

impl SessionEnded {
    /// Provides the state as context. The component that renders [`SessionEndedDialog`] calls this.
    pub(super) fn provide() {
        provide_context(Self {
            has_ended: RwSignal::new(false),
            open: RwSignal::new(false),
            was_change: RwSignal::new(false),
        });
    }

    /// Shows the dialog. `was_change` is whether the request would have changed something. A poll that fails later does not
    /// take back what the dialog says about the change.
    pub(crate) fn show(self, was_change: bool) {
        if was_change || !self.open.get_untracked() {
            self.was_change.set(was_change);
        }
        self.has_ended.set(true);
        self.open.set(true);
    }
}

/// The state that the page's frame provides.
pub(crate) fn use_session_ended() -> SessionEnded {
    expect_context()
}

/// Says that the session has ended. After the dialog is closed, a banner says so: the page looks as if it still worked. The
/// links lead to sign-in and from there back to this page.
#[component]
pub(super) fn SessionEndedDialog() -> impl IntoView {
    let SessionEnded {
        has_ended,
        open,
        was_change,
    } = use_session_ended();
    let href = move || has_ended.get().then(|| sign_in_address(&current_address()));
    let text = move || {
        match was_change.get() {
            true => "Nothing was changed. Sign in again to return to this page.",
            false => "Sign in again to return to this page.",
        }
        .to_owned()
    };
    let sign_in = move || {
        view! {
            <a class="button button-primary" href=href>
                "Sign in"
            </a>
        }
    };
    view! {
        <Dialog id="session-ended-dialog" title="Your session has ended" open>
            <p>
                <LiveText text=Signal::derive(text) />
            </p>
            <div class="dialog-actions">
                <button type="button" class="button" on:click=move |_| open.set(false)>
                    "Stay on this page"
                </button>
                {sign_in()}
            </div>
        </Dialog>
        <div
            class="session-banner"
            role="status"
            hidden=move || !has_ended.get() || open.get()
        >
            <span>"Your session has ended, so this page no longer works."</span>
            {sign_in()}
        </div>
    }
}

/// Path and query of the page in the browser.
fn current_address() -> String {
    let location = window().location();
    let path = location.pathname().unwrap_or_default();
    path + &location.search().unwrap_or_default()
}

/// Address of the sign-in page that returns to `next` afterwards.
fn sign_in_address(next: &str) -> String {
    let next = js_sys::encode_uri_component(next);
    format!("{SIGN_IN}?next={next}")
}
