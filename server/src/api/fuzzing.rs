//! Entry points for fuzzing (`tools/fuzz/`): the parsers of untrusted input as plain functions. They are compiled only
//! with the feature `fuzzing`, which no released program has.

use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue, Uri, header::HOST};
use model::{page::ListRequest, photo::TimeWindow};

use super::{call, key::PresentedKey, query};
use crate::{http::host::requested_host, originals::object_name::ObjectName};

/// The key in the headers.
#[derive(Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// One value.
    One(&'a [u8]),
    /// More than one value, so the key is invalid.
    Several,
}

/// Check 1. `None` means a missing key.
pub fn key(headers: &HeaderMap) -> Option<Key<'_>> {
    PresentedKey::read(headers).ok().map(|key| match key {
        PresentedKey::One(key) => Key::One(key),
        PresentedKey::Several => Key::Several,
    })
}

/// Check 2: the host that a request with this target and these `Host` headers names.
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
/// The message of the response 422.
pub fn window_and_page(target: &Uri) -> Result<(TimeWindow, ListRequest), String> {
    query::WindowQuery::read(target)
        .map(|query::WindowQuery(window, page)| (window, page))
        .map_err(|error| error.describe().message.into_owned())
}

/// The ids in the path of an event, found by a router. `None` if the path is not that of an event.
///
/// # Errors
/// The message of the response 422.
pub fn ids(target: &Uri) -> Option<Result<[i64; 2], String>> {
    static ROUTER: LazyLock<matchit::Router<()>> = LazyLock::new(|| {
        let mut router = matchit::Router::new();
        let path = "/{org_id}/event/{event_id}";
        router.insert(path, ()).expect("the only path");
        router
    });
    let found = ROUTER.at(target.path()).ok()?;
    let ids = call::ids(&found.params, ["org_id", "event_id"]);
    Some(ids.map_err(|error| error.describe().message.into_owned()))
}

/// The `Content-Disposition` of an original with this name. `None` if the name is invalid.
pub fn object_name(path: &str) -> Option<String> {
    ObjectName::parse(path).map(ObjectName::disposition)
}
