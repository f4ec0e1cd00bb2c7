//! The plain forms that rename, deactivate, activate and delete a token.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;
use model::{
    organisation::OrganisationId,
    token::{TokenId, TokenName, TokenStatus, TokenSummary},
};

use crate::{
    developer_zone::{
        fields::{NameField, PasswordField},
        notice::TokenNotice,
        server_functions::{DeleteToken, RenameToken},
        token_form::{SwitchForm, TokenForm},
        tokens::use_in_words,
    },
    paths::{ASK_TO_DELETE, TOKENS, token_page},
    ui::{Icon, IconName},
};

/// Renames the token. A refused name stays in the field, so that the user can correct it.
#[component]
pub(super) fn RenameForm(
    organisation: OrganisationId,
    token: TokenSummary,
    notice: Option<TokenNotice>,
) -> impl IntoView {
    let refused = notice.as_ref().and_then(TokenNotice::refused_name);
    let is_refused = refused.is_some();
    let name = token.name.as_ref().map(TokenName::as_str);
    let value = refused.or(name).unwrap_or_default().to_owned();
    view! {
        <TokenForm
            action=RenameToken::url()
            organisation
            token=token.id.to_string()
            class="token-form card-text"
        >
            <NameField value is_refused />
            <button type="submit" class="button">
                "Save name"
            </button>
        </TokenForm>
    }
}

/// The token's status, with the switch of the table, or the form that activates the token with the password.
#[component]
pub(super) fn Status(
    organisation: OrganisationId,
    token: TokenSummary,
    notice: Option<TokenNotice>,
    /// Whether the password was given too long ago to activate the token without it.
    wants_password: bool,
) -> impl IntoView {
    let is_refused = matches!(notice, Some(TokenNotice::NotActivated(_)));
    let is_active = token.status.is_active();
    let badge = match token.status {
        TokenStatus::Active => "badge status-active",
        TokenStatus::Inactive => "badge status-inactive",
    };
    let change = if wants_password && !is_active {
        view! {
            <PasswordField purpose="to activate the token" is_refused />
            <button class="button button-primary">"Activate"</button>
        }
        .into_any()
    } else {
        view! {
            <button
                role="switch"
                class="switch"
                aria-label=format!("Token {} active", token.display_name())
                aria-checked=is_active.to_string()
            ></button>
        }
        .into_any()
    };
    view! {
        <SwitchForm
            organisation
            token=token.id.to_string()
            activate=!is_active
            class="token-switch"
        >
            <span class=badge>{token.status.label()}</span>
            {change}
        </SwitchForm>
    }
}

/// Leads to the question before the token is deleted.
#[component]
pub(super) fn DangerZone(token: TokenId) -> impl IntoView {
    view! {
        <section class="card danger-zone" aria-labelledby="danger-title">
            <header class="card-header">
                <h2 id="danger-title">"Danger zone"</h2>
            </header>
            <div class="card-text">
                <p>
                    "A deleted token cannot be recovered. Services that use it lose access immediately."
                </p>
                <a class="button" href=format!("{}?{ASK_TO_DELETE}={HERE}", token_page(token))>
                    <Icon name=IconName::Trash />
                    "Delete token…"
                </a>
            </div>
        </section>
    }
}

/// The value of the query field [`ASK_TO_DELETE`] on the token's page. From the table it has none.
const HERE: &str = "here";

/// The page on which the user asked to delete the token. `Cancel` leads back to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AskedFrom {
    Table,
    TokenPage,
}

impl AskedFrom {
    /// Where the user asked to delete the token. `None` if the page shows the token. After a failed attempt, the page
    /// asks again.
    pub(super) fn of_page(notice: Option<&TokenNotice>) -> Option<Self> {
        let asked = use_query_map().with_untracked(|query| query.get(ASK_TO_DELETE));
        match asked {
            Some(place) if place == HERE => Some(Self::TokenPage),
            Some(_) => Some(Self::Table),
            None => matches!(notice, Some(TokenNotice::NotDeleted(_))).then_some(Self::TokenPage),
        }
    }
}

/// The question of the table's dialog, as a page.
#[component]
pub(super) fn DeleteQuestion(
    organisation: OrganisationId,
    token: TokenSummary,
    /// Its accepted calls in seven days.
    accepted: u64,
    asked_from: AskedFrom,
) -> impl IntoView {
    let in_use = use_in_words(&token, accepted);
    let id = token.id.to_string();
    let back = match asked_from {
        AskedFrom::Table => TOKENS.to_owned(),
        AskedFrom::TokenPage => token_page(token.id),
    };
    let deactivate = token.status.is_active().then(|| {
        view! {
            <SwitchForm
                class="button-start"
                organisation
                token=id.clone()
                activate=false
                in_table=asked_from == AskedFrom::Table
            >
                <button class="button">"Deactivate instead"</button>
            </SwitchForm>
        }
    });
    view! {
        <section class="dialog question" aria-labelledby="question-title">
            <h1 class="dialog-title" id="question-title">
                "Delete API token?"
            </h1>
            <div class="dialog-body">
                <TokenForm id="delete-form" class="dialog-form" action=DeleteToken::url() organisation token=id>
                    <p>
                        "Token "
                        {token
                            .name
                            .map(|name| view! { <strong translate="no">{name.to_string()}</strong> " " })}
                        <code class="token-preview" translate="no">
                            {token.preview.to_string()}
                        </code>
                        " will be permanently deleted. Services that use it lose access immediately, and it cannot be recovered."
                    </p>
                    <p class="in-use">{in_use}</p>
                </TokenForm>
                <div class="dialog-actions">
                    {deactivate}
                    <a class="button" href=back autofocus>
                        "Cancel"
                    </a>
                    <button form="delete-form" class="button button-danger">
                        "Delete"
                    </button>
                </div>
            </div>
        </section>
    }
}
