//! The frame of each page of the Developer Zone: heading, tabs, and the check of the plan.

use leptos::prelude::*;
use model::organisation::OrganisationId;

use crate::{
    dashboard::{ChooseOrganisation, UpgradeMessage},
    page_context::{use_path, use_viewer},
    paths::{ACTIVITY, TOKENS},
    ui::{IconName, Notice, notice_icon},
};

/// The frame of a page. If the organisation's plan does not include the Developer Zone, it shows an explanation instead
/// of the page. The server functions check the plan again.
#[component]
pub(super) fn ZoneFrame(
    /// The subject of the page, as part of a sentence: `its API tokens`.
    what: &'static str,
    /// Whether the content has a heading of its own, below a [`Trail`].
    #[prop(optional)]
    has_heading: bool,
    /// The page itself, for an organisation whose plan includes it.
    content: fn(OrganisationId) -> AnyView,
) -> impl IntoView {
    let organisation = use_viewer().and_then(|viewer| viewer.selected_organisation().cloned());
    let content = match organisation {
        None => view! { <ChooseOrganisation what /> }.into_any(),
        Some(organisation) if organisation.plan.includes_developer_zone() => {
            let content = content(organisation.id);
            if has_heading {
                return content;
            }
            view! {
                <Tabs />
                {content}
            }
            .into_any()
        }
        Some(_) => view! {
            <section class="card">
                <Notice picture=notice_icon(IconName::Lock) title="Enterprise Plan Required">
                    <UpgradeMessage />
                </Notice>
            </section>
        }
        .into_any(),
    };
    view! {
        <h1>"Developer Zone"</h1>
        {content}
    }
    .into_any()
}

/// The way from the Developer Zone to a page about a token: `Developer Zone / API tokens / Kiosk`. In place of the
/// Developer Zone's heading, with the same tabs below it.
#[component]
pub(super) fn Trail(
    /// The page itself.
    #[prop(into)]
    here: String,
) -> impl IntoView {
    view! {
        <nav class="trail" aria-label="Breadcrumb">
            <ol>
                <li>
                    <a href=TOKENS>"Developer Zone"</a>
                </li>
                <li>
                    <a href=TOKENS>"API tokens"</a>
                </li>
                <li>
                    <bdi aria-current="page">{here}</bdi>
                </li>
            </ol>
        </nav>
        <Tabs />
    }
}

/// The links between the pages of the Developer Zone.
#[component]
fn Tabs() -> impl IntoView {
    let here = use_path();
    // The pages of single tokens belong to the first tab.
    let tabs = [(TOKENS, "API tokens"), (ACTIVITY, "Activity")].map(|(path, label)| {
        let current = if here == path {
            Some("page")
        } else if path == TOKENS && here != ACTIVITY {
            Some("true")
        } else {
            None
        };
        view! {
            <a href=path aria-current=current>
                {label}
            </a>
        }
    });
    view! {
        <nav class="pages" aria-label="Developer Zone">
            {tabs}
        </nav>
    }
}
