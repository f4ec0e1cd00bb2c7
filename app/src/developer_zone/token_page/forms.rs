//! The plain forms that rename, deactivate, activate and delete a token.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_query_map;
use model::{
    organisation::OrganisationId,
    token::{TokenName, TokenSummary},
};

use crate::{
    developer_zone::{
        fields::{NameField, PasswordField},
        notice::TokenNotice,
        server_functions::{DeleteToken, RenameToken},
        token_form::{SwitchForm, TokenForm},
    },
    paths::ASK_TO_DELETE,
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
        <TokenForm action=RenameToken::url() organisation token=token.id.to_string() class="token-form">
            <NameField value is_refused />
            <button type="submit" class="button">
                "Save name"
            </button>
        </TokenForm>
    }
}

/// Deactivates the token, or activates it again.
#[component]
pub(super) fn ActivationForm(
    organisation: OrganisationId,
    token: TokenSummary,
    notice: Option<TokenNotice>,
    /// Whether the password was given too long ago.
    wants_password: bool,
) -> impl IntoView {
    let is_refused = matches!(notice, Some(TokenNotice::NotActivated(_)));
    let is_active = token.status.is_active();
    let (label, hint) = if is_active {
        (
            "Deactivate",
            "Calls with this token are refused until it is activated again.",
        )
    } else {
        (
            "Activate",
            "Calls with this token are accepted again immediately.",
        )
    };
    view! {
        <SwitchForm organisation token=token.id.to_string() activate=!is_active class="token-form">
            <p class="hint">{hint}</p>
            {(wants_password && !is_active)
                .then(|| view! { <PasswordField purpose="to activate the token" is_refused /> })}
            <button type="submit" class="button">
                {label}
            </button>
        </SwitchForm>
    }
}

/// Deletes the token, in two steps: the first button opens the form. The form is already open after a failed attempt,
/// or if the page's address has the query field for it.
#[component]
pub(super) fn DeleteForm(
    organisation: OrganisationId,
    token: TokenSummary,
    notice: Option<TokenNotice>,
) -> impl IntoView {
    let called = token.display_name();
    let has_failed = matches!(notice, Some(TokenNotice::NotDeleted(_)));
    let is_asked = use_query_map().with_untracked(|query| query.get(ASK_TO_DELETE).is_some());
    view! {
        <details class="delete-token" open=has_failed || is_asked>
            <summary class="button">
                <Icon name=IconName::Trash />
                "Delete token…"
            </summary>
            <TokenForm action=DeleteToken::url() organisation token=token.id.to_string() class="token-form">
                <p>
                    "Token " <strong><bdi>{called}</bdi></strong>
                    " will be permanently deleted. Services that use it lose access immediately, and it cannot be recovered. To stop it for a while, deactivate it instead."
                </p>
                <button type="submit" class="button button-danger">
                    "Delete permanently"
                </button>
            </TokenForm>
        </details>
    }
}
