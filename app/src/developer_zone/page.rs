//! The page of the tokens, and what is around each page of the Developer Zone.

use leptos::prelude::*;
use leptos_meta::Title;
use model::organisation::OrganisationId;

use super::{
    frame::ZoneFrame,
    server_functions::list_tokens,
    token_page::TokenSaid,
    tokens::{CardHeader, TokenCard},
};
use crate::{dashboard::LoadFailed, site::use_site};

/// The page of the tokens.
#[component]
pub(crate) fn DeveloperZonePage() -> impl IntoView {
    view! {
        <Title text="Developer Zone" />
        <ZoneFrame
            what="its API tokens"
            content=|organisation| view! { <TokenPanel organisation /> }.into_any()
        />
    }
}

/// The organisation's tokens.
#[component]
fn TokenPanel(organisation: OrganisationId) -> impl IntoView {
    let content = Suspend::new(async move {
        match list_tokens(organisation).await {
            Ok(listed) => {
                let site = use_site();
                let email = site.viewer.map(|viewer| viewer.email).unwrap_or_default();
                view! { <TokenCard organisation listed email api_origin=site.api_origin /> }
                    .into_any()
            }
            Err(error) => view! {
                <CardHeader />
                <LoadFailed what="The API tokens" error />
            }
            .into_any(),
        }
    });
    view! {
        <TokenSaid />
        <section class="card" aria-labelledby="tokens-title">
            <Suspense>{content}</Suspense>
        </section>
    }
}
