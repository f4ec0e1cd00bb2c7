//! Sidebar, page, and what lies over both.

use leptos::prelude::*;
use leptos_router::components::Outlet;

use super::{frame::Frame, shortcuts::ShortcutsDialog, sidebar::Sidebar, upgrade::UpgradeDialog};
use crate::{
    shell::IslandScripts,
    ui::{Icon, IconName},
};

/// Id of the sidebar, for the button that opens it on a narrow screen.
pub(super) const SIDEBAR: &str = "sidebar";

/// What is around every page behind sign-in.
#[component]
pub(crate) fn DashboardLayout() -> impl IntoView {
    // Its type is erased: as one type, the frame would be too deep for the compiler.
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
