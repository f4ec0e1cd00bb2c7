//! The pages and their addresses.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

use crate::{
    account::AccountPage,
    dashboard::{DashboardLayout, EventsPage, NotFoundPage},
    developer_zone::{ActivityPage, DeveloperZonePage, NewTokenPage, TokenPage},
    sign_in::SignInPage,
};

/// The whole dashboard.
///
/// Every route is rendered as a whole before its first byte is sent, so that it is complete without
/// script as well.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|page| format!("{page} · 9Pic") />
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=DashboardLayout ssr=SsrMode::Async>
                    <Route path=path!("/events") view=EventsPage ssr=SsrMode::Async />
                    <Route path=path!("/account") view=AccountPage ssr=SsrMode::Async />
                    <Route
                        path=path!("/developer-zone")
                        view=DeveloperZonePage
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/developer-zone/activity")
                        view=ActivityPage
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/developer-zone/tokens/new")
                        view=NewTokenPage
                        ssr=SsrMode::Async
                    />
                    <Route
                        path=path!("/developer-zone/tokens/:id")
                        view=TokenPage
                        ssr=SsrMode::Async
                    />
                </ParentRoute>
            </Routes>
        </Router>
    }
}
