//! How the server is: `/healthz` tells whether the process answers, `/readyz` whether it can do its work.
//!
//! Both answer everybody, whatever the host and without a key: who asks is a supervisor or a load balancer.

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

/// How long the database may take to answer. Shorter than what load balancers wait.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long an answer of the database is repeated without asking again.
const REMEMBERED: Duration = Duration::from_secs(1);

/// Whether the server can do its work.
#[derive(Clone)]
pub(crate) struct Readiness {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    stopping: AtomicBool,
    /// What was found last. Locked while the database is asked: one question at a time.
    last: Mutex<Option<(Instant, Condition)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Ready,
    Stopping,
    DatabaseAway,
    DatabaseFailing,
    OtherSchema,
}

impl Condition {
    /// Why the server is not ready: for those who ask, who learn nothing of our insides.
    const fn problem(self) -> Option<&'static str> {
        match self {
            Self::Ready => None,
            Self::Stopping => Some("the server is stopping"),
            Self::DatabaseAway => Some("the database cannot be reached"),
            Self::DatabaseFailing => Some("the database does not answer as it should"),
            Self::OtherSchema => Some("the database has another schema than this program"),
        }
    }
}

impl From<&SchemaError> for Condition {
    fn from(error: &SchemaError) -> Self {
        match error {
            SchemaError::Newer { .. } | SchemaError::Older { .. } | SchemaError::Migration(_) => {
                Self::OtherSchema
            }
            SchemaError::Database(DatabaseError::Unavailable(_)) => Self::DatabaseAway,
            SchemaError::Database(
                DatabaseError::Refused(_) | DatabaseError::Damaged(_) | DatabaseError::Corrupt(_),
            ) => Self::DatabaseFailing,
        }
    }
}

impl IntoResponse for Condition {
    fn into_response(self) -> Response {
        let uncached = [(CACHE_CONTROL, "no-store")];
        match self.problem() {
            None => (uncached, Json(json!({ "status": "ready" }))).into_response(),
            Some(reason) => {
                let body = Json(json!({ "status": "not ready", "reason": reason }));
                (StatusCode::SERVICE_UNAVAILABLE, uncached, body).into_response()
            }
        }
    }
}

impl Readiness {
    pub(crate) fn new(store: Store) -> Self {
        let inner = Inner {
            store,
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

    /// Comes to its end `delay` after `stop`. From `stop` on the server is not ready, so that load balancers
    /// turn to others while it still takes requests.
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
                    "told to stop: not ready, and still taking requests"
                );
                sleep(delay).await;
            }
        }
    }
}

/// The question is a task of its own: who hangs up while it is asked does not bring on another one.
async fn ready(State(readiness): State<Readiness>) -> Condition {
    let inner = readiness.inner;
    if inner.stopping.load(Ordering::SeqCst) {
        return Condition::Stopping;
    }
    let looking = task::spawn(async move { inner.look().await });
    looking.await.unwrap_or(Condition::DatabaseFailing)
}

impl Inner {
    async fn look(&self) -> Condition {
        let mut last = self.last.lock().await;
        let before = *last;
        if let Some((at, condition)) = before
            && at.elapsed() < REMEMBERED
        {
            return condition;
        }
        let answer = timeout(PATIENCE, self.store.check_schema()).await;
        let condition = match &answer {
            Ok(Ok(())) => Condition::Ready,
            Ok(Err(error)) => error.into(),
            Err(_) => Condition::DatabaseAway,
        };
        *last = Some((Instant::now(), condition));
        let known = before.map_or(Condition::Ready, |(_, condition)| condition);
        report(condition, known, answer.ok().and_then(Result::err));
        condition
    }
}

/// Says once when the server stops being ready, and once when it is ready again.
fn report(condition: Condition, before: Condition, cause: Option<SchemaError>) {
    if condition == before {
        return;
    }
    match condition.problem() {
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
        (folder, store.clone(), Readiness::new(store))
    }

    /// The clock stands still for as long as it is moved: a database that is asked meanwhile is waited for
    /// in no time at all.
    async fn let_the_memory_run_out() {
        pause();
        advance(REMEMBERED).await;
        resume();
    }

    async fn asked(readiness: &Readiness) -> (u16, String) {
        let request = Request::get("/readyz").body(Body::empty());
        let answer = readiness.router().oneshot(request.expect("a request"));
        let (head, body) = answer.await.expect("an answer").into_parts();
        assert_eq!(head.headers[CACHE_CONTROL], "no-store");
        let body = body.collect().await.expect("a body").to_bytes();
        let body = String::from_utf8(body.to_vec()).expect("a text");
        (head.status.as_u16(), body)
    }

    #[tokio::test]
    async fn a_server_without_a_schema_is_not_ready_and_says_so_in_a_few_words() {
        let (_folder, store, readiness) = readiness().await;
        let (status, body) = asked(&readiness).await;
        assert_eq!(status, 503);
        assert!(!body.contains("table"), "nothing of our insides: {body}");
        store.migrate().await.expect("migrated");
        let_the_memory_run_out().await;
        let ready = (200, r#"{"status":"ready"}"#.to_owned());
        assert_eq!(asked(&readiness).await, ready);
    }

    #[tokio::test]
    async fn a_server_whose_database_is_away_is_not_ready() {
        let (_folder, store, readiness) = readiness().await;
        store.migrate().await.expect("migrated");
        store.close().await;
        let (status, body) = asked(&readiness).await;
        assert_eq!(status, 503);
        assert!(body.contains("cannot be reached"), "{body}");
    }

    /// What is remembered here is not what the database would say: it has no schema.
    #[tokio::test]
    async fn an_answer_of_the_database_is_repeated_for_a_second_and_no_longer() {
        let (_folder, _store, readiness) = readiness().await;
        pause();
        *readiness.inner.last.lock().await = Some((Instant::now(), Condition::Ready));
        advance(REMEMBERED - Duration::from_millis(1)).await;
        assert_eq!(asked(&readiness).await.0, 200);
        advance(Duration::from_millis(1)).await;
        assert_eq!(asked(&readiness).await.0, 503);
    }

    #[tokio::test]
    async fn a_server_that_was_told_to_stop_is_not_ready_for_as_long_as_it_takes_requests() {
        let (_folder, store, readiness) = readiness().await;
        store.migrate().await.expect("migrated");
        assert_eq!(asked(&readiness).await.0, 200);
        pause();
        let delay = Duration::from_secs(30);
        let mut stopping = Box::pin(readiness.drained(async {}, delay));
        let begun = timeout(Duration::from_secs(29), &mut stopping).await;
        assert!(begun.is_err(), "it still takes requests");
        let (status, body) = asked(&readiness).await;
        assert_eq!(status, 503);
        assert!(body.contains("stopping"), "{body}");
        stopping.await;
    }
}
