//! What all islands of a page share.

use leptos::prelude::*;

use super::{
    session_ended::{SessionEnded, SessionEndedDialog},
    shortcuts,
};
use crate::ui::{ToastRegion, Toasts, open_dialogs_by_command, show_times_in_readers_way};

/// The island around the page. What is in it is the server's, but islands there find what this one provides: a
/// place for messages, and the dialog that says that the session has ended. It also listens for shortcuts.
#[island]
pub(super) fn Frame(children: Children) -> impl IntoView {
    Toasts::provide();
    SessionEnded::provide();
    Effect::new(show_times_in_readers_way);
    Effect::new(open_dialogs_by_command);
    Effect::new(shortcuts::listen);
    view! {
        {children()}
        <SessionEndedDialog />
        <ToastRegion />
    }
}
