//! Runs the server, from binding the address to the last response.

use std::{
    fs,
    future::{self, poll_fn},
    net::SocketAddr,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use store::{Store, error::DatabaseError, outage::log_failure, task};
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use crate::{
    error::Error,
    http::{
        HttpService,
        connections::{self, Bounds},
    },
    metrics::{Metrics, connections::ConnectionMetrics},
    telemetry,
};

/// How often the usage of tokens is written from memory to the database. A crash loses at most this much.
const FLUSH_EVERY: Duration = Duration::from_secs(5);

/// How long the last write of usage may take, and then how long the database may take to close. On a busy disk, either takes
/// seconds. A silent database, or a request that still holds a connection, would take for ever.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How often PostgreSQL is asked about its standbys.
const STANDBYS_EVERY: Duration = Duration::from_secs(30);

const PURGE_EVERY: Duration = Duration::from_secs(60 * 60);

/// Binds `address`, the value of `option`, and returns the address with its actual port. Connections that arrive before the
/// server accepts them wait in the system's queue.
///
/// # Errors
/// [`Error::Listen`].
pub(crate) async fn listen(
    option: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), Error> {
    let bound = TcpListener::bind(address).await;
    let bound = bound.and_then(|listener| {
        let actual = listener.local_addr()?;
        Ok((listener, actual))
    });
    bound.map_err(|cause| Error::Listen {
        option,
        address,
        cause,
    })
}

/// A future that is ready after the first signal that asks a program to end: SIGTERM, Ctrl-C, SIGQUIT, or SIGHUP of a
/// terminal that closes. After the second one the process exits immediately, but not after another SIGHUP: a shell and
/// the system can both send one. The process handles signals from this call on, not only after the first poll of the
/// future.
///
/// # Errors
/// [`Error::Signals`].
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Error> {
    use SignalKind as Kind;
    let watch = |kind| signal(kind).map_err(Error::Signals);
    let mut hangup = (!is_hangup_ignored())
        .then(|| watch(Kind::hangup()))
        .transpose()?;
    let mut others = [
        watch(Kind::terminate())?,
        watch(Kind::interrupt())?,
        watch(Kind::quit())?,
    ];
    Ok(async move {
        received(others.iter_mut().chain(&mut hangup)).await;
        task::spawn(async move {
            received(others.iter_mut()).await;
            tracing::warn!("a second stop signal: exiting immediately, with requests unfinished");
            telemetry::flush();
            std::process::exit(1);
        });
    })
}

/// Waits for one of these signals.
async fn received<'a>(signals: impl Iterator<Item = &'a mut Signal>) {
    let mut signals: Vec<_> = signals.collect();
    poll_fn(|context| {
        let mut signals = signals.iter_mut();
        match signals.any(|signal| signal.poll_recv(context).is_ready()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}

/// Whether this program was started to ignore SIGHUP, as by `nohup`.
fn is_hangup_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The lowest bit is signal 1, which is SIGHUP.
    ignored.is_some_and(|mask| mask & 1 == 1)
}

/// Serves `listener` within `bounds` until `stop` is ready. Then finishes the running requests within `grace`, writes
/// the last usage of tokens to the database, and closes the store.
pub(crate) async fn run(
    listener: TcpListener,
    service: impl HttpService,
    bounds: Bounds,
    store: &Store,
    metrics: Arc<Metrics>,
    stop: impl Future<Output = ()> + Send + 'static,
    grace: Duration,
) {
    let timers = [purge_hourly(store), watch_standbys(store)];
    let connections = metrics.connections.clone();
    let flusher = Flusher::start(store, metrics);
    serve_until(listener, service, bounds, connections, stop, grace).await;
    timers.iter().for_each(JoinHandle::abort);
    flusher.finish().await;
    if timeout(CLOSE_TIMEOUT, store.close()).await.is_err() {
        tracing::warn!(
            "stopped before the database was closed: a request still held a connection, or the disk is slow"
        );
    }
}

async fn serve_until(
    listener: TcpListener,
    service: impl HttpService,
    bounds: Bounds,
    metrics: ConnectionMetrics,
    stop: impl Future<Output = ()> + Send + 'static,
    grace: Duration,
) {
    let (stopping, stopped) = oneshot::channel();
    let stop = async move {
        stop.await;
        tracing::info!("stopping: finishing running requests, refusing new connections");
        let _ = stopping.send(());
    };
    let serving = connections::serve_until(listener, service, bounds, metrics, stop);
    let grace_period_over = async {
        match stopped.await {
            Ok(()) => sleep(grace).await,
            Err(_) => future::pending().await,
        }
    };
    tokio::select! {
        () = serving => {}
        () = grace_period_over => {
            tracing::warn!(seconds = grace.as_secs(), "stopped with requests unfinished");
        }
    }
}

/// Sees to the disk of a SQLite database. A failure prevents nothing: the log has it, and the next call tries again.
pub(crate) async fn watch_space(store: &Store) {
    if let Err(error) = store.watch_space().await {
        log_failure(
            &error,
            "no space could be reserved for revocations on a full disk",
        );
    }
}

/// Writes the usage of tokens from memory to the database every few seconds, and watches the space on its disk.
struct Flusher {
    stop: oneshot::Sender<()>,
    flushing: JoinHandle<()>,
}

impl Flusher {
    fn start(store: &Store, metrics: Arc<Metrics>) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let store = store.clone();
        let flushing = task::spawn(async move {
            let mut every = interval(FLUSH_EVERY);
            every.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut failing = false;
            loop {
                // A running flush is never cancelled, because the server could not know whether it was committed.
                let last = tokio::select! {
                    _ = every.tick() => false,
                    _ = &mut stopped => true,
                };
                watch_space(&store).await;
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
        if timeout(CLOSE_TIMEOUT, self.flushing).await.is_err() {
            tracing::warn!("stopped before the last usage of tokens was written");
        }
    }
}

/// Logs the outcome of a flush, once for a series of failures. Returns whether it failed.
fn report(outcome: Result<(), DatabaseError>, failed_before: bool) -> bool {
    match &outcome {
        Err(error) if !failed_before => tracing::warn!(
            error = error as &dyn std::error::Error,
            "the usage of tokens could not be written; it is kept in memory, and the write is retried every few seconds"
        ),
        Ok(()) if failed_before => tracing::info!("the usage of tokens is written again"),
        _ => {}
    }
    outcome.is_err()
}

/// Keeps the tables small: deletes ended sessions (the server refuses them anyway) and old or orphaned usage.
fn purge_hourly(store: &Store) -> JoinHandle<()> {
    let store = store.clone();
    task::spawn(async move {
        let mut hour = interval(PURGE_EVERY);
        hour.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            hour.tick().await;
            report_purge("ended sessions", store.sessions().purge_ended().await);
            report_purge("old usage", store.usage().purge().await);
        }
    })
}

/// Reads PostgreSQL's standbys from time to time. If that fails, the last result remains.
fn watch_standbys(store: &Store) -> JoinHandle<()> {
    let store = store.clone();
    task::spawn(async move {
        let mut every = interval(STANDBYS_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            if let Err(error) = store.watch_standbys().await {
                log_failure(&error, "PostgreSQL's standbys could not be read");
            }
        }
    })
}

fn report_purge(what: &str, outcome: Result<u64, DatabaseError>) {
    match outcome {
        Ok(purged) => tracing::debug!(purged, "{what} deleted"),
        Err(error) => tracing::warn!(
            error = &error as &dyn std::error::Error,
            "{what} could not be deleted; retrying in an hour"
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
    use crate::http::client_address::TrustedProxies;

    /// A server with one slow endpoint, which reports each request and responds when the test says so.
    struct SlowServer {
        address: SocketAddr,
        requested: Arc<Notify>,
        respond: Arc<Notify>,
        stop: oneshot::Sender<()>,
        running: JoinHandle<()>,
    }

    impl SlowServer {
        async fn start(grace: Duration) -> Self {
            let (requested, respond) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let handler = {
                let (requested, respond) = (requested.clone(), respond.clone());
                async move || {
                    requested.notify_one();
                    respond.notified().await;
                    "done"
                }
            };
            let router = Router::new().route("/", get(handler));
            let (listener, address) = listen("--listen", ([127, 0, 0, 1], 0).into())
                .await
                .expect("a port");
            let (stop, stopped) = oneshot::channel::<()>();
            let stop_signal = async {
                let _ = stopped.await;
            };
            let bounds = Bounds::behind(TrustedProxies::default());
            let metrics = ConnectionMetrics::default();
            let serving = serve_until(listener, router, bounds, metrics, stop_signal, grace);
            let running = task::spawn(serving);
            Self {
                address,
                requested,
                respond,
                stop,
                running,
            }
        }

        async fn request(&self) -> TcpStream {
            let mut stream = TcpStream::connect(self.address).await.expect("connected");
            let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
            stream.write_all(request).await.expect("sent");
            self.requested.notified().await;
            stream
        }
    }

    #[tokio::test]
    async fn a_running_request_is_finished_before_the_server_stops() {
        let server = SlowServer::start(Duration::from_secs(10)).await;
        let mut stream = server.request().await;
        server.stop.send(()).expect("still running");
        server.respond.notify_one();
        let mut response = String::new();
        let read = stream.read_to_string(&mut response).await;
        read.expect("a response");
        assert!(response.ends_with("done"), "{response}");
        server.running.await.expect("ended");
    }

    #[tokio::test]
    async fn a_stuck_request_cannot_delay_the_stop_beyond_the_grace_period() {
        let server = SlowServer::start(Duration::from_millis(50)).await;
        let _stuck = server.request().await;
        server.stop.send(()).expect("still running");
        server.running.await.expect("ended");
    }

    #[tokio::test]
    async fn the_error_for_an_address_in_use_names_it_and_a_solution() {
        let (_taken, address) = listen("--listen", ([127, 0, 0, 1], 0).into())
            .await
            .expect("a port");
        let refused = listen("--metrics-listen", address)
            .await
            .expect_err("in use");
        let refused = refused.on_one_line();
        assert!(refused.contains(&address.to_string()), "{refused}");
        assert!(refused.contains("--metrics-listen"), "{refused}");
        assert!(refused.contains("another port"), "{refused}");
    }
}
