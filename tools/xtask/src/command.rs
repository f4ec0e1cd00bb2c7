//! Starts other programs, and reports clearly how they failed.

use std::{
    convert::Infallible,
    env,
    ffi::OsStr,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Command, ExitStatus},
    time::Instant,
};

use anyhow::{Context, Result, bail};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate is in tools/xtask of the repository")
}

/// A command without the variables that `cargo run` sets for this program.
///
/// Some build scripts run again when a variable such as `CARGO_PKG_NAME` changes (ring's does). If a second cargo
/// inherited `cargo run`'s values, each change between `cargo xtask` and plain cargo would rebuild ring and every
/// crate that depends on it.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_set_by_cargo_run) {
            command.env_remove(name);
        }
    }
    command
}

fn is_set_by_cargo_run(variable: &str) -> bool {
    variable.starts_with("CARGO_PKG_")
        || variable.starts_with("CARGO_MANIFEST_")
        || matches!(variable, "CARGO" | "CARGO_BIN_NAME" | "CARGO_CRATE_NAME")
}

/// The cargo that runs this program, called at the root of the repository.
pub(crate) fn cargo() -> Command {
    let mut cargo = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// A build tool from npm. `end2end/package.json` lists all of them.
pub(crate) fn npm_tool(name: &str) -> Result<Command> {
    let tool = root().join("end2end/node_modules/.bin").join(name);
    if !tool.exists() {
        bail!("{name} is not installed: run `make setup`, or `npm ci` in the folder `end2end`");
    }
    Ok(command(tool))
}

/// Runs the command and waits for its end.
///
/// # Errors
/// The command could not be started, or failed. The error shows the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| could_not_start(command))?;
    expect_success(command, status)
}

/// Replaces this process by the command. It keeps the process id, so signals reach it, and its exit code is ours.
pub(crate) fn become_command(command: &mut Command) -> Result<Infallible> {
    Err(command.exec()).with_context(|| could_not_start(command))
}

/// The exit code with which a shell would report this status.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Does one step of a build, and prints how long it took.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let result = work()?;
    eprintln!("{name:>12} {:.1} s", start.elapsed().as_secs_f32());
    Ok(result)
}

pub(crate) fn expect_success(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

pub(crate) fn could_not_start(command: &Command) -> String {
    format!("`{}` could not be started", shown(command))
}

/// The command as a user would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = [name].into_iter().chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_cargo_run_are_removed_and_a_users_settings_stay() {
        for removed in ["CARGO", "CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"] {
            assert!(is_set_by_cargo_run(removed), "{removed}");
        }
        for kept in ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_BUILD_JOBS", "PATH"] {
            assert!(!is_set_by_cargo_run(kept), "{kept}");
        }
    }

    #[test]
    fn an_exit_code_is_returned_and_a_signal_adds_128() {
        let status = |script| Command::new("sh").args(["-c", script]).status();
        assert_eq!(exit_code(status("exit 7").unwrap()), 7);
        assert_eq!(exit_code(status("kill -TERM $$").unwrap()), 128 + 15);
    }
}
