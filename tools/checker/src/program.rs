//! The program under test, started as its users start it: as a server, and as the command line.

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// A server that is not there by then will not come: unoptimised, on a busy machine, it takes a second or two.
const STARTS_WITHIN: Duration = Duration::from_secs(60);
/// As for a command, which may have to wait out a fault.
const COMMAND_WITHIN: Duration = Duration::from_secs(60);

/// The program, and how it is to be run.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
    /// Where it runs: what it leaves behind by default is left there.
    folder: PathBuf,
    lease_ms: u64,
    knows_leases: bool,
}

/// What a command came to.
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    /// The program at `DEVELOPER_ZONE_BIN`, or the one that `cargo build` makes.
    pub(crate) async fn find(folder: &Path, lease_ms: u64) -> Result<Self> {
        let path = env::var_os("DEVELOPER_ZONE_BIN").map_or_else(
            || PathBuf::from("target/debug/developer-zone"),
            PathBuf::from,
        );
        let path = path.canonicalize().with_context(|| {
            format!(
                "there is no program {}: run `cargo xtask build`, or name it in DEVELOPER_ZONE_BIN",
                path.display()
            )
        })?;
        let mut program = Self {
            path,
            folder: folder.to_owned(),
            lease_ms,
            knows_leases: false,
        };
        let help = program.command("", &["serve", "--help"]).output().await?;
        program.knows_leases = String::from_utf8_lossy(&help.stdout).contains("--lease-ms");
        Ok(program)
    }

    /// How long a server may answer from memory; nothing if this program always asks the database.
    pub(crate) fn lease(&self) -> Option<Duration> {
        (self.knows_leases && self.lease_ms > 0).then(|| Duration::from_millis(self.lease_ms))
    }

    /// Settings of whoever runs the checker do not reach it, but for a sabotage that is on trial.
    fn command(&self, database_url: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        for (name, _) in env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("DEVELOPER_ZONE_") && name_text != "DEVELOPER_ZONE_SABOTAGE" {
                command.env_remove(name);
            }
        }
        // As a variable, since server and command line have to agree, and not every command takes the option.
        if self.knows_leases {
            command.env("DEVELOPER_ZONE_LEASE_MS", self.lease_ms.to_string());
        }
        command
            .args(arguments)
            .env("DEVELOPER_ZONE_DATABASE_URL", database_url)
            // With the word of a server that was told to stop: nobody here tells it to.
            .env("DEVELOPER_ZONE_LOG", "warn,server::serve=info")
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Starts a command whose outcome is waited for elsewhere; killed when dropped.
    pub(crate) fn start(&self, database_url: &str, arguments: &[&str]) -> Result<Child> {
        Ok(self.command(database_url, arguments).spawn()?)
    }

    /// Runs a command to its end. Nothing if it does not come to one.
    pub(crate) async fn run(
        &self,
        database_url: &str,
        arguments: &[&str],
    ) -> Result<Option<Output>> {
        let child = self.start(database_url, arguments)?;
        let Ok(output) = timeout(COMMAND_WITHIN, child.wait_with_output()).await else {
            return Ok(None);
        };
        let output = output?;
        Ok(Some(Output {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }))
    }

    /// Runs a command that has to succeed, and gives what it printed.
    pub(crate) async fn must_run(&self, database_url: &str, arguments: &[&str]) -> Result<String> {
        let output = self.run(database_url, arguments).await?;
        let output = output.with_context(|| format!("{arguments:?} did not end"))?;
        if !output.status.success() {
            bail!("{arguments:?} failed: {}", output.stderr);
        }
        Ok(output.stdout)
    }
}

/// A server that can be killed, started again, suspended and continued.
pub(crate) struct Server {
    /// Its number, from 0.
    pub(crate) number: usize,
    program: Program,
    database_url: String,
    running: Mutex<Option<Running>>,
}

struct Running {
    child: Child,
    address: SocketAddr,
}

impl Server {
    pub(crate) async fn start(
        number: usize,
        program: Program,
        database_url: String,
    ) -> Result<Self> {
        let server = Self {
            number,
            program,
            database_url,
            running: Mutex::new(None),
        };
        server.start_again().await?;
        Ok(server)
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it listens; nothing while it is down.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.running().as_ref().map(|running| running.address)
    }

    /// What it and its predecessors under this number have logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.program
            .folder
            .join(format!("server-{}.log", self.number))
    }

    /// Starts it on a free port; the last one may meanwhile be somebody else's.
    pub(crate) async fn start_again(&self) -> Result<()> {
        const ARGUMENTS: [&str; 7] = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--api-hosts",
            "127.0.0.1",
            "--rate-limit",
            "0",
        ];
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.log_file())?;
        let mut child = self
            .program
            .command(&self.database_url, &ARGUMENTS)
            // A run may last for longer than a server takes a sign-in as fresh.
            .env("DEVELOPER_ZONE_CONFIRM_PASSWORD_AFTER", "30days")
            .stderr(log)
            .spawn()?;
        let stdout = child.stdout.take().context("standard output is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let first = timeout(STARTS_WITHIN, lines.next_line()).await;
        let listening = first.ok().and_then(Result::ok).flatten();
        let address = listening
            .as_deref()
            .and_then(|line| line.strip_prefix("listening on http://")?.parse().ok());
        let Some(address) = address else {
            bail!(
                "server {} did not start ({listening:?}):\n{}",
                self.number,
                self.log()
            );
        };
        // Whatever else it prints is read, or it would wait for that.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        *self.running() = Some(Running { child, address });
        Ok(())
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) async fn kill(&self) -> Result<()> {
        let running = self.running().take();
        let mut running = running.with_context(|| format!("server {} is down", self.number))?;
        self.still_runs(&mut running)?;
        Ok(running.child.kill().await?)
    }

    /// That it has not ended by itself, nor by anybody else's doing.
    pub(crate) fn must_run(&self) -> Result<()> {
        let mut running = self.running();
        let running = running.as_mut();
        self.still_runs(running.with_context(|| format!("server {} is down", self.number))?)
    }

    fn still_runs(&self, running: &mut Running) -> Result<()> {
        if let Some(status) = running.child.try_wait()? {
            bail!(
                "server {} ended, and not by the checker's doing, with {status}:\n{}",
                self.number,
                self.log()
            );
        }
        Ok(())
    }

    /// Stops it where it stands.
    pub(crate) fn suspend(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub(crate) fn go_on(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let running = self.running();
        let id = running.as_ref().and_then(|running| running.child.id());
        let pid = id.and_then(|id| Pid::from_raw(id.try_into().ok()?));
        let pid = pid.with_context(|| format!("server {} is down", self.number))?;
        Ok(kill_process(pid, signal)?)
    }
}
