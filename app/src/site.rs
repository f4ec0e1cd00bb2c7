//! What a page knows from the start: who is signed in, and what is configured.

use leptos::prelude::*;
use model::{
    organisation::{Organisation, OrganisationId},
    session::{SessionId, SessionSummary},
};
use serde::{Deserialize, Serialize};

use crate::error::RequestError;

/// What a page knows from the start. The host makes it for each page; islands are told what they need of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// Where people ask for the Enterprise plan.
    pub contact_url: String,
    /// Scheme, host and port under which integrations call the external API.
    pub api_origin: String,
    /// Who is signed in, if anybody is.
    pub viewer: Option<Viewer>,
    /// What the sign-in page has to say of the try before.
    pub failed_sign_in: Option<FailedSignIn>,
    /// What the account's page shows; nothing on other pages.
    pub account: Option<AccountPage>,
}

/// What the account's page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountPage {
    /// The browsers in which one is signed in, the one used last first.
    pub sessions: Vec<SessionSummary>,
    /// The one that looks at the page.
    pub this_session: SessionId,
    /// What became of a form that was sent.
    pub notice: Option<AccountNotice>,
}

/// What became of a form of the account's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountNotice {
    /// The password was changed.
    PasswordChanged,
    /// Another browser was signed out.
    SessionEnded,
    /// Nothing was changed.
    Failed(RequestError),
}

/// Who looks at the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The address signed in with.
    pub email: String,
    /// The organisations one belongs to, by name.
    pub organisations: Vec<Organisation>,
    /// The organisation one works in.
    pub selected: Option<OrganisationId>,
}

impl Viewer {
    /// The organisation one works in.
    pub fn selected_organisation(&self) -> Option<&Organisation> {
        self.organisations
            .iter()
            .find(|organisation| Some(organisation.id) == self.selected)
    }
}

/// A try to sign in that did not work out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedSignIn {
    /// The address as it was typed: it need not be typed again.
    pub email: String,
    /// What was wrong.
    pub reason: SignInFailure,
}

/// Why a try to sign in did not work out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignInFailure {
    /// The address or the password is wrong; which of them is nobody's business.
    WrongCredentials,
    /// There were so many wrong ones that the next is looked at after so many seconds.
    TooManyTries(u64),
    /// The server could not look them up.
    Unavailable,
}

/// What the page knows from the start.
pub(crate) fn use_site() -> Site {
    // The host puts it into the request's extensions before a page is rendered.
    with_context(|request: &http::request::Parts| request.extensions.get().cloned())
        .flatten()
        .unwrap_or_default()
}

/// Who looks at the page; for components that only signed-in people see.
pub(crate) fn use_viewer() -> Option<Viewer> {
    use_site().viewer
}
