//! A token's name and preview.

use leptos::{ev, prelude::*};
use model::token::{TokenId, TokenPreview};

use super::{dialogs::mount_name_form, ids::change_button_id, list::TokenList};
use crate::{
    paths::token_page,
    ui::{Icon, IconName, LiveText, LoadedLater},
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
        <LoadedLater
            wanted=editing
            mount=move |place, owner| {
                mount_name_form(place, owner, list, id, preview.clone(), editing)
            }
        />
    }
}
