//! Connections: taken up to a bound, each given a limited time for what it does, and ended in good order.
//!
//! hyper speaks HTTP/1.1 on them. It could time the arrival of heads too, but would make a timer for each request,
//! which costs as much as our check of a key, and knows no other slowness. So nothing here is timed by the request:
//! a connection only notes, with a plain store to memory, that it came a step further and what it waits for now
//! ([`Progress`]). The loop that takes connections looks around every second, and ends those that have waited too
//! long ([`Patience`]).

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
use crate::surfaces::Service;

/// The longest head of a request, in bytes; a longer one is answered with 431, as is one of more than 100 headers.
const LONGEST_HEAD: usize = 32 * 1024;

/// Connections at once, if the system lets us have as many; some 20 kB each, and up to 128 more where a large answer
/// was sent ([`slices`]).
const MOST_CONNECTIONS: u64 = 10_000;

/// File handles for all else: the database, above all.
const OTHER_HANDLES: u64 = 64;

/// A connection and the file that is sent on it.
const HANDLES_PER_CONNECTION: u64 = 2;

/// After the system could not give a connection, until it is asked for one again.
const BREATH: Duration = Duration::from_millis(100);

/// How long a connection may take for what it does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// From the first byte of a request's head to its last; for the first request, from the start.
    head: Duration,
    /// From the head to the beginning of the answer: the body's arrival, and our own work.
    answer: Duration,
    /// Until a caller takes some more of its answer, or sends another request.
    idle: Duration,
    /// How often that is looked at, and so how much longer it can take.
    look: Duration,
}

impl Patience {
    /// Proxies keep connections for their next request. They are to close them first, or one would send a request
    /// while we close: `idle` is longer than nginx's 60 seconds.
    pub(super) const USUAL: Self = Self {
        head: Duration::from_secs(10),
        answer: Duration::from_secs(30),
        idle: Duration::from_secs(75),
        look: Duration::from_secs(1),
    };

    fn with(&self, phase: Phase) -> Duration {
        match phase {
            Phase::Head => self.head,
            Phase::Answer => self.answer,
            Phase::Idle => self.idle,
        }
    }
}

/// How many connections there may be at once, so that a crowd of them leaves file handles for the database. Asks the
/// system for as many handles as that takes.
pub(super) fn bound() -> usize {
    let wanted = MOST_CONNECTIONS * HANDLES_PER_CONNECTION + OTHER_HANDLES;
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
            Err(error) => tracing::warn!(%error, handles, "no more file handles are to be had"),
        }
    }
    let connections = handles.saturating_sub(OTHER_HANDLES) / HANDLES_PER_CONNECTION;
    usize::try_from(connections.clamp(1, MOST_CONNECTIONS)).unwrap_or(1)
}

/// Answers what comes to `listener`, on at most `bound` connections at once: further ones wait in the system's
/// queue. Takes no more once `stop` comes to its end, and ends with the last request.
pub(super) async fn answer_until(
    listener: TcpListener,
    service: impl Service,
    patience: Patience,
    bound: usize,
    stop: impl Future<Output = ()>,
) {
    let mut stop = pin!(stop);
    let mut connections = Connections::new(service, patience);
    let mut look = interval(patience.look);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut full = false;
    loop {
        tokio::select! {
            taken = listener.accept(), if connections.tasks.len() < bound => match taken {
                Ok((stream, peer)) => connections.add(stream, peer),
                Err(error) => rest_after(&error).await,
            },
            Some(_) = connections.tasks.join_next() => {}
            now = look.tick() => {
                connections.end_the_slow(now);
                full = tell_when_full(full, connections.tasks.len(), bound);
            }
            () = &mut stop => break,
        }
    }
    drop(listener);
    connections.stopping.send_replace(());
    while !connections.tasks.is_empty() {
        tokio::select! {
            _ = connections.tasks.join_next() => {}
            now = look.tick() => connections.end_the_slow(now),
        }
    }
}

/// Says once that further connections have to wait, and gives whether they have.
fn tell_when_full(told: bool, connections: usize, bound: usize) -> bool {
    let full = connections >= bound;
    if full && !told {
        tracing::warn!(
            bound,
            "as many connections as there may be: further ones wait"
        );
    }
    full
}

/// A caller that gave up is no news. For lack of file handles or memory there is nothing to do but to wait until
/// some are given back.
async fn rest_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset};
    if ![ConnectionAborted, ConnectionReset].contains(&error.kind()) {
        tracing::error!(%error, "the system gives no further connection");
        sleep(BREATH).await;
    }
}

/// What runs; broken off when it is dropped.
struct Connections<S> {
    service: S,
    patience: Patience,
    stopping: watch::Sender<()>,
    tasks: JoinSet<()>,
    seen: Vec<Seen>,
}

/// What was last seen of a connection.
struct Seen {
    task: AbortHandle,
    progress: Arc<Progress>,
    /// The steps that it had made, and when they were first seen. Nothing when it was not looked at yet.
    last: Option<(u32, Instant)>,
}

impl<S: Service> Connections<S> {
    fn new(service: S, patience: Patience) -> Self {
        Self {
            service,
            patience,
            stopping: watch::Sender::new(()),
            tasks: JoinSet::new(),
            seen: Vec::new(),
        }
    }

    fn add(&mut self, stream: TcpStream, peer: SocketAddr) {
        tracing::trace!(%peer, "a connection is taken");
        let progress = Arc::new(Progress::default());
        let (service, stopped) = (self.service.clone(), self.stopping.subscribe());
        let connection = converse(stream, peer, service, progress.clone(), stopped);
        self.seen.push(Seen {
            task: self.tasks.spawn(connection),
            progress,
            last: None,
        });
    }

    fn end_the_slow(&mut self, now: Instant) {
        self.seen.retain_mut(|connection| {
            let steps = connection.progress.steps();
            match connection.last {
                Some((seen, since)) if seen == steps => {
                    let phase = connection.progress.phase();
                    if now.duration_since(since) >= self.patience.with(phase) {
                        tracing::debug!(?phase, "a connection is ended, for it takes too long");
                        connection.task.abort();
                    }
                }
                _ => connection.last = Some((steps, now)),
            }
            !connection.task.is_finished()
        });
    }
}

/// A connection, from its first request to its last.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    service: impl Service,
    progress: Arc<Progress>,
    mut stopped: watch::Receiver<()>,
) {
    // Answers are small: held back for more to send along (Nagle), each would cost a keep-alive caller 40 ms.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(Watched::new(stream, progress.clone()));
    let answering = service_fn(|request| answer(request, peer, &service, &progress));
    let mut connection = pin!(
        http1::Builder::new()
            .max_header_size(LONGEST_HEAD)
            .max_buf_size(2 * LONGEST_HEAD)
            // Head and body are copied together and go out in one piece: that costs less than two pieces do. What is
            // large comes in slices.
            .writev(false)
            .serve_connection(io, answering)
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
        tracing::trace!(%peer, error, "a connection broke off");
    }
}

fn answer<'a>(
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
    service: &'a impl Service,
    progress: &'a Progress,
) -> impl Future<Output = Result<Response, Infallible>> + 'a {
    progress.enter(Phase::Answer);
    let request = request.map(|body| {
        if body.is_end_stream() {
            // Most requests: nothing is kept for what will not come.
            Body::empty()
        } else {
            Body::new(body)
        }
    });
    service.answer(request, Some(peer)).map(|response| {
        progress.enter(Phase::Idle);
        Ok(response.map(sliced))
    })
}
