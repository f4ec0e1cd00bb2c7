//! The field of a form for a password.

use leptos::prelude::*;
use model::user::MIN_PASSWORD_LENGTH;

/// A field for a password, with its error and hint below it. After an error it has the focus.
///
/// It never shows a password that was sent: the server does not send it back. It has no maximum length, which would cut
/// a longer password when it is pasted. A browser refuses a shorter one than the minimum itself, and keeps what was typed.
#[component]
pub(crate) fn PasswordField(
    /// The name in the form, and the field's id.
    name: &'static str,
    label: &'static str,
    /// The purpose, for password managers: `current-password` or `new-password`.
    autocomplete: &'static str,
    /// Why the last value was refused.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// What a value must be.
    #[prop(optional_no_strip)]
    hint: Option<String>,
    /// The minimum number of characters.
    #[prop(optional_no_strip)]
    min_length: Option<usize>,
    /// Whether the field has the focus when the page opens.
    #[prop(optional)]
    autofocus: bool,
    /// The id of another text that describes the field.
    #[prop(optional_no_strip)]
    described_by: Option<&'static str>,
) -> impl IntoView {
    let (error_id, hint_id) = (format!("{name}-error"), format!("{name}-hint"));
    let is_wrong = error.is_some();
    let descriptions = [
        described_by.map(str::to_owned),
        error.as_ref().map(|_| error_id.clone()),
        hint.as_ref().map(|_| hint_id.clone()),
    ];
    let descriptions: Vec<_> = descriptions.into_iter().flatten().collect();
    view! {
        <div class="field">
            <label class="field-label" for=name>
                {label}
            </label>
            <input
                type="password"
                id=name
                name=name
                required
                minlength=min_length.map(|length| length.to_string())
                autocomplete=autocomplete
                autocapitalize="none"
                spellcheck="false"
                autofocus=autofocus || is_wrong
                aria-describedby=(!descriptions.is_empty()).then(|| descriptions.join(" "))
                aria-invalid=is_wrong.then_some("true")
            />
            {error
                .map(|error| {
                    view! {
                        <p class="field-error" id=error_id>
                            {error}
                        </p>
                    }
                })}
            {hint
                .map(|hint| {
                    view! {
                        <p class="hint" id=hint_id>
                            {hint}
                        </p>
                    }
                })}
        </div>
    }
}

/// The field for a new password.
#[component]
pub(crate) fn NewPasswordField(
    /// Why the last value was refused.
    error: Option<String>,
    /// Whether the field has the focus when the page opens.
    #[prop(optional)]
    autofocus: bool,
) -> impl IntoView {
    let hint = format!(
        "At least {MIN_PASSWORD_LENGTH} characters of any kind, and not a common password. A few unrelated words make a good one."
    );
    view! {
        <PasswordField
            name="new_password"
            label="New password"
            autocomplete="new-password"
            error
            hint=Some(hint)
            min_length=Some(MIN_PASSWORD_LENGTH)
            autofocus
        />
    }
}
