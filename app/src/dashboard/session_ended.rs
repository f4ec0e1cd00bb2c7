//! What is said when the server no longer knows who is signed in.

use leptos::prelude::*;

use crate::{paths::SIGN_IN, ui::Dialog};

/// Whether the session has turned out to have ended.
#[derive(Clone, Copy)]
pub(crate) struct SessionEnded(RwSignal<bool>);

impl SessionEnded {
    /// For the component that holds the [`SessionEndedDialog`].
    pub(super) fn provide() {
        provide_context(Self(RwSignal::new(false)));
    }

    /// Says so on the page.
    pub(crate) fn show(self) {
        self.0.set(true);
    }
}

/// Whether the session has turned out to have ended.
pub(crate) fn use_session_ended() -> SessionEnded {
    expect_context()
}

/// Says that the session has ended, and leads through sign-in back to the page.
#[component]
pub(super) fn SessionEndedDialog() -> impl IntoView {
    let open = use_session_ended().0;
    let href = move || open.get().then(|| sign_in_from(&present_address()));
    view! {
        <Dialog id="session-ended-dialog" title="Your session has ended" open>
            <p>"Nothing was changed. Sign in again to go on where you were."</p>
            <div class="dialog-actions">
                <a class="button button-primary" href=href>
                    "Sign in"
                </a>
            </div>
        </Dialog>
    }
}

/// Path and query of the page, in the browser.
fn present_address() -> String {
    let location = window().location();
    let path = location.pathname().unwrap_or_default();
    path + &location.search().unwrap_or_default()
}

/// The sign-in page that leads back to `address`.
fn sign_in_from(address: &str) -> String {
    let address = js_sys::encode_uri_component(address);
    format!("{SIGN_IN}?next={address}")
}
