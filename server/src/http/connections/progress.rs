//! The progress of a connection, recorded at a cost of a few nanoseconds for each request.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use rustix::io::ioctl_fionread;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

/// How many bytes of a refused body are read and dropped before the connection is closed.
pub(super) const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// How long that may take.
const LINGER_TIME: Duration = Duration::from_secs(10);

/// What a connection is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The first byte of its first request.
    New = 0,
    /// The rest of a request's head.
    Head = 1,
    /// The rest of the request, and then our response.
    Response = 2,
    /// The caller, which reads a large response.
    Sending = 3,
    /// The caller, which reads the rest of a response or sends another request.
    Idle = 4,
}

/// The phase of a connection and its number of steps. Only the connection's own task writes, so plain stores lose
/// nothing. Readers may see a slightly older value.
#[derive(Debug, Default)]
pub(super) struct Progress {
    state: AtomicU32,
    /// Whether the connection makes room for another one.
    leaves: AtomicBool,
    /// Whether a handler has dropped a request's body before its end.
    body_is_unread: AtomicBool,
}

/// The state of a connection at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State(u32);

impl State {
    /// The bits that hold the phase.
    const PHASE: u32 = 0b0111;
    /// Set while a handler waits for more of the body.
    const BODY: u32 = 0b1000;
    /// One step, in the bits above.
    const STEP: u32 = 0b1_0000;

    /// The number of steps. It stays the same during one wait.
    pub(super) fn steps(self) -> u32 {
        self.0 / Self::STEP
    }

    pub(super) fn phase(self) -> Phase {
        match self.0 & Self::PHASE {
            0 => Phase::New,
            1 => Phase::Head,
            2 => Phase::Response,
            3 => Phase::Sending,
            _ => Phase::Idle,
        }
    }

    /// Whether the connection waits for a request of which no byte has arrived.
    pub(super) fn waits_for_request(self) -> bool {
        matches!(self.phase(), Phase::New | Phase::Idle)
    }

    /// Whether the connection is in the middle of a request, and waits for its caller. The caller must send the rest of
    /// the head or body, or read more of the response.
    pub(super) fn waits_for_rest(self) -> bool {
        match self.phase() {
            Phase::Head | Phase::Sending => true,
            Phase::Response => self.0 & Self::BODY != 0,
            Phase::New | Phase::Idle => false,
        }
    }

    /// The same wait, in another phase.
    fn in_phase(self, phase: Phase) -> Self {
        Self(self.0 & !(Self::PHASE | Self::BODY) | phase as u32)
    }
}

impl Progress {
    pub(super) fn state(&self) -> State {
        State(self.state.load(Relaxed))
    }

    /// Records a step into `phase`.
    pub(super) fn enter(&self, phase: Phase) {
        let State(state) = self.state().in_phase(phase);
        self.state.store(state.wrapping_add(State::STEP), Relaxed);
    }

    /// Records whether a handler waits for more of the request's body. This is not a step: a body that arrives slowly
    /// gets no extra time.
    pub(super) fn waits_for_body(&self, waits: bool) {
        let State(state) = self.state();
        let body = if waits { State::BODY } else { 0 };
        self.state.store(state & !State::BODY | body, Relaxed);
    }

    /// Makes the connection end as soon as it waits for a request.
    pub(super) fn leave_when_idle(&self) {
        self.leaves.store(true, Relaxed);
    }

    /// Records that a handler has dropped a request's body before its end.
    pub(super) fn leave_body_unread(&self) {
        self.body_is_unread.store(true, Relaxed);
    }

    fn leaves_now(&self) -> bool {
        self.leaves.load(Relaxed) && self.state().waits_for_request()
    }

    /// Records a read. Only the first bytes of a head are a step: a head that arrives slowly gets no extra time. For
    /// the first request even they are not: its time began with the connection.
    fn has_read(&self) {
        match self.state().phase() {
            Phase::Idle => self.enter(Phase::Head),
            Phase::New => {
                let State(state) = self.state().in_phase(Phase::Head);
                self.state.store(state, Relaxed);
            }
            Phase::Head | Phase::Response | Phase::Sending => {}
        }
    }

    /// Records that the caller read some of its response.
    fn has_written(&self) {
        match self.state().phase() {
            phase @ (Phase::Idle | Phase::Sending) => self.enter(phase),
            Phase::New | Phase::Head | Phase::Response => {}
        }
    }
}

/// A connection that records its progress.
pub(super) struct Watched {
    stream: TcpStream,
    progress: Arc<Progress>,
    /// Set once the connection ends with an unread body.
    linger: Option<Linger>,
}

/// The end of a connection whose caller still sends a body that was refused.
struct Linger {
    /// How many more bytes are read and dropped.
    left: usize,
    end: Pin<Box<Sleep>>,
}

impl Linger {
    fn new() -> Self {
        Self {
            left: LINGER_BYTES,
            end: Box::pin(sleep(LINGER_TIME)),
        }
    }

    /// Reads and drops what arrives. Ready at the end of the stream, or at one of the limits.
    fn poll(&mut self, stream: &mut TcpStream, context: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [MaybeUninit::uninit(); 8 * 1024];
        while self.left > 0 && self.end.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::uninit(&mut bytes);
            let read = ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
            self.left = self.left.saturating_sub(buffer.filled().len());
        }
        Poll::Ready(())
    }
}

impl Watched {
    pub(super) fn new(stream: TcpStream, progress: Arc<Progress>) -> Self {
        Self {
            stream,
            progress,
            linger: None,
        }
    }

    fn record(&self, written: io::Result<usize>) -> Poll<io::Result<usize>> {
        self.progress.has_written();
        Poll::Ready(written)
    }

    /// Whether the system holds bytes that tokio does not know of yet.
    fn has_unread_bytes(&self) -> bool {
        ioctl_fionread(&self.stream).is_ok_and(|bytes| bytes > 0)
    }
}

impl AsyncRead for Watched {
    /// On a connection that makes room, hyper reads the end of the stream, as if the caller had closed it. Then hyper
    /// closes it cleanly. A request that has already arrived is still read, and gets its response.
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending if self.progress.leaves_now() && !self.has_unread_bytes() => {
                Poll::Ready(Ok(()))
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(outcome) => {
                if buffer.filled().len() > before {
                    self.progress.has_read();
                }
                Poll::Ready(outcome)
            }
        }
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        self.record(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, parts));
        self.record(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Ends our side. If the caller still sends a body, also waits for its end: the system answers bytes that arrive after
    /// the close with a reset, which can destroy the response before the caller reads it (RFC 9112, 9.6).
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self {
            stream,
            progress,
            linger,
        } = &mut *self;
        if linger.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
        }
        if progress.body_is_unread.load(Relaxed) && !progress.leaves_now() {
            let linger = linger.get_or_insert_with(Linger::new);
            ready!(linger.poll(stream, context));
        }
        Poll::Ready(Ok(()))
    }
}
