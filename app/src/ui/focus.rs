//! Where the focus goes when the browser cannot know.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// Moves the focus to the element with this id once an open dialog has closed. A dialog gives the focus
/// back to what had it before; for when that is no longer on the page.
pub(crate) fn focus_after_dialog(id: String) {
    request_animation_frame(move || {
        let element = document().get_element_by_id(&id);
        if let Some(element) =
            element.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok())
        {
            // Fails only for an element that has left the document.
            let _ = element.focus();
        }
    });
}
