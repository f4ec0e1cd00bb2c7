//! Health checks: `/healthz` says that the process responds, `/readyz` whether it can handle requests.
//!
//! They are for supervisors and load balancers, so they need no key and work under every host.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header::CACHE_CONTROL};
use serde_json::json;
use store::{
    Store,
    error::{DatabaseError, SchemaError},
    task,
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, timeout},
};

/// How long the database may take to respond. Load balancers usually wait longer.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the result of a check is reused.
const CACHE_TIME: Duration = Duration::from_secs(1);

/// Whether the server can handle requests.
#[derive(Clone)]
pub(crate) struct Readiness {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    requires_synchronous_standby: bool,
    stopping: AtomicBool,
    /// The last result. Locked during a check, so that only one check runs at a time.
    last: Mutex<Option<(Instant, Condition)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Ready,
    /// Ready, but an attached standby may lack reported changes.
    ReadyAtRisk,
    Stopping,
    DatabaseUnreachable,
    DatabaseFailing,
    WrongSchema,
    ChangesLost,
    NoLease,
    NoSynchronousStandby,
}

impl Condition {
    /// Why the server is not ready. The text reveals nothing internal.
    const fn problem(self) -> Option<&'static str> {
        match self {
            Self::Ready | Self::ReadyAtRisk => None,
            Self::Stopping => Some("the server is stopping"),
            Self::DatabaseUnreachable => Some("the database cannot be reached"),
            Self::DatabaseFailing => Some("the database reports an error"),
            Self::WrongSchema => Some("the database has another schema than this program"),
            Self::ChangesLost => Some("the database has lost changes"),
            Self::NoLease => Some("the database does not confirm this server's lease"),
            Self::NoSynchronousStandby => Some(
                "revocations may be lost by a failover: the database has no synchronous standby",
            ),
        }
    }

    /// What an operator should know although the server is ready.
    fn warning(self) -> Option<&'static str> {
        (self == Self::ReadyAtRisk).then_some("revocations may be lost by a failover")
    }
}

impl From<&SchemaError> for Condition {
    fn from(error: &SchemaError) -> Self {
        match error {
            SchemaError::Newer { .. }
            | SchemaError::Older { .. }
            | SchemaError::Locked(_)
            | SchemaError::Migration(_) => Self::WrongSchema,
            SchemaError::Database(DatabaseError::Unavailable(_)) => Self::DatabaseUnreachable,
            SchemaError::Database(
                DatabaseError::Locked(_)
                | DatabaseError::OutcomeUnknown(_)
                | DatabaseError::StorageFull(_)
                | DatabaseError::Refused(_)
                | DatabaseError::NulCharacter
                | DatabaseError::Damaged(_)
                | DatabaseError::Corrupt(_),
            ) => Self::DatabaseFailing,
        }
    }
}

impl IntoResponse for Condition {
    fn into_response(self) -> Response {
        let uncached = [(CACHE_CONTROL, "no-store")];
        match self.problem() {
            None => {
                let mut body = json!({ "status": "ready" });
                if let Some(warning) = self.warning() {
                    body["warning"] = warning.into();
                }
                (uncached, Json(body)).into_response()
            }
            Some(reason) => {
                let body = Json(json!({ "status": "not ready", "reason": reason }));
                (StatusCode::SERVICE_UNAVAILABLE, uncached, body).into_response()
            }
        }
    }
}

impl Readiness {
    pub(crate) fn new(store: Store, requires_synchronous_standby: bool) -> Self {
        let inner = Inner {
            store,
            requires_synchronous_standby,
            stopping: AtomicBool::new(false),
            last: Mutex::new(None),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// `/healthz` and `/readyz`.
    pub(crate) fn router(&self) -> Router {
        let healthy = async || ([(CACHE_CONTROL, "no-store")], "ok");
        Router::new()
            .route("/healthz", get(healthy))
            .route("/readyz", get(ready))
            .with_state(self.clone())
    }

    /// A future that is ready `delay` after `stop`. During the delay the server still accepts requests, but reports
    /// that it is not ready, so that load balancers switch to other servers.
    pub(crate) fn drained(
        &self,
        stop: impl Future<Output = ()> + Send + 'static,
        delay: Duration,
    ) -> impl Future<Output = ()> + Send + 'static {
        let inner = self.inner.clone();
        async move {
            stop.await;
            inner.stopping.store(true, Ordering::SeqCst);
            if !delay.is_zero() {
                let seconds = delay.as_secs();
                tracing::info!(
                    seconds,
                    "stop signal received: not ready, still accepting requests"
                );
                sleep(delay).await;
            }
        }
    }
}

/// The check runs as a task: a caller that hangs up does not cancel it, so no second check starts.
async fn ready(State(readiness): State<Readiness>) -> Condition {
    let inner = readiness.inner;
    if inner.stopping.load(Ordering::SeqCst) {
        return Condition::Stopping;
    }
    let check = task::spawn(async move { inner.check().await });
    check.await.unwrap_or(Condition::DatabaseFailing)
}

impl Inner {
    async fn check(&self) -> Condition {
        let mut last = self.last.lock().await;
        let before = *last;
        if let Some((at, condition)) = before
            && at.elapsed() < CACHE_TIME
        {
            return condition;
        }
        let outcome = timeout(DATABASE_TIMEOUT, self.store.check_schema()).await;
        let condition = match &outcome {
            Ok(Ok(())) => self.with_database(),
            Ok(Err(error)) => error.into(),
            Err(_) => Condition::DatabaseUnreachable,
        };
        *last = Some((Instant::now(), condition));
        let known = before.map_or(Condition::Ready, |(_, condition)| condition);
        report(condition, known, outcome.ok().and_then(Result::err));
        condition
    }

    /// The condition of a server whose database answers.
    fn with_database(&self) -> Condition {
        let lease = self.store.key_cache().lease();
        let standbys = self.store.standbys().unwrap_or_default();
        if lease.is_some_and(|lease| lease.has_found_damage) {
            Condition::DatabaseFailing
        } else if lease.is_some_and(|lease| lease.has_lost_changes) {
            Condition::ChangesLost
        } else if lease.is_some_and(|lease| lease.left.is_zero()) {
            Condition::NoLease
        } else if self.requires_synchronous_standby && !standbys.are_synchronous {
            Condition::NoSynchronousStandby
        } else if standbys.may_lack_changes() {
            Condition::ReadyAtRisk
        } else {
            Condition::Ready
        }
    }
}

/// Logs when the server becomes not ready, and when it is ready again.
fn report(condition: Condition, before: Condition, cause: Option<SchemaError>) {
    if condition == before {
        return;
    }
    match condition.problem() {
        // The store logs what a failover can lose.
        None if before.problem().is_none() => {}
        None => tracing::info!("ready again"),
        Some(reason) => tracing::warn!(
            error = cause.as_ref().map(|error| error as &dyn std::error::Error),
            "not ready: {reason}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::{body::Body, extract::Request};
    use http_body_util::BodyExt;
    use store::clock::SystemClock;
    use tempfile::TempDir;
    use tokio::time::{advance, pause, resume};
    use tower::ServiceExt;

    use super::*;

    async fn readiness() -> (TempDir, Store, Readiness) {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("zone.db").display());
        let store = Store::open(&url, Arc::new(SystemClock)).await;
        let store = store.expect("opened");
        (folder, store.clone(), Readiness::new(store, false))
    }

    /// Moves the clock past [`CACHE_TIME`]. The clock is paused only for the move: otherwise a read of the database would
    /// time out immediately.
    async fn expire_cache() {
        pause();
        advance(CACHE_TIME).await;
        resume();
    }

    async fn get_readyz(readiness: &Readiness) -> (u16, String) {
        let request = Request::get("/readyz").body(Body::empty());
        let response = readiness.router().oneshot(request.expect("a request"));
        let (head, body) = response.await.expect("a response").into_parts();
        assert_eq!(head.headers[CACHE_CONTROL], "no-store");
        let body = body.collect().await.expect("a body").to_bytes();
        let body = String::from_utf8(body.to_vec()).expect("a text");
        (head.status.as_u16(), body)
    }

    #[tokio::test]
    async fn a_server_without_a_schema_is_not_ready_and_reveals_no_details() {
        let (_folder, store, readiness) = readiness().await;
        let (status, body) = get_readyz(&readiness).await;
        assert_eq!(status, 503);
        assert!(!body.contains("table"), "{body}");
        store.migrate().await.expect("migrated");
        expire_cache().await;
        let ready = (200, r#"{"status":"ready"}"#.to_owned());
        assert_eq!(get_readyz(&readiness).await, ready);
    }

    #[tokio::test]
    async fn a_server_with_an_unreachable_database_is_not_ready() {
        let (_folder, store, readiness) = readiness().await;
        store.migrate().await.expect("migrated");
        store.close().await;
        let (status, body) = get_readyz(&readiness).await;
        assert_eq!(status, 503);
        assert!(body.contains("cannot be reached"), "{body}");
    }

    #[tokio::test]
    async fn a_server_that_requires_a_synchronous_standby_is_not_ready_without_one() {
        let (_folder, store, _) = readiness().await;
        store.migrate().await.expect("migrated");
        let (status, body) = get_readyz(&Readiness::new(store, true)).await;
        assert_eq!(status, 503);
        assert!(body.contains("no synchronous standby"), "{body}");
    }

    /// The cached result differs from the real one: the database has no schema.
    #[tokio::test]
    async fn a_result_is_reused_for_one_second_and_no_longer() {
        let (_folder, _store, readiness) = readiness().await;
        pause();
        *readiness.inner.last.lock().await = Some((Instant::now(), Condition::Ready));
        advance(CACHE_TIME - Duration::from_millis(1)).await;
        assert_eq!(get_readyz(&readiness).await.0, 200);
        advance(Duration::from_millis(1)).await;
        assert_eq!(get_readyz(&readiness).await.0, 503);
    }

    #[tokio::test]
    async fn a_stopping_server_is_not_ready_while_it_still_accepts_requests() {
        let (_folder, store, readiness) = readiness().await;
        store.migrate().await.expect("migrated");
        assert_eq!(get_readyz(&readiness).await.0, 200);
        pause();
        let delay = Duration::from_secs(30);
        let mut stopping = Box::pin(readiness.drained(async {}, delay));
        let begun = timeout(Duration::from_secs(29), &mut stopping).await;
        assert!(begun.is_err(), "it still accepts requests");
        let (status, body) = get_readyz(&readiness).await;
        assert_eq!(status, 503);
        assert!(body.contains("stopping"), "{body}");
        stopping.await;
    }
}
