//! The message about the Enterprise plan, for organisations on other plans.

use leptos::prelude::*;

use crate::{ids::UPGRADE_DIALOG, page_context::use_page_context, ui::Dialog};

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
    let context = use_page_context();
    let organisation = context
        .viewer
        .as_ref()
        .and_then(|viewer| viewer.selected_organisation());
    let plan = organisation.map(|organisation| {
        view! {
            <p>
                {organisation.to_string()} " is on the " <strong>{organisation.plan.label()}</strong>
                " plan. The Developer Zone is part of the Enterprise plan."
            </p>
        }
    });
    view! {
        {plan}
        <p>
            "With it, your organisation creates API tokens that let your servers and partners read its events and photos, and can deactivate or delete each token at any time."
        </p>
        <div class="dialog-actions">
            {children.map(|children| children())}
            <a class="button button-primary" href=context.contact_url.clone() target="_blank" rel="noopener">
                "Contact 9Pic"
                <span class="visually-hidden">" (opens in a new tab)"</span>
            </a>
        </div>
    }
}
