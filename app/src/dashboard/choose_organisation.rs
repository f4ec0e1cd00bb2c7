//! The message that a page shows while no organisation is selected.

use leptos::prelude::*;

use super::organisation_choices::OrganisationChoices;
use crate::page_context::use_viewer;

/// Asks the reader to choose an organisation, with a button for each.
#[component]
pub(crate) fn ChooseOrganisation(
    /// The content that the page would show, such as `its events`.
    what: &'static str,
) -> impl IntoView {
    let count = use_viewer().map_or(0, |viewer| viewer.organisations.len());
    let choices = if count == 0 {
        view! {
            <p>"Your account belongs to no organisation. Ask an administrator of yours to add you."</p>
        }
        .into_any()
    } else {
        view! {
            <p>{format!("Choose an organisation to see {what}. You can change it in the sidebar.")}</p>
            <OrganisationChoices />
        }
        .into_any()
    };
    view! {
        <section class="card choose" aria-labelledby="choose-title">
            <h2 id="choose-title">"Choose an organisation"</h2>
            {choices}
        </section>
    }
}
