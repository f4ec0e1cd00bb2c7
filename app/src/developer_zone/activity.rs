//! Activity: the organisation's part of the audit trail.
//!
//! It is read and searched, and nothing else: so the server renders it, filter and pages are a plain form and
//! plain links, and the browser's code knows nothing of it.

#[cfg(feature = "ssr")]
mod html;

use leptos::{prelude::*, server_fn::codec::Json};
use leptos_meta::Title;
use leptos_router::hooks::use_location;
use model::organisation::OrganisationId;

use super::Zone;
use crate::{
    dashboard::LoadFailed,
    error::RequestError,
    ui::{ServerHtml, Skeleton},
};

/// One page of the organisation's activity, as HTML; `query` is that of the page's address.
///
/// # Errors
/// [`RequestError::SessionEnded`], [`RequestError::NotAMember`], [`RequestError::PlanRequired`], or those of
/// the database.
#[server(prefix = "/api/dashboard", endpoint = "list-activity", input = Json)]
pub(crate) async fn list_activity(
    organisation_id: OrganisationId,
    query: String,
) -> Result<String, RequestError> {
    use crate::{
        activity::ActivityQuery,
        session::{answer, member, store},
    };

    answer(async {
        let member = member(organisation_id).await?;
        Ok(html::load(&store(), &member, &ActivityQuery::parse(&query)).await?)
    })
    .await
}

/// The page.
#[component]
pub(crate) fn ActivityPage() -> impl IntoView {
    view! {
        <Title text="Activity" />
        <Zone what="its activity" content=|organisation| view! { <ActivityPanel organisation /> }.into_any() />
    }
}

#[component]
fn ActivityPanel(organisation: OrganisationId) -> impl IntoView {
    let query = use_location().search;
    let activity = Resource::new_blocking(
        move || query.get(),
        move |query| list_activity(organisation, query),
    );
    view! {
        <section class="card" aria-labelledby="activity-title">
            <Suspense fallback=|| view! { <Skeleton status="Loading activity…" rows=6 /> }>
                {move || Suspend::new(async move {
                    match activity.await {
                        Ok(html) => view! { <ServerHtml html /> }.into_any(),
                        Err(error) => {
                            view! {
                                <LoadFailed
                                    what="The activity"
                                    error
                                    retry=move || activity.refetch()
                                />
                            }
                                .into_any()
                        }
                    }
                })}
            </Suspense>
        </section>
    }
}
