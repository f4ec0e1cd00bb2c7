//! Programs under measurement, and what the system says of them.

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

/// A server that listens; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts the program with the options that every measurement has: answers from memory for the usual lease,
    /// and a limit per token that is reckoned and never reached.
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

    /// The bare handler, in a process of its own.
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

    /// The processor time that it has used so far, in all its threads (`proc(5)`, `stat`: in ticks).
    pub(crate) fn processor_time(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in brackets may hold anything, spaces too.
        let (_, fields) = stat.rsplit_once(')').context("a line of stat")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        ensure!(fields.len() > 13, "a line of stat has more fields");
        let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        let each = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_nanos(ticks * (1_000_000_000 / each)))
    }

    /// The memory that it has in use, in bytes (`proc(5)`, `VmRSS`).
    pub(crate) fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line
            .and_then(|line| line.split_whitespace().next())
            .context("a line VmRSS")?;
        Ok(kib.parse::<u64>()? * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command of the program to its end, and gives what it printed.
pub(crate) fn run(program: &Path, database_url: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .env("DEVELOPER_ZONE_DATABASE_URL", database_url)
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "{arguments:?} failed");
    Ok(String::from_utf8(output.stdout)?)
}
