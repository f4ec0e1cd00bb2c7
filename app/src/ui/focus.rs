//! Where the focus goes, and what is scrolled to, when the browser cannot know.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};

/// Moves the focus to the element with this id, after what is going on has been shown: a dialog that is
/// closing gives the focus back first, to something that may no longer be there.
pub(crate) fn focus_soon(id: String) {
    with_element_soon(id, |element| {
        if let Ok(element) = element.dyn_into::<HtmlElement>() {
            // Fails only for an element that has left the document.
            let _ = element.focus();
        }
    });
}

/// Scrolls as little as it takes to show the element with this id once what has changed in it is there;
/// of one that is higher than its place, the beginning.
pub(crate) fn scroll_to_soon(id: &str) {
    with_element_soon(id.to_owned(), |element| {
        let options = ScrollIntoViewOptions::new();
        options.set_block(ScrollLogicalPosition::Nearest);
        element.scroll_into_view_with_scroll_into_view_options(&options);
    });
}

fn with_element_soon(id: String, act: fn(Element)) {
    request_animation_frame(move || {
        if let Some(element) = document().get_element_by_id(&id) {
            act(element);
        }
    });
}
