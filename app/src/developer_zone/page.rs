//! The page of the organisation's tokens.

use leptos::prelude::*;
use leptos_meta::Title;
use model::organisation::OrganisationId;

use super::{
    frame::ZoneFrame,
    notice::TokenFlash,
    server_functions::list_tokens,
    tokens::{CardContent, CardHeader, TokenCard},
};
use crate::{
    dashboard::LoadFailed,
    page_context::use_page_context,
    ui::{Drawing, DrawingSource, TimeZoneNote},
};

/// The page of the organisation's tokens.
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
            Ok((listed, wants_password)) => {
                let context = use_page_context();
                let viewer = context.viewer.unwrap_or_default();
                let organisation_name = viewer.selected_organisation();
                let organisation_name = organisation_name.map(|it| it.name.clone());
                provide_context(CardContent {
                    organisation,
                    organisation_name: organisation_name.unwrap_or_default(),
                    listed,
                    email: viewer.email,
                    api_origin: context.api_origin,
                    wants_password,
                });
                view! {
                    <DrawingSource drawing=Drawing::Tokens />
                    <TokenCard />
                }
                .into_any()
            }
            Err(error) => view! {
                <CardHeader>""</CardHeader>
                <LoadFailed what="The API tokens" error />
            }
            .into_any(),
        }
    });
    view! {
        <TokenFlash />
        <section class="card" aria-labelledby="tokens-title">
            <Suspense>{content}</Suspense>
        </section>
        <TimeZoneNote />
    }
}
