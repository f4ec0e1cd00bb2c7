//! A page for each token: its facts, how it was used, why calls were refused, and what can be done with it.
//!
//! The server renders it, and everything that can be done is a plain form that is answered with a page anew: it
//! works without script.

mod content;
mod forms;
mod hours;
mod requests;
mod said;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use model::{organisation::OrganisationId, token::TokenId};

use self::content::Content;
pub(super) use self::{
    forms::{NameField, PasswordField},
    said::Said,
};
use super::{frame::ZoneFrame, notice::TokenNotice};
use crate::{
    dashboard::LoadFailed,
    error::RequestError,
    paths::TOKENS,
    session::{answer, session_and_member},
    ui::{IconName, Notice},
};

/// The page.
#[component]
pub(crate) fn TokenPage() -> impl IntoView {
    view! {
        <ZoneFrame
            what="its API tokens"
            content=|organisation| view! { <TokenPanel organisation /> }.into_any()
        />
    }
}

#[component]
fn TokenPanel(organisation: OrganisationId) -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id"));
    // What is no number is the number of no token.
    let id = TokenId(id.and_then(|id| id.parse().ok()).unwrap_or_default());
    let content = Suspend::new(async move {
        let read = answer(async {
            let (session, member) = session_and_member(organisation).await?;
            content::load(&session, &member, id).await
        });
        match read.await {
            Ok(token) => view! {
                <Title text=token.title() />
                <Content organisation token />
            }
            .into_any(),
            Err(RequestError::NoSuchToken(_)) => view! { <NoSuchToken /> }.into_any(),
            Err(error) => view! { <LoadFailed what="The token" error /> }.into_any(),
        }
    });
    view! { <Suspense>{content}</Suspense> }
}

/// Sent with status 404.
#[component]
fn NoSuchToken() -> impl IntoView {
    view! {
        <Title text="Token not found" />
        <section class="card">
            <Notice icon=IconName::Warning title="Token not found">
                <p>
                    "This organisation has no such token. It was deleted, or it belongs to another organisation: then choose that one in the sidebar."
                </p>
                <a class="button button-primary" href=TOKENS>
                    "Go to API tokens"
                </a>
            </Notice>
        </section>
    }
}

/// What became of a form that led to this page, if one did: to be placed above what it is about. It has the focus,
/// so that it is read out and next to be read.
#[component]
pub(crate) fn TokenSaid() -> impl IntoView {
    TokenNotice::of_request().map(|notice| view! { <Said notice /> })
}
