//! Flash messages: the result of a form, shown once on the next page.

use leptos::prelude::*;

/// Id of the message. Fields with an error refer to it by `aria-describedby`.
pub(crate) const FLASH_MESSAGE: &str = "flash-message";

/// A flash message. It gets the focus, so that a screen reader reads it first and Tab continues from it.
#[component]
pub(crate) fn FlashMessage(
    /// What happened.
    text: String,
    /// Whether the form succeeded.
    is_success: bool,
) -> impl IntoView {
    let (class, role) = if is_success {
        ("form-success", "status")
    } else {
        ("form-error", "alert")
    };
    view! {
        <p class=class id=FLASH_MESSAGE role=role tabindex="-1" autofocus>
            {text}
        </p>
    }
}
