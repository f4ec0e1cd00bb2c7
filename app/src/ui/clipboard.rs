//! Copying to the clipboard.

use std::time::Duration;

use js_sys::{Function, Promise, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlInputElement, HtmlTextAreaElement};

use super::{Icon, IconName, LiveText, server_only, use_toasts};

/// How long a button says `Copied`.
const COPIED_SHOWN: Duration = Duration::from_secs(4);

/// Copies `text` to the clipboard. Returns whether the browser did it.
async fn copy_to_clipboard(text: &str) -> bool {
    match write_to_clipboard(text) {
        Ok(writing) => JsFuture::from(writing).await.is_ok(),
        Err(_) => false,
    }
}

/// Begins to copy. A page without HTTPS has no clipboard, the user can deny access to it, and some browsers and
/// extensions throw an error instead of returning one. Called by name, because a generated binding would let that error
/// end the task without a message.
fn write_to_clipboard(text: &str) -> Result<Promise, JsValue> {
    let clipboard = Reflect::get(&window().navigator(), &"clipboard".into())?;
    let write: Function = Reflect::get(&clipboard, &"writeText".into())?.dyn_into()?;
    Ok(Promise::resolve(&write.call1(&clipboard, &text.into())?))
}

/// An icon button that copies the value beside it.
///
/// It is an island of its own, because it shows its result as a toast in the page's frame.
#[island]
pub(crate) fn CopyButton(
    /// The text to copy.
    value: String,
    /// The value's name in the button's label and in the toast, such as `Event ID 456`.
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
            class="icon-button copy-button"
            title=label.clone()
            on:click=copy
        >
            {server_only(|| view! { <Icon name=IconName::Copy /> })}
        </button>
    }
}

/// The result of copying a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CopyState {
    /// Not tried, or copied some seconds ago.
    NotTried,
    /// The text is on the clipboard.
    Copied,
    /// The browser denied access. The field's text is selected, so that the user can copy it by hand.
    Refused,
}

/// A button that copies the current text of a read-only field. For some seconds after that, it says `Copied`.
/// [`CopyStatus`] tells screen readers, and what to do if the browser refuses.
#[component]
pub(crate) fn CopyFieldButton(
    /// Id of the `<input>` or `<textarea>`.
    field: &'static str,
    /// The button's text, such as `Copy token`.
    #[prop(into)]
    label: Signal<String>,
    class: &'static str,
    /// Receives the result.
    state: RwSignal<CopyState>,
    /// Becomes true when the text is on the clipboard.
    copied: RwSignal<bool>,
) -> impl IntoView {
    let copy = move |_| {
        leptos::task::spawn_local(async move {
            let Some(field) = TextField::find(field) else {
                return;
            };
            let text = field.value();
            let is_copied = copy_to_clipboard(&text).await;
            // The field may show another text by now. The result does not apply to that one.
            if field.value() != text {
                return;
            }
            if is_copied {
                state.set(CopyState::Copied);
                copied.set(true);
                // The field may be gone by then.
                let forget = move || {
                    let _ = state.try_set(CopyState::NotTried);
                };
                set_timeout(forget, COPIED_SHOWN);
            } else {
                state.set(CopyState::Refused);
                field.select();
            }
        });
    };
    let is_copied = move || state.get() == CopyState::Copied;
    let icon = move || {
        view! { <Icon name=if is_copied() { IconName::Check } else { IconName::Copy } /> }
    };
    let text = Signal::derive(move || match is_copied() {
        true => "Copied".to_owned(),
        false => label.get(),
    });
    view! {
        <button type="button" class=class on:click=copy>
            {icon}
            <LiveText text />
        </button>
    }
}

/// Announces the result of a [`CopyFieldButton`] to screen readers. Shows it if the browser refused to copy.
#[component]
pub(crate) fn CopyStatus(
    /// The name of the field's content, such as `token`.
    what: &'static str,
    /// The result.
    state: RwSignal<CopyState>,
) -> impl IntoView {
    let text = move || match state.get() {
        CopyState::NotTried => String::new(),
        CopyState::Copied => "Copied".to_owned(),
        CopyState::Refused => format!(
            "The browser did not allow copying. The {what} is selected: press Ctrl+C (⌘C on a Mac) to copy it by hand.",
        ),
    };
    // The button says `Copied` itself.
    let class = move || match state.get() {
        CopyState::Refused => "hint",
        _ => "visually-hidden",
    };
    view! { <p class=class role="status" prop:textContent=text></p> }
}

/// A text field with one line or several.
enum TextField {
    Input(HtmlInputElement),
    TextArea(HtmlTextAreaElement),
}

impl TextField {
    fn find(id: &str) -> Option<Self> {
        let element = document().get_element_by_id(id)?;
        element
            .dyn_into()
            .map(Self::Input)
            .or_else(|element| element.dyn_into().map(Self::TextArea))
            .ok()
    }

    fn value(&self) -> String {
        match self {
            Self::Input(field) => field.value(),
            Self::TextArea(field) => field.value(),
        }
    }

    /// Moves the focus to the field and selects its whole text.
    fn select(&self) {
        // `focus` fails only if the element has left the document.
        match self {
            Self::Input(field) => {
                let _ = field.focus();
                field.select();
            }
            Self::TextArea(field) => {
                let _ = field.focus();
                field.select();
            }
        }
    }
}
