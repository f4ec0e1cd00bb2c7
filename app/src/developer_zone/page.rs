//! The page of the tokens, and what is around each page of the Developer Zone.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::A;
use model::organisation::OrganisationId;

use super::{
    requests::list_tokens,
    token_card::{CardHeader, TokenCard},
    token_page::TokenSaid,
    upgrade::UpgradeMessage,
};
use crate::{
    dashboard::{ChooseOrganisation, LoadFailed},
    site::{use_site, use_viewer},
    ui::{IconName, Notice},
};

/// The page of the tokens: its address.
pub(super) const TOKENS: &str = "/developer-zone";

/// The page of the tokens.
#[component]
pub(crate) fn DeveloperZonePage() -> impl IntoView {
    view! {
        <Title text="Developer Zone" />
        <Zone
            what="its API tokens"
            content=|organisation| view! { <TokenPanel organisation /> }.into_any()
        />
    }
}

/// What is around each page of the Developer Zone. What the organisation's plan does not include is explained,
/// not hidden; the server functions refuse by themselves.
#[component]
pub(super) fn Zone(
    /// What the page shows: `its API tokens`.
    what: &'static str,
    /// The page, for an organisation whose plan includes it.
    content: fn(OrganisationId) -> AnyView,
) -> impl IntoView {
    let organisation = use_viewer().and_then(|viewer| viewer.selected_organisation().cloned());
    let content = match organisation {
        None => view! { <ChooseOrganisation what /> }.into_any(),
        Some(organisation) if organisation.plan.opens_developer_zone() => view! {
            <Pages />
            {content(organisation.id)}
        }
        .into_any(),
        Some(_) => view! {
            <Notice icon=IconName::Lock title="Enterprise Plan Required">
                <UpgradeMessage />
            </Notice>
        }
        .into_any(),
    };
    view! {
        <h1>"Developer Zone"</h1>
        {content}
    }
}

/// The way from one page of the Developer Zone to the other.
#[component]
fn Pages() -> impl IntoView {
    view! {
        <nav class="pages" aria-label="Developer Zone">
            <A href="/developer-zone" exact=true>
                "API tokens"
            </A>
            <A href="/developer-zone/activity">"Activity"</A>
        </nav>
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
