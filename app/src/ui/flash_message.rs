//! What a page says once about the form that led to it.

use leptos::prelude::*;

/// Id of the message: the fields that it is about refer to it as their description.
pub(crate) const FLASH_MESSAGE: &str = "flash-message";

/// A flash message. It has the focus, so that a screen reader reads it first, and the next Tab goes on from it.
#[component]
pub(crate) fn FlashMessage(
    /// What happened.
    text: String,
    /// Whether something was done, or refused.
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
