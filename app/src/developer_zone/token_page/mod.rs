//! A page for each token: its data, its usage, the reasons of refused calls, and forms to change it.
//!
//! It works without script: the server renders it, and every change is a plain form.

mod bars;
mod chart;
mod content;
mod forms;
mod hours;
mod period;
mod reasons;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use model::{organisation::OrganisationId, token::TokenId};

use self::{content::Content, period::Period};
use super::frame::{Trail, ZoneFrame};
use crate::{
    dashboard::LoadFailed,
    error::RequestError,
    paths::TOKENS,
    session::{session_and_member, with_error_status},
    ui::{IconName, Notice, notice_icon},
};

/// The page of one token.
#[component]
pub(crate) fn TokenPage() -> impl IntoView {
    view! {
        <ZoneFrame
            what="its API tokens"
            has_heading=true
            content=|organisation| view! { <TokenPanel organisation /> }.into_any()
        />
    }
}

#[component]
fn TokenPanel(organisation: OrganisationId) -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id"));
    // An id that is not a number becomes 0. Token ids start at 1, so 0 is never found.
    let id = TokenId(id.and_then(|id| id.parse().ok()).unwrap_or_default());
    let period = use_query_map().with_untracked(Period::of_query);
    let content = Suspend::new(async move {
        let read = with_error_status(async {
            let (session, member) = session_and_member(organisation).await?;
            content::load(&session, &member, id, period).await
        });
        match read.await {
            Ok(token) => view! {
                <Title text=token.title() />
                <Content organisation token />
            }
            .into_any(),
            Err(RequestError::NoSuchToken(_)) => view! { <NoSuchToken /> }.into_any(),
            Err(error) => view! {
                <Trail here="Token" />
                <h1>"Token"</h1>
                <LoadFailed what="The token" error />
            }
            .into_any(),
        }
    });
    view! { <Suspense>{content}</Suspense> }
}

/// The page for a token that does not exist; sent with status 404.
#[component]
fn NoSuchToken() -> impl IntoView {
    view! {
        <Title text="Token not found" />
        <Trail here="Token not found" />
        <section class="card">
            <Notice picture=notice_icon(IconName::Warning) title="Token not found" whole_page=true>
                <p>
                    "This organisation has no such token. Either it was deleted, or it belongs to another organisation: choose that one in the sidebar."
                </p>
                <a class="button button-primary" href=TOKENS>
                    "Go to API tokens"
                </a>
            </Notice>
        </section>
    }
}
