//! TCP connections: a maximum number, a share for each network, a timeout for each step, and a graceful shutdown.
//!
//! hyper speaks HTTP/1.1 on them. hyper's own timeout covers only request heads. It also creates a timer for each
//! request, which costs as much as our check of a key. Instead, a connection records each step with one write to memory
//! ([`Progress`]). The accept loop looks at all connections every second, and ends those that exceed their timeout
//! ([`Timeouts`]).
//!
//! The same records show which connections wait for their caller. If a new connection finds no room ([`shares`]), one
//! of those is closed for it. A connection whose request the server works on is never closed for another one.

mod arriving;
mod progress;
mod shares;
mod slices;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap, convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc,
    time::Duration,
};

use axum::response::Response;
use futures_util::FutureExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::{AbortHandle, Id, JoinError, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use self::{
    arriving::arriving,
    progress::{Phase, Progress, State, Watched},
    shares::{Candidate, Limits, Networks, Room, Shares},
    slices::sliced,
};
use super::{HttpService, client_address::TrustedProxies};
use crate::metrics::connections::{Closed, ConnectionMetrics};

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
    /// From the head until the body has arrived, or is not needed.
    body: Duration,
    /// From the head to the start of the response, with our own work.
    response: Duration,
    /// Until a caller reads more of its response, or sends another request.
    idle: Duration,
    /// How long a connection in the middle of a request must have waited for its caller before it can be closed for
    /// another one. One that waits for a request can be closed immediately.
    stalled: Duration,
    /// How often the timeouts are checked. A connection may exceed its timeout by this much.
    check_every: Duration,
}

impl Timeouts {
    /// `response` is longer than the longest wait of a change for a silent server, which is 66 seconds
    /// ([`store::key_cache::Lease::LONGEST`]). All other work has limits of its own.
    ///
    /// `idle` is longer than nginx's 60 seconds. A proxy reuses connections and must be the one that closes them.
    /// Otherwise it could send a request while we close.
    pub(crate) const DEFAULT: Self = Self {
        head: Duration::from_secs(10),
        body: Duration::from_secs(30),
        response: Duration::from_secs(100),
        idle: Duration::from_secs(75),
        stalled: Duration::from_secs(3),
        check_every: Duration::from_secs(1),
    };

    fn of(&self, state: State) -> Duration {
        match state.phase() {
            Phase::New | Phase::Head => self.head,
            Phase::Response if state.waits_for_rest() => self.body,
            Phase::Response => self.response,
            Phase::Sending | Phase::Idle => self.idle,
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

/// The timeouts and limits of connections, and the proxies to which the limits of each network do not apply.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    timeouts: Timeouts,
    limits: Limits,
    /// A proxy's connection carries requests of many callers, so it has no share. It is not closed for another one: the
    /// proxy must be the one that closes it.
    proxies: TrustedProxies,
}

impl Bounds {
    /// The bounds of the product, behind these trusted proxies.
    pub(crate) fn behind(proxies: TrustedProxies) -> Self {
        Self {
            timeouts: Timeouts::DEFAULT,
            limits: Limits::of(max_connections()),
            proxies,
        }
    }
}

/// Serves `listener` within these bounds. A new connection that finds no room waits. It is closed if its network uses
/// its whole share. When `stop` is ready, accepts no more connections, and returns after the last request.
pub(crate) async fn serve_until(
    listener: TcpListener,
    service: impl HttpService,
    bounds: Bounds,
    metrics: ConnectionMetrics,
    stop: impl Future<Output = ()>,
) {
    let mut stop = pin!(stop);
    let mut check = interval(bounds.timeouts.check_every);
    check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut connections = Connections::new(service, bounds, metrics);
    let mut full = false;
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.waiting.is_none() => match accepted {
                Ok((stream, peer)) => connections.arrive(stream, peer),
                Err(error) => pause_after(&error).await,
            },
            Some(ended) = connections.tasks.join_next_with_id() => connections.end(ended),
            now = check.tick() => {
                connections.end_slow(now);
                connections.retry_waiting(now);
                full = connections.warn_when_full(full);
            }
            () = &mut stop => break,
        }
    }
    drop(listener);
    connections.stop();
    while !connections.tasks.is_empty() {
        tokio::select! {
            Some(ended) = connections.tasks.join_next_with_id() => connections.end(ended),
            now = check.tick() => connections.end_slow(now),
        }
    }
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
    bounds: Bounds,
    metrics: ConnectionMetrics,
    tasks: JoinSet<()>,
    open: HashMap<Id, Open>,
    shares: Shares,
    /// How many connections have been served.
    served: u64,
    /// A connection that was accepted, and waits until another one ends. Later ones wait in the system's queue.
    waiting: Option<(TcpStream, SocketAddr)>,
}

/// An open connection.
struct Open {
    task: AbortHandle,
    progress: Arc<Progress>,
    /// Its number of steps, and the time when that number was first seen.
    last: (u32, Instant),
    /// Its networks, unless it comes from a trusted proxy.
    networks: Option<Networks>,
    number: u64,
    /// Asks the connection to end. `None` once it was asked.
    leave: Option<oneshot::Sender<Leave>>,
    /// Whether it was asked to make room. Then it no longer counts for its networks.
    makes_room: bool,
}

/// Why a connection is asked to end.
enum Leave {
    /// The server stops. The connection may finish its request.
    Stopping,
    /// Another connection needs its room. At this number of steps the connection waited for its caller.
    MakingRoom { steps: u32 },
}

impl Open {
    /// The connection's state, and for how long it has had it.
    fn observe(&mut self, now: Instant) -> (State, Duration) {
        let state = self.progress.state();
        if self.last.0 != state.steps() {
            self.last = (state.steps(), now);
        }
        (state, now.saturating_duration_since(self.last.1))
    }

    /// The connection as a candidate, if it can be closed for another one.
    fn candidate(&mut self, id: Id, stalled: Duration, now: Instant) -> Option<Candidate<Id>> {
        let (networks, number) = (self.networks?, self.number);
        self.leave.as_ref()?;
        let (state, waited) = self.observe(now);
        let can_leave = state.waits_for_request() || state.waits_for_rest() && waited >= stalled;
        can_leave.then_some(Candidate {
            key: id,
            networks,
            waited,
            number,
        })
    }
}

impl<S: HttpService> Connections<S> {
    fn new(service: S, bounds: Bounds, metrics: ConnectionMetrics) -> Self {
        metrics.set_limit(bounds.limits.all);
        Self {
            service,
            bounds,
            metrics,
            tasks: JoinSet::new(),
            open: HashMap::new(),
            shares: Shares::default(),
            served: 0,
            waiting: None,
        }
    }

    /// Serves a new connection if there is room or another one makes room. If its network uses its whole share and none
    /// of its connections can make room, the new one is closed. Otherwise it waits until a connection ends.
    fn arrive(&mut self, stream: TcpStream, peer: SocketAddr) {
        let now = Instant::now();
        let (open, limits) = (self.tasks.len(), self.bounds.limits);
        let room = self.shares.room(self.networks(peer), open, limits);
        let made = room == Room::Free || self.make_room(room, now);
        if !made && room != Room::Anywhere {
            tracing::debug!(%peer, "connection refused: its network uses its share");
            self.metrics.closed(Closed::Refused);
        } else if open < limits.all {
            self.serve(stream, peer, now);
        } else {
            self.waiting = Some((stream, peer));
        }
    }

    fn networks(&self, peer: SocketAddr) -> Option<Networks> {
        let is_proxy = self.bounds.proxies.include(peer.ip().to_canonical());
        (!is_proxy).then(|| Networks::of(peer.ip()))
    }

    /// Asks a connection to make room. Returns whether one could be asked.
    fn make_room(&mut self, room: Room, now: Instant) -> bool {
        let stalled = self.bounds.timeouts.stalled;
        let open = self.open.iter_mut();
        let candidates = open.filter_map(|(id, open)| open.candidate(*id, stalled, now));
        let leaving = self.shares.makes_room(room, candidates);
        let Some(leaving) = leaving.and_then(|id| self.open.get_mut(&id)) else {
            return false;
        };
        if let Some(leave) = leaving.leave.take() {
            let steps = leaving.last.0;
            // If this fails, the connection has just ended, which makes room too.
            let _ = leave.send(Leave::MakingRoom { steps });
        }
        leaving.makes_room = true;
        if let Some(networks) = leaving.networks {
            self.shares.remove(networks);
        }
        self.metrics.closed(match room {
            Room::In(_) => Closed::ForItsNetwork,
            Room::Free | Room::Anywhere => Closed::ForAnother,
        });
        true
    }

    /// Serves the waiting connection once there is room for it.
    fn admit_waiting(&mut self, now: Instant) {
        if self.tasks.len() < self.bounds.limits.all
            && let Some((stream, peer)) = self.waiting.take()
        {
            self.serve(stream, peer, now);
        }
    }

    /// Asks a further connection while one still waits, if those asked before have begun another request instead. One
    /// that waits for a request ends as soon as its task runs.
    fn retry_waiting(&mut self, now: Instant) {
        let ends = |open: &Open| open.makes_room && open.progress.state().waits_for_request();
        if self.waiting.is_some() && !self.open.values().any(ends) {
            self.make_room(Room::Anywhere, now);
        }
    }

    fn serve(&mut self, stream: TcpStream, peer: SocketAddr, now: Instant) {
        tracing::trace!(%peer, "connection accepted");
        let networks = self.networks(peer);
        if let Some(networks) = networks {
            self.shares.add(networks);
        }
        let progress = Arc::new(Progress::default());
        let steps = progress.state().steps();
        let (leave, told_to_leave) = oneshot::channel();
        let service = self.service.clone();
        let connection = serve_connection(stream, peer, service, progress.clone(), told_to_leave);
        let task = self.tasks.spawn(connection);
        self.served += 1;
        self.open.insert(
            task.id(),
            Open {
                task,
                progress,
                last: (steps, now),
                networks,
                number: self.served,
                leave: Some(leave),
                makes_room: false,
            },
        );
        self.metrics.set_open(self.tasks.len());
    }

    /// Forgets a connection that has ended, and serves the waiting one in its place.
    fn end(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
        if let Some(open) = self.open.remove(&id)
            && !open.makes_room
            && let Some(networks) = open.networks
        {
            self.shares.remove(networks);
        }
        self.metrics.set_open(self.tasks.len());
        self.admit_waiting(Instant::now());
    }

    fn end_slow(&mut self, now: Instant) {
        for open in self.open.values_mut() {
            let (state, waited) = open.observe(now);
            let phase = state.phase();
            let stalls = state.waits_for_rest() && waited >= self.bounds.timeouts.stalled;
            if open.makes_room && stalls {
                // It had begun another request when it was asked to make room. The caller does not finish it.
                open.task.abort();
            } else if waited >= self.bounds.timeouts.of(state) {
                tracing::debug!(?phase, "connection timed out");
                self.metrics.closed(match phase {
                    Phase::New | Phase::Head => Closed::SlowHead,
                    Phase::Response => Closed::SlowRequest,
                    Phase::Sending | Phase::Idle => Closed::Idle,
                });
                open.task.abort();
            }
        }
    }

    /// Logs one warning when all connections are in use. Returns whether they are.
    fn warn_when_full(&self, was_full: bool) -> bool {
        let max_connections = self.bounds.limits.all;
        let full = self.tasks.len() >= max_connections;
        if full && !was_full {
            tracing::warn!(
                max_connections,
                "too many connections: idle ones are closed for new ones, or new ones wait"
            );
        }
        full
    }

    /// Asks every connection to end after its request. Drops the waiting connection.
    fn stop(&mut self) {
        self.waiting = None;
        for open in self.open.values_mut() {
            if let Some(leave) = open.leave.take() {
                let _ = leave.send(Leave::Stopping);
            }
        }
    }
}

/// Serves a connection, from its first request to its last.
async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    service: impl HttpService,
    progress: Arc<Progress>,
    leave: oneshot::Receiver<Leave>,
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
        // Polled first, so that its state includes all that has arrived.
        biased;
        outcome = connection.as_mut() => outcome,
        leave = leave => {
            match leave {
                Ok(Leave::MakingRoom { steps }) => {
                    let state = progress.state();
                    if state.waits_for_rest() && state.steps() == steps {
                        return;
                    }
                    progress.leave_when_idle();
                }
                Ok(Leave::Stopping) | Err(_) => connection.as_mut().graceful_shutdown(),
            }
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
    progress: &'a Arc<Progress>,
) -> impl Future<Output = Result<Response, Infallible>> + 'a {
    progress.enter(Phase::Response);
    let request = request.map(|body| arriving(body, progress));
    service
        .respond(request, Some(peer))
        .map(|response| Ok(response.map(|body| sliced(body, progress))))
}
