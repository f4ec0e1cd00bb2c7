//! The guard's checks 1 to 5 (contract, section 3): in front of everything under the API's path.
//!
//! The order is cheap to dear, and it is the contract's: what is refused before check 3 costs no hash,
//! what is refused in its first half no read of the database. The rules themselves, and checks 7 to 10,
//! are `model::access`'s; nobody but this middleware makes a [`Caller`] of a request.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use model::access::{Caller, Refusal};
use store::{Store, secret::TokenDigest};

use super::{
    error::ApiError,
    host::{self, HostName},
    key::PresentedKey,
};

/// What the guard goes by.
#[derive(Clone)]
pub(super) struct Guard {
    store: Store,
    hosts: Arc<[HostName]>,
}

impl Guard {
    pub(super) fn new(store: Store, hosts: Vec<HostName>) -> Self {
        Self {
            store,
            hosts: hosts.into(),
        }
    }

    /// Checks 1 to 3, as far as the request itself answers them.
    fn credential(&self, request: &Request) -> Result<TokenDigest, Refusal> {
        let key = PresentedKey::read(request.headers())?;
        self.check_host(request)?;
        key.digest()
    }

    fn check_host(&self, request: &Request) -> Result<(), Refusal> {
        host::addressed(request)
            .filter(|host| self.hosts.iter().any(|allowed| allowed.is(host)))
            .map(|_| ())
            .ok_or(Refusal::HostNotAllowed)
    }

    /// Checks 3 to 5: what is known of the key, and whether that opens anything now. An answer that
    /// cannot be had is a refusal.
    async fn caller(&self, digest: &TokenDigest) -> Result<Caller, ApiError> {
        let record = self.store.grants().token(digest).await?;
        let record = record.ok_or(Refusal::TokenInvalid)?;
        Ok(record.admit(self.store.clock().now())?)
    }
}

/// Lets the request in with its [`Caller`], or answers it.
pub(super) async fn admit(
    State(guard): State<Guard>,
    mut request: Request,
    next: Next,
) -> Response {
    let credential = guard.credential(&request);
    let admitted = match credential {
        Ok(digest) => guard.caller(&digest).await,
        Err(refusal) => Err(refusal.into()),
    };
    match admitted {
        // Check 6, the rate limit, belongs here: it needs a caller, and nothing of the path.
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}
