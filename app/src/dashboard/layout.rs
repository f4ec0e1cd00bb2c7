//! The layout of every page behind sign-in: sidebar, content and shared dialogs.

use leptos::prelude::*;
use leptos_router::components::Outlet;

use super::{
    frame::Frame, ids::SIDEBAR, organisation_choices::OrganisationName, shortcuts::ShortcutsDialog,
    sidebar::Sidebar, upgrade::UpgradeDialog,
};
use crate::{
    document::{Assets, IslandScripts, head_without_script},
    page_context::use_viewer,
    ui::{Brand, Icon, IconName},
};

/// The sidebar and the shared dialogs around the current page.
#[component]
pub(crate) fn DashboardLayout() -> impl IntoView {
    view! {
        <IslandScripts />
        <Frame>
            <WithSidebar has_islands=true>
                <Outlet />
            </WithSidebar>
            <UpgradeDialog />
            <ShortcutsDialog />
        </Frame>
    }
}

/// Renders a document with the sidebar, but without script and without data for hydration: no script can read what it
/// shows. It needs no router.
pub(crate) fn dashboard_document_without_script(
    assets: &Assets,
    title: &str,
    content: AnyView,
) -> String {
    let document = view! {
        <!DOCTYPE html>
        <html lang="en-GB">
            <head>{head_without_script(assets, title)}</head>
            <body>
                <WithSidebar has_islands=false>{content}</WithSidebar>
            </body>
        </html>
    };
    document.to_html()
}

/// The sidebar beside a page, and the top bar above it on narrow screens.
#[component]
fn WithSidebar(has_islands: bool, children: Children) -> impl IntoView {
    // `into_any` erases the type. Otherwise the view's type nests too deeply for the compiler.
    let sidebar = view! { <Sidebar has_islands /> }.into_any();
    let organisation = use_viewer().and_then(|viewer| viewer.selected_organisation().cloned());
    view! {
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
                {children()}
            </main>
        </div>
    }
}
