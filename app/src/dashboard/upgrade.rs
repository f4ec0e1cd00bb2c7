//! The message about the Enterprise plan, for organisations on other plans.

use leptos::prelude::*;

use crate::{
    ids::UPGRADE_DIALOG,
    page_context::{use_page_context, use_viewer},
    ui::Dialog,
};

/// The message as a dialog over the current page.
#[component]
pub(super) fn UpgradeDialog() -> impl IntoView {
    view! {
        <Dialog id=UPGRADE_DIALOG title="Enterprise Plan Required">
            <UpgradeMessage>
                <form method="dialog">
                    <button class="button">"Close"</button>
                </form>
            </UpgradeMessage>
        </Dialog>
    }
}

/// The organisation's plan, what the Developer Zone offers, and the link to 9Pic.
#[component]
pub(crate) fn UpgradeMessage(
    /// Another button beside the link to 9Pic.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <CurrentPlan />
        <p>
            "With it, your organisation creates API tokens that let your servers and partners read its events and photos, and can deactivate or delete each token at any time."
        </p>
        <div class="dialog-actions">
            {children.map(|children| children())} <ContactLink />
        </div>
    }
}

/// The plan of the selected organisation, and the plan that includes the Developer Zone.
#[component]
pub(crate) fn CurrentPlan() -> impl IntoView {
    let organisation = use_viewer().and_then(|viewer| viewer.selected_organisation().cloned());
    organisation.map(|organisation| {
        view! {
            <p>
                {organisation.to_string()} " is on the " <strong>{organisation.plan.label()}</strong>
                " plan. The Developer Zone is part of the Enterprise plan."
            </p>
        }
    })
}

/// The link to 9Pic, as a button.
#[component]
pub(crate) fn ContactLink() -> impl IntoView {
    let address = use_page_context().contact_url.clone();
    view! {
        <a class="button button-primary" href=address target="_blank" rel="noopener">
            "Contact 9Pic"
            <span class="visually-hidden">" (opens in a new tab)"</span>
        </a>
    }
}
