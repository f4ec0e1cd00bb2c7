//! One token's row.

use leptos::{ev, prelude::*};
use model::token::{TokenId, TokenStatus, TokenSummary};

use super::{delete::DeletionTarget, token_list::TokenList};
use crate::ui::{Icon, IconName, LocalTime, Shown};

/// Id of a row's trash button: where the focus goes when the row above is deleted.
pub(super) fn delete_button_id(token: TokenId) -> String {
    format!("delete-token-{token}")
}

/// One token's row.
#[component]
pub(super) fn TokenRow(
    list: TokenList,
    token: TokenSummary,
    deletion: DeletionTarget,
) -> impl IntoView {
    let id = token.id;
    let preview = token.preview.to_string();
    let delete_name = format!("Delete token {preview}");
    let created_by = token.created_by.clone();
    let target = token.clone();
    let delete = move |_| {
        let mut token = target.clone();
        token.status = list.status(id).unwrap_or(token.status);
        deletion.ask(token);
    };
    view! {
        <tr>
            <td data-label="Token">
                <code class="token-preview">{preview}</code>
            </td>
            <td data-label="Status">
                <span class="token-status">
                    <StatusBadge list id />
                    <LastUse list id />
                </span>
            </td>
            <td data-label="Created By" class="created-by">
                {created_by}
            </td>
            <td data-label="Created At">
                <LocalTime at=token.created_at shown=Shown::Date />
            </td>
            <td data-label="Actions">
                <span class="row-actions">
                    <StatusSwitch list token />
                    <button
                        type="button"
                        class="icon-button icon-button-danger"
                        id=delete_button_id(id)
                        aria-label=delete_name.clone()
                        title=delete_name.clone()
                        on:click=delete
                    >
                        <Icon name=IconName::Trash />
                    </button>
                </span>
            </td>
        </tr>
    }
}

/// What the server last reported, or what is under way.
#[component]
fn StatusBadge(list: TokenList, id: TokenId) -> impl IntoView {
    let class = move || match (list.switching_to(id), list.status(id)) {
        (Some(_), _) => "badge status-busy",
        (None, Some(TokenStatus::Active)) => "badge status-active",
        (None, _) => "badge status-inactive",
    };
    let text = move || match (list.switching_to(id), list.status(id)) {
        (Some(TokenStatus::Active), _) => "Activating…",
        (Some(TokenStatus::Inactive), _) => "Deactivating…",
        (None, Some(status)) => status.label(),
        (None, None) => "",
    };
    view! { <span class=class>{text}</span> }
}

/// When the token was last used, as far as is known: what has happened since the page was loaded is not.
#[component]
fn LastUse(list: TokenList, id: TokenId) -> impl IntoView {
    let last_used = Memo::new(move |_| list.last_used(id));
    let text = move || match last_used.get() {
        Some(at) => view! {
            "Last used "
            <LocalTime at shown=Shown::Ago />
        }
        .into_any(),
        None => "Never used".into_any(),
    };
    view! { <span class="last-use">{text}</span> }
}

/// Switches the token. It moves only when the server has reported the change: the click itself changes
/// nothing.
#[component]
fn StatusSwitch(list: TokenList, token: TokenSummary) -> impl IntoView {
    let id = token.id;
    let name = format!("Token {} active", token.preview);
    let is_active = move || list.status(id).is_some_and(TokenStatus::is_active);
    let is_busy = move || list.switching_to(id).is_some();
    let switch = move |event: ev::MouseEvent| {
        event.prevent_default();
        list.switch(token.clone(), TokenStatus::from_active(!is_active()));
    };
    view! {
        <input
            type="checkbox"
            role="switch"
            class="switch"
            aria-label=name
            checked=is_active
            prop:checked=is_active
            aria-busy=move || is_busy().then_some("true")
            aria-disabled=move || is_busy().then_some("true")
            on:click=switch
        />
    }
}
