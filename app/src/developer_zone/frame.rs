//! The frame of each page of the Developer Zone: heading, tabs, and the check of the plan.

use leptos::prelude::*;
use leptos_router::components::A;
use model::organisation::OrganisationId;

use crate::{
    dashboard::{ChooseOrganisation, UpgradeMessage},
    page_context::use_viewer,
    paths::{ACTIVITY, TOKENS},
    ui::{IconName, Notice},
};

/// The frame of a page. If the organisation's plan does not include the Developer Zone, it shows an explanation instead
/// of the page. The server functions check the plan again.
#[component]
pub(super) fn ZoneFrame(
    /// The subject of the page, as part of a sentence: `its API tokens`.
    what: &'static str,
    /// The page itself, for an organisation whose plan includes it.
    content: fn(OrganisationId) -> AnyView,
) -> impl IntoView {
    let organisation = use_viewer().and_then(|viewer| viewer.selected_organisation().cloned());
    let content = match organisation {
        None => view! { <ChooseOrganisation what /> }.into_any(),
        Some(organisation) if organisation.plan.includes_developer_zone() => view! {
            <Tabs />
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

/// The links between the pages of the Developer Zone.
#[component]
fn Tabs() -> impl IntoView {
    view! {
        <nav class="pages" aria-label="Developer Zone">
            <A href=TOKENS exact=true>
                "API tokens"
            </A>
            <A href=ACTIVITY>"Activity"</A>
        </nav>
    }
}
