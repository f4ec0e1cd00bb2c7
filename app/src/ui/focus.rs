//! Where the focus goes when the browser cannot know.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// Moves the focus to the element with this id, after what is going on has been shown: a dialog that is
/// closing gives the focus back first, to something that may no longer be there.
pub(crate) fn focus_soon(id: String) {
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
