//! What can be done with a token, as plain forms.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;
use model::{
    organisation::OrganisationId,
    token::{TokenName, TokenSummary},
};

use super::{
    requests::{DeleteTokenForm, RenameTokenForm},
    said::SAID,
};
use crate::{
    developer_zone::{notice::TokenNotice, server_functions::SwitchTokenForm},
    paths::ASK_TO_DELETE,
    ui::{Icon, IconName},
};

/// Which token of which organisation a form is about.
#[component]
fn Which(organisation: OrganisationId, token: TokenSummary) -> impl IntoView {
    view! {
        <input type="hidden" name="organisation_id" value=organisation.to_string() />
        <input type="hidden" name="token_id" value=token.id.to_string() />
    }
}

/// Gives the token another name. A name that could not be taken stands there to be put right.
#[component]
pub(super) fn RenameForm(
    organisation: OrganisationId,
    token: TokenSummary,
    notice: Option<TokenNotice>,
) -> impl IntoView {
    let refused = notice.as_ref().and_then(TokenNotice::typed);
    let is_refused = refused.is_some();
    let name = token.name.as_ref().map(TokenName::as_str);
    let value = refused.or(name).unwrap_or_default().to_owned();
    view! {
        <form class="token-form" method="post" action=RenameTokenForm::url()>
            <Which organisation token />
            <NameField value is_refused />
            <button type="submit" class="button">
                "Save name"
            </button>
        </form>
    }
}

/// A field for a token's name. Nothing keeps one from typing too much: what is too long is told and not cut.
#[component]
pub(crate) fn NameField(value: String, is_refused: bool) -> impl IntoView {
    let described_by = if is_refused {
        "said name-hint"
    } else {
        "name-hint"
    };
    view! {
        <label class="field">
            <span class="field-label">"Name"</span>
            <input
                type="text"
                name="name"
                value=value
                autocomplete="off"
                placeholder="Website gallery"
                aria-describedby=described_by
                aria-invalid=is_refused.then_some("true")
            />
        </label>
        <p class="hint" id="name-hint">
            {format!("What uses the token. Optional, at most {} characters.", TokenName::MAX_LENGTH)}
        </p>
    }
}

/// Deactivates the token, or lets it open the API again.
#[component]
pub(super) fn SwitchForm(organisation: OrganisationId, token: TokenSummary) -> impl IntoView {
    let is_active = token.status.is_active();
    let (label, hint) = if is_active {
        (
            "Deactivate",
            "Calls with this token are refused until it is activated again.",
        )
    } else {
        (
            "Activate",
            "Calls with this token are accepted again at once.",
        )
    };
    view! {
        <form class="token-form" method="post" action=SwitchTokenForm::url()>
            <Which organisation token />
            <input type="hidden" name="active" value=(!is_active).to_string() />
            <p class="hint">{hint}</p>
            <button type="submit" class="button">
                {label}
            </button>
        </form>
    }
}

/// Deletes the token, in two steps: the second opens below the first, and is open where the first try was refused.
#[component]
pub(super) fn DeleteForm(
    organisation: OrganisationId,
    token: TokenSummary,
    notice: Option<TokenNotice>,
    /// Whether the password was given too long ago.
    wants_password: bool,
) -> impl IntoView {
    let called = token.display_name();
    let is_refused = matches!(notice, Some(TokenNotice::NotDeleted(_)));
    let is_asked = use_query_map().with_untracked(|query| query.get(ASK_TO_DELETE).is_some());
    view! {
        <details class="delete-token" open=is_refused || is_asked>
            <summary class="button">
                <Icon name=IconName::Trash />
                "Delete token…"
            </summary>
            <form class="token-form" method="post" action=DeleteTokenForm::url()>
                <Which organisation token />
                <p>
                    "Token " <strong><bdi>{called}</bdi></strong>
                    " will be deleted for good. Services that use it lose access at once, and it cannot be recovered. To stop it for a while, deactivate it instead."
                </p>
                {wants_password
                    .then(|| view! { <PasswordField purpose="to delete the token" is_refused /> })}
                <button type="submit" class="button button-danger">
                    "Delete for good"
                </button>
            </form>
        </details>
    }
}

/// Asks for the password again.
#[component]
pub(crate) fn PasswordField(
    /// What it is asked for: `to delete the token`.
    purpose: &'static str,
    /// Whether what the page says is about it.
    is_refused: bool,
) -> impl IntoView {
    view! {
        <label class="field">
            <span class="field-label">{format!("Your password, {purpose}")}</span>
            <input
                type="password"
                name="password"
                required
                autocomplete="current-password"
                aria-describedby=is_refused.then_some(SAID)
            />
        </label>
    }
}
