//! Sidebar, page, and what lies over both.

use leptos::prelude::*;
use leptos_router::components::Outlet;

use super::{
    session_ended::{SessionEnded, SessionEndedDialog},
    sidebar::Sidebar,
};
use crate::{
    developer_zone::{NewTokenDialog, UpgradeDialog, provide_new_token},
    ui::{Icon, IconName, ToastRegion, Toasts},
};

/// Id of the sidebar, for the button that opens it on a narrow screen.
pub(super) const SIDEBAR: &str = "sidebar";

/// The frame around every page behind sign-in.
///
/// Dialogs that must outlive the page below them are here: going back in the history must not take a
/// token away that has just been made.
#[component]
pub(crate) fn DashboardLayout() -> impl IntoView {
    Toasts::provide();
    SessionEnded::provide();
    provide_new_token();
    let upgrade = RwSignal::new(false);
    // Each part's type is erased: as one type, the frame would be too deep for the compiler.
    let sidebar = view! { <Sidebar upgrade /> }.into_any();
    let over_the_page = view! {
        <UpgradeDialog open=upgrade />
        <NewTokenDialog />
        <SessionEndedDialog />
        <ToastRegion />
    }
    .into_any();
    view! {
        // `external`: the router would scroll there, where the browser moves the focus as well.
        <a class="skip-link" rel="external" href="#main">
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
        {over_the_page}
    }
}
