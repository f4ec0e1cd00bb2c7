//! The running server: from a bound address to the last answered request.

mod connections;

use std::{future, net::SocketAddr, sync::Arc, time::Duration};

use store::{Store, error::DatabaseError};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use self::connections::Patience;
use crate::{error::Error, metrics::Metrics, surfaces::Service};

/// How long the database connections may take to close after that: a request that was given up on can
/// hold one.
const CLOSING: Duration = Duration::from_secs(2);

/// How often the use of tokens is brought from memory to the database: what a crash loses of it.
const FLUSH_EVERY: Duration = Duration::from_secs(5);

/// How long the last of these may take.
const LAST_FLUSH: Duration = Duration::from_secs(2);

const PURGE_EVERY: Duration = Duration::from_secs(60 * 60);

/// A listener with nothing behind it yet: connections that come early wait.
///
/// # Errors
/// [`Error::Listen`].
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|cause| Error::Listen { address, cause })
}

/// Comes to its end with the first SIGTERM or Ctrl-C; with the second one the program ends at once. Watches
/// from the moment it is made, not only once it is awaited.
///
/// # Errors
/// [`Error::Signals`].
pub(crate) fn told_to_stop() -> Result<impl Future<Output = ()> + Send + 'static, Error> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signals)?;
    let mut told = async move || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    Ok(async move {
        told().await;
        tokio::spawn(async move {
            told().await;
            tracing::warn!("told to stop again: ended at once, with what was unfinished");
            std::process::exit(1);
        });
    })
}

/// Answers what comes to `listener` until `stop` comes to its end, finishes the running requests within
/// `grace`, writes down how tokens were used up to the last of them, and closes the store.
pub(crate) async fn run(
    listener: TcpListener,
    service: impl Service,
    store: &Store,
    metrics: Arc<Metrics>,
    stop: impl Future<Output = ()> + Send + 'static,
    grace: Duration,
) {
    let purge = purge_hourly(store);
    let flusher = Flusher::start(store, metrics);
    answer_until(listener, service, stop, grace).await;
    purge.abort();
    flusher.finish().await;
    if timeout(CLOSING, store.close()).await.is_err() {
        tracing::warn!("stopped while a request still held a database connection");
    }
}

async fn answer_until(
    listener: TcpListener,
    service: impl Service,
    stop: impl Future<Output = ()> + Send + 'static,
    grace: Duration,
) {
    let (stopping, stopped) = oneshot::channel();
    let stop = async move {
        stop.await;
        tracing::info!("stopping: running requests are finished, new connections refused");
        let _ = stopping.send(());
    };
    let (patience, bound) = (Patience::USUAL, connections::bound());
    let serving = connections::answer_until(listener, service, patience, bound, stop);
    let out_of_patience = async {
        match stopped.await {
            Ok(()) => sleep(grace).await,
            Err(_) => future::pending().await,
        }
    };
    tokio::select! {
        () = serving => {}
        () = out_of_patience => {
            tracing::warn!(seconds = grace.as_secs(), "stopped with requests unfinished");
        }
    }
}

/// Brings the use of tokens from memory to the database, every few seconds.
struct Flusher {
    stop: oneshot::Sender<()>,
    flushing: JoinHandle<()>,
}

impl Flusher {
    fn start(store: &Store, metrics: Arc<Metrics>) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let store = store.clone();
        let flushing = tokio::spawn(async move {
            let mut every = interval(FLUSH_EVERY);
            every.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut failing = false;
            loop {
                // A flush under way is not broken off: whether it was committed could not be told.
                let last = tokio::select! {
                    _ = every.tick() => false,
                    _ = &mut stopped => true,
                };
                failing = report(store.usage().flush().await, failing);
                metrics.flushed(!failing);
                if last {
                    return;
                }
            }
        });
        Self { stop, flushing }
    }

    /// Flushes once more, and ends.
    async fn finish(self) {
        let _ = self.stop.send(());
        if timeout(LAST_FLUSH, self.flushing).await.is_err() {
            tracing::warn!("stopped before the last use of tokens was written down");
        }
    }
}

/// Says what became of a flush, once for a row of failures; gives whether it failed.
fn report(outcome: Result<(), DatabaseError>, failed_before: bool) -> bool {
    match &outcome {
        Err(error) if !failed_before => tracing::warn!(
            error = error as &dyn std::error::Error,
            "the use of tokens could not be written down; it is kept, and tried again every few seconds"
        ),
        Ok(()) if failed_before => tracing::info!("the use of tokens is written down again"),
        _ => {}
    }
    outcome.is_err()
}

/// Removes what is of no use any more, which keeps the tables small: ended sessions (refused whether or not
/// they are still kept), and old or orphaned usage.
fn purge_hourly(store: &Store) -> JoinHandle<()> {
    let store = store.clone();
    tokio::spawn(async move {
        let mut hour = interval(PURGE_EVERY);
        hour.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            hour.tick().await;
            report_purge("ended sessions", store.sessions().purge_ended().await);
            report_purge("old usage", store.usage().purge().await);
        }
    })
}

fn report_purge(what: &str, outcome: Result<u64, DatabaseError>) {
    match outcome {
        Ok(purged) => tracing::debug!(purged, "{what} removed"),
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "{what} could not be removed; the next try is in an hour"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::{Router, routing::get};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        sync::Notify,
        task::JoinHandle,
    };

    use super::*;

    /// A server with one slow endpoint: it says when it was asked, and answers when it is told to.
    struct SlowServer {
        address: SocketAddr,
        asked: Arc<Notify>,
        answer: Arc<Notify>,
        stop: oneshot::Sender<()>,
        running: JoinHandle<()>,
    }

    impl SlowServer {
        async fn start(grace: Duration) -> Self {
            let (asked, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let handler = {
                let (asked, answer) = (asked.clone(), answer.clone());
                async move || {
                    asked.notify_one();
                    answer.notified().await;
                    "done"
                }
            };
            let router = Router::new().route("/", get(handler));
            let listener = listen(([127, 0, 0, 1], 0).into()).await.expect("a port");
            let address = listener.local_addr().expect("an address");
            let (stop, stopped) = oneshot::channel::<()>();
            let stop_signal = async {
                let _ = stopped.await;
            };
            let running = tokio::spawn(answer_until(listener, router, stop_signal, grace));
            Self {
                address,
                asked,
                answer,
                stop,
                running,
            }
        }

        async fn ask(&self) -> TcpStream {
            let mut stream = TcpStream::connect(self.address).await.expect("connected");
            let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
            stream.write_all(request).await.expect("sent");
            self.asked.notified().await;
            stream
        }
    }

    #[tokio::test]
    async fn a_running_request_is_finished_before_the_server_stops() {
        let server = SlowServer::start(Duration::from_secs(10)).await;
        let mut stream = server.ask().await;
        server.stop.send(()).expect("still running");
        server.answer.notify_one();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.ends_with("done"), "{answer}");
        server.running.await.expect("ended");
    }

    #[tokio::test]
    async fn a_stuck_request_cannot_hold_the_server_past_its_grace() {
        let server = SlowServer::start(Duration::from_millis(50)).await;
        let _stuck = server.ask().await;
        server.stop.send(()).expect("still running");
        server.running.await.expect("ended");
    }

    #[tokio::test]
    async fn an_address_in_use_is_named_with_a_way_out() {
        let taken = listen(([127, 0, 0, 1], 0).into()).await.expect("a port");
        let address = taken.local_addr().expect("an address");
        let refused = listen(address).await.expect_err("in use").on_one_line();
        assert!(refused.contains(&address.to_string()), "{refused}");
        assert!(refused.contains("--listen"), "{refused}");
    }
}
