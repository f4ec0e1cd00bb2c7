//! The frame around every page behind sign-in, and the pages that belong to no other part.

mod events;
mod layout;
mod not_found;
mod organisation_switcher;
mod session_ended;
mod sidebar;

use leptos::prelude::*;

pub(crate) use self::{
    events::EventsPage,
    layout::DashboardLayout,
    not_found::NotFoundPage,
    session_ended::{LoadFailed, SessionEnded, use_session_ended},
};
use crate::ui::{IconName, Notice};

/// Stands in for a page's content while no organisation is selected.
#[component]
pub(crate) fn ChooseOrganisation(
    /// What the page would show: `its events`.
    what: &'static str,
) -> impl IntoView {
    view! {
        <Notice icon=IconName::ChevronDown title="Choose an organisation">
            <p>
                {format!(
                    "Pick an organisation with the selector at the top of the sidebar to see {what}.",
                )}
            </p>
        </Notice>
    }
}
