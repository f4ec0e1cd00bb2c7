//! The button that shows passwords.

use leptos::prelude::*;

use super::{Icon, IconName};
use crate::document::InlineScript;

/// A button that shows the text of the password fields in its form, and hides it again. It needs script, and is hidden
/// without it. Its script is in the page, because sign-in loads no other.
#[component]
pub(crate) fn ShowPasswords(
    /// `Show password`, or `Show passwords` for several fields.
    label: &'static str,
) -> impl IntoView {
    view! {
        <button type="button" class="button button-quiet show-passwords" aria-pressed="false" hidden>
            <Icon name=IconName::Eye />
            {label}
        </button>
        <InlineScript code=include_str!("show_passwords.js") />
    }
}
