//! A temporary PostgreSQL server for one command.

use std::{
    env,
    ffi::OsString,
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Command, ExitCode, ExitStatus, Stdio},
    thread,
};

use anyhow::{Context, Result};
use rustix::process::Pid;
use signal_hook::{consts::SIGKILL, iterator::Signals};
use temporary_postgres::{Cluster, Commits};

use crate::{
    command::{become_command, command, could_not_start, exit_code},
    signals,
};

/// The variable with the server's URL.
const ADDRESS: &str = "TEST_POSTGRES_URL";

/// Runs a command with a PostgreSQL server, and returns its exit code.
pub(crate) fn run_beside(words: &[OsString]) -> Result<ExitCode> {
    let (program, arguments) = words.split_first().context("no command was given")?;
    let mut command = command(program);
    command.args(arguments);
    if env::var_os(ADDRESS).is_some() {
        become_command(&mut command)?;
    }
    // Signals are caught before the server starts, so that none leaves a server or a folder behind.
    let signals = signals::catch()?;
    let postgres = Cluster::start(Commits::Unwritten)?;
    command.env(ADDRESS, postgres.url());
    run_to_its_end(&mut command, signals)
}

/// Runs a command in a process group of its own, and forwards signals to the whole group: `cargo test` does not forward
/// them itself. Such a group cannot read from the terminal, so its standard input is empty.
fn run_to_its_end(command: &mut Command, mut signals: Signals) -> Result<ExitCode> {
    if let Some(signal) = signals.pending().next() {
        return Ok(ExitCode::from(exit_code(ExitStatus::from_raw(signal))));
    }
    let mut child = command
        .process_group(0)
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| could_not_start(command))?;
    let leader = Pid::from_child(&child);
    let handle = signals.handle();
    let forwarding = thread::spawn(move || {
        for signal in signals.forever() {
            signals::send_to_group(signal, leader);
        }
    });
    let status = child.wait();
    handle.close();
    forwarding
        .join()
        .expect("forwarding signals does not panic");
    // Processes that the command started in the background lose their server now.
    signals::send_to_group(SIGKILL, leader);
    Ok(ExitCode::from(exit_code(status?)))
}
