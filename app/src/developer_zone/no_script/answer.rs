//! The form, and the pages that answer it.

use http::{HeaderMap, StatusCode, request::Parts};
use leptos::{prelude::*, reactive::computed::ScopedFuture};
use leptos_axum::ResponseOptions;
use model::{
    organisation::OrganisationId,
    token::{TokenName, TokenSummary},
};
use serde::Deserialize;
use store::{Member, sessions::Session};

use crate::{
    developer_zone::{
        notice::{TokenNotice, typed},
        token_page::{NameField, PasswordField, Said},
    },
    document::{Assets, plain_document},
    error::RequestError,
    paths::{DOCUMENTATION, NEW_TOKEN, TOKENS, token_page},
    session::{after_token_change, confirmed_member, session_and_member, store, wants_password},
    ui::{Icon, IconName},
};

/// What the form sends.
#[derive(Deserialize)]
pub struct NewTokenForm {
    organisation_id: i64,
    form_number: String,
    #[serde(default)]
    name: String,
    password: Option<String>,
}

/// What a form is answered with.
#[derive(Debug)]
pub struct PlainAnswer {
    /// Its status.
    pub status: StatusCode,
    /// What more its head says.
    pub headers: HeaderMap,
    /// A whole document; empty for a redirect.
    pub html: String,
}

/// What became of a form that was answered with a page.
enum Outcome {
    Created { token: TokenSummary, secret: String },
    UsedAlready,
}

/// A form with a number of its own, and what became of the try before.
pub(super) struct OpenedForm {
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
        number: number.ok_or(RequestError::SessionEnded)?,
        wants_password: wants_password(session),
        notice: TokenNotice::of_request(),
    })
}

/// The form.
#[component]
pub(super) fn Form(organisation: OrganisationId, opened: OpenedForm) -> impl IntoView {
    let OpenedForm {
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
    view! {
        <div class="token-page">
            {notice.map(|notice| view! { <Said notice /> })}
            <section class="card" aria-labelledby="new-token-title">
                <header class="card-header">
                    <h2 id="new-token-title">"Create API token"</h2>
                </header>
                <form class="token-form card-text" method="post" action=NEW_TOKEN>
                    <input type="hidden" name="organisation_id" value=organisation.to_string() />
                    <input type="hidden" name="form_number" value=number />
                    <p>
                        "The token opens this organisation’s events and photos to whoever holds it. Use a separate token for each integration."
                    </p>
                    <NameField value=name is_refused=is_name_refused />
                    {wants_password
                        .then(|| view! { <PasswordField purpose="to create the token" is_refused /> })}
                    <p>
                        "The full token will be shown " <strong>"only once"</strong>
                        ", on the next page."
                    </p>
                    <div class="form-actions">
                        <button type="submit" class="button button-primary">
                            "Create Token"
                        </button>
                        <a class="button" href=TOKENS>
                            "Cancel"
                        </a>
                    </div>
                </form>
            </section>
        </div>
    }
}

/// Answers the form: with the page that shows the token, this once; with the form again, which says what was
/// wrong; or, where the form was sent before, with a page that says so. `context` gives what the host provides to
/// server functions; the form's number counts for the session of the request alone.
pub async fn create_from_form(
    assets: Assets,
    request: Parts,
    context: impl FnOnce(),
    form: NewTokenForm,
) -> PlainAnswer {
    let response = ResponseOptions::default();
    let owner = Owner::new();
    let outcome = owner.with(|| {
        provide_context(request);
        provide_context(response.clone());
        context();
        ScopedFuture::new(async move {
            let name = typed(&form.name);
            match create(form).await {
                Ok(outcome) => Some(outcome),
                Err(error) => {
                    after_token_change(NEW_TOKEN, Err(error), |error| {
                        TokenNotice::NotCreated(error, name)
                    });
                    None
                }
            }
        })
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
    PlainAnswer {
        status,
        headers: head.headers,
        html,
    }
}

/// The number is taken away last, so that a slip can be put right in the form that is there; and before the token
/// is made, so that there are never two.
async fn create(form: NewTokenForm) -> Result<Outcome, RequestError> {
    let organisation = OrganisationId(form.organisation_id);
    let (session, _) = session_and_member(organisation).await?;
    let name = TokenName::parse_optional(&form.name)?;
    let password = form.password.filter(|password| !password.is_empty());
    let member = confirmed_member(organisation, password).await?;
    let store = store();
    if !store
        .sessions()
        .use_form(&session, &form.form_number)
        .await?
    {
        return Ok(Outcome::UsedAlready);
    }
    let created = store.tokens().create(&member, name).await?;
    Ok(Outcome::Created {
        token: created.summary,
        secret: created.secret.reveal(),
    })
}

/// A document without any script: none can read the token, and nothing of it is kept for one.
fn document(assets: &Assets, outcome: Outcome) -> (StatusCode, String) {
    let (status, title) = match outcome {
        Outcome::Created { .. } => (StatusCode::OK, "Your new API token"),
        Outcome::UsedAlready => (StatusCode::CONFLICT, "This form was used already"),
    };
    let content = match outcome {
        Outcome::Created { token, secret } => view! { <Shown token secret /> }.into_any(),
        Outcome::UsedAlready => view! { <UsedAlready /> }.into_any(),
    };
    let content = view! {
        <div class="sign-in-card token-once">
            <p class="brand">"9Pic"</p>
            <h1>{title}</h1>
            {content}
        </div>
    };
    (status, plain_document(assets, title, content))
}

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
        <label class="field">
            <span class="field-label">
                "API token" {token.name.as_ref().map(|name| view! { " for " <bdi>{name.to_string()}</bdi> })}
            </span>
            <input
                type="text"
                class="token-field"
                value=secret
                readonly
                autofocus
                autocomplete="off"
                spellcheck="false"
            />
        </label>
        <p>
            "Send it in the header " <code>"X-API-Key"</code> " of each call. "
            <a class="link" href=DOCUMENTATION target="_blank" rel="noopener">
                "Examples in cURL, Python and JavaScript"
                <span class="visually-hidden">" (opens in a new tab)"</span>
            </a>
        </p>
        <div class="form-actions">
            <a class="button button-primary" href=TOKENS>
                "Done"
            </a>
            <a class="button" href=token_page(token.id)>
                "This token’s page"
            </a>
        </div>
    }
}

#[component]
fn UsedAlready() -> impl IntoView {
    view! {
        <p>
            "It was sent before, or opened before you last signed in: so no token was made just now. The token that was made when it was first sent cannot be shown again. If you have not copied that one, delete it and create another."
        </p>
        <div class="form-actions">
            <a class="button button-primary" href=TOKENS>
                "Go to API tokens"
            </a>
            <a class="button" href=NEW_TOKEN>
                "Create another token"
            </a>
        </div>
    }
}
