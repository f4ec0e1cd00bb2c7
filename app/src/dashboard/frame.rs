//! The outermost island of a page, with the state that the other islands share.

use leptos::prelude::*;
use model::timestamp::Timestamp;

use super::{
    organisation_search,
    session_ended::{SessionEnded, SessionEndedDialog},
    shortcuts,
};
use crate::ui::{
    BrowserOnly, ToastRegion, Toasts, localise_server_times, note_server_time,
    open_dialogs_by_command,
};

/// The island around the page.
///
/// The server renders its children. Islands among them use the context that this one provides: toasts, and the
/// dialog for an ended session. It also handles keyboard shortcuts, the search of organisations, local times and dialog
/// buttons.
#[island]
pub(super) fn Frame(
    /// When the server made the page, by its own clock.
    made_at: Timestamp,
    children: Children,
) -> impl IntoView {
    Toasts::provide();
    SessionEnded::provide();
    // Not in an effect: those of the islands inside may run first.
    if cfg!(target_arch = "wasm32") {
        note_server_time(made_at);
    }
    Effect::new(localise_server_times);
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
