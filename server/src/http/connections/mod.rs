//! TCP connections: a maximum number, a timeout for each step, and a graceful shutdown.
//!
//! hyper speaks HTTP/1.1 on them. hyper's own timeout covers only request heads. It also creates a timer for each
//! request, which costs as much as our check of a key. Instead, a connection records each step with one write to memory
//! ([`Progress`]). The accept loop looks at all connections every second, and ends those that exceed their timeout
//! ([`Timeouts`]).

mod progress;
mod slices;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    body::{Body, HttpBody},
    response::Response,
};
use futures_util::FutureExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use self::{
    progress::{Phase, Progress, Watched},
    slices::sliced,
};
use super::HttpService;

/// The maximum size of a request's head, in bytes. A larger one gets 431, as does one with more than 100 headers.
const MAX_HEAD: usize = 32 * 1024;

/// The maximum number of open connections, if the system allows as many. Each takes some 20 kB, and up to 128 kB more
/// after a large response ([`slices`]).
const MAX_CONNECTIONS: u64 = 10_000;

/// File handles reserved for everything else, mainly the database.
const OTHER_HANDLES: u64 = 64;

/// One handle for the connection, one for a file that is sent on it.
const HANDLES_PER_CONNECTION: u64 = 2;

/// How long the accept loop waits if the system has no resources for another connection.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// How long a connection may take for each phase.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// From the first byte of a request's head to the last. For the first request, from the start of the connection.
    head: Duration,
    /// From the head to the start of the response. It covers the arrival of the body and our own work.
    response: Duration,
    /// Until a caller reads more of its response, or sends another request.
    idle: Duration,
    /// How often the timeouts are checked. A connection may exceed its timeout by this much.
    check_every: Duration,
}

impl Timeouts {
    /// `idle` is longer than nginx's 60 seconds. A proxy reuses connections and must be the one that closes them.
    /// Otherwise it could send a request while we close.
    pub(crate) const DEFAULT: Self = Self {
        head: Duration::from_secs(10),
        response: Duration::from_secs(30),
        idle: Duration::from_secs(75),
        check_every: Duration::from_secs(1),
    };

    fn of(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Head => self.head,
            Phase::Response => self.response,
            Phase::Idle => self.idle,
        }
    }
}

/// The maximum number of connections that leaves enough file handles for the database. Raises the process's limit of
/// file handles as far as the system allows.
pub(crate) fn max_connections() -> usize {
    let wanted = MAX_CONNECTIONS * HANDLES_PER_CONNECTION + OTHER_HANDLES;
    let limit = getrlimit(Resource::Nofile);
    let ceiling = limit.maximum.unwrap_or(wanted).min(wanted);
    let mut handles = limit.current.unwrap_or(wanted);
    if handles < ceiling {
        let raised = Rlimit {
            current: Some(ceiling),
            maximum: limit.maximum,
        };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => handles = ceiling,
            Err(error) => {
                tracing::warn!(%error, handles, "the limit of file handles cannot be raised")
            }
        }
    }
    let connections = handles.saturating_sub(OTHER_HANDLES) / HANDLES_PER_CONNECTION;
    usize::try_from(connections.clamp(1, MAX_CONNECTIONS)).unwrap_or(1)
}

/// Serves `listener`, with at most `max_connections` at a time. Further connections wait in the system's queue. When
/// `stop` is ready, accepts no more connections, and returns after the last request.
pub(crate) async fn serve_until(
    listener: TcpListener,
    service: impl HttpService,
    timeouts: Timeouts,
    max_connections: usize,
    stop: impl Future<Output = ()>,
) {
    let mut stop = pin!(stop);
    let mut connections = Connections::new(service, timeouts);
    let mut check = interval(timeouts.check_every);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut full = false;
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.tasks.len() < max_connections => match accepted {
                Ok((stream, peer)) => connections.add(stream, peer),
                Err(error) => pause_after(&error).await,
            },
            Some(_) = connections.tasks.join_next() => {}
            now = check.tick() => {
                connections.end_slow(now);
                full = warn_when_full(full, connections.tasks.len(), max_connections);
            }
            () = &mut stop => break,
        }
    }
    drop(listener);
    connections.stopping.send_replace(());
    while !connections.tasks.is_empty() {
        tokio::select! {
            _ = connections.tasks.join_next() => {}
            now = check.tick() => connections.end_slow(now),
        }
    }
}

/// Logs one warning when further connections have to wait. Returns whether they have to.
fn warn_when_full(was_full: bool, connections: usize, max_connections: usize) -> bool {
    let full = connections >= max_connections;
    if full && !was_full {
        tracing::warn!(max_connections, "too many connections: further ones wait");
    }
    full
}

/// A connection that the caller closed early is ignored. If file handles or memory are exhausted, waits until some are
/// free again.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset};
    if ![ConnectionAborted, ConnectionReset].contains(&error.kind()) {
        tracing::error!(%error, "cannot accept a connection");
        sleep(ACCEPT_RETRY_DELAY).await;
    }
}

/// The open connections. Dropping this ends them.
struct Connections<S> {
    service: S,
    timeouts: Timeouts,
    stopping: watch::Sender<()>,
    tasks: JoinSet<()>,
    seen: Vec<Seen>,
}

/// A connection, as the last check saw it.
struct Seen {
    task: AbortHandle,
    progress: Arc<Progress>,
    /// Its number of steps, and the time when a check first saw that number. `None` before the first check.
    last: Option<(u32, Instant)>,
}

impl<S: HttpService> Connections<S> {
    fn new(service: S, timeouts: Timeouts) -> Self {
        Self {
            service,
            timeouts,
            stopping: watch::Sender::new(()),
            tasks: JoinSet::new(),
            seen: Vec::new(),
        }
    }

    fn add(&mut self, stream: TcpStream, peer: SocketAddr) {
        tracing::trace!(%peer, "connection accepted");
        let progress = Arc::new(Progress::default());
        let (service, stopped) = (self.service.clone(), self.stopping.subscribe());
        let connection = serve_connection(stream, peer, service, progress.clone(), stopped);
        self.seen.push(Seen {
            task: self.tasks.spawn(connection),
            progress,
            last: None,
        });
    }

    fn end_slow(&mut self, now: Instant) {
        self.seen.retain_mut(|connection| {
            let steps = connection.progress.steps();
            match connection.last {
                Some((seen, since)) if seen == steps => {
                    let phase = connection.progress.phase();
                    if now.duration_since(since) >= self.timeouts.of(phase) {
                        tracing::debug!(?phase, "connection timed out");
                        connection.task.abort();
                    }
                }
                _ => connection.last = Some((steps, now)),
            }
            !connection.task.is_finished()
        });
    }
}

/// Serves a connection, from its first request to its last.
async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    service: impl HttpService,
    progress: Arc<Progress>,
    mut stopped: watch::Receiver<()>,
) {
    // Responses are small. With Nagle's algorithm each would wait up to 40 ms on a kept-alive connection.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(Watched::new(stream, progress.clone()));
    let respond = service_fn(|request| respond(request, peer, &service, &progress));
    let mut connection = pin!(
        http1::Builder::new()
            .max_header_size(MAX_HEAD)
            .max_buf_size(2 * MAX_HEAD)
            // hyper copies head and body into one buffer: one write costs less than two. Large bodies are sliced.
            .writev(false)
            .serve_connection(io, respond)
    );
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        let error = &error as &dyn std::error::Error;
        tracing::trace!(%peer, error, "connection broken");
    }
}

fn respond<'a>(
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
    service: &'a impl HttpService,
    progress: &'a Progress,
) -> impl Future<Output = Result<Response, Infallible>> + 'a {
    progress.enter(Phase::Response);
    let request = request.map(|body| {
        if body.is_end_stream() {
            // Most requests have no body, so nothing is kept for them.
            Body::empty()
        } else {
            Body::new(body)
        }
    });
    service.respond(request, Some(peer)).map(|response| {
        progress.enter(Phase::Idle);
        Ok(response.map(sliced))
    })
}
