//! The dashboard: pages, components and server functions.
//!
//! Compiled twice: with `ssr` into the server, with `hydrate` into the browser's WASM. What is signed in
//! and selected does not change while a page lives (signing in or out and choosing an organisation load
//! a new one), so it comes with the page as plain data: see [`site::Site`].

// A page is one deeply nested type; the compiler counts its depth.
#![recursion_limit = "512"]
#![allow(
    unreachable_pub,
    reason = "Leptos' component macro writes public items whatever the function's own visibility"
)]

mod account;
#[cfg(feature = "ssr")]
pub mod activity;
pub mod connection;
mod dashboard;
mod developer_zone;
mod error;
pub mod examples;
pub mod session;
mod shell;
mod sign_in;
pub mod site;
mod ui;

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

pub use self::error::RequestError;
#[cfg(feature = "ssr")]
pub use self::shell::{Assets, shell};
use self::{
    account::AccountPage,
    dashboard::{DashboardLayout, EventsPage, NotFoundPage},
    developer_zone::{ActivityPage, DeveloperZonePage},
    sign_in::SignInPage,
    site::provide_site,
};

/// The whole dashboard.
///
/// Every route is rendered as a whole before its first byte is sent, so that it is complete without
/// script as well.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_site();
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
                </ParentRoute>
            </Routes>
        </Router>
    }
}
