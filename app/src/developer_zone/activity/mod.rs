//! Activity: the organisation's part of the audit trail.
//!
//! The page is read-only and works without script: the filter is a plain form, and links lead to the other pages of the
//! list.

mod panel;
mod runs;
mod sentence;
mod table;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;
use model::organisation::OrganisationId;

use self::panel::Activity;
pub(crate) use self::sentence::{EntrySentence, ExistingTokens};
use super::frame::ZoneFrame;
use crate::{
    dashboard::LoadFailed,
    session::{member, store, with_error_status},
    texts::activity::ActivityQuery,
};

/// The page of the audit trail.
#[component]
pub(crate) fn ActivityPage() -> impl IntoView {
    view! {
        <Title text="Activity" />
        <ZoneFrame
            what="its activity"
            content=|organisation| view! { <ActivityPanel organisation /> }.into_any()
        />
    }
}

#[component]
fn ActivityPanel(organisation: OrganisationId) -> impl IntoView {
    let query = ActivityQuery::parse(&use_location().search.get_untracked());
    let content = Suspend::new(async move {
        let read = with_error_status(async {
            let member = member(organisation).await?;
            panel::load(&store(), &member, &query).await
        });
        match read.await {
            Ok(found) => view! { <Activity organisation query found /> }.into_any(),
            Err(error) => view! { <LoadFailed what="The activity" error /> }.into_any(),
        }
    });
    view! {
        <section class="card" aria-labelledby="activity-title">
            <Suspense>{content}</Suspense>
        </section>
    }
}
