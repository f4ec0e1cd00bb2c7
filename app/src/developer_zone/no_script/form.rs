//! The form, and the responses to it.

use http::{HeaderMap, StatusCode, request::Parts};
use leptos::{prelude::*, reactive::computed::ScopedFuture};
use leptos_axum::ResponseOptions;
use model::{
    organisation::{Organisation, OrganisationId},
    token::{TokenPreview, TokenSummary},
};
use serde::Deserialize;
use store::{Member, sessions::Session};

use crate::{
    dashboard::{OrganisationName, dashboard_document_without_script},
    developer_zone::{
        creation::{Creation, CreationFields},
        fields::{NameField, PasswordField},
        frame::Trail,
        notice::{NoticeMessage, TokenNotice},
    },
    document::Assets,
    error::RequestError,
    page_account::with_account,
    paths::{DOCUMENTATION, NEW_TOKEN, TOKENS, token_page},
    session::{redirect_after, store, take_flash, wants_password},
    texts::creation::what_a_token_gives,
    ui::{Icon, IconName},
};

/// The fields of the form.
#[derive(Deserialize)]
pub struct NewTokenForm {
    organisation_id: i64,
    form_number: String,
    #[serde(flatten)]
    fields: CreationFields,
}

/// The response to the form.
#[derive(Debug)]
pub struct NoScriptResponse {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, besides those of every page.
    pub headers: HeaderMap,
    /// A complete HTML document; empty for a redirect.
    pub html: String,
}

/// The title of the form.
pub(super) const CREATE: &str = "Create API token";

/// A result that is shown in the response itself, without a redirect.
enum Outcome {
    Created {
        organisation: Organisation,
        token: TokenSummary,
        secret: String,
    },
    UsedAlready(Organisation),
}

/// A form with its number, and the message about the previous attempt.
pub(super) struct OpenedForm {
    organisation: Organisation,
    number: String,
    wants_password: bool,
    notice: Option<TokenNotice>,
}

/// Opens a form.
///
/// # Errors
/// [`RequestError::PlanRequired`], or those of the database.
pub(super) async fn open_form(
    session: &Session,
    member: &Member,
) -> Result<OpenedForm, RequestError> {
    member.require_developer_zone()?;
    let number = store().sessions().open_form(session).await?;
    Ok(OpenedForm {
        organisation: member.organisation().clone(),
        number,
        wants_password: wants_password(session),
        notice: take_flash(),
    })
}

/// The form.
#[component]
pub(super) fn Form(opened: OpenedForm) -> impl IntoView {
    let OpenedForm {
        organisation,
        number,
        wants_password,
        notice,
    } = opened;
    let (name, is_name_refused, is_refused) = match &notice {
        Some(TokenNotice::NotCreated(error, typed)) => {
            let about_name = matches!(error, RequestError::TokenName(_));
            (typed.clone(), about_name, !about_name)
        }
        _ => (String::new(), false, false),
    };
    let access = what_a_token_gives(&organisation.name);
    view! {
        <Trail here=CREATE />
        {notice.map(|notice| view! { <NoticeMessage notice /> })}
        <LikeDialog title=CREATE organisation=organisation.clone()>
            <form class="dialog-form" method="post" action=with_account(NEW_TOKEN)>
                <input type="hidden" name="organisation_id" value=organisation.id.to_string() />
                <input type="hidden" name="form_number" value=number />
                <p>{access}</p>
                <p>
                    "The full token will be shown " <strong>"only once"</strong>
                    ", on the next page."
                </p>
                <div>
                    <NameField value=name is_refused=is_name_refused />
                </div>
                {wants_password
                    .then(|| view! { <PasswordField purpose="to create the token" is_refused /> })}
                <div class="dialog-actions">
                    <a class="button" href=TOKENS>
                        "Cancel"
                    </a>
                    <button type="submit" class="button button-primary">
                        "Create Token"
                    </button>
                </div>
            </form>
        </LikeDialog>
    }
}

/// A part of the page that looks like the dialog which browsers with script show.
#[component]
fn LikeDialog(
    title: &'static str,
    organisation: Organisation,
    /// The token that it is about.
    #[prop(optional_no_strip)]
    about: Option<TokenPreview>,
    children: Children,
) -> impl IntoView {
    view! {
        <section class="dialog question" aria-labelledby="title">
            <h1 class="dialog-title" id="title">
                {title}
            </h1>
            <div class="dialog-body">
                <p class="dialog-about" translate="no">
                    {about.map(|preview| format!("{preview} · "))} <OrganisationName organisation />
                </p>
                {children()}
            </div>
        </section>
    }
}

/// Responds to the form. On success, the response is the page that shows the token once. On an error, it is a redirect
/// back to the form. If the form was already used, it is a page that says so. `context` provides the same values as the
/// server provides to server functions.
pub async fn create_from_form(
    assets: Assets,
    request: Parts,
    context: impl FnOnce(),
    form: NewTokenForm,
) -> NoScriptResponse {
    let response = ResponseOptions::default();
    let owner = Owner::new();
    let outcome = owner.with(|| {
        provide_context(request);
        provide_context(response.clone());
        context();
        ScopedFuture::new(create_or_redirect(form))
    });
    let outcome = outcome.await;
    let head = std::mem::take(
        &mut *response
            .0
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner),
    );
    let (status, html) = match outcome {
        Some(outcome) => owner.with(|| document(&assets, outcome)),
        None => (head.status.unwrap_or(StatusCode::SEE_OTHER), String::new()),
    };
    NoScriptResponse {
        status,
        headers: head.headers,
        html,
    }
}

/// Creates the token. If that fails, redirects to the form.
async fn create_or_redirect(form: NewTokenForm) -> Option<Outcome> {
    let name = form.fields.name.clone();
    match create(form).await {
        Ok(outcome) => Some(outcome),
        Err(error) => {
            let notice = TokenNotice::of_failed_creation(&error, &name);
            redirect_after(Some(&error), NEW_TOKEN, &notice);
            None
        }
    }
}

/// Marks the form's number as used. After all checks, so that a user can correct an error in the same form. Before the
/// creation, so that a form never creates two tokens.
async fn create(form: NewTokenForm) -> Result<Outcome, RequestError> {
    let organisation = OrganisationId(form.organisation_id);
    let creation = Creation::check(organisation, form.fields).await?;
    let organisation = creation.member.organisation().clone();
    let store = store();
    let sessions = store.sessions();
    if !sessions
        .use_form(&creation.session, &form.form_number)
        .await?
    {
        return Ok(Outcome::UsedAlready(organisation));
    }
    let created = creation.create().await?;
    Ok(Outcome::Created {
        organisation,
        token: created.summary,
        secret: created.secret.reveal(),
    })
}

/// A document without script, so that no script can read the token. It also contains no data for hydration.
fn document(assets: &Assets, outcome: Outcome) -> (StatusCode, String) {
    let (status, title) = match outcome {
        Outcome::Created { .. } => (StatusCode::OK, "Your new API token"),
        Outcome::UsedAlready(_) => (StatusCode::CONFLICT, "This form was used already"),
    };
    let mut about = None;
    let (here, organisation, content) = match outcome {
        Outcome::Created {
            organisation,
            token,
            secret,
        } => {
            let here = match &token.name {
                Some(name) => name.to_string(),
                None => token.preview.to_string(),
            };
            about = Some(token.preview.clone());
            let content = view! { <Shown token secret /> }.into_any();
            (here, organisation, content)
        }
        Outcome::UsedAlready(organisation) => {
            let content = view! { <UsedAlready /> }.into_any();
            (CREATE.to_owned(), organisation, content)
        }
    };
    let content = view! {
        <Trail here />
        <LikeDialog title organisation about>
            {content}
        </LikeDialog>
    };
    let html = dashboard_document_without_script(assets, title, content.into_any());
    (status, html)
}

/// Id of the token's label.
const TOKEN_LABEL: &str = "token-label";

#[component]
fn Shown(token: TokenSummary, secret: String) -> impl IntoView {
    view! {
        <p class="callout">
            <Icon name=IconName::Warning />
            <span>
                <strong>"Copy the token now."</strong>
                " It cannot be shown again, not even by reloading this page. Keep it where only the integration can read it, as you would a password."
            </span>
        </p>
        <div class="field">
            <span class="field-label" id=TOKEN_LABEL>
                "API token" {token.name.as_ref().map(|name| view! { " for " <bdi>{name.to_string()}</bdi> })}
            </span>
            <output
                class="token-field token-text"
                aria-labelledby=TOKEN_LABEL
                tabindex="0"
                autofocus
                translate="no"
            >
                {secret}
            </output>
        </div>
        <p>
            "Send it in the header " <code translate="no">"X-API-Key"</code> " of each call. "
            <a class="link" href=DOCUMENTATION target="_blank" rel="noopener">
                "Examples in cURL, Python and JavaScript"
                <span class="visually-hidden">" (opens in a new tab)"</span>
            </a>
        </p>
        <div class="dialog-actions">
            <a class="button" href=token_page(token.id)>
                "This token’s page"
            </a>
            <a class="button button-primary" href=TOKENS>
                "Done"
            </a>
        </div>
    }
}

#[component]
fn UsedAlready() -> impl IntoView {
    view! {
        <p>
            "The form was sent before, or it was opened before you last signed in. No token was created just now. A token from the first time cannot be shown again: if you did not copy it, delete it and create another."
        </p>
        <div class="dialog-actions">
            <a class="button" href=NEW_TOKEN>
                "Create another token"
            </a>
            <a class="button button-primary" href=TOKENS>
                "Go to API tokens"
            </a>
        </div>
    }
}
