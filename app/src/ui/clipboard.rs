//! Copying to the clipboard.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlInputElement, HtmlTextAreaElement};

use super::{Icon, IconName, use_toasts};

/// Puts `text` on the clipboard. Gives whether the browser did it: on a page without HTTPS there is no
/// clipboard, and a person can refuse it.
async fn copy_to_clipboard(text: &str) -> bool {
    let navigator = window().navigator();
    let available = js_sys::Reflect::get(&navigator, &JsValue::from_str("clipboard"))
        .is_ok_and(|clipboard| !clipboard.is_undefined());
    available
        && JsFuture::from(navigator.clipboard().write_text(text))
            .await
            .is_ok()
}

/// A small button that copies a value standing beside it. An island, to be within the page's frame.
#[island]
pub(crate) fn CopyButton(
    /// What is copied.
    value: String,
    /// What the button is called, and what a confirmation names: `Event ID 456`.
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

/// What became of copying a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CopyState {
    NotTried,
    /// The clipboard has it.
    Copied,
    /// The browser did not allow it. The field's text is selected, to be copied by hand.
    Refused,
}

/// A button that copies what a read-only field shows at that moment. What becomes of it is said by a
/// [`CopyStatus`].
#[component]
pub(crate) fn CopyFieldButton(
    /// Id of the `<input>` or `<textarea>`.
    field: &'static str,
    /// What it holds: `token`.
    #[prop(into)]
    what: Signal<String>,
    /// What became of it.
    state: RwSignal<CopyState>,
    /// Whether it says `Copy`, and not by its icon alone.
    #[prop(optional)]
    in_words: bool,
) -> impl IntoView {
    let label = move || format!("Copy {}", what.get());
    let copy = move |_| {
        leptos::task::spawn_local(async move {
            let Some(field) = TextField::find(field) else {
                return;
            };
            let text = field.value();
            let copied = copy_to_clipboard(&text).await;
            // It may show something else by now, of which this would be a lie.
            if field.value() != text {
                return;
            }
            if copied {
                state.set(CopyState::Copied);
            } else {
                state.set(CopyState::Refused);
                field.select();
            }
        });
    };
    let icon = move || {
        let copied = state.get() == CopyState::Copied;
        view! { <Icon name=if copied { IconName::Check } else { IconName::Copy } /> }
    };
    view! {
        <button
            type="button"
            class=if in_words { "button" } else { "icon-button" }
            aria-label=label
            title=label
            on:click=copy
        >
            {icon}
            {in_words.then_some("Copy")}
        </button>
    }
}

/// Says what became of a [`CopyFieldButton`], also to a screen reader.
#[component]
pub(crate) fn CopyStatus(
    /// What the field holds: `token`.
    what: &'static str,
    /// What became of it.
    state: RwSignal<CopyState>,
) -> impl IntoView {
    view! {
        <p class="copy-status" role="status">
            {move || match state.get() {
                CopyState::NotTried => String::new(),
                CopyState::Copied => "Copied".to_owned(),
                CopyState::Refused => {
                    format!(
                        "The browser did not allow copying. The {what} is selected: press Ctrl+C (⌘C on a Mac) to copy it by hand.",
                    )
                }
            }}
        </p>
    }
}

/// A field of one line or of several.
enum TextField {
    Line(HtmlInputElement),
    Lines(HtmlTextAreaElement),
}

impl TextField {
    fn find(id: &str) -> Option<Self> {
        let element = document().get_element_by_id(id)?;
        element
            .dyn_into()
            .map(Self::Line)
            .or_else(|element| element.dyn_into().map(Self::Lines))
            .ok()
    }

    fn value(&self) -> String {
        match self {
            Self::Line(field) => field.value(),
            Self::Lines(field) => field.value(),
        }
    }

    /// Moves the focus there, with the whole text selected.
    fn select(&self) {
        // Fails only for an element that has left the document.
        match self {
            Self::Line(field) => {
                let _ = field.focus();
                field.select();
            }
            Self::Lines(field) => {
                let _ = field.focus();
                field.select();
            }
        }
    }
}
