//! The layout of every page behind sign-in: sidebar, content and shared dialogs.

use leptos::prelude::*;
use leptos_router::components::Outlet;

use super::{
    frame::Frame, ids::SIDEBAR, organisation_choices::OrganisationName, shortcuts::ShortcutsDialog,
    sidebar::Sidebar, upgrade::UpgradeDialog,
};
use crate::{
    document::IslandScripts,
    page_context::use_viewer,
    ui::{Brand, Icon, IconName},
};

/// The sidebar and the shared dialogs around the current page.
#[component]
pub(crate) fn DashboardLayout() -> impl IntoView {
    // `into_any` erases the type. Otherwise the view's type nests too deeply for the compiler.
    let sidebar = view! { <Sidebar /> }.into_any();
    let organisation = use_viewer().and_then(|viewer| viewer.selected_organisation().cloned());
    view! {
        <IslandScripts />
        <Frame>
            <a class="skip-link" href="#main">
                "Skip to main content"
            </a>
            <div class="frame">
                <header class="top-bar">
                    <button
                        type="button"
                        class="icon-button"
                        aria-label="Open menu"
                        popovertarget=SIDEBAR
                    >
                        <Icon name=IconName::Menu />
                    </button>
                    <Brand />
                    {organisation
                        .map(|organisation| {
                            view! {
                                <span class="top-bar-organisation" translate="no">
                                    <OrganisationName organisation />
                                </span>
                            }
                        })}
                </header>
                {sidebar}
                <main id="main" class="page" tabindex="-1">
                    <Outlet />
                </main>
            </div>
            <UpgradeDialog />
            <ShortcutsDialog />
        </Frame>
    }
}
