//! Copying to the clipboard.

use leptos::prelude::*;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use super::{Icon, IconName, use_toasts};

/// Puts `text` on the clipboard. Gives whether the browser did it: on a page without HTTPS there is no
/// clipboard, and a person can refuse it.
pub(crate) async fn copy_to_clipboard(text: &str) -> bool {
    let navigator = window().navigator();
    let available = js_sys::Reflect::get(&navigator, &JsValue::from_str("clipboard"))
        .is_ok_and(|clipboard| !clipboard.is_undefined());
    available
        && JsFuture::from(navigator.clipboard().write_text(text))
            .await
            .is_ok()
}

/// A small button that copies a value standing beside it.
#[component]
pub(crate) fn CopyButton(
    /// What is copied.
    #[prop(into)]
    value: String,
    /// What the button is called, and what a confirmation names: `Event ID 456`.
    #[prop(into)]
    what: String,
) -> impl IntoView {
    let toasts = use_toasts();
    let label = format!("Copy {what}");
    let copy = move |_| {
        let (value, what) = (value.clone(), what.clone());
        leptos::task::spawn_local(async move {
            if copy_to_clipboard(&value).await {
                toasts.confirm(format!("{what} copied."));
            } else {
                toasts.fail(format!(
                    "The browser did not allow copying. Select {value} and copy it by hand."
                ));
            }
        });
    };
    view! {
        <button
            type="button"
            class="icon-button"
            aria-label=label.clone()
            title=label.clone()
            on:click=copy
        >
            <Icon name=IconName::Copy />
        </button>
    }
}
