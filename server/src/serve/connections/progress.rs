//! What a connection waits for, and whether it came further: noted for a few nanoseconds a request.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The rest of a request's head.
    Head = 0,
    /// Our answer, and what is still to come of the request before it.
    Answer = 1,
    /// That the caller takes its answer, or sends another request.
    Idle = 2,
}

/// The phase of a connection, and the number of its steps. Only the connection's own task writes, so no write is
/// lost though they are plain ones; whoever looks on may be a moment behind.
#[derive(Debug, Default)]
pub(super) struct Progress(AtomicU32);

impl Progress {
    /// The bits of the number that hold the phase.
    const PHASE: u32 = 3;
    /// What one step adds to the bits above.
    const STEP: u32 = Self::PHASE + 1;

    /// Phase and steps as one number: another one after each step.
    pub(super) fn steps(&self) -> u32 {
        self.0.load(Relaxed)
    }

    pub(super) fn phase(&self) -> Phase {
        match self.steps() & Self::PHASE {
            0 => Phase::Head,
            1 => Phase::Answer,
            _ => Phase::Idle,
        }
    }

    /// A step into `phase`.
    pub(super) fn enter(&self, phase: Phase) {
        let steps = (self.steps() & !Self::PHASE).wrapping_add(Self::STEP);
        self.0.store(steps | phase as u32, Relaxed);
    }

    /// Something was read. Only the first bytes of a head are a step: what comes in drops gets no further time.
    fn has_read(&self) {
        if self.phase() == Phase::Idle {
            self.enter(Phase::Head);
        }
    }

    /// The caller took some of its answer.
    fn has_written(&self) {
        if self.phase() == Phase::Idle {
            self.enter(Phase::Idle);
        }
    }
}

/// A connection that notes its progress.
pub(super) struct Watched {
    stream: TcpStream,
    progress: Arc<Progress>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, progress: Arc<Progress>) -> Self {
        Self { stream, progress }
    }

    fn note(&self, written: io::Result<usize>) -> Poll<io::Result<usize>> {
        self.progress.has_written();
        Poll::Ready(written)
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        if buffer.filled().len() > before {
            self.progress.has_read();
        }
        Poll::Ready(outcome)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, parts));
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
