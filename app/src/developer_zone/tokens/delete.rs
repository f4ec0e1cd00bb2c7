//! The dialog that deletes a token.

use leptos::prelude::*;
use model::token::{TokenId, TokenStatus, TokenSummary};

use super::{
    ids::delete_button_id,
    list::TokenList,
    password_prompt::{ConfirmPassword, Confirmation},
};
use crate::{
    ids::CREATE_BUTTON,
    ui::{Dialog, DialogRole, focus_soon},
};

/// The token whose deletion is being asked about.
#[derive(Clone, Copy)]
pub(super) struct DeletionTarget {
    token: RwSignal<Option<TokenSummary>>,
    open: RwSignal<bool>,
}

impl DeletionTarget {
    pub(super) fn none() -> Self {
        Self {
            token: RwSignal::new(None),
            open: RwSignal::new(false),
        }
    }

    pub(super) fn ask(self, token: TokenSummary) {
        self.token.set(Some(token));
        self.open.set(true);
    }

    fn read<T: Default>(self, about: impl FnOnce(&TokenSummary) -> T) -> T {
        self.token
            .with(|token| token.as_ref().map(about).unwrap_or_default())
    }

    fn is_active(self) -> bool {
        self.read(|token| token.status.is_active())
    }
}

/// Asks before a token is deleted, and offers the way that can be taken back.
#[component]
pub(super) fn DeleteTokenDialog(list: TokenList, deletion: DeletionTarget) -> impl IntoView {
    let close = move || deletion.open.set(false);
    let confirmation = Confirmation::new();
    let delete = move || {
        let Some(token) = deletion.token.get_untracked() else {
            return;
        };
        let focus_next = next_focus(list, token.id);
        list.delete(token, confirmation, move |gone| {
            close();
            if gone {
                focus_next();
            }
        });
    };
    let deactivate = move |_| {
        if let Some(token) = deletion.token.get_untracked() {
            close();
            list.switch(token, TokenStatus::Inactive);
        }
    };
    let dismiss = move || {
        if !list.is_deleting() {
            close();
        }
    };
    view! {
        <Dialog
            id="delete-token-dialog"
            title="Delete API token?"
            role=DialogRole::AlertDialog
            open=deletion.open
            on_dismiss=Callback::new(move |()| dismiss())
        >
            <p>
                "Token " {move || deletion.read(name_before_preview)}
                <code class="token-preview">
                    {move || deletion.read(|token| token.preview.to_string())}
                </code>
                " will be deleted for good. Services that use it lose access at once, and it cannot be recovered."
            </p>
            <ConfirmPassword
                confirmation
                open=deletion.open
                purpose="to delete the token"
                go=Callback::new(move |()| delete())
            />
            <div class="dialog-actions">
                <Show when=move || deletion.is_active()>
                    <button type="button" class="button button-start" on:click=deactivate>
                        "Deactivate instead"
                    </button>
                </Show>
                <button type="button" class="button" autofocus on:click=move |_| dismiss()>
                    "Cancel"
                </button>
                <button
                    type="button"
                    class="button button-danger"
                    aria-busy=move || list.is_deleting().then_some("true")
                    aria-disabled=move || list.is_deleting().then_some("true")
                    on:click=move |_| delete()
                >
                    {move || if list.is_deleting() { "Deleting…" } else { "Delete" }}
                </button>
            </div>
        </Dialog>
    }
}

fn name_before_preview(token: &TokenSummary) -> Option<impl IntoView + use<>> {
    let name = token.name.as_ref()?.to_string();
    Some(view! {
        <strong>{name}</strong>
        " "
    })
}

/// Where the focus goes when the token's row is gone: the next row's trash button, or `Create Token`.
/// The row is looked up now, while it is still known which one is next.
fn next_focus(list: TokenList, deleted: TokenId) -> impl Fn() {
    let id = list
        .next_after(deleted)
        .map_or_else(|| CREATE_BUTTON.to_owned(), delete_button_id);
    move || focus_soon(id.clone())
}
