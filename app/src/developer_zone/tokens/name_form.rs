//! The form that changes a token's name in its row.

use leptos::{ev, html, prelude::*, server_fn::ServerFn};
use model::token::{TokenId, TokenName as Name, TokenPreview};
use web_sys::HtmlFormElement;

use super::{ids::change_button_id, list::TokenList, running::Change};
use crate::{
    developer_zone::{server_functions::RenameToken, token_form::TokenForm},
    ui::{focus_soon, pressed_key},
};

/// The field that replaces the name while it is changed. Enter saves, Escape cancels.
#[component]
pub(super) fn NameForm(
    list: TokenList,
    id: TokenId,
    preview: TokenPreview,
    /// Whether the form is shown.
    editing: RwSignal<bool>,
) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let problem = RwSignal::new(None::<String>);
    let before = list.token(id).and_then(|token| token.name);
    let before = before.map(|name| name.to_string());
    Effect::new(move || {
        if let Some(field) = field.get() {
            field.select();
        }
    });
    let done = move || {
        editing.set(false);
        focus_soon(change_button_id(id));
    };
    let save = move |form: HtmlFormElement| {
        list.rename(&form, id, move |wrong| match wrong {
            None => done(),
            Some(text) => problem.set(Some(text)),
        });
    };
    let keys = move |event: ev::KeyboardEvent| {
        if pressed_key(&event).as_deref() == Some("Escape") {
            done();
        }
    };
    let busy = move || list.running().has(Change::Rename).then_some("true");
    let problem_id = format!("name-problem-{id}");
    view! {
        <div on:keydown=keys>
        <TokenForm
            class="name-form"
            action=RenameToken::url()
            organisation=list.organisation()
            token=id.to_string()
            on_submit=Some(Callback::new(save))
        >
            <input
                type="text"
                name="name"
                aria-label=format!("Name of token {preview}")
                aria-describedby=problem_id.clone()
                placeholder="What uses this token"
                maxlength=Name::MAX_LENGTH.to_string()
                autocomplete="off"
                value=before.unwrap_or_default()
                node_ref=field
            />
            <button class="button button-primary" aria-busy=busy aria-disabled=busy>
                "Save"
            </button>
            <button type="button" class="button" on:click=move |_| done()>
                "Cancel"
            </button>
            <div id=problem_id role="alert">
                {move || {
                    problem.get().map(|text| view! { <p class="form-error" prop:textContent=text></p> })
                }}
            </div>
        </TokenForm>
        </div>
    }
}
