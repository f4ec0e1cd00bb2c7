//! The one time a token is shown.

use leptos::{ev, html, prelude::*};
use model::{event::EventId, organisation::OrganisationId};

use super::{
    connection_test::ConnectionTest, token_card::CREATE_BUTTON, token_examples::TokenExamples,
    token_list::TokenList,
};
use crate::ui::{
    BrowserOnly, CopyFieldButton, CopyState, CopyStatus, Dialog, Icon, IconName, focus_soon,
};

/// Id of the field that holds the token.
const FIELD: &str = "new-token";

/// A token that has just been made.
pub(super) struct FreshToken {
    /// The whole token.
    pub(super) secret: String,
    /// Whose it is.
    pub(super) organisation: OrganisationId,
    /// An event to try it on, if there is one.
    pub(super) event: Option<EventId>,
}

/// The token that is being shown, if one is. Its text is nowhere on the page but in fields that show it;
/// when it is put away, the memory that held it is wiped (the WASM's allocator does that with all that it
/// frees).
#[derive(Clone, Copy)]
pub(super) struct ShownToken {
    token: RwSignal<Option<FreshToken>>,
    open: RwSignal<bool>,
    copy: RwSignal<CopyState>,
    /// Whether one has tried to close without `Done`.
    asked: RwSignal<bool>,
}

impl ShownToken {
    pub(super) fn show(self, token: FreshToken) {
        self.copy.set(CopyState::NotTried);
        self.asked.set(false);
        self.token.set(Some(token));
        self.open.set(true);
    }

    /// Whether a token is shown.
    pub(super) fn is_shown(self) -> bool {
        self.token.with(Option::is_some)
    }

    fn put_away(self) {
        self.token.set(None);
        self.open.set(false);
        self.asked.set(false);
        focus_soon(CREATE_BUTTON.to_owned());
    }

    /// Something about the token, if one is shown; the default where none is.
    pub(super) fn read<T: Default>(self, about: impl FnOnce(&FreshToken) -> T) -> T {
        self.token
            .with(|token| token.as_ref().map(about).unwrap_or_default())
    }

    /// [`Self::read`], for once.
    pub(super) fn read_untracked<T: Default>(self, about: impl FnOnce(&FreshToken) -> T) -> T {
        untrack(|| self.read(about))
    }
}

/// Makes room for a shown token; for the island that holds the [`NewTokenDialog`].
pub(super) fn provide_new_token() {
    provide_context(ShownToken {
        token: RwSignal::new(None),
        open: RwSignal::new(false),
        copy: RwSignal::new(CopyState::NotTried),
        asked: RwSignal::new(false),
    });
}

pub(super) fn use_shown_token() -> ShownToken {
    expect_context()
}

/// Shows a new token until `Done`. Escape and a click beside it ask first; leaving the page warns, also while the
/// token is on its way.
#[component]
pub(super) fn NewTokenDialog(list: TokenList) -> impl IntoView {
    let shown = use_shown_token();
    let field = NodeRef::<html::Input>::new();
    warn_before_leaving(move || shown.is_shown() || list.is_creating());
    let select = move || {
        if let Some(field) = field.get_untracked() {
            field.select();
        }
    };
    Effect::new(move || {
        if shown.open.get() {
            request_animation_frame(move || {
                // When the dialog puts the focus into the field, its value may not be there yet.
                select();
                // It may still be scrolled to where the token before was tested.
                let field = field.get_untracked();
                if let Some(Ok(Some(dialog))) = field.map(|field| field.closest("dialog")) {
                    dialog.set_scroll_top(0);
                }
            });
        }
    });
    view! {
        <Dialog
            id="new-token-dialog"
            title="Your new API token"
            wide=true
            open=shown.open
            on_dismiss=Callback::new(move |()| shown.asked.set(true))
        >
            <p class="callout" id="new-token-warning">
                <Icon name=IconName::Warning />
                <span>
                    <strong>"Copy the token now."</strong>
                    " It cannot be shown again. Keep it where only the integration can read it, as you would a password."
                </span>
            </p>
            <div class="token-shown">
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
                        aria-describedby="new-token-warning"
                        prop:value=move || shown.read(|token| token.secret.clone())
                        node_ref=field
                        on:focus=move |_| select()
                    />
                    <CopyFieldButton field=FIELD what="token" state=shown.copy />
                </div>
                <CopyStatus what="token" state=shown.copy />
            </div>
            // Made anew for each token, and gone with it.
            <BrowserOnly
                when=Memo::new(move |_| shown.is_shown())
                content=move || {
                    view! {
                        <TokenExamples shown />
                        <ConnectionTest shown />
                    }
                }
            />
            <div class="dialog-foot">
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

/// The browser asks before it leaves the page while there is a token to lose. It chooses the words itself.
fn warn_before_leaving(to_lose: impl Fn() -> bool + Copy + 'static) {
    Effect::new(move || {
        let listener = window_event_listener(ev::beforeunload, move |event| {
            if untrack(to_lose) {
                event.prevent_default();
                event.set_return_value("shown");
            }
        });
        on_cleanup(move || listener.remove());
    });
}
