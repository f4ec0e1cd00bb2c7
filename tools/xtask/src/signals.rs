//! Catches the signals that end this program, so that it can first end the processes that it started.

use std::{io, process::Child};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

/// From now on these signals do not end this program; they can be read instead.
pub(crate) fn catch() -> Result<Signals> {
    Signals::new([SIGINT, SIGTERM, SIGHUP]).context("signals could not be caught")
}

/// Asks a child to end.
pub(crate) fn terminate(child: &Child) -> io::Result<()> {
    Ok(kill_process(Pid::from_child(child), Signal::TERM)?)
}

/// Sends a signal to a process group: to its leader, and to every process that the leader started in it.
pub(crate) fn send_to_group(signal: i32, leader: Pid) {
    if let Some(signal) = Signal::from_named_raw(signal) {
        // It fails only if the group has ended already.
        let _ = kill_process_group(leader, signal);
    }
}
