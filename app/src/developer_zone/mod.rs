//! The Developer Zone: where an organisation on the Enterprise plan manages its API tokens.

mod confirmation;
mod connection_test;
mod create;
mod delete;
mod new_token;
mod panel;
mod requests;
mod token_examples;
mod token_list;
mod token_row;
mod upgrade;

use leptos::prelude::*;
use leptos_meta::Title;

pub(crate) use self::{
    new_token::{NewTokenDialog, provide_new_token},
    upgrade::{UPGRADE_DIALOG, UpgradeDialog},
};
use self::{panel::TokenPanel, upgrade::UpgradeMessage};
use crate::{
    dashboard::ChooseOrganisation,
    site::use_viewer,
    ui::{IconName, Notice},
};

/// The page. What the organisation's plan does not include is explained, not hidden; the server functions
/// refuse by themselves.
#[component]
pub(crate) fn DeveloperZonePage() -> impl IntoView {
    let organisation = use_viewer().and_then(|viewer| viewer.selected_organisation().cloned());
    let content = match organisation {
        None => view! { <ChooseOrganisation what="its API tokens" /> }.into_any(),
        Some(organisation) if organisation.plan.opens_developer_zone() => {
            view! { <TokenPanel organisation=organisation.id /> }.into_any()
        }
        Some(_) => view! {
            <Notice icon=IconName::Lock title="Enterprise Plan Required">
                <UpgradeMessage />
            </Notice>
        }
        .into_any(),
    };
    view! {
        <Title text="Developer Zone" />
        <h1>"Developer Zone"</h1>
        {content}
    }
}
