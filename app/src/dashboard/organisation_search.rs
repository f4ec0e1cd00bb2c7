//! Searching the organisations on a page. The server has rendered all of them; the search hides those that do not match.

use leptos::{ev, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement, NodeList};

use super::ids::SWITCHER;
use crate::ui::pressed_key;

/// Searches and moves the focus on the whole page, until the calling island is removed.
pub(super) fn listen() {
    // The user may have typed before.
    for field in elements(document().query_selector_all(".choice-search")) {
        search(&field);
    }
    let input = window_event_listener(ev::input, |event| {
        if let Some(field) = event.target().and_then(|field| field.dyn_into().ok()) {
            // Does nothing for a field elsewhere.
            search(&field);
        }
    });
    let keys = window_event_listener(ev::keydown, move_by_key);
    on_cleanup(move || {
        input.remove();
        keys.remove();
    });
}

/// The elements of this kind in a list.
fn elements<T: JsCast>(found: Result<NodeList, wasm_bindgen::JsValue>) -> Vec<T> {
    let Ok(found) = found else {
        return Vec::new();
    };
    let nodes = (0..found.length()).filter_map(|index| found.get(index));
    nodes.filter_map(|node| node.dyn_into().ok()).collect()
}

/// Shows the organisations whose name or ID contains the field's text, and says so if there are none.
fn search(field: &HtmlInputElement) {
    let Ok(Some(choices)) = field.closest(".choices") else {
        return;
    };
    let typed = field.value();
    let wanted = searchable(typed.trim());
    let mut found = false;
    for item in elements::<HtmlElement>(choices.query_selector_all("li")) {
        let name = item.query_selector(".choice-name").ok().flatten();
        let name = name.and_then(|name| name.text_content());
        let fits = searchable(&name.unwrap_or_default()).contains(&wanted);
        item.set_hidden(!fits);
        found |= fits;
    }
    if let Ok(Some(status)) = choices.query_selector(".choice-none") {
        let none = format!("No organisation matches “{}”.", typed.trim());
        status.set_text_content((!found).then_some(&none));
    }
}

/// A text for comparisons: without accents, in lower case, and the same for each way to write a character. So `zurich`
/// finds `Zürich`, also if its `ü` is stored as two characters.
///
/// The browser has the tables for this. Rust's own would be in the WASM.
fn searchable(text: &str) -> String {
    let decomposed = js_sys::JsString::from(text).normalize("NFKD");
    let lower = String::from(decomposed.to_lower_case());
    let is_accent = |c: char| ('\u{300}'..='\u{36f}').contains(&c);
    lower.chars().filter(|&c| !is_accent(c)).collect()
}

/// Handles the keyboard in organisations with a search field. Arrow keys, Home and End move the focus among the field
/// and the organisations. Enter in the field selects the first match. The browser itself closes the popover on Escape.
fn move_by_key(event: ev::KeyboardEvent) {
    let target = event.target().and_then(|it| it.dyn_into::<Element>().ok());
    let Some(Ok(Some(choices))) =
        target.map(|target| target.closest(".choices:has(input[type=search])"))
    else {
        return;
    };
    let stops: Vec<HtmlElement> =
        elements(choices.query_selector_all("input[type=search], li:not([hidden]) > button"));
    let active = document().active_element();
    let at = stops
        .iter()
        .position(|stop| active.as_ref() == Some(stop.unchecked_ref()))
        .unwrap_or_default();
    let in_field = at == 0;
    let next = match pressed_key(&event).unwrap_or_default().as_str() {
        "ArrowDown" => (at + 1) % stops.len(),
        "ArrowUp" => (at + stops.len() - 1) % stops.len(),
        "Home" if !in_field => 1,
        "End" if !in_field => stops.len() - 1,
        "Enter" if in_field => {
            event.prevent_default();
            if let Some(first) = stops.get(1) {
                first.click();
            }
            return;
        }
        _ => return,
    };
    event.prevent_default();
    // `focus` fails only if the element has left the document.
    let _ = stops[next].focus();
}

/// Opens the sidebar's list and moves the focus to its search field. Returns false on a page without the list.
pub(super) fn focus_search() -> bool {
    let list = document().get_element_by_id(SWITCHER);
    let Some(list) = list.and_then(|list| list.dyn_into::<HtmlElement>().ok()) else {
        return false;
    };
    // On a narrow screen the list is inside the drawer, which is a popover too and must open first.
    if let Ok(Some(drawer)) = list.closest(".sidebar")
        && drawer.client_width() == 0
        && let Ok(drawer) = drawer.dyn_into::<HtmlElement>()
    {
        // `show_popover` fails only if the element has left the document.
        let _ = drawer.show_popover();
    }
    let _ = list.show_popover();
    if let Ok(Some(field)) = list.query_selector("input[type=search]")
        && let Ok(field) = field.dyn_into::<HtmlElement>()
    {
        let _ = field.focus();
    }
    true
}
