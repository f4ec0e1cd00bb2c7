//! `GET /metrics`, on its own listener: metrics are for the operator, and the public must not reach them.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header::CONTENT_TYPE};
use tokio::net::TcpListener;
use tower::{ServiceExt, make::Shared, service_fn};

use super::Metrics;
use crate::http::target;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves Prometheus until the task ends.
pub(crate) async fn serve(listener: TcpListener, metrics: Arc<Metrics>) {
    let router = Router::new()
        .route("/metrics", get(export))
        .with_state(metrics);
    let service = service_fn(move |request: Request| {
        let router = router.clone();
        async move {
            match target::refusal(&request) {
                Some(refusal) => Ok::<_, Infallible>(refusal),
                None => router.oneshot(request).await,
            }
        }
    });
    // It never returns by itself.
    let _ = axum::serve(listener, Shared::new(service)).await;
}

async fn export(State(metrics): State<Arc<Metrics>>) -> Response {
    match metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
