//! What stands in for a page's content while no organisation is selected.

use leptos::prelude::*;

use crate::ui::{IconName, Notice};

/// Points to the selector.
#[component]
pub(crate) fn ChooseOrganisation(
    /// What the page would show: `its events`.
    what: &'static str,
) -> impl IntoView {
    view! {
        <Notice icon=IconName::ChevronDown title="Choose an organisation">
            <p>
                {format!(
                    "Choose an organisation at the top of the sidebar to see {what}.",
                )}
            </p>
        </Notice>
    }
}
