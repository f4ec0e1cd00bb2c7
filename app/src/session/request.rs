//! The current request: the context that the server provides for it, and the headers of its response.

use std::time::Duration;

use http::{
    HeaderValue, StatusCode,
    header::{ACCEPT, LOCATION, SET_COOKIE, USER_AGENT},
    request::Parts,
};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use model::client::{Client, ClientAddress, UserAgent};
use store::{Origin, Store, sessions::SessionKey};

use super::cookies::Cookies;
use crate::paths::HOME;

/// The settings of sessions. The crate `server` provides them as context.
#[derive(Clone, Copy, Debug)]
pub struct SessionSettings {
    /// The cookies of this server.
    pub cookies: Cookies,
    /// How long after entering the password a user can create or activate tokens without entering it again. With zero,
    /// every request needs it.
    pub confirm_password_after: Duration,
}

/// Marks a request that revokes something. The crate `server` adds it as an extension of the request.
#[derive(Clone, Copy, Debug)]
pub struct Revocation;

/// The store, acting for the running request: the audit trail records who sent it. A request that revokes something
/// gets the connections of revocations.
pub(crate) fn store() -> Store {
    let store = expect_context::<Store>().on_behalf_of(Origin::Request(of_request(client)));
    if of_request(|request| request.extensions.get::<Revocation>().is_some()) {
        store.for_revocation()
    } else {
        store
    }
}

/// The cookies of this server.
pub(super) fn cookies() -> Cookies {
    settings().cookies
}

pub(super) fn settings() -> SessionSettings {
    expect_context()
}

/// Reads a value from the head of the current request.
pub(super) fn of_request<T: 'static>(look: impl FnOnce(&Parts) -> T) -> T {
    with_context(look).expect("the host provides the head of each request")
}

/// Every key in the cookies with the session's name.
pub(super) fn session_keys() -> Vec<SessionKey> {
    let cookies = cookies();
    of_request(|request| cookies.session_keys(&request.headers).collect())
}

/// The key in the session cookie, if the browser sends one. The crate `server` adds the one that it made as an extension
/// of the request. Without that, a read of the session reports why.
pub(super) fn session_key() -> Option<SessionKey> {
    let cookies = cookies();
    of_request(|request| {
        let own = request.extensions.get::<SessionKey>().cloned();
        own.or_else(|| cookies.session_keys(&request.headers).next())
    })
}

/// The device cookie that a server of ours made, if the browser sends one.
pub(crate) async fn device_cookie() -> Option<String> {
    let cookies = cookies();
    let candidates = of_request(|request| {
        let candidates = cookies.known_browsers(&request.headers);
        candidates.collect::<Vec<_>>()
    });
    let store = store();
    for candidate in candidates {
        if let Ok(Some(_)) = store.sign_in().known_device(&candidate).await {
            return Some(candidate);
        }
    }
    None
}

/// Who sends the request, as far as is known.
pub(super) fn client(request: &Parts) -> Client {
    let user_agent = request.headers.get(USER_AGENT);
    Client {
        address: request.extensions.get::<ClientAddress>().copied(),
        user_agent: user_agent.and_then(|value| UserAgent::from_header(value.as_bytes())),
    }
}

/// Whether a browser posted a form by itself and shows the response as a page. Scripts and programs do not ask
/// for HTML.
pub(super) fn is_plain_form() -> bool {
    of_request(|request| {
        let accepted = request.headers.get(ACCEPT);
        let accepted = accepted.and_then(|value| value.to_str().ok());
        accepted.is_some_and(|accepted| accepted.contains("text/html"))
    })
}

/// Adds a cookie to the response.
pub(super) fn set_cookie(header: Option<HeaderValue>) {
    if let Some(header) = header {
        expect_context::<ResponseOptions>().append_header(SET_COOKIE, header);
    }
}

/// Responds with a redirect to `path`, which the browser requests with `GET` (303).
pub(super) fn see_other(path: &str) {
    let response = expect_context::<ResponseOptions>();
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static(HOME));
    response.insert_header(LOCATION, location);
    response.set_status(StatusCode::SEE_OTHER);
}
