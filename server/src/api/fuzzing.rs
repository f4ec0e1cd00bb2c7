//! What fuzzing reaches into (`tools/fuzz/`): the readers of what strangers send, each as a plain function. Compiled
//! with the feature `fuzzing` alone, which no program that is shipped has.

use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue, Uri, header::HOST};
use model::{page::PageRequest, photo::TimeWindow};

use super::{call, key::PresentedKey, query};
use crate::{http::host::requested_host, originals::object_name::ObjectName};

/// What the headers say of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// One value.
    One(&'a [u8]),
    /// More than one, of which none is taken.
    Several,
}

/// Check 1; `None` is a missing key.
pub fn key(headers: &HeaderMap) -> Option<Key<'_>> {
    PresentedKey::read(headers).ok().map(|key| match key {
        PresentedKey::One(key) => Key::One(key),
        PresentedKey::Several => Key::Several,
    })
}

/// Check 2: the host that a request with this target and these `Host` headers addresses.
pub fn host(target: &Uri, hosts: &[HeaderValue]) -> Option<String> {
    let mut headers = HeaderMap::new();
    for host in hosts {
        headers.append(HOST, host.clone());
    }
    requested_host(target, &headers).map(str::to_owned)
}

/// Page and window of a list of photos by time.
///
/// # Errors
/// The words of the answer 422.
pub fn window_and_page(target: &Uri) -> Result<(TimeWindow, PageRequest), String> {
    query::WindowQuery::read(target)
        .map(|query::WindowQuery(window, page)| (window, page))
        .map_err(|error| error.message().into_owned())
}

/// The ids in the path of an event, by a router; `None` where it is no path of an event.
///
/// # Errors
/// The words of the answer 422.
pub fn ids(target: &Uri) -> Option<Result<[i64; 2], String>> {
    static ROUTER: LazyLock<matchit::Router<()>> = LazyLock::new(|| {
        let mut router = matchit::Router::new();
        let path = "/{org_id}/event/{event_id}";
        router.insert(path, ()).expect("the only path");
        router
    });
    let found = ROUTER.at(target.path()).ok()?;
    let ids = call::ids(&found.params, ["org_id", "event_id"]);
    Some(ids.map_err(|error| error.message().into_owned()))
}

/// The name of an original, and the header by which it is saved.
pub fn object_name(path: &str) -> Option<String> {
    ObjectName::parse(path).map(ObjectName::disposition)
}
