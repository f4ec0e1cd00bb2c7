//! Starting other programs, and saying clearly what went wrong with them.

use std::{
    convert::Infallible,
    env,
    ffi::OsStr,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::Path,
    process::{Command, ExitStatus},
    time::Instant,
};

use anyhow::{Context, Result, anyhow, bail};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate is in tools/xtask of the repository")
}

/// A command that cannot tell that it is started from a program which `cargo run` started.
///
/// Build scripts may ask to run again when a variable such as `CARGO_PKG_NAME` changes (ring's does). If
/// `cargo run`'s values went through to a second cargo, each change between a cargo started here and one
/// started by hand would build ring, and all that stands on it, anew.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_of_cargo_run) {
            command.env_remove(name);
        }
    }
    command
}

fn is_of_cargo_run(variable: &str) -> bool {
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

/// A build tool from npm. All of them stand in the one `package.json` of `end2end`.
pub(crate) fn npm_tool(name: &str) -> Result<Command> {
    let tool = root().join("end2end/node_modules/.bin").join(name);
    if !tool.exists() {
        bail!("{name} is not installed: run `make setup`, or `npm ci` in the folder `end2end`");
    }
    Ok(command(tool))
}

/// Runs the command to its end; anything but success is an error that shows the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| could_not_start(command))?;
    expect_success(command, status)
}

/// Like [`run`], but shows what the command prints only if it fails.
pub(crate) fn run_quietly(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| could_not_start(command))?;
    expect_success(command, output.status).map_err(|error| {
        let said = [output.stdout, output.stderr].concat();
        anyhow!("{error}\n{}", String::from_utf8_lossy(&said).trim_end())
    })
}

/// Becomes the command, with this process's id, so that signals reach it and its exit code is ours.
pub(crate) fn become_command(command: &mut Command) -> Result<Infallible> {
    Err(command.exec()).with_context(|| could_not_start(command))
}

/// The exit code by which a shell would report this status.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Does one step of a build and says how long it took.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let done = work()?;
    eprintln!("{name:>12} {:.1} s", start.elapsed().as_secs_f32());
    Ok(done)
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

/// The command as one would type it.
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
    fn what_cargo_run_leaves_behind_is_told_from_a_users_settings() {
        for left in ["CARGO", "CARGO_PKG_NAME", "CARGO_MANIFEST_DIR"] {
            assert!(is_of_cargo_run(left), "{left}");
        }
        for set in ["CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_BUILD_JOBS", "PATH"] {
            assert!(!is_of_cargo_run(set), "{set}");
        }
    }

    #[test]
    fn an_exit_code_is_passed_on_and_a_death_by_signal_counts_from_128() {
        let status = |script| Command::new("sh").args(["-c", script]).status();
        assert_eq!(exit_code(status("exit 7").unwrap()), 7);
        assert_eq!(exit_code(status("kill -TERM $$").unwrap()), 128 + 15);
    }

    #[test]
    fn a_failure_shows_the_command_and_what_it_said() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such luck >&2; exit 3"]);
        let error = run_quietly(&mut command).unwrap_err().to_string();
        assert!(error.contains("sh -c"), "{error}");
        assert!(error.contains("exit status: 3"), "{error}");
        assert!(error.contains("no such luck"), "{error}");
    }
}
