//! Modal dialogs, built on the browser's `<dialog>`.
//!
//! The browser keeps the focus inside, makes the page behind inert, and restores the focus afterwards.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::HtmlDialogElement;

use super::{LiveText, focus::closest};

/// The dialog's role for assistive technology (WAI-ARIA 1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DialogRole {
    /// Asks for or shows something. Buttons, Escape and a click outside dismiss it.
    #[default]
    Dialog,
    /// Interrupts with a warning. Only buttons and Escape dismiss it.
    AlertDialog,
}

/// A modal dialog. The control with `autofocus` gets the focus, or else the first control.
///
/// After the user has typed something, a click outside does nothing.
///
/// In an island, `open` decides whether the dialog is open. Escape and a click outside only call `on_dismiss`.
/// Outside of islands, a button with `command="show-modal"` or [`show_dialog`] opens it, and a button in a form with
/// `method="dialog"` closes it.
#[component]
pub(crate) fn Dialog<C: IntoView + 'static>(
    /// The element's id.
    id: &'static str,
    /// The heading.
    #[prop(into)]
    title: Signal<String>,
    /// The role for assistive technology.
    #[prop(optional)]
    role: DialogRole,
    /// Whether the dialog is wider than usual, for long lines.
    #[prop(optional)]
    wide: bool,
    /// Whether the dialog is open.
    #[prop(default = RwSignal::new(false))]
    open: RwSignal<bool>,
    /// Called on Escape and on a click outside. Without a callback, the dialog closes.
    #[prop(optional, into)]
    on_dismiss: Option<Callback<()>>,
    /// The content below the heading.
    children: TypedChildren<C>,
) -> impl IntoView {
    let (aria_role, closed_by) = match role {
        DialogRole::Dialog => (None, "any"),
        DialogRole::AlertDialog => (Some("alertdialog"), NOT_BY_CLICK),
    };
    let element = NodeRef::<html::Dialog>::new();
    Effect::new(move || {
        let Some(dialog) = element.get() else {
            return;
        };
        let wanted = open.get();
        if wanted && !dialog.open() {
            set_closed_by(&dialog, closed_by);
            // `show_modal` fails only if the element has left the document.
            let _ = dialog.show_modal();
        } else if !wanted && dialog.open() {
            dialog.close();
        }
    });
    let dismiss = move || match on_dismiss {
        Some(callback) => callback.run(()),
        None => open.set(false),
    };
    let cancelled = move |event: ev::Event| {
        event.prevent_default();
        dismiss();
    };
    // Browsers close a dialog when Escape is pressed repeatedly, without asking. If `open` still holds after
    // `dismiss`, open it again.
    let closed = move |_| {
        let Some(dialog) = element.get_untracked() else {
            return;
        };
        // The browser fires `close` later. The dialog may have been opened again since.
        if dialog.open() || !open.get_untracked() {
            return;
        }
        dismiss();
        if open.get_untracked() {
            let _ = dialog.show_modal();
        }
    };
    let typed = move |_| {
        if let Some(dialog) = element.get_untracked() {
            set_closed_by(&dialog, NOT_BY_CLICK);
        }
    };
    let title_id = format!("{id}-title");
    let body_id = format!("{id}-body");
    let described_by = (role == DialogRole::AlertDialog).then(|| body_id.clone());
    let labelled_by = title_id.clone();
    view! {
        <dialog
            class=if wide { "dialog dialog-wide" } else { "dialog" }
            id=id
            role=aria_role
            closedby=closed_by
            aria-labelledby=labelled_by
            aria-describedby=described_by
            node_ref=element
            on:cancel=cancelled
            on:close=closed
            on:input=typed
        >
            <h2 class="dialog-title" id=title_id>
                <LiveText text=title />
            </h2>
            <div class="dialog-body" id=body_id>
                {children.into_inner()()}
            </div>
        </dialog>
    }
}

/// Only Escape closes the dialog.
const NOT_BY_CLICK: &str = "closerequest";

/// Fails only for a name that is not valid.
fn set_closed_by(dialog: &HtmlDialogElement, closed_by: &str) {
    let _ = dialog.set_attribute("closedby", closed_by);
}

/// Opens the dialog with this id. For dialogs outside of islands, which have no `open` signal.
pub(crate) fn show_dialog(id: &str) {
    let dialog = document().get_element_by_id(id);
    if let Some(dialog) = dialog.and_then(|dialog| dialog.dyn_into::<HtmlDialogElement>().ok())
        && !dialog.open()
    {
        // `show_modal` fails only if the element has left the document.
        let _ = dialog.show_modal();
    }
}

/// Makes buttons with `command="show-modal"` work in browsers that do not support commands.
pub(crate) fn open_dialogs_by_command() {
    let listener = window_event_listener(ev::click, |event| {
        let button = closest(&event, "[command=show-modal]");
        if let Some(id) = button.and_then(|button| button.get_attribute("commandfor")) {
            event.prevent_default();
            show_dialog(&id);
        }
    });
    on_cleanup(move || listener.remove());
}
