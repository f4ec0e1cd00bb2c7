//! The check box that shows passwords.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use crate::ui::server_only;

/// A check box that shows the text of the password fields in its form. It needs script, and is hidden without it.
#[island]
pub(super) fn ShowPasswords() -> impl IntoView {
    let place = NodeRef::<html::Label>::new();
    let show = move |event: ev::Event| {
        let kind = if event_target_checked(&event) {
            "text"
        } else {
            "password"
        };
        let form = place.get_untracked().map(|place| place.closest("form"));
        let Some(Ok(Some(form))) = form else {
            return;
        };
        let Ok(fields) = form.query_selector_all("input[autocomplete$=password]") else {
            return;
        };
        let fields = (0..fields.length()).filter_map(|n| fields.get(n));
        for field in fields.filter_map(|field| field.dyn_into::<HtmlInputElement>().ok()) {
            field.set_type(kind);
        }
    };
    view! {
        <label class="check needs-script" node_ref=place>
            <input type="checkbox" on:change=show />
            <span>{server_only(|| "Show passwords")}</span>
        </label>
    }
}
