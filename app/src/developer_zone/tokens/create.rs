//! The dialog that makes a token.

use leptos::{ev, html, prelude::*};
use model::token::TokenName;

use super::{
    list::TokenList,
    password_prompt::{ConfirmPassword, Confirmation},
};
use crate::ui::Dialog;

/// Says what is going to happen, and does it.
#[component]
pub(super) fn CreateTokenDialog(list: TokenList, open: RwSignal<bool>) -> impl IntoView {
    let confirmation = Confirmation::new();
    let name = NodeRef::<html::Input>::new();
    let problem = RwSignal::new(None::<String>);
    Effect::new(move || {
        if open.get()
            && let Some(name) = name.get_untracked()
        {
            name.set_value("");
            problem.set(None);
        }
    });
    let create = move || {
        let typed = name.get_untracked().map(|name| name.value());
        let misnamed = move |text| {
            problem.set(Some(text));
            if let Some(name) = name.get_untracked() {
                name.select();
            }
        };
        problem.set(None);
        let answered = move || open.set(false);
        list.create(typed.unwrap_or_default(), confirmation, answered, misnamed);
    };
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        create();
    };
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
            <form on:submit=submit>
                <label class="field">
                    <span class="field-label">"Name (optional)"</span>
                    <input
                        type="text"
                        placeholder="Website gallery"
                        maxlength=TokenName::MAX_LENGTH.to_string()
                        autocomplete="off"
                        autofocus
                        aria-describedby="token-name-hint token-name-problem"
                        node_ref=name
                    />
                </label>
                <p class="hint" id="token-name-hint">
                    "What will use the token. You can change it later."
                </p>
                {move || {
                    problem
                        .get()
                        .map(|text| {
                            view! {
                                <p class="form-error" id="token-name-problem" role="alert">
                                    {text}
                                </p>
                            }
                        })
                }}
            </form>
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
