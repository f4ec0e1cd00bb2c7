//! The outermost island of a page, with the state that the other islands share.

use leptos::prelude::*;

use super::{
    organisation_search,
    session_ended::{SessionEnded, SessionEndedDialog},
    shortcuts,
};
use crate::ui::{BrowserOnly, ToastRegion, Toasts, copy_by_button, open_dialogs_by_command};

/// The island around the page.
///
/// The server renders its children. Islands among them use the context that this one provides: toasts, and the
/// dialog for an ended session. It also handles keyboard shortcuts, the search of organisations, and buttons for dialogs and
/// copying.
#[island]
pub(super) fn Frame(children: Children) -> impl IntoView {
    Toasts::provide();
    SessionEnded::provide();
    // Not in an effect: an early click is repeated before effects run.
    if cfg!(target_arch = "wasm32") {
        copy_by_button();
    }
    Effect::new(open_dialogs_by_command);
    Effect::new(shortcuts::listen);
    Effect::new(organisation_search::listen);
    view! {
        {children()}
        <BrowserOnly
            when=true
            content=|| {
                view! {
                    <SessionEndedDialog />
                    <ToastRegion />
                }
            }
        />
    }
}
