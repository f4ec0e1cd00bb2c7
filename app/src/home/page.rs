//! The page, put together.

use leptos::prelude::*;
use leptos_meta::Title;
use model::organisation::Organisation;

use super::{
    changes::LastChanges,
    data::{Overview, ZoneOverview, load},
    figures::{NextEvent, TokenFigures},
    locked::Locked,
    steps::FirstStepsCard,
};
use crate::{
    dashboard::{ChooseOrganisation, LoadFailed, OrganisationName},
    developer_zone::ExistingTokens,
    page_context::use_viewer,
    ui::TimeZoneNote,
};

/// The page at `/`.
#[component]
pub(crate) fn HomePage() -> impl IntoView {
    let organisation = use_viewer().and_then(|viewer| viewer.selected_organisation().cloned());
    view! {
        <Title text="Home" />
        <h1>"Home"</h1>
        {match organisation {
            Some(organisation) => view! { <Content organisation /> }.into_any(),
            None => view! { <ChooseOrganisation what="its calls, tokens and events" /> }.into_any(),
        }}
    }
}

#[component]
fn Content(organisation: Organisation) -> impl IntoView {
    let (id, plan) = (organisation.id, organisation.plan);
    let content = Suspend::new(async move {
        match load(id).await {
            Ok(overview) => view! { <Cards overview /> }.into_any(),
            Err(error) => view! {
                <section class="card">
                    <LoadFailed what="The overview" error />
                </section>
            }
            .into_any(),
        }
    });
    view! {
        <p class="below-heading">
            <span translate="no">
                <OrganisationName organisation />
            </span>
            <span class=format!("badge plan-{}", plan.code())>{plan.label()}</span>
        </p>
        <div class="home">
            <Suspense>{content}</Suspense>
        </div>
    }
}

#[component]
fn Cards(overview: Overview) -> impl IntoView {
    let Overview {
        now,
        next_event,
        zone,
    } = overview;
    match zone {
        Some(ZoneOverview { tokens, changes }) => {
            let (steps, existing) = (tokens.steps, ExistingTokens::of(&tokens.tokens));
            view! {
                <FirstStepsCard steps />
                <div class="figures">
                    <TokenFigures tokens />
                    <NextEvent event=next_event now />
                </div>
                <LastChanges changes existing />
                <TimeZoneNote />
            }
            .into_any()
        }
        None => view! {
            <div class="figures">
                <NextEvent event=next_event now />
            </div>
            <Locked />
        }
        .into_any(),
    }
}
