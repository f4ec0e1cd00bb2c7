//! Fields of the forms that the server renders.

use leptos::prelude::*;
use model::token::TokenName;

use crate::ui::FLASH_MESSAGE;

/// Id of the hint below the name.
const NAME_HINT: &str = "name-hint";

/// The field for a token's name. It has no `maxlength`: the server refuses a long name, where a browser would cut it
/// silently.
#[component]
pub(super) fn NameField(
    value: String,
    /// Whether the flash message is about this field.
    is_refused: bool,
) -> impl IntoView {
    let described_by = if is_refused {
        format!("{FLASH_MESSAGE} {NAME_HINT}")
    } else {
        NAME_HINT.to_owned()
    };
    view! {
        <label class="field">
            <span class="field-label">"Name"</span>
            <input
                type="text"
                name="name"
                value=value
                autocomplete="off"
                placeholder="Website gallery"
                aria-describedby=described_by
                aria-invalid=is_refused.then_some("true")
            />
        </label>
        <p class="hint" id=NAME_HINT>
            {format!("What uses the token. Optional, at most {} characters.", TokenName::MAX_LENGTH)}
        </p>
    }
}

/// The password field of a form that gives access.
#[component]
pub(super) fn PasswordField(
    /// What the password is for: `to activate the token`.
    purpose: &'static str,
    /// Whether the flash message is about this field.
    is_refused: bool,
) -> impl IntoView {
    view! {
        <label class="field">
            <span class="field-label">{format!("Your password, {purpose}")}</span>
            <input
                type="password"
                name="password"
                required
                autocomplete="current-password"
                aria-describedby=is_refused.then_some(FLASH_MESSAGE)
            />
        </label>
    }
}
