//! The data that every page can use: the signed-in user, and the settings that pages show.

use leptos::prelude::*;
use model::{
    organisation::{Organisation, OrganisationId},
    user::UserId,
};

/// The data that every page can use. The crate `server` creates it for each request for a page. Islands get their data
/// as properties instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageContext {
    /// The address where people ask for the Enterprise plan.
    pub contact_url: String,
    /// Scheme, host and port under which integrations call the external API.
    pub api_origin: String,
    /// The account that is signed in.
    pub account: Option<UserId>,
    /// The signed-in user, if there is one.
    pub viewer: Option<Viewer>,
}

/// The signed-in user, for whom the page is rendered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Viewer {
    /// The email address.
    pub email: String,
    /// The user's organisations, in the natural order of their names.
    pub organisations: Vec<Organisation>,
    /// The selected organisation and those that were selected last, newest first.
    pub recent: Vec<OrganisationId>,
    /// The selected organisation.
    pub selected: Option<OrganisationId>,
}

impl Viewer {
    /// The selected organisation, if the user is still a member of it.
    pub fn selected_organisation(&self) -> Option<&Organisation> {
        self.organisations
            .iter()
            .find(|organisation| Some(organisation.id) == self.selected)
    }
}

/// The [`PageContext`] of the page that is being rendered.
pub(crate) fn use_page_context() -> PageContext {
    // The crate `server` puts it into the extensions of the request.
    with_context(|request: &http::request::Parts| request.extensions.get().cloned())
        .flatten()
        .unwrap_or_default()
}

/// The path of the page that is being rendered.
pub(crate) fn use_path() -> String {
    with_context(|request: &http::request::Parts| request.uri.path().to_owned()).unwrap_or_default()
}

/// Path and query of the page that is being rendered. The response to a form has the address of the form.
pub(crate) fn use_address() -> String {
    let address = |request: &http::request::Parts| match request.method {
        http::Method::POST => Some(request.uri.path().to_owned()),
        _ => request.uri.path_and_query().map(ToString::to_string),
    };
    with_context(address).flatten().unwrap_or_default()
}

/// The account for which the page is rendered.
pub(crate) fn use_account() -> Option<UserId> {
    with_context(|request: &http::request::Parts| request.extensions.get::<PageContext>()?.account)
        .flatten()
}

/// The signed-in user, on a page behind sign-in.
pub(crate) fn use_viewer() -> Option<Viewer> {
    use_page_context().viewer
}
