//! The card with the table of tokens: the island.

use leptos::{either::Either, ev, prelude::*};
use model::{organisation::OrganisationId, token::TOKEN_LIMIT};
use serde::{Deserialize, Serialize};

use super::{
    context::{PageFacts, provide_new_token},
    dialogs::Dialogs,
    list::TokenList,
    menu::CardMenu,
    row::TokenRow,
    row_data::TokenRows,
    watch::{NotUpToDate, Watch},
};
use crate::{
    ids::CREATE_BUTTON,
    paths::{DOCUMENTATION, NEW_TOKEN},
    ui::{Drawing, Icon, IconName, LiveText, Notice, Rebuilt, illustration},
};

/// The card's title, with other content to its right.
#[component]
pub(in crate::developer_zone) fn CardHeader<C: IntoView + 'static>(
    children: TypedChildren<C>,
) -> impl IntoView {
    view! {
        <header class="card-header">
            <h2 id="tokens-title">"Admin API Tokens"</h2>
            {children.into_inner()()}
        </header>
    }
}

/// What the card shows.
#[derive(Clone, Serialize, Deserialize)]
pub(in crate::developer_zone) struct CardContent {
    /// The organisation that the page shows.
    pub(in crate::developer_zone) organisation: OrganisationId,
    /// Its name.
    pub(in crate::developer_zone) organisation_name: String,
    /// Its tokens.
    pub(in crate::developer_zone) listed: TokenRows,
    /// The email address of the signed-in user.
    pub(in crate::developer_zone) email: String,
    /// Scheme, host and port under which integrations call the external API.
    pub(in crate::developer_zone) api_origin: String,
    /// Whether the password was given too long ago to create a token without it.
    pub(in crate::developer_zone) wants_password: bool,
}

/// The tokens, with the dialogs that change them. On the server, the context has the [`CardContent`].
#[island]
pub(in crate::developer_zone) fn TokenCard() -> impl IntoView {
    view! { <Rebuilt content=card /> }
}

fn card(content: CardContent) -> impl IntoView + use<> {
    provide_context(PageFacts {
        organisation_name: content.organisation_name,
        email: content.email,
        api_origin: content.api_origin,
        wants_password: content.wants_password,
    });
    provide_new_token();
    let list = TokenList::new(content.organisation, content.listed);
    let watch = Watch::start(list);
    let is_empty = Memo::new(move |_| list.count() == 0);
    let creating = RwSignal::new(false);
    // Home leads here to create the first token.
    Effect::new(move || {
        let hash = window().location().hash().unwrap_or_default();
        if is_empty.get_untracked() && hash.strip_prefix('#') == Some(CREATE_BUTTON) {
            creating.set(true);
        }
    });
    view! {
        <CardHeader>
            <p class="card-count">
                <LiveText text=Signal::derive(move || {
                    format!("{} of {TOKEN_LIMIT} tokens", list.count())
                }) />
            </p>
            <a class="link" href=DOCUMENTATION target="_blank" rel="noopener">
                "API documentation"
                <Icon name=IconName::ExternalLink />
                <span class="visually-hidden">" (opens in a new tab)"</span>
            </a>
            <Show when=move || !is_empty.get()>
                <div class="card-actions">
                    <CreateButton list open=creating />
                    <CardMenu list />
                </div>
            </Show>
        </CardHeader>
        <NotUpToDate watch />
        <Show when=move || list.is_full()>
            <p class="limit" id="token-limit">
                <Icon name=IconName::Warning />
                {format!(
                    "You have reached the limit of {TOKEN_LIMIT} tokens. Delete an existing token to create a new one.",
                )}
            </p>
        </Show>
        {move || {
            if is_empty.get() {
                Either::Left(view! { <NoTokens list open=creating /> })
            } else {
                Either::Right(view! { <TokenTable list /> })
            }
        }}
        <Dialogs list creating />
    }
}

/// Opens the create dialog, or without script the page with the same form. The card has one such button: in its header,
/// or in place of an empty table. At the token limit the button does nothing, but stays focusable so that screen
/// readers can read its description.
#[component]
fn CreateButton(list: TokenList, open: RwSignal<bool>) -> impl IntoView {
    let create = move |event: ev::MouseEvent| {
        event.prevent_default();
        if !list.is_full() {
            open.set(true);
        }
    };
    view! {
        <form action=NEW_TOKEN>
            <button
                class="button button-primary"
                id=CREATE_BUTTON
                aria-disabled=move || list.is_full().then_some("true")
                aria-describedby=move || list.is_full().then_some("token-limit")
                on:click=create
            >
                <Icon name=IconName::Plus />
                "Create Token"
            </button>
        </form>
    }
}

#[component]
fn NoTokens(list: TokenList, open: RwSignal<bool>) -> impl IntoView {
    view! {
        <Notice picture=illustration(Drawing::Tokens) title="No API tokens yet">
            <p>"Create a token to let other software read this organisation’s events and photos."</p>
            <CreateButton list open />
        </Notice>
    }
}

#[component]
fn TokenTable(list: TokenList) -> impl IntoView {
    view! {
        <table class="table token-table">
            <caption class="visually-hidden">"API tokens of the organisation, newest first"</caption>
            <thead>
                <tr>
                    <th scope="col">"Token"</th>
                    <th scope="col">"Status"</th>
                    <th scope="col">"Created By"</th>
                    <th scope="col">"Created At"</th>
                    <th scope="col">"Actions"</th>
                </tr>
            </thead>
            <tbody>
                <For each=move || list.ids() key=|id| *id let:id>
                    <TokenRow list id />
                </For>
            </tbody>
        </table>
    }
}
