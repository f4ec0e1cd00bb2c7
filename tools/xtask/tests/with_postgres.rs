//! `cargo xtask with-postgres` gives the command a server, and leaves nothing behind.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs::{self, Permissions},
    io::{BufRead, BufReader, Read},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A folder for temporary files. The user `postgres` may enter it, because root's server runs as that user.
fn temporary_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Starts a shell script with a PostgreSQL server. The script's output can be read.
fn start(script: &str, temporary: &TempDir) -> Child {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["with-postgres", "--", "sh", "-c", script])
        .env_remove("TEST_POSTGRES_URL")
        .env("TMPDIR", temporary.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn is_reachable(address: &str) -> bool {
    let host = address
        .strip_prefix("postgres://app@")
        .and_then(|rest| rest.strip_suffix("/postgres"))
        .unwrap_or_else(|| panic!("an unexpected address: {address}"));
    TcpStream::connect(host).is_ok()
}

fn is_empty(folder: &TempDir) -> bool {
    fs::read_dir(folder.path()).unwrap().next().is_none()
}

#[test]
fn the_commands_exit_code_is_returned_and_the_server_is_stopped() {
    let temporary = temporary_folder();
    let mut running = start("echo $TEST_POSTGRES_URL; exit 7", &temporary);
    let mut address = String::new();
    let mut output = running.stdout.take().unwrap();
    output.read_to_string(&mut address).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(7));
    assert!(!is_reachable(address.trim()));
    assert!(is_empty(&temporary));
}

#[test]
fn a_termination_signal_ends_the_command_its_children_and_the_server() {
    let temporary = temporary_folder();
    let mut running = start("echo $TEST_POSTGRES_URL; sleep 600 & wait", &temporary);
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    let address = lines.next().unwrap().unwrap();
    assert!(is_reachable(&address));

    kill_process(Pid::from_child(&running), Signal::TERM).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(128 + 15));
    // The background process holds the output open too. So the output ends only after that process.
    assert!(lines.next().is_none());
    assert!(!is_reachable(&address));
    assert!(is_empty(&temporary));
}

#[test]
fn a_given_server_is_used() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["with-postgres", "--", "sh", "-c", "echo $TEST_POSTGRES_URL"])
        .env("TEST_POSTGRES_URL", "postgres://given")
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"postgres://given\n");
}
