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
    developer_zone::{ActivityPage, DeactivateAllPage, DeveloperZonePage, NewTokenPage, TokenPage},
    home::HomePage,
    reset_password::{ForgottenPasswordPage, ResetPasswordPage},
    sign_in::SignInPage,
};

/// The whole dashboard.
///
/// The server renders each page completely before it sends the first byte, so that pages are complete without script.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|page| format!("{page} · 9Pic") />
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async />
                <Route
                    path=path!("/forgotten-password")
                    view=ForgottenPasswordPage
                    ssr=SsrMode::Async
                />
                <Route
                    path=path!("/reset-password")
                    view=ResetPasswordPage
                    ssr=SsrMode::Async
                />
                <ParentRoute path=path!("") view=DashboardLayout ssr=SsrMode::Async>
                    <Route path=path!("/") view=HomePage ssr=SsrMode::Async />
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
                        path=path!("/developer-zone/tokens/deactivate-all")
                        view=DeactivateAllPage
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use leptos_axum::generate_route_list;

    use super::App;
    use crate::paths::{
        ACCOUNT, ACTIVITY, DEACTIVATE_ALL, EVENTS, FORGOTTEN_PASSWORD, HOME, NEW_TOKEN,
        RESET_PASSWORD, SIGN_IN, TOKENS,
    };

    /// The router's macro accepts literals only, so this file repeats each address.
    #[test]
    fn the_routes_are_the_paths_that_the_rest_of_the_program_uses() {
        let routes = generate_route_list(App);
        let routes: BTreeSet<_> = routes.iter().map(|route| route.path()).collect();
        let one_token = format!("{TOKENS}/tokens/{{id}}");
        let expected = [
            SIGN_IN,
            HOME,
            FORGOTTEN_PASSWORD,
            RESET_PASSWORD,
            EVENTS,
            ACCOUNT,
            TOKENS,
            ACTIVITY,
            NEW_TOKEN,
            DEACTIVATE_ALL,
            &one_token,
        ];
        assert_eq!(routes, BTreeSet::from(expected));
    }
}
