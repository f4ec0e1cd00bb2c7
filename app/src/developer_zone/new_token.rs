//! The one time a token is shown.

use leptos::{ev, html, prelude::*, task::spawn_local};

use super::panel::CREATE_BUTTON;
use crate::ui::{Dialog, Icon, IconName, copy_to_clipboard, focus_soon};

/// Id of the field that holds the token.
const FIELD: &str = "new-token";

/// The token that is being shown, if one is. Its text is nowhere else on the page; when it is put away,
/// the memory that held it is wiped (the WASM's allocator does that with all that it frees).
#[derive(Clone, Copy)]
pub(super) struct ShownToken {
    secret: RwSignal<Option<String>>,
    open: RwSignal<bool>,
    copy: RwSignal<CopyState>,
    /// Whether one has tried to close without `Done`.
    asked: RwSignal<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CopyState {
    NotTried,
    Copied,
    Refused,
}

impl ShownToken {
    pub(super) fn show(self, secret: String) {
        self.copy.set(CopyState::NotTried);
        self.asked.set(false);
        self.secret.set(Some(secret));
        self.open.set(true);
    }

    fn put_away(self) {
        self.secret.set(None);
        self.open.set(false);
        self.asked.set(false);
        focus_soon(CREATE_BUTTON.to_owned());
    }

    fn is_shown_untracked(self) -> bool {
        self.secret.with_untracked(Option::is_some)
    }
}

/// Makes room for a shown token; for the component that holds the [`NewTokenDialog`].
pub(crate) fn provide_new_token() {
    provide_context(ShownToken {
        secret: RwSignal::new(None),
        open: RwSignal::new(false),
        copy: RwSignal::new(CopyState::NotTried),
        asked: RwSignal::new(false),
    });
}

pub(super) fn use_shown_token() -> ShownToken {
    expect_context()
}

/// Shows a new token until `Done`. Escape and a click beside it ask first; leaving the page warns.
#[component]
pub(crate) fn NewTokenDialog() -> impl IntoView {
    let shown = use_shown_token();
    let field = NodeRef::<html::Input>::new();
    warn_before_leaving(shown);
    let select = move || {
        if let Some(field) = field.get_untracked() {
            field.select();
        }
    };
    Effect::new(move || {
        if shown.open.get() {
            // When the dialog puts the focus into the field, its value may not be there yet.
            request_animation_frame(select);
        }
    });
    let copy = move |_| {
        let Some(secret) = shown.secret.get_untracked() else {
            return;
        };
        spawn_local(async move {
            if copy_to_clipboard(&secret).await {
                shown.copy.set(CopyState::Copied);
            } else {
                shown.copy.set(CopyState::Refused);
                if let Some(field) = field.get_untracked() {
                    // Fails only for an element that has left the document.
                    let _ = field.focus();
                    field.select();
                }
            }
        });
    };
    view! {
        <Dialog
            id="new-token-dialog"
            title="Your new API token"
            open=shown.open
            on_dismiss=Callback::new(move |()| shown.asked.set(true))
        >
            <p class="callout">
                <Icon name=IconName::Warning />
                <span>
                    <strong>"Copy the token now."</strong>
                    " It cannot be shown again. Keep it where only the integration can read it, as you would a password."
                </span>
            </p>
            <label class="field-label" for=FIELD>
                "API token"
            </label>
            <div class="copy-field">
                <input
                    type="text"
                    id=FIELD
                    class="token-field"
                    readonly
                    autofocus
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=move || shown.secret.get().unwrap_or_default()
                    node_ref=field
                    on:focus=move |_| select()
                />
                <button
                    type="button"
                    class="icon-button"
                    aria-label="Copy token"
                    title="Copy token"
                    on:click=copy
                >
                    {move || {
                        let copied = shown.copy.get() == CopyState::Copied;
                        view! { <Icon name=if copied { IconName::Check } else { IconName::Copy } /> }
                    }}
                </button>
            </div>
            <p class="copy-status" role="status">
                {move || match shown.copy.get() {
                    CopyState::NotTried => "",
                    CopyState::Copied => "Copied",
                    CopyState::Refused => {
                        "The browser did not allow copying. The token is selected: press Ctrl+C (⌘C on a Mac) to copy it by hand."
                    }
                }}
            </p>
            <Show when=move || shown.asked.get()>
                <CloseQuestion shown />
            </Show>
            <div class="dialog-actions">
                <button
                    type="button"
                    class="button button-primary"
                    on:click=move |_| shown.put_away()
                >
                    "Done"
                </button>
            </div>
        </Dialog>
    }
}

/// Asks before the token is lost.
#[component]
fn CloseQuestion(shown: ShownToken) -> impl IntoView {
    let keep = NodeRef::<html::Button>::new();
    Effect::new(move || {
        if let Some(keep) = keep.get() {
            let _ = keep.focus();
        }
    });
    view! {
        <div class="close-question" role="alert">
            <p>"Have you copied the token? Once this is closed, it is gone for good."</p>
            <div class="dialog-actions">
                <button type="button" class="button" on:click=move |_| shown.put_away()>
                    "Close anyway"
                </button>
                <button
                    type="button"
                    class="button"
                    node_ref=keep
                    on:click=move |_| {
                        shown.asked.set(false);
                        focus_soon(FIELD.to_owned());
                    }
                >
                    "Keep it open"
                </button>
            </div>
        </div>
    }
}

/// The browser asks before it leaves the page while a token is shown. It chooses the words itself.
fn warn_before_leaving(shown: ShownToken) {
    Effect::new(move || {
        let listener = window_event_listener(ev::beforeunload, move |event| {
            if shown.is_shown_untracked() {
                event.prevent_default();
                event.set_return_value("shown");
            }
        });
        on_cleanup(move || listener.remove());
    });
}
