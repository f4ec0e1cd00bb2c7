//! Finds elements; moves the focus and the scroll position after the page has changed.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};

/// Moves the focus to the element with this id, in the next animation frame.
///
/// A closing dialog restores the focus first, perhaps to an element that no longer exists.
pub(crate) fn focus_soon(id: String) {
    with_element_soon(id, |element| {
        if let Ok(element) = element.dyn_into::<HtmlElement>() {
            // `focus` fails only if the element has left the document.
            let _ = element.focus();
        }
    });
}

/// Scrolls the element with this id into view, in the next animation frame.
///
/// Scrolls no further than needed. An element that is taller than the view shows its beginning.
pub(crate) fn scroll_to_soon(id: &str) {
    with_element_soon(id.to_owned(), |element| {
        let options = ScrollIntoViewOptions::new();
        options.set_block(ScrollLogicalPosition::Nearest);
        element.scroll_into_view_with_scroll_into_view_options(&options);
    });
}

/// The target of the event, or the closest element around it, that this selector selects.
pub(crate) fn closest(event: &Event, selector: &str) -> Option<Element> {
    let target = event.target()?.dyn_into::<Element>().ok()?;
    target.closest(selector).ok()?
}

fn with_element_soon(id: String, act: fn(Element)) {
    request_animation_frame(move || {
        if let Some(element) = document().get_element_by_id(&id) {
            act(element);
        }
    });
}
