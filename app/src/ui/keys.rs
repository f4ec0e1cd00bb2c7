//! Keys that the page handles itself.

use leptos::ev;
use wasm_bindgen::JsValue;

/// The key that was pressed, if it is for the page.
///
/// None while an input method composes text, for example in Japanese: Enter, Escape and the arrow keys then choose among
/// its suggestions. Safari shows that only by the code 229. None also for the events without a key that browsers and
/// password managers send when they fill a field; reading their key as a text would throw.
pub(crate) fn pressed_key(event: &ev::KeyboardEvent) -> Option<String> {
    const COMPOSING: u32 = 229;
    if event.is_composing() || event.key_code() == COMPOSING {
        return None;
    }
    let key = js_sys::Reflect::get(event, &JsValue::from_str("key"));
    key.ok()?.as_string()
}
