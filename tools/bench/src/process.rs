//! The measured programs, with their processor time and memory.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

/// A running server. Dropping it kills the process.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts the program with the options of all measurements: the usual lease, and a rate limit that is checked but
    /// never reached.
    pub(crate) fn start(program: &Path, database_url: &str, more: &[&str]) -> Result<Self> {
        let mut command = Command::new(program);
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(["--api-hosts", "127.0.0.1"])
            .args(["--rate-limit", "1000000", "--rate-burst", "1000000"])
            .args(more)
            .env("DEVELOPER_ZONE_DATABASE_URL", database_url);
        Self::spawn(command)
    }

    /// Starts the bare handler in its own process.
    pub(crate) fn bare() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("bare");
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{command:?} cannot be run"))?;
        let stdout = child.stdout.take().context("standard output is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let first = lines.next().transpose()?.unwrap_or_default();
        let address = first
            .strip_prefix("listening on http://")
            .with_context(|| format!("{command:?} did not start"))?
            .parse()?;
        thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, address })
    }

    /// The processor time that all threads of the process have used (`proc(5)`, `stat`, in ticks).
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The process name in brackets can contain spaces and brackets.
        let (_, fields) = stat.rsplit_once(')').context("stat without a name")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        ensure!(fields.len() > 13, "stat with too few fields");
        let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        let each = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_nanos(ticks * (1_000_000_000 / each)))
    }

    /// The resident memory of the process in bytes (`proc(5)`, `VmRSS`).
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line
            .and_then(|line| line.split_whitespace().next())
            .context("status without VmRSS")?;
        Ok(kib.parse::<u64>()? * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command of the program. Returns its output.
pub(crate) fn run(program: &Path, database_url: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .env("DEVELOPER_ZONE_DATABASE_URL", database_url)
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "{arguments:?} failed");
    Ok(String::from_utf8(output.stdout)?)
}
