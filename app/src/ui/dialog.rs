//! Modal dialogs on the browser's own `<dialog>`: it traps the focus, makes the page behind it inert and
//! gives the focus back.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDialogElement};

/// What kind of dialog it is to assistive technology (WAI-ARIA 1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DialogRole {
    /// It asks for something, or shows something; a click beside it dismisses it.
    #[default]
    Dialog,
    /// It interrupts to warn; only its buttons and Escape dismiss it.
    AlertDialog,
}

/// A modal dialog. Its first control gets the focus, unless one has `autofocus`.
///
/// In an island, `open` decides whether it is open: Escape and a click beside it only ask, by `on_dismiss`.
/// Elsewhere it opens by an invoker button (`command="show-modal"`) or [`show_dialog`], and closes by a button of
/// a form with `method="dialog"`.
#[component]
pub(crate) fn Dialog(
    /// Its id in the document.
    id: &'static str,
    /// Its heading.
    #[prop(into)]
    title: Signal<String>,
    /// What kind of dialog it is.
    #[prop(optional)]
    role: DialogRole,
    /// Whether it holds lines too long for the usual width.
    #[prop(optional)]
    wide: bool,
    /// Whether it is open.
    #[prop(default = RwSignal::new(false))]
    open: RwSignal<bool>,
    /// Escape was pressed, or a click went beside it. Without it, the dialog closes.
    #[prop(optional, into)]
    on_dismiss: Option<Callback<()>>,
    /// What is in it, below the heading.
    children: Children,
) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    Effect::new(move || {
        let Some(dialog) = element.get() else {
            return;
        };
        let wanted = open.get();
        if wanted && !dialog.open() {
            // Refused only where the element has left the document: then there is nothing to show.
            let _ = dialog.show_modal();
        } else if !wanted && dialog.open() {
            dialog.close();
        }
    });
    let dismiss = move || match on_dismiss {
        Some(ask) => ask.run(()),
        None => open.set(false),
    };
    let cancelled = move |event: ev::Event| {
        event.prevent_default();
        dismiss();
    };
    // A browser closes a dialog by itself when Escape is pressed again and again. Where the state says
    // that it stays, it comes back.
    let closed = move |_| {
        let Some(dialog) = element.get_untracked() else {
            return;
        };
        // The event comes late: the dialog may have been opened again since.
        if dialog.open() || !open.get_untracked() {
            return;
        }
        dismiss();
        if open.get_untracked() {
            let _ = dialog.show_modal();
        }
    };
    let (aria_role, closed_by) = match role {
        DialogRole::Dialog => (None, "any"),
        DialogRole::AlertDialog => (Some("alertdialog"), "closerequest"),
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
        >
            <h2 class="dialog-title" id=title_id>
                {title}
            </h2>
            <div class="dialog-body" id=body_id>
                {children()}
            </div>
        </dialog>
    }
}

/// Opens the dialog with this id, where no state stands behind it: one that the server rendered.
pub(crate) fn show_dialog(id: &str) {
    let dialog = document().get_element_by_id(id);
    if let Some(dialog) = dialog.and_then(|dialog| dialog.dyn_into::<HtmlDialogElement>().ok())
        && !dialog.open()
    {
        // Refused only where the element has left the document: then there is nothing to show.
        let _ = dialog.show_modal();
    }
}

/// Has buttons with the command `show-modal` open their dialogs in browsers, too, that do not know commands.
pub(crate) fn open_dialogs_by_command() {
    let listener = window_event_listener(ev::click, |event| {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok());
        let button =
            target.and_then(|target| target.closest("[command=show-modal]").ok().flatten());
        if let Some(id) = button.and_then(|button| button.get_attribute("commandfor")) {
            event.prevent_default();
            show_dialog(&id);
        }
    });
    on_cleanup(move || listener.remove());
}
