//! The dialog that makes a token.

use leptos::prelude::*;

use super::{
    confirmation::{ConfirmPassword, Confirmation},
    token_list::TokenList,
};
use crate::ui::Dialog;

/// Says what is going to happen, and does it.
#[component]
pub(super) fn CreateTokenDialog(list: TokenList, open: RwSignal<bool>) -> impl IntoView {
    let confirmation = Confirmation::new();
    let create = move || list.create(confirmation, move || open.set(false));
    // While the answer is under way, closing would hide where the new token comes from.
    let dismiss = move || {
        if !list.is_creating() {
            open.set(false);
        }
    };
    view! {
        <Dialog
            id="create-token-dialog"
            title="Create API token"
            open
            on_dismiss=Callback::new(move |()| dismiss())
        >
            <p>
                "The token opens this organisation’s events and photos to whoever holds it. Use a separate token for each integration."
            </p>
            <p>"The full token will be shown " <strong>"only once"</strong> ", right after it is created."</p>
            <ConfirmPassword
                confirmation
                open
                purpose="to create the token"
                go=Callback::new(move |()| create())
            />
            <div class="dialog-actions">
                <button type="button" class="button" on:click=move |_| dismiss()>
                    "Cancel"
                </button>
                <button
                    type="button"
                    class="button button-primary"
                    autofocus
                    aria-busy=move || list.is_creating().then_some("true")
                    aria-disabled=move || list.is_creating().then_some("true")
                    on:click=move |_| create()
                >
                    {move || if list.is_creating() { "Creating…" } else { "Create Token" }}
                </button>
            </div>
        </Dialog>
    }
}
