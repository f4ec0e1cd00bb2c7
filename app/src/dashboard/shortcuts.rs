//! Keys that do what a button elsewhere on the page does.
//!
//! Single characters, so they can be turned off, and do nothing where one types or a dialog is open (WCAG 2.2,
//! 2.1.4). The choice is kept in this browser.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::organisation_switcher::focus_search;
use crate::{
    ids::CREATE_BUTTON,
    ui::{Dialog, show_dialog},
};

/// Id of the dialog that lists them, for the button that opens it.
pub(super) const SHORTCUTS_DIALOG: &str = "shortcuts-dialog";

/// Where the browser remembers that they are off.
const OFF: &str = "shortcuts-off";

/// What each key does, in the order of the list.
const SHORTCUTS: [(&str, &str); 3] = [
    ("c", "Create a token, in the Developer Zone"),
    ("/", "Search the organisations"),
    ("?", "Show these shortcuts"),
];

/// Listens for the keys; for the island around the page.
pub(super) fn listen() {
    let listener = window_event_listener(ev::keydown, |event| {
        let modified = event.ctrl_key() || event.alt_key() || event.meta_key();
        if modified || event.is_composing() || event.default_prevented() || are_off() || is_busy() {
            return;
        }
        let done = match event.key().as_str() {
            "c" => click(CREATE_BUTTON),
            "/" => focus_search(),
            "?" => {
                show_dialog(SHORTCUTS_DIALOG);
                true
            }
            _ => false,
        };
        if done {
            event.prevent_default();
        }
    });
    on_cleanup(move || listener.remove());
}

fn click(id: &str) -> bool {
    let element = document().get_element_by_id(id);
    let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) else {
        return false;
    };
    element.click();
    true
}

/// Whether the keys belong to something else: a field, or an open dialog or list.
fn is_busy() -> bool {
    let matches = |element: &Element, selector| element.matches(selector).unwrap_or(false);
    let types = document().active_element().is_some_and(|active| {
        // The field of a dialog that has just been closed keeps the focus until the next frame.
        let is_seen = active.client_width() > 0;
        is_seen
            && matches(
                &active,
                "input:not([type=checkbox]), textarea, select, [contenteditable]",
            )
    });
    types || matches!(document().query_selector("dialog[open]"), Ok(Some(_)))
}

fn are_off() -> bool {
    let kept = storage().and_then(|storage| storage.get_item(OFF).ok());
    kept.flatten().is_some()
}

/// Nothing where the browser keeps nothing for us: then they are on.
fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

/// The list of them, with what turns them off.
#[island]
pub(super) fn ShortcutsDialog() -> impl IntoView {
    let on = RwSignal::new(true);
    Effect::new(move || on.set(!are_off()));
    let turn = move |event: ev::Event| {
        let is_on = event_target_checked(&event);
        on.set(is_on);
        if let Some(storage) = storage() {
            // What cannot be kept holds for this page no longer than it is open.
            let _ = match is_on {
                true => storage.remove_item(OFF),
                false => storage.set_item(OFF, "1"),
            };
        }
    };
    let rows = SHORTCUTS.map(|(key, what)| {
        view! {
            <dt>
                <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
        }
    });
    view! {
        <Dialog id=SHORTCUTS_DIALOG title="Keyboard shortcuts">
            <dl class="shortcuts">{rows.into_iter().collect_view()}</dl>
            <label class="check">
                <input type="checkbox" prop:checked=on on:change=turn />
                "Use keyboard shortcuts"
            </label>
            <div class="dialog-actions">
                <form method="dialog">
                    <button class="button">"Close"</button>
                </form>
            </div>
        </Dialog>
    }
}
