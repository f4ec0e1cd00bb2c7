//! The question before all tokens are deactivated, as a page for browsers without script.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use model::{organisation::Organisation, organisation::OrganisationId};

use super::{
    frame::{Trail, ZoneFrame},
    notice::TokenFlash,
    server_functions::DeactivateAllTokens,
    token_form::TokenForm,
};
use crate::{
    dashboard::LoadFailed,
    error::RequestError,
    paths::TOKENS,
    session::{member, store, with_error_status},
    texts::deactivation::{deactivate_all_question, what_stops},
};

/// The page with the question.
#[component]
pub(crate) fn DeactivateAllPage() -> impl IntoView {
    view! {
        <Title text="Deactivate all tokens" />
        <ZoneFrame
            what="its API tokens"
            has_heading=true
            content=|organisation| view! { <Panel organisation /> }.into_any()
        />
    }
}

#[component]
fn Panel(organisation: OrganisationId) -> impl IntoView {
    let content = Suspend::new(async move {
        match with_error_status(load(organisation)).await {
            Ok((organisation, active)) => view! { <Question organisation active /> }.into_any(),
            Err(error) => view! {
                <Trail here="Deactivate all tokens" />
                <h1>"Deactivate all tokens"</h1>
                <LoadFailed what="The API tokens" error />
            }
            .into_any(),
        }
    });
    view! { <Suspense>{content}</Suspense> }
}

/// The organisation, and how many of its tokens are active.
async fn load(organisation: OrganisationId) -> Result<(Organisation, usize), RequestError> {
    let member = member(organisation).await?;
    let tokens = store().tokens().list((&member).into()).await?;
    let active = tokens.iter().filter(|token| token.status.is_active());
    Ok((member.organisation().clone(), active.count()))
}

#[component]
fn Question(organisation: Organisation, active: usize) -> impl IntoView {
    let form = (active > 0).then(|| {
        view! {
            <TokenForm
                action=DeactivateAllTokens::url()
                organisation=organisation.id
                class="dialog-body"
            >
                <p>{what_stops(&organisation.name)}</p>
                <div class="dialog-actions">
                    <a class="button" href=TOKENS autofocus>
                        "Cancel"
                    </a>
                    <button type="submit" class="button button-danger">
                        "Deactivate all"
                    </button>
                </div>
            </TokenForm>
        }
    });
    let way_back = (active == 0).then(|| {
        view! {
            <div class="dialog-actions">
                <a class="button" href=TOKENS>
                    "Go to API tokens"
                </a>
            </div>
        }
    });
    view! {
        <Trail here="Deactivate all tokens" />
        <TokenFlash />
        <section class="dialog question" aria-labelledby="deactivate-all-title">
            <h1 class="dialog-title" id="deactivate-all-title">
                {deactivate_all_question(active)}
            </h1>
            {form}
            {way_back}
        </section>
    }
}
