//! What fuzzing reaches into (`fuzz/`): the readers of what strangers send, each as a plain function. Compiled
//! with the feature `fuzzing` alone, which no program that is shipped has.

use std::sync::LazyLock;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header::HOST};
use model::{page::PageRequest, photo::TimeWindow};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

use super::{access::path_ids, error::ApiError, host::addressed, key::PresentedKey, query};
use crate::originals::ObjectName;

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
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = target.clone();
    for host in hosts {
        request.headers_mut().append(HOST, host.clone());
    }
    addressed(&request).map(str::to_owned)
}

/// Page and window of a list of photos by time.
///
/// # Errors
/// The words of the answer 422.
pub fn window_and_page(target: Uri) -> Result<(TimeWindow, PageRequest), String> {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.uri = target;
    query::WindowQuery::read(&parts)
        .map(|query::WindowQuery(window, page)| (window, page))
        .map_err(|error| error.message().into_owned())
}

/// The ids in the path of an event, through a router; `None` where it is no path of an event.
///
/// # Errors
/// The words of the answer 422.
pub fn ids(target: Uri) -> Option<Result<[i64; 2], String>> {
    static ROUTER: LazyLock<Router> =
        LazyLock::new(|| Router::new().route("/{org_id}/event/{event_id}", get(answer_with_ids)));
    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime"));
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = target;
    let (status, text) = RUNTIME.block_on(async {
        let answer = ROUTER.clone().oneshot(request).await;
        let (head, body) = answer.unwrap_or_else(|never| match never {}).into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        (head.status, String::from_utf8_lossy(&body).into_owned())
    });
    let number = |text: Option<&str>| text.and_then(|text| text.parse().ok());
    match status {
        StatusCode::NOT_FOUND => None,
        StatusCode::OK => {
            let mut ids = text.split(' ').map(Some);
            let pair = [number(ids.next()?), number(ids.next()?)];
            Some(match pair {
                [Some(organisation), Some(event)] => Ok([organisation, event]),
                _ => Err(text),
            })
        }
        _ => Some(Err(text)),
    }
}

async fn answer_with_ids(request: Request) -> Result<String, (StatusCode, String)> {
    let mut parts = request.into_parts().0;
    let ids = path_ids(&mut parts, ["org_id", "event_id"]).await;
    ids.map(|[organisation, event]| format!("{organisation} {event}"))
        .map_err(|error: ApiError| (error.status(), error.message().into_owned()))
}

/// The name of an original, and the header by which it is saved.
pub fn object_name(path: &str) -> Option<String> {
    ObjectName::parse(path).map(ObjectName::disposition)
}
