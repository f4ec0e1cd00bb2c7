//! Copying to the clipboard.

use std::time::Duration;

use js_sys::{Date, Function, Promise, Reflect};
use leptos::{ev, prelude::*};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlInputElement, HtmlTextAreaElement};

use super::{Icon, IconName, LiveText, focus::closest, use_toasts};

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

/// The attribute of a [`CopyButton`] with the text to copy.
const VALUE: &str = "data-copied-value";
/// The attribute of a [`CopyButton`] with the value's name.
const WHAT: &str = "data-copied-what";

/// An icon button that copies the value beside it. The page's frame handles its click ([`copy_by_button`]).
#[cfg(feature = "ssr")]
#[component]
pub(crate) fn CopyButton(
    /// The text to copy.
    value: String,
    /// The value's name in the button's label and in the toast, such as `Event ID 456`.
    what: String,
) -> impl IntoView {
    view! {
        <button type="button" class="icon-button copy-button" title=format!("Copy {what}")>
            <Icon name=IconName::Copy />
        </button>
    }
    .attr(VALUE, value)
    .attr(WHAT, what)
}

/// Makes every [`CopyButton`] of the page work. A toast shows the result.
pub(crate) fn copy_by_button() {
    let toasts = use_toasts();
    let listener = window_event_listener(ev::click, move |event| {
        let Some(button) = closest(&event, &format!("[{VALUE}]")) else {
            return;
        };
        let attribute = |name| button.get_attribute(name).unwrap_or_default();
        let (value, what) = (attribute(VALUE), attribute(WHAT));
        leptos::task::spawn_local(async move {
            if copy_to_clipboard(&value).await {
                toasts.confirm(format!("{what} copied."));
            } else {
                toasts.fail(format!(
                    "The browser did not allow copying. Select {value} and copy it by hand."
                ));
            }
        });
    });
    on_cleanup(move || listener.remove());
}

/// The result of copying a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum CopyState {
    /// Not tried, or copied some seconds ago.
    NotTried,
    /// The text was put on the clipboard at this time, in milliseconds of [`Date::now`].
    Copied(f64),
    /// The browser denied access. The field's text is selected, so that the user can copy it by hand.
    Refused,
}

/// Copies the current text of a field, and then does `then`. If the browser refuses, selects the text instead.
pub(crate) fn copy_field(
    field: &'static str,
    state: RwSignal<CopyState>,
    then: impl FnOnce() + 'static,
) {
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
            let copied = CopyState::Copied(Date::now());
            state.set(copied);
            then();
            // Meanwhile, the dialog may have closed, or the field was copied again.
            let forget = move || {
                if state.try_get_untracked() == Some(copied) {
                    state.set(CopyState::NotTried);
                }
            };
            set_timeout(forget, COPIED_SHOWN);
        } else {
            state.set(CopyState::Refused);
            field.select();
        }
    });
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
    let copy = move |_| copy_field(field, state, move || copied.set(true));
    let is_copied = move || matches!(state.get(), CopyState::Copied(_));
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
        CopyState::Copied(_) => "Copied".to_owned(),
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
