//! The guard: checks 1 to 6 (contract, section 3) for every request under the API's path.
//!
//! The contract's order goes from cheap to expensive. A refusal before check 3 costs no hash; a refusal in the first
//! half of check 3 costs no read of the database. The rules themselves, and checks 7 to 10, are in
//! [`model::permission`]. Only this guard makes a [`Caller`] from a request. Wrong keys are throttled within check 3
//! ([`super::throttle`]). Each call with an existing token counts as a use of the token, even if it is refused
//! ([`Counted`]).

use std::sync::Arc;

use axum::response::Response;
use http::{StatusCode, request::Parts};
use model::{
    client::{ClientAddress, ClientNetwork},
    permission::{Caller, Refusal},
    timestamp::Timestamp,
    token::{FirstCall, TokenId},
};
use quanta::Instant;
use store::{Store, secret::TokenDigest, usage::Usage};

use crate::{
    http::host::{HostName, requested_host},
    metrics::{Metrics, calls::Verdict},
};

use super::{
    error::ApiError,
    key::PresentedKey,
    throttle::{self, Limits, RateLimits},
};

/// Runs checks 1 to 6.
pub(super) struct Guard {
    store: Store,
    hosts: Vec<HostName>,
    limits: Option<Limits>,
    metrics: Arc<Metrics>,
}

impl Guard {
    pub(super) fn new(
        store: Store,
        hosts: Vec<HostName>,
        limits: Option<RateLimits>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            store,
            hosts,
            limits: limits.map(Limits::new),
            metrics,
        }
    }

    /// Checks a request of `client` that began at `begun`.
    ///
    /// # Errors
    /// The refusal, or the failure of the store.
    pub(super) async fn admit(
        &self,
        head: &Parts,
        client: Option<ClientAddress>,
        begun: Instant,
    ) -> Result<Admitted<'_>, ApiError> {
        let admitted = match self.credential(head, client) {
            Ok(credential) => self.caller(credential, begun).await,
            Err(refusal) => Err(refusal.into()),
        };
        let (caller, counted, remaining) = admitted.inspect_err(|error| {
            let refused = error.refusal().map(Verdict::Refused);
            self.judged(refused.unwrap_or(Verdict::Undecided));
        })?;
        Ok(Admitted {
            guard: self,
            caller,
            counted,
            remaining,
        })
    }

    fn judged(&self, verdict: Verdict) {
        self.metrics.calls.judged(verdict);
    }

    /// Checks 1 and 2, and the part of check 3 that needs no store.
    fn credential(
        &self,
        head: &Parts,
        client: Option<ClientAddress>,
    ) -> Result<Credential, Refusal> {
        let key = PresentedKey::read(&head.headers)?;
        requested_host(&head.uri, &head.headers)
            .filter(|host| self.hosts.iter().any(|allowed| allowed.is(host)))
            .ok_or(Refusal::HostNotAllowed)?;
        Ok(Credential {
            key: key.digest(),
            network: client.map(|client| client.network()),
            is_use: head.extensions.get::<OwnTest>().is_none(),
        })
    }

    /// Checks 3 to 6, with the configured limits. The number is that of the calls that the token may still make.
    async fn caller(
        &self,
        credential: Credential,
        now: Instant,
    ) -> Result<(Caller, Counted<'_>, Option<u32>), ApiError> {
        let Credential {
            key,
            network,
            is_use,
        } = &credential;
        let bucket = match &self.limits {
            Some(limits) => limits.check_guess(*network, key.as_ref(), now)?,
            None => None,
        };
        let holder = match key {
            Ok(key) => self.holder(key, *is_use).await,
            Err(refusal) => Err((*refusal).into()),
        };
        let Some(limits) = &self.limits else {
            return holder.map(|(caller, counted)| (caller, counted, None));
        };
        if let Err(ApiError::Refused(Refusal::TokenInvalid)) = holder {
            limits.note_guess(*network, key.as_ref(), now);
        }
        let (caller, mut counted) = holder?;
        let remaining = match key {
            Ok(key) => Some(
                limits
                    .check_token(key, bucket, now)
                    .inspect_err(|_| counted.refused = Some(Refusal::RateLimited))?,
            ),
            Err(_) => None,
        };
        Ok((caller, counted, remaining))
    }

    /// Checks 3 to 5: whether the key is a token's, and whether the token is usable now. If the store fails, the call
    /// is refused.
    async fn holder(
        &self,
        digest: &TokenDigest,
        is_use: bool,
    ) -> Result<(Caller, Counted<'_>), ApiError> {
        let record = self.store.key_cache().token(digest).await?;
        let record = record.ok_or(Refusal::TokenInvalid)?;
        let mut counted = Counted {
            usage: is_use.then(|| self.store.usage()),
            token: record.token_id,
            at: self.store.clock().now(),
            refused: None,
            response: None,
        };
        let admitted = record.admit(counted.at);
        counted.refused = admitted.err();
        Ok((admitted?, counted))
    }
}

/// A call that passed checks 1 to 6.
pub(super) struct Admitted<'a> {
    guard: &'a Guard,
    pub(super) caller: Caller,
    counted: Counted<'a>,
    remaining: Option<u32>,
}

impl Admitted<'_> {
    /// Reads from the response whether one of checks 7 to 10 refused the call, which began at `begun`. Adds the state of
    /// the rate limit, unless the call is for another organisation.
    ///
    /// Every call that passed check 6 has taken one from the limit. So the headers are the same for a missing event and
    /// for one of another organisation.
    pub(super) fn record(&mut self, mut response: Response, begun: Instant) -> Response {
        self.counted.response = Some((response.status(), begun));
        self.counted.refused = response.extensions().get().copied();
        let refused = self.counted.refused.map(Verdict::Refused);
        self.guard.judged(refused.unwrap_or(Verdict::Accepted));
        let is_own = self.counted.refused != Some(Refusal::OrganisationMismatch);
        let headers = response.headers_mut();
        match (&self.guard.limits, self.remaining) {
            (Some(limits), Some(remaining)) if is_own => limits.add_headers(remaining, headers),
            // A success has empty ones.
            _ => throttle::HEADERS.iter().for_each(|name| {
                headers.remove(name);
            }),
        }
        response
    }
}

/// Marks a request with which the dashboard tests a token. It is no use of the token: members see only what integrations
/// did.
#[derive(Clone)]
pub(crate) struct OwnTest;

/// A call with an existing token. It counts as a use when it ends, even if the handler panics or the caller hangs up.
struct Counted<'a> {
    /// `None` for a test.
    usage: Option<&'a Usage>,
    token: TokenId,
    at: Timestamp,
    refused: Option<Refusal>,
    /// The status of the response, and when the call began.
    response: Option<(StatusCode, Instant)>,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        let response = || {
            let (status, begun) = self.response?;
            Some(FirstCall {
                status: status.as_u16(),
                micros: u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX),
            })
        };
        if let Some(usage) = self.usage {
            usage.count_with_response(self.token, self.at, self.refused, response);
        }
    }
}

/// The key and the network of a request's caller.
struct Credential {
    /// The key's digest, if the key is well-formed.
    key: Result<TokenDigest, Refusal>,
    network: Option<ClientNetwork>,
    is_use: bool,
}
