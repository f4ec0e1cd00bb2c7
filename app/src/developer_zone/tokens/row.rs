//! One token's row.

use leptos::{either::Either, ev, prelude::*};
use model::{
    token::{TokenId, TokenStatus, TokenSummary},
    usage::IDLE_DAYS,
};
use web_sys::HtmlFormElement;

use super::{confirmation::Question, ids::delete_button_id, list::TokenList, name::TokenName};
use crate::{
    developer_zone::token_form::SwitchForm,
    paths::{ASK_TO_DELETE, token_page},
    ui::{Icon, IconName, LiveText, LocalTime},
};

/// One token's row.
#[component]
pub(super) fn TokenRow(list: TokenList, id: TokenId) -> impl IntoView {
    let TokenSummary {
        preview,
        created_by,
        ..
    } = list.token(id)?;
    let created_at = untrack(|| list.read(id, |row| row.created_at.clone()))?;
    Some(view! {
        <tr class=if list.has_changed() { "row-new" } else { "" }>
            <th scope="row" data-label="Token">
                <TokenName list id preview=preview.clone() />
            </th>
            <td data-label="Status">
                <span class="token-status">
                    <StatusBadge list id />
                    <LastUse list id />
                    <Idle list id />
                    <WeekBar list id />
                </span>
            </td>
            <td data-label="Created By" class="created-by">
                <span class="email" tabindex="0" data-full=created_by.clone()>
                    {created_by.clone()}
                </span>
                " "
                <CreatorLeft list id />
            </td>
            <td data-label="Created At">
                <LocalTime time=created_at />
            </td>
            <td data-label="Actions">
                <span class="row-actions">
                    <StatusSwitch list id />
                    <DeleteButton list id />
                </span>
            </td>
        </tr>
    })
}

/// The token's name and preview, for the accessible names of its buttons.
fn called(list: TokenList, id: TokenId) -> Memo<String> {
    Memo::new(move |_| {
        list.read(id, |row| row.token.display_name())
            .unwrap_or_default()
    })
}

/// The status that the server last reported, or the change under way.
#[component]
fn StatusBadge(list: TokenList, id: TokenId) -> impl IntoView {
    let class = move || match (list.running().switch_of(id), list.status(id)) {
        (Some(_), _) => "badge status-busy",
        (None, Some(TokenStatus::Active)) => "badge status-active",
        (None, _) => "badge status-inactive",
    };
    let text = move || match (list.running().switch_of(id), list.status(id)) {
        (Some(TokenStatus::Active), _) => "Activating…",
        (Some(TokenStatus::Inactive), _) => "Deactivating…",
        (None, Some(status)) => status.label(),
        (None, None) => "",
    };
    view! {
        <span class=class>
            <LiveText text=Signal::derive(move || text().to_owned()) />
        </span>
    }
}

/// When the token was last used, as far as the database knows. The first call while the page is open is called so.
#[component]
fn LastUse(list: TokenList, id: TokenId) -> impl IntoView {
    let last_used = Memo::new(move |_| list.read(id, |row| row.last_used.clone()).flatten());
    let was_unused = StoredValue::new(false);
    let text = move || match last_used.get() {
        Some(time) if !was_unused.get_value() => Either::Left(view! {
            <span>"Last used " <LocalTime time /></span>
        }),
        used => {
            was_unused.set_value(used.is_none());
            Either::Right(match used {
                Some(_) => {
                    untrack(|| list.read(id, |row| row.first_call.clone())).unwrap_or_default()
                }
                None => "Never used".to_owned(),
            })
        }
    };
    view! { <span class="last-use">{text}</span> }
}

/// The hint that a token was not used for a long time.
#[component]
fn Idle(list: TokenList, id: TokenId) -> impl IntoView {
    let is_idle = Memo::new(move |_| list.read(id, |row| row.is_idle).unwrap_or_default());
    let hint = move || match is_idle.get() {
        true => format!("Unused for {IDLE_DAYS} days"),
        false => String::new(),
    };
    view! { <LiveText class="idle-hint" text=Signal::derive(hint) /> }
}

/// The hint that the token goes on although its creator has left.
#[component]
fn CreatorLeft(list: TokenList, id: TokenId) -> impl IntoView {
    let left = Memo::new(move |_| {
        list.read(id, |row| row.token.creator_left)
            .unwrap_or_default()
    });
    let hint = move || match left.get() {
        true => "Creator left".to_owned(),
        false => String::new(),
    };
    view! { <LiveText class="creator-left" text=Signal::derive(hint) /> }
}

/// The calls of seven days, drawn by the server.
#[component]
fn WeekBar(list: TokenList, id: TokenId) -> impl IntoView {
    let drawn = Memo::new(move |_| {
        list.read(id, |row| row.week_bar.clone())
            .unwrap_or_default()
    });
    view! { <span class="week" inner_html=drawn></span> }
}

/// Activates or deactivates the token. The switch moves when the server has confirmed the change, not on the click.
#[component]
fn StatusSwitch(list: TokenList, id: TokenId) -> impl IntoView {
    let called = called(list, id);
    let is_active = move || list.status(id).is_some_and(TokenStatus::is_active);
    let is_busy = move || list.running().switch_of(id).map(|_| "true");
    let switch = move |form: HtmlFormElement| {
        if let Some(token) = list.token(id) {
            let to = TokenStatus::from_active(!token.status.is_active());
            list.switch(&form, token, to);
        }
    };
    view! {
        <SwitchForm
            organisation=list.organisation()
            token=id.to_string()
            activate=Signal::derive(move || !is_active())
            in_table=true
            on_submit=Some(Callback::new(switch))
        >
            <button
                role="switch"
                class="switch"
                aria-label=move || format!("Token {} active", called.get())
                aria-checked=move || if is_active() { "true" } else { "false" }
                aria-busy=is_busy
                aria-disabled=is_busy
            ></button>
        </SwitchForm>
    }
}

/// Opens the dialog that deletes the token. Without script, it leads to the form on the token's page.
#[component]
fn DeleteButton(list: TokenList, id: TokenId) -> impl IntoView {
    let called = called(list, id);
    let name = move || format!("Delete token {}", called.get());
    let ask = move |event: ev::MouseEvent| {
        event.prevent_default();
        if let Some(token) = list.token(id) {
            list.confirmation().ask(Question::Delete(token));
        }
    };
    view! {
        <form action=token_page(id)>
            <button
                class="icon-button icon-button-danger"
                id=delete_button_id(id)
                name=ASK_TO_DELETE
                title=name
                on:click=ask
            >
                <Icon name=IconName::Trash />
            </button>
        </form>
    }
}
