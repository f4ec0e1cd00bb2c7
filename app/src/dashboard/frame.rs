//! What all islands of a page share.

use leptos::prelude::*;

use super::session_ended::{SessionEnded, SessionEndedDialog};
use crate::ui::{ToastRegion, Toasts, show_times_in_readers_way};

/// The island around the page. What is in it is the server's, but islands there find what this one provides: a
/// place for messages, and the dialog that says that the session has ended.
#[island]
pub(super) fn Frame(children: Children) -> impl IntoView {
    Toasts::provide();
    SessionEnded::provide();
    Effect::new(show_times_in_readers_way);
    view! {
        {children()}
        <SessionEndedDialog />
        <ToastRegion />
    }
}
