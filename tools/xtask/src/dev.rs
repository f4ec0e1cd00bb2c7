//! `cargo xtask dev`: builds and runs the server, and repeats both whenever a source file changes.

use std::{
    ffi::OsString,
    process::Child,
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::{command::root, mode::Mode, server, signals};

const WATCHED: [&str; 7] = [
    "app",
    "frontend",
    "migrations",
    "model",
    "server",
    "store",
    "style",
];

/// Editors and git write several files in a row. A build starts when there was no change for this long.
const QUIET_PERIOD: Duration = Duration::from_millis(100);

/// How long the server may take to finish the requests that it is answering.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

enum Event {
    Changed,
    Interrupted,
}

/// Keeps the server running on the newest sources that compile, until a signal arrives.
pub(crate) fn watch(args: &[OsString]) -> Result<()> {
    let (sender, events) = mpsc::channel();
    send_signals(sender.clone())?;
    let _watcher = send_changes(sender)?;
    let mut running = None;
    loop {
        match server::build_with_site(Mode::Dev) {
            Ok(server) => {
                drop(running.take());
                running = Some(Running(server.start_with(args)?));
            }
            Err(error) => eprintln!("error: {error:#}\nwaiting for a change"),
        }
        if let Event::Interrupted = next(&events)? {
            return Ok(());
        }
    }
}

fn send_signals(sender: Sender<Event>) -> Result<()> {
    let mut signals = signals::catch()?;
    thread::spawn(move || {
        for _ in signals.forever() {
            // It fails only while the program ends.
            let _ = sender.send(Event::Interrupted);
        }
    });
    Ok(())
}

fn send_changes(sender: Sender<Event>) -> Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if is_change(&event) {
            let _ = sender.send(Event::Changed);
        }
    })?;
    for folder in WATCHED.map(|name| root().join(name)) {
        watcher
            .watch(&folder, RecursiveMode::Recursive)
            .with_context(|| format!("{} could not be watched", folder.display()))?;
    }
    Ok(watcher)
}

/// Reading a file is not a change; otherwise the compiler would cause the next build. An error counts as a change,
/// because it means that events were lost.
fn is_change(event: &notify::Result<notify::Event>) -> bool {
    !matches!(event, Ok(event) if matches!(event.kind, EventKind::Access(_)))
}

/// Waits for an event. After a change, it waits until no further one follows for [`QUIET_PERIOD`].
fn next(events: &Receiver<Event>) -> Result<Event> {
    let mut event = events.recv()?;
    while let Event::Changed = event {
        match events.recv_timeout(QUIET_PERIOD) {
            Ok(following) => event = following,
            Err(_) => break,
        }
    }
    Ok(event)
}

/// A running server, which is stopped when this is dropped.
struct Running(Child);

impl Running {
    fn ends_within(&mut self, time: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < time {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return true;
            }
            thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let signalled = signals::terminate(&self.0);
        if signalled.is_err() || !self.ends_within(GRACE_PERIOD) {
            // It fails only if the server has ended already.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, AccessMode, ModifyKind};

    use super::*;

    #[test]
    fn reading_a_file_is_not_a_change() {
        let event = |kind| Ok(notify::Event::new(kind));
        assert!(is_change(&event(EventKind::Modify(ModifyKind::Any))));
        assert!(!is_change(&event(EventKind::Access(AccessKind::Open(
            AccessMode::Any
        )))));
    }

    #[test]
    fn changes_in_quick_succession_count_as_one_and_do_not_hide_a_signal() {
        let (sender, events) = mpsc::channel();
        for _ in 0..3 {
            sender.send(Event::Changed).unwrap();
        }
        assert!(matches!(next(&events).unwrap(), Event::Changed));
        sender.send(Event::Changed).unwrap();
        sender.send(Event::Interrupted).unwrap();
        assert!(matches!(next(&events).unwrap(), Event::Interrupted));
    }
}
