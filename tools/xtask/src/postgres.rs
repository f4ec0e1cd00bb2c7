//! A temporary PostgreSQL server for one command. It needs no set-up, and leaves nothing behind.

use std::{
    cmp::Reverse,
    env,
    ffi::OsString,
    fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::{
        fs::chown,
        process::{CommandExt, ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Command, ExitCode, ExitStatus, Stdio},
    thread,
};

use anyhow::{Context, Result, anyhow};
use rustix::process::{Pid, geteuid};
use signal_hook::{consts::SIGKILL, iterator::Signals};
use tempfile::TempDir;

use crate::{
    command::{become_command, command, could_not_start, exit_code, run_quietly},
    signals,
};

/// The variable with the server's URL.
const ADDRESS: &str = "TEST_POSTGRES_URL";

/// Debian installs the programs of each version here, outside of `PATH`.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Fast, and not durable. Unix sockets are off, because their path may be too long.
const SETTINGS: &str = "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=1000 \
     -c fsync=off -c synchronous_commit=off -c full_page_writes=off";

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
    let postgres = Postgres::start()?;
    command.env(ADDRESS, postgres.address());
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

/// A running server. When dropped, it is stopped and its folder is deleted.
struct Postgres {
    programs: PathBuf,
    owner: Option<Owner>,
    folder: TempDir,
    port: u16,
}

/// The user that runs the server if this program runs as root: PostgreSQL refuses to run as root.
#[derive(Clone, Copy)]
struct Owner {
    user: u32,
    group: u32,
}

impl Postgres {
    fn start() -> Result<Self> {
        let postgres = Self {
            programs: programs()?,
            owner: owner()?,
            folder: tempfile::Builder::new().prefix("postgres-").tempdir()?,
            port: free_port()?,
        };
        postgres.change_owner_of_folder()?;
        postgres.create_cluster()?;
        postgres.start_server()?;
        Ok(postgres)
    }

    fn address(&self) -> String {
        format!("postgres://app@127.0.0.1:{}/postgres", self.port)
    }

    fn change_owner_of_folder(&self) -> Result<()> {
        if let Some(Owner { user, group }) = self.owner {
            chown(self.folder.path(), Some(user), Some(group))?;
        }
        Ok(())
    }

    fn create_cluster(&self) -> Result<()> {
        run_quietly(
            self.program("initdb")
                .args(["--username=app", "--auth=trust", "--no-sync"])
                .args(["--encoding=UTF8", "--locale=C"]),
        )
    }

    fn start_server(&self) -> Result<()> {
        let log = self.folder.path().join("log");
        let more = env::var("TEST_POSTGRES_OPTIONS").unwrap_or_default();
        run_quietly(
            self.program("pg_ctl")
                .arg("--wait")
                .arg(format!("--log={}", log.display()))
                .arg(format!("--options={SETTINGS} {more} -p {}", self.port))
                .arg("start"),
        )
        .map_err(|error| anyhow!("{error}\n{}", fs::read_to_string(&log).unwrap_or_default()))
    }

    /// One of PostgreSQL's programs, run on our data as the folder's owner. It has a process group of its own, so that
    /// Ctrl-C does not end it while the server is half started.
    fn program(&self, name: &str) -> Command {
        let mut program = command(self.programs.join(name));
        program
            .current_dir(self.folder.path())
            .arg("--pgdata=data")
            .stdin(Stdio::null())
            .process_group(0);
        if let Some(Owner { user, group }) = self.owner {
            program.uid(user).gid(group);
        }
        program
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut pg_ctl = self.program("pg_ctl");
        pg_ctl.args(["--mode=immediate", "--wait", "stop"]);
        if self.folder.path().join("data/postmaster.pid").exists()
            && let Err(error) = run_quietly(&mut pg_ctl)
        {
            eprintln!("error: PostgreSQL was not stopped: {error:#}");
        }
    }
}

/// The folder of PostgreSQL's programs: in `PATH`, or the newest version that Debian installed.
fn programs() -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(versions(Path::new(DEBIAN)))
        .find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
        .context(
            "PostgreSQL's `initdb` and `pg_ctl` were not found: install PostgreSQL \
             (on Debian: apt-get install postgresql)",
        )
}

/// The folders of programs in `/usr/lib/postgresql`, newest version first.
fn versions(below: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let number = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let mut folders: Vec<_> = fs::read_dir(below)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|folder| number(folder).is_some())
        .collect();
    folders.sort_by_key(|folder| Reverse(number(folder)));
    folders.into_iter().map(|folder| folder.join("bin"))
}

fn owner() -> Result<Option<Owner>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    Ok(Some(Owner {
        user: id_of_postgres("-u")?,
        group: id_of_postgres("-g")?,
    }))
}

fn id_of_postgres(which: &str) -> Result<u32> {
    let output = command("id").args([which, "postgres"]).output()?;
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .ok()
        .context(
            "PostgreSQL does not run as root, and there is no user `postgres` to run it as: \
             install PostgreSQL from your system's packages, or run this as another user",
        )
}

/// A port that is free now. Another process is unlikely to get it before PostgreSQL does.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
