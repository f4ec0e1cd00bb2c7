//! Standard error: lines wait in a bounded queue, and a thread of its own writes them.
//!
//! Standard error may be a full disk, a full pipe, or closed. Then lines are lost and counted; no caller
//! waits and none fails. The system call is made directly: [`std::io::Stderr`] has a lock, which a blocked write holds.

use std::{
    collections::VecDeque,
    io::{self, Write},
    os::fd::AsFd,
    sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use rustix::io::Errno;

/// The maximum size of all waiting lines, in bytes.
const MAX_WAITING: usize = 4 * 1024 * 1024;

/// How long the end of the program waits for lines that are still in the queue. Only a blocked write takes this long.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// The delay before another try, if a non-blocking pipe is full.
const RETRY_DELAY: Duration = Duration::from_millis(20);

/// The thread starts with the first line.
static STDERR: LazyLock<Lines> = LazyLock::new(|| {
    // Without a thread, the lines in the queue are never written. The server's runtime could not start either.
    let _ = thread::Builder::new()
        .name("log".to_owned())
        .spawn(|| STDERR.write_all_lines());
    Lines::default()
});

/// Adds a line, which includes its line break. It is lost if the queue is full.
pub(super) fn write(line: &[u8]) {
    STDERR.add(line);
}

/// The number of lines that could not be written.
pub(super) fn lost_lines() -> u64 {
    STDERR.waiting().lost
}

/// Waits until all lines are written or lost, but only for a limited time.
pub(super) fn flush() {
    let waiting = STDERR.waiting();
    let _ = STDERR
        .written
        .wait_timeout_while(waiting, FLUSH_TIMEOUT, |waiting| {
            waiting.is_writing || !waiting.lines.is_empty()
        });
}

/// The lines of `tracing-subscriber`. Its own report of a failed write would panic, so no write fails.
pub(super) struct Writer;

impl Write for Writer {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        write(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Default)]
struct Lines {
    waiting: Mutex<Waiting>,
    added: Condvar,
    written: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    is_writing: bool,
    lost: u64,
}

impl Lines {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8]) {
        let mut waiting = self.waiting();
        if waiting.bytes + line.len() > MAX_WAITING {
            waiting.lost += 1;
            return;
        }
        waiting.bytes += line.len();
        waiting.lines.push_back(line.to_vec());
        self.added.notify_one();
    }

    /// Writes lines for as long as the process runs.
    fn write_all_lines(&self) {
        let mut is_torn = false;
        let mut waiting = self.waiting();
        loop {
            let Some(line) = waiting.lines.pop_front() else {
                waiting = self
                    .added
                    .wait(waiting)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            waiting.bytes -= line.len();
            waiting.is_writing = true;
            drop(waiting);
            // A line that was lost in its middle must not run into the next one.
            let has_break = !is_torn || write_to_end(b"\n").is_ok();
            let outcome = match has_break {
                true => write_to_end(&line),
                false => Err(0),
            };
            is_torn = match outcome {
                Ok(()) => false,
                Err(written) => written > 0 || !has_break,
            };
            waiting = self.waiting();
            waiting.is_writing = false;
            waiting.lost += u64::from(outcome.is_err());
            self.written.notify_all();
        }
    }
}

/// Writes all bytes. The error is how many were written before the failure.
fn write_to_end(bytes: &[u8]) -> Result<(), usize> {
    let mut written = 0;
    while written < bytes.len() {
        match rustix::io::write(io::stderr().as_fd(), &bytes[written..]) {
            Ok(0) => return Err(written),
            Ok(more) => written += more,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => thread::sleep(RETRY_DELAY),
            Err(_) => return Err(written),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_limit_of_the_queue_are_counted_and_the_others_keep_their_order() {
        let lines = Lines::default();
        let large = vec![b'x'; MAX_WAITING - 2];
        for line in [b"1\n".as_slice(), &large, b"2", b"3"] {
            lines.add(line);
        }
        let waiting = lines.waiting();
        assert_eq!(waiting.lines, [b"1\n".to_vec(), large]);
        assert_eq!(waiting.lost, 2);
    }
}
