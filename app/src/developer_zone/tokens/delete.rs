//! The dialog that deletes a token.

use leptos::{prelude::*, server_fn::ServerFn};
use model::token::{TokenId, TokenStatus, TokenSummary};
use web_sys::HtmlFormElement;

use super::{
    ids::delete_button_id,
    list::TokenList,
    password_prompt::{PasswordField, PasswordPrompt},
    running::Change,
};
use crate::{
    developer_zone::{
        server_functions::DeleteToken,
        token_form::{SwitchForm, TokenForm},
    },
    ids::CREATE_BUTTON,
    ui::{Dialog, DialogRole, focus_soon},
};

/// Id of the form, for its button among the dialog's other buttons.
const FORM: &str = "delete-token-form";

/// The token that the dialog asks about.
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

    fn read<T>(self, about: impl FnOnce(&TokenSummary) -> T) -> Option<T> {
        self.token.with(|token| token.as_ref().map(about))
    }

    fn is_active(self) -> bool {
        self.read(|token| token.status.is_active())
            .unwrap_or_default()
    }
}

/// Asks for confirmation before a token is deleted, and offers to deactivate it instead, which can be undone.
#[component]
pub(super) fn DeleteTokenDialog(list: TokenList, deletion: DeletionTarget) -> impl IntoView {
    let close = move || deletion.open.set(false);
    let prompt = PasswordPrompt::hidden();
    let token = Signal::derive(move || {
        deletion
            .read(|token| token.id.to_string())
            .unwrap_or_default()
    });
    let is_deleting = move || list.running().has(Change::Delete);
    let delete = move |form: HtmlFormElement| {
        let Some(token) = deletion.token.get_untracked() else {
            return;
        };
        let focus_next = next_focus(list, token.id);
        list.delete(&form, token, prompt, move |gone| {
            close();
            if gone {
                focus_next();
            }
        });
    };
    let deactivate = move |form: HtmlFormElement| {
        if let Some(token) = deletion.token.get_untracked() {
            list.switch(&form, token, TokenStatus::Inactive);
            close();
        }
    };
    let dismiss = move || {
        if !untrack(is_deleting) {
            close();
        }
    };
    let busy = move || is_deleting().then_some("true");
    view! {
        <Dialog
            id="delete-token-dialog"
            title="Delete API token?"
            role=DialogRole::AlertDialog
            open=deletion.open
            on_dismiss=Callback::new(move |()| dismiss())
        >
            <TokenForm
                id=FORM
                class="dialog-form"
                action=DeleteToken::url()
                organisation=list.organisation()
                token
                on_submit=Some(Callback::new(delete))
            >
                <p>
                    "Token " {move || deletion.read(name_before_preview)}
                    <code class="token-preview">
                        {move || deletion.read(|token| token.preview.to_string())}
                    </code>
                    " will be permanently deleted. Services that use it lose access immediately, and it cannot be recovered."
                </p>
                <PasswordField prompt open=deletion.open purpose="to delete the token" />
            </TokenForm>
            <div class="dialog-actions">
                <Show when=move || deletion.is_active()>
                    <SwitchForm
                        class="button-start"
                        organisation=list.organisation()
                        token
                        activate=false
                        on_submit=Some(Callback::new(deactivate))
                    >
                        <button class="button">"Deactivate instead"</button>
                    </SwitchForm>
                </Show>
                <button type="button" class="button" autofocus on:click=move |_| dismiss()>
                    "Cancel"
                </button>
                <button
                    form=FORM
                    class="button button-danger"
                    aria-busy=busy
                    aria-disabled=busy
                >
                    {move || if is_deleting() { "Deleting…" } else { "Delete" }}
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

/// Moves the focus once the token's row is gone: to the next row's trash button, or to `Create Token`. The next row
/// is looked up now, while the token still has one.
fn next_focus(list: TokenList, deleted: TokenId) -> impl Fn() {
    let id = list
        .next_after(deleted)
        .map_or_else(|| CREATE_BUTTON.to_owned(), delete_button_id);
    move || focus_soon(id.clone())
}
