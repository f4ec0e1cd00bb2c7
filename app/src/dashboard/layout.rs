//! The layout of every page behind sign-in: sidebar, content and shared dialogs.

use leptos::prelude::*;
use leptos_router::components::Outlet;

use super::{
    frame::Frame, ids::SIDEBAR, shortcuts::ShortcutsDialog, sidebar::Sidebar,
    upgrade::UpgradeDialog,
};
use crate::{
    document::IslandScripts,
    ui::{Icon, IconName},
};

/// The sidebar and the shared dialogs around the current page.
#[component]
pub(crate) fn DashboardLayout() -> impl IntoView {
    // `into_any` erases the type. Otherwise the view's type nests too deeply for the compiler.
    let sidebar = view! { <Sidebar /> }.into_any();
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
                    <span class="brand">"9Pic"</span>
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
