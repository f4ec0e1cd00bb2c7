//! The message that a page shows while no organisation is selected.

use leptos::prelude::*;

use crate::ui::{IconName, Notice};

/// Asks the reader to choose an organisation in the sidebar.
#[component]
pub(crate) fn ChooseOrganisation(
    /// The content that the page would show, such as `its events`.
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
