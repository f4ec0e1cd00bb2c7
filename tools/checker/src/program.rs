//! The program under test, run as users run it: as a server and from the command line.

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
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// Ends the wait for a server that hangs. An unoptimised server on a busy machine starts in a second or two.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Ends the wait for a command that hangs. A command may have to wait until a fault is over.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// The program and its settings.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
    /// The working folder. Files that the program creates by default are created here.
    folder: PathBuf,
    lease_ms: u64,
    settings: Settings,
}

/// How the program is started.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Environment variables, which also old versions and commands without such an option accept.
    pub(crate) variables: &'static [(&'static str, &'static str)],
    /// What a shell runs before it becomes the program, to limit it. Empty for no shell.
    pub(crate) limits: String,
}

impl Settings {
    /// For a long run of many calls: no rate limits, and passwords need not be confirmed again.
    const OF_LONG_RUNS: Self = Self {
        variables: &[
            ("DEVELOPER_ZONE_RATE_LIMIT", "0"),
            ("DEVELOPER_ZONE_CONFIRM_PASSWORD_AFTER", "30days"),
        ],
        limits: String::new(),
    };
}

/// The result of a command.
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    /// The program at `DEVELOPER_ZONE_BIN`, or the one that `cargo build` makes.
    pub(crate) fn find(folder: &Path, lease_ms: u64) -> Result<Self> {
        let path = env::var_os("DEVELOPER_ZONE_BIN").map_or_else(
            || PathBuf::from("target/debug/developer-zone"),
            PathBuf::from,
        );
        let path = path.canonicalize().with_context(|| {
            format!(
                "{} does not exist: run `cargo xtask build`, or set DEVELOPER_ZONE_BIN",
                path.display()
            )
        })?;
        Ok(Self {
            path,
            folder: folder.to_owned(),
            lease_ms,
            settings: Settings::OF_LONG_RUNS,
        })
    }

    /// The same program with other settings.
    pub(crate) fn with(&self, settings: Settings) -> Self {
        Self {
            settings,
            ..self.clone()
        }
    }

    /// The lease of its servers.
    pub(crate) const fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    /// A command of the program. It inherits no `DEVELOPER_ZONE_` variables, except the one that chooses a sabotage.
    fn command(&self, database_url: &str, arguments: &[&str]) -> Command {
        let Settings { variables, limits } = &self.settings;
        let mut command = if limits.is_empty() {
            Command::new(&self.path)
        } else {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("{limits}; exec \"$0\" \"$@\"")]);
            shell.arg(&self.path);
            shell
        };
        for (name, _) in env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("DEVELOPER_ZONE_") && name_text != "DEVELOPER_ZONE_SABOTAGE" {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .envs(variables.iter().copied())
            .env("DEVELOPER_ZONE_LEASE_MS", self.lease_ms.to_string())
            .env("DEVELOPER_ZONE_DATABASE_URL", database_url)
            // Includes the message of a server that stops on a signal, which must not happen here.
            .env("DEVELOPER_ZONE_LOG", "warn,server::serve=info")
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Starts a command. Dropping the returned process kills it.
    pub(crate) fn start(&self, database_url: &str, arguments: &[&str]) -> Result<Child> {
        Ok(self.command(database_url, arguments).spawn()?)
    }

    /// Runs a command. Returns `None` if it does not end in time.
    pub(crate) async fn run(
        &self,
        database_url: &str,
        arguments: &[&str],
    ) -> Result<Option<Output>> {
        let child = self.start(database_url, arguments)?;
        let Ok(output) = timeout(COMMAND_TIMEOUT, child.wait_with_output()).await else {
            return Ok(None);
        };
        let output = output?;
        Ok(Some(Output {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }))
    }

    /// Runs a command that must succeed. Returns its output.
    pub(crate) async fn must_run(&self, database_url: &str, arguments: &[&str]) -> Result<String> {
        let output = self.run(database_url, arguments).await?;
        let output = output.with_context(|| format!("{arguments:?} did not end"))?;
        if !output.status.success() {
            bail!("{arguments:?} failed: {}", output.stderr);
        }
        Ok(output.stdout)
    }

    /// Like [`Program::must_run`], with a line of standard input, which the command need not read.
    pub(crate) async fn must_run_with(
        &self,
        database_url: &str,
        arguments: &[&str],
        line: &str,
    ) -> Result<()> {
        let mut command = self.command(database_url, arguments);
        let mut child = command.stdin(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().context("standard input is piped")?;
        // Fails if the command has ended without reading it.
        let _ = stdin.write_all(line.as_bytes()).await;
        drop(stdin);
        let output = timeout(COMMAND_TIMEOUT, child.wait_with_output()).await;
        let output = output.with_context(|| format!("{arguments:?} did not end"))??;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            bail!("{arguments:?} failed: {stderr}");
        }
        Ok(())
    }
}

/// A server that can be killed, restarted, suspended and resumed.
pub(crate) struct Server {
    /// The server's number, from 0.
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
        server.restart().await?;
        Ok(server)
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address that the server listens on. `None` while it is down.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.running().as_ref().map(|running| running.address)
    }

    /// The log of this server, since its first start.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.program
            .folder
            .join(format!("server-{}.log", self.number))
    }

    /// Starts the server on a free port. Another process may have taken the previous port.
    pub(crate) async fn restart(&self) -> Result<()> {
        const ARGUMENTS: [&str; 5] = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--api-hosts",
            "127.0.0.1",
        ];
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.log_file())?;
        let mut child = self
            .program
            .command(&self.database_url, &ARGUMENTS)
            .stderr(log)
            .spawn()?;
        let stdout = child.stdout.take().context("standard output is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let first = timeout(START_TIMEOUT, lines.next_line()).await;
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
        // Reads all further output. Otherwise a full pipe would block the server.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        *self.running() = Some(Running { child, address });
        Ok(())
    }

    /// Kills the server (`kill -9`) and waits until it has ended.
    pub(crate) async fn kill(&self) -> Result<()> {
        let running = self.running().take();
        let mut running = running.with_context(|| format!("server {} is down", self.number))?;
        self.ensure_alive(&mut running)?;
        Ok(running.child.kill().await?)
    }

    /// Fails if the server has ended and the checker did not end it.
    pub(crate) fn ensure_running(&self) -> Result<()> {
        let mut running = self.running();
        let running = running.as_mut();
        self.ensure_alive(running.with_context(|| format!("server {} is down", self.number))?)
    }

    fn ensure_alive(&self, running: &mut Running) -> Result<()> {
        if let Some(status) = running.child.try_wait()? {
            bail!(
                "server {} ended unexpectedly with {status}:\n{}",
                self.number,
                self.log()
            );
        }
        Ok(())
    }

    /// Suspends the server (`SIGSTOP`).
    pub(crate) fn suspend(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Resumes the server (`SIGCONT`).
    pub(crate) fn resume(&self) -> Result<()> {
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
