//! A name for every request, by which a caller and our log can speak of the same one.

use std::{
    array,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use rand::{RngCore, TryRngCore, rngs::OsRng};

use super::error::ApiError;

const HEX: &[u8; 16] = b"0123456789abcdef";

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest name of a caller's own that is taken (contract, section 4).
const MAX_LENGTH: usize = 64;

/// Makes names that this process never gives twice, and another one hardly ever.
pub(crate) struct RequestIds {
    state: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU64::new(OsRng.unwrap_err().next_u64()),
        }
    }

    /// The caller's own name for the request if it sent one sane one, else a new one.
    pub(crate) fn name(&self, headers: &HeaderMap) -> Name {
        let mut sent = headers.get_all(REQUEST_ID).iter();
        match (sent.next(), sent.next()) {
            (Some(own), None) if is_sane(own) => Name::Own(own.clone()),
            _ => Name::Made(self.make()),
        }
    }

    /// SplitMix64 (Steele, Lea and Flood 2014): a counter whose values are mixed one to one, so that no
    /// name comes twice and none tells how many requests there were.
    fn make(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.state.fetch_add(STEP, Ordering::Relaxed);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// The name of a request. Most are written out once, in the answer's head.
#[derive(Clone, Debug)]
pub(crate) enum Name {
    /// Of ours: these bits in sixteen hexadecimal digits.
    Made(u64),
    /// The caller's own.
    Own(HeaderValue),
}

impl Name {
    fn header(&self) -> HeaderValue {
        match self {
            Self::Made(bits) => {
                let digit = |place: usize| HEX[(bits >> (60 - 4 * place)) as usize & 15];
                HeaderValue::from_bytes(&array::from_fn::<_, 16, _>(digit))
                    .expect("digits are visible")
            }
            Self::Own(name) => name.clone(),
        }
    }
}

fn is_sane(name: &HeaderValue) -> bool {
    (1..=MAX_LENGTH).contains(&name.len()) && name.as_bytes().iter().all(u8::is_ascii_graphic)
}

tokio::task_local! {
    /// The name of the request that this task answers.
    static CURRENT: Name;
}

/// Answers under this name: it is in every line written on the way ([`current`]), and in the answer. A panic
/// inside ends the request like any other error; its words went to the log with the hook for panics.
///
/// No span of `tracing` carries the name, because one for each request costs more than all that the guard
/// does. Neither path nor query is logged: a caller may have put the key there by mistake.
pub(crate) fn named(
    name: Name,
    method: Method,
    answer: impl Future<Output = Response>,
) -> impl Future<Output = Response> {
    let answered = AssertUnwindSafe(answer)
        .catch_unwind()
        .map(move |answered| {
            let response = answered.unwrap_or_else(|_| ApiError::Internal.into_response());
            tracing::debug!(%method, status = response.status().as_u16(), "answered");
            response
        });
    CURRENT
        .scope(name.clone(), answered)
        .map(move |mut response| {
            response.headers_mut().insert(REQUEST_ID, name.header());
            response
        })
}

/// Names each request to `router` as those to the API are named.
pub(crate) fn name_each(router: Router) -> Router {
    let ids = Arc::new(RequestIds::new());
    router.layer(from_fn(move |request: Request, next: Next| {
        let (name, method) = (ids.name(request.headers()), request.method().clone());
        named(name, method, next.run(request))
    }))
}

/// `task`, under the name of the request that starts it.
pub(crate) fn carried<F: Future>(task: F) -> impl Future<Output = F::Output> {
    let name = CURRENT.try_with(Name::clone);
    async move {
        match name {
            Ok(name) => CURRENT.scope(name, task).await,
            Err(_) => task.await,
        }
    }
}

/// The name of the request that is being answered, for a line of the log.
pub(crate) fn current() -> Option<HeaderValue> {
    CURRENT.try_with(Name::header).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn named(values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(
                REQUEST_ID,
                HeaderValue::from_bytes(value).expect("a header"),
            );
        }
        headers
    }

    #[test]
    fn a_sane_name_of_the_callers_own_is_kept() {
        let ids = RequestIds::new();
        let longest = [b'x'; MAX_LENGTH];
        for own in [b"a".as_slice(), b"trace-7/{ok}~!", &longest] {
            assert_eq!(ids.name(&named(&[own])).header(), own);
        }
    }

    #[test]
    fn a_name_that_is_not_sane_is_replaced() {
        let ids = RequestIds::new();
        let too_long = [b'x'; MAX_LENGTH + 1];
        let odd: [&[&[u8]]; 6] = [
            &[],
            &[b""],
            &[b"two words"],
            &["é".as_bytes()],
            &[&too_long],
            &[b"one", b"two"],
        ];
        for sent in odd {
            let name = ids.name(&named(sent)).header();
            assert!(sent.iter().all(|own| name != *own), "{name:?}");
            assert_eq!(name.len(), 16);
        }
    }

    #[test]
    fn no_name_is_made_twice() {
        let ids = RequestIds::new();
        let names: HashSet<_> = (0..10_000).map(|_| ids.make()).collect();
        assert_eq!(names.len(), 10_000);
    }
}
