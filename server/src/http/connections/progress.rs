//! The progress of a connection, recorded at a cost of a few nanoseconds for each request.

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

/// What a connection is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The rest of a request's head.
    Head = 0,
    /// The rest of the request, and then our response.
    Response = 1,
    /// The caller, which reads the response or sends another request.
    Idle = 2,
}

/// The phase of a connection and its number of steps. Only the connection's own task writes, so plain stores lose
/// nothing. Readers may see a slightly older value.
#[derive(Debug, Default)]
pub(super) struct Progress(AtomicU32);

impl Progress {
    /// The bits that hold the phase.
    const PHASE: u32 = 3;
    /// One step, in the bits above the phase.
    const STEP: u32 = Self::PHASE + 1;

    /// Phase and steps as one number, which changes with each step.
    pub(super) fn steps(&self) -> u32 {
        self.0.load(Relaxed)
    }

    pub(super) fn phase(&self) -> Phase {
        match self.steps() & Self::PHASE {
            0 => Phase::Head,
            1 => Phase::Response,
            _ => Phase::Idle,
        }
    }

    /// Records a step into `phase`.
    pub(super) fn enter(&self, phase: Phase) {
        let steps = (self.steps() & !Self::PHASE).wrapping_add(Self::STEP);
        self.0.store(steps | phase as u32, Relaxed);
    }

    /// Records a read. Only the first bytes of a head are a step: a head that arrives slowly gets no extra time.
    fn has_read(&self) {
        if self.phase() == Phase::Idle {
            self.enter(Phase::Head);
        }
    }

    /// Records that the caller read some of its response.
    fn has_written(&self) {
        if self.phase() == Phase::Idle {
            self.enter(Phase::Idle);
        }
    }
}

/// A connection that records its progress.
pub(super) struct Watched {
    stream: TcpStream,
    progress: Arc<Progress>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, progress: Arc<Progress>) -> Self {
        Self { stream, progress }
    }

    fn record(&self, written: io::Result<usize>) -> Poll<io::Result<usize>> {
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

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
