//! Keyboard shortcuts: each is a single key that clicks a button or a link on the page.
//!
//! A single-character shortcut can be turned off (WCAG 2.2, 2.1.4). Shortcuts do nothing while the user types in a
//! field, and while a dialog is open or content that the user wanted is being loaded. The browser's local storage keeps
//! the user's choice.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::{
    ids::{HOME_LINK, SHORTCUTS_DIALOG},
    organisation_search::focus_search,
};
use crate::{
    ids::CREATE_BUTTON,
    ui::{BrowserOnly, Dialog, pressed_key, show_dialog},
};

/// Key in local storage. It is present when shortcuts are off.
const OFF: &str = "shortcuts-off";

/// Each key and its description, in the order of the list.
const SHORTCUTS: [(&str, &str); 4] = [
    ("h", "Go to Home"),
    ("c", "Create a token, in the Developer Zone"),
    ("/", "Search organisations"),
    ("?", "Show these shortcuts"),
];

/// Handles shortcut keys on the whole page, until the calling island is removed.
pub(super) fn listen() {
    let listener = window_event_listener(ev::keydown, |event| {
        let modified = event.ctrl_key() || event.alt_key() || event.meta_key();
        if modified || event.default_prevented() || are_off() || is_busy() {
            return;
        }
        let handled = match pressed_key(&event).unwrap_or_default().as_str() {
            "h" => click(HOME_LINK),
            "c" => click(CREATE_BUTTON),
            "/" => focus_search(),
            "?" => {
                show_dialog(SHORTCUTS_DIALOG);
                true
            }
            _ => false,
        };
        if handled {
            event.prevent_default();
        }
    });
    on_cleanup(move || listener.remove());
}

/// Clicks the element with this id. Returns false if the page has none.
fn click(id: &str) -> bool {
    let element = document().get_element_by_id(id);
    let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) else {
        return false;
    };
    element.click();
    true
}

/// Whether a field has the focus, a dialog is open, or content that the user wanted is being loaded.
fn is_busy() -> bool {
    let matches = |element: &Element, selector| element.matches(selector).unwrap_or(false);
    let types = document().active_element().is_some_and(|active| {
        // A field in a dialog that was just closed keeps the focus until the next animation frame.
        let is_visible = active.client_width() > 0;
        is_visible
            && matches(
                &active,
                "input:not([type=checkbox]), textarea, select, [contenteditable]",
            )
    });
    let waited_for = "dialog[open], .browser-only[aria-busy]";
    types || matches!(document().query_selector(waited_for), Ok(Some(_)))
}

fn are_off() -> bool {
    let stored = storage().and_then(|storage| storage.get_item(OFF).ok());
    stored.flatten().is_some()
}

/// Local storage, if the browser allows it. Without it, shortcuts are always on.
fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}

/// The dialog that lists the shortcuts, with a checkbox that turns them off.
#[island]
pub(super) fn ShortcutsDialog() -> impl IntoView {
    let on = RwSignal::new(true);
    Effect::new(move || on.set(!are_off()));
    let toggle = move |event: ev::Event| {
        if let Some(storage) = storage() {
            // Fails if storage is full or forbidden. The checkbox then shows that nothing changed.
            let _ = match event_target_checked(&event) {
                true => storage.remove_item(OFF),
                false => storage.set_item(OFF, "1"),
            };
        }
        on.set(!are_off());
    };
    let content = move || {
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
                <input type="checkbox" prop:checked=on on:change=toggle />
                "Use keyboard shortcuts"
            </label>
            <div class="dialog-actions">
                <form method="dialog">
                    <button class="button">"Close"</button>
                </form>
            </div>
        </Dialog>
        }
    };
    view! { <BrowserOnly when=true content /> }
}
