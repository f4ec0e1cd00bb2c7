//! A token's name and preview, and the form that changes the name in its row.

use leptos::{ev, html, prelude::*, server_fn::ServerFn};
use model::token::{TokenId, TokenName as Name, TokenPreview};
use web_sys::HtmlFormElement;

use super::{list::TokenList, running::Change};
use crate::{
    developer_zone::{server_functions::RenameToken, token_form::TokenForm},
    paths::token_page,
    ui::{BrowserOnly, Icon, IconName, LiveText, focus_soon, pressed_key},
};

/// The token's name and preview, as a link to its page, and the button that changes the name.
#[component]
pub(super) fn TokenName(list: TokenList, id: TokenId, preview: TokenPreview) -> impl IntoView {
    let name = Memo::new(move |_| list.read(id, |row| row.token.name.clone()).flatten());
    let named = move || name.get().map(|name| name.to_string()).unwrap_or_default();
    let editing = RwSignal::new(false);
    let shown = preview.to_string();
    let change = {
        let preview = preview.clone();
        Signal::derive(move || match name.get() {
            Some(_) => format!("Rename token {preview}"),
            None => format!("Name token {preview}"),
        })
    };
    let edit = move |event: ev::MouseEvent| {
        event.prevent_default();
        editing.set(true);
    };
    view! {
        <span class="token-name" hidden=editing>
            <a class="token-link" href=token_page(id)>
                <LiveText text=Signal::derive(named) verbatim=true />
                <code class="token-preview" translate="no">{shown}</code>
            </a>
            <form action=token_page(id)>
                <button
                    class="icon-button"
                    id=change_button_id(id)
                    title=change
                    on:click=edit
                >
                    <Icon name=IconName::Pencil />
                </button>
            </form>
        </span>
        <BrowserOnly
            when=editing
            content=move || view! { <NameForm list id preview=preview.clone() name editing /> }
        />
    }
}

fn change_button_id(token: TokenId) -> String {
    format!("name-token-{token}")
}

/// The field that replaces the name while it is changed. Enter saves, Escape cancels.
#[component]
fn NameForm(
    list: TokenList,
    id: TokenId,
    preview: TokenPreview,
    name: Memo<Option<Name>>,
    editing: RwSignal<bool>,
) -> impl IntoView {
    let field = NodeRef::<html::Input>::new();
    let problem = RwSignal::new(None::<String>);
    let before = name.get_untracked().map(|name| name.to_string());
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
