//! The control in the sidebar that selects the organisation.

use leptos::prelude::*;

use super::{
    ids::SWITCHER,
    organisation_choices::{NameAndPlan, OrganisationChoices},
};
use crate::{
    page_context::use_viewer,
    ui::{Icon, IconName},
};

/// The button that names the selected organisation, and the list that it opens. The list is a popover, which opens and
/// closes without script.
#[component]
pub(super) fn OrganisationSwitcher() -> impl IntoView {
    let viewer = use_viewer().unwrap_or_default();
    let selected = viewer.selected_organisation().cloned();
    // The name begins with what the button selects. After it comes the text that one sees (WCAG 2.2, 2.5.3).
    let name = selected.as_ref().map(|organisation| {
        let plan = organisation.plan.label();
        format!("Organisation: {organisation} {plan}")
    });
    let content = match selected {
        Some(organisation) => view! { <NameAndPlan organisation /> }.into_any(),
        None => view! { <span class="choice-name">"Select organisation"</span> }.into_any(),
    };
    view! {
        <div class="switcher">
            <button
                type="button"
                class="switcher-button"
                popovertarget=SWITCHER
                aria-haspopup="dialog"
                aria-label=name
            >
                {content}
                <Icon name=IconName::ChevronDown />
            </button>
            <div
                class="switcher-list"
                id=SWITCHER
                popover="auto"
                role="dialog"
                aria-label="Organisations"
            >
                <OrganisationChoices in_popover=true />
            </div>
        </div>
    }
}
