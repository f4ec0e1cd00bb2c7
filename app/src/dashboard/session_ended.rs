//! The dialog that appears when the session has ended while the user works on a page.

use leptos::prelude::*;

use crate::{paths::SIGN_IN, ui::Dialog};

/// Whether a request has failed because the session has ended.
#[derive(Clone, Copy)]
pub(crate) struct SessionEnded(RwSignal<bool>);

impl SessionEnded {
    /// Provides the state as context. The component that renders [`SessionEndedDialog`] calls this.
    pub(super) fn provide() {
        provide_context(Self(RwSignal::new(false)));
    }

    /// Shows the dialog.
    pub(crate) fn show(self) {
        self.0.set(true);
    }
}

/// The state that the page's frame provides.
pub(crate) fn use_session_ended() -> SessionEnded {
    expect_context()
}

/// Says that the session has ended. Its link leads to sign-in and from there back to this page.
#[component]
pub(super) fn SessionEndedDialog() -> impl IntoView {
    let open = use_session_ended().0;
    let href = move || open.get().then(|| sign_in_address(&current_address()));
    view! {
        <Dialog id="session-ended-dialog" title="Your session has ended" open>
            <p>"Nothing was changed. Sign in again to return to this page."</p>
            <div class="dialog-actions">
                <a class="button button-primary" href=href>
                    "Sign in"
                </a>
            </div>
        </Dialog>
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
