//! The signals that ask this program to end, received as values: what it started has to be ended first.

use std::{io, process::Child};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

/// From here on these signals do not end this program by themselves.
pub(crate) fn catch() -> Result<Signals> {
    Signals::new([SIGINT, SIGTERM, SIGHUP]).context("signals could not be caught")
}

/// Asks a child to end.
pub(crate) fn terminate(child: &Child) -> io::Result<()> {
    Ok(kill_process(Pid::from_child(child), Signal::TERM)?)
}

/// Passes a signal on to a child that leads a process group, and to all the child has started in it.
pub(crate) fn pass_on(signal: i32, leader: Pid) {
    if let Some(signal) = Signal::from_named_raw(signal) {
        // It fails only when the group has ended already, which is what was wanted.
        let _ = kill_process_group(leader, signal);
    }
}
