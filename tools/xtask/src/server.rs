//! Builds and starts the server. A release build embeds the front end, so build that before. A debug build reads the
//! front end from its folder.

use std::{
    convert::Infallible,
    ffi::OsString,
    panic::resume_unwind,
    path::PathBuf,
    process::{Child, Stdio},
    thread,
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{
    command::{become_command, cargo, command, could_not_start, expect_success},
    mode::Mode,
    site,
};

/// The path of a built server.
pub(crate) struct Server(PathBuf);

impl Server {
    /// Replaces this process by the server.
    pub(crate) fn become_with(&self, args: &[OsString]) -> Result<Infallible> {
        become_command(command(&self.0).args(args))
    }

    /// Starts the server beside this program.
    pub(crate) fn start_with(&self, args: &[OsString]) -> Result<Child> {
        let mut command = command(&self.0);
        command.args(args);
        command.spawn().with_context(|| could_not_start(&command))
    }
}

/// Builds the front end and a debug server at the same time: the optimiser of the WASM uses only one processor.
pub(crate) fn build_with_site(mode: Mode) -> Result<Server> {
    thread::scope(|scope| {
        let site = scope.spawn(|| site::build(mode));
        let server = build(false);
        site.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        server
    })
}

/// Builds the server. Cargo reports its path, which `CARGO_TARGET_DIR` and a developer's own settings may change.
pub(crate) fn build(release: bool) -> Result<Server> {
    let mut cargo = cargo();
    cargo
        .args(["build", "--package", "server", "--bin", "developer-zone"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit());
    if release {
        cargo.arg("--release");
    } else {
        // The tests select these packages too, and need this feature. With equal features, dependencies are compiled
        // once for the server and the tests.
        cargo.args(["--package", "checker", "--package", "bench"]);
        cargo.args(["--features", "tokio/test-util"]);
    }
    let output = cargo.output().with_context(|| could_not_start(&cargo))?;
    expect_success(&cargo, output.status)?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let path = executable(&messages).context("cargo did not report the path of the server")?;
    Ok(Server(path.into()))
}

/// The last executable in cargo's messages, each a line of JSON.
fn executable(messages: &str) -> Option<String> {
    let of_line = |line| {
        let message: Value = serde_json::from_str(line).ok()?;
        Some(message["executable"].as_str()?.to_owned())
    };
    messages.lines().filter_map(of_line).next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_read_from_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"model"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"developer-zone"},"executable":"/t/debug/developer-zone"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(
            executable(messages).as_deref(),
            Some("/t/debug/developer-zone")
        );
        assert_eq!(executable(""), None);
    }
}
