//! Temporary PostgreSQL servers, with standbys. They need no set-up, and leave nothing behind.
//!
//! This library only runs PostgreSQL's own programs, and has no SQL client. `TEST_POSTGRES_OPTIONS` adds options to
//! each server.

mod programs;

use std::{
    env, fs,
    io::Write as _,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Result, anyhow};
use tempfile::TempDir;

use crate::programs::{Owner, run_quietly};

/// Settings of every server. Unix sockets are off, because their path may be too long. With them, no data survives a
/// power cut.
const SETTINGS: &str = "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=1000 \
     -c fsync=off -c full_page_writes=off -c wal_retrieve_retry_interval=100ms";

/// The folders of a cluster's data and of a copy of it, inside the cluster's own folder.
const DATA: &str = "data";
const COPY: &str = "copy";

/// When a commit is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commits {
    /// Before it is written: fast.
    Unwritten,
    /// When it is written, and when a synchronous standby has it, if there is one.
    Written,
}

impl Commits {
    const fn setting(self) -> &'static str {
        match self {
            Self::Unwritten => "off",
            Self::Written => "on",
        }
    }
}

/// A PostgreSQL server with its own folder and port. Dropping it stops the server and deletes the folder.
///
/// The only user is `app`, a superuser without a password.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    owner: Option<Owner>,
    folder: TempDir,
    port: u16,
    commits: Commits,
}

impl Cluster {
    /// A new server with an empty database `postgres`.
    ///
    /// # Errors
    /// If PostgreSQL's programs are missing or fail.
    pub fn start(commits: Commits) -> Result<Self> {
        let cluster = Self::without_data(commits)?;
        run_quietly(
            cluster
                .server_program("initdb")
                .args(["--username=app", "--auth=trust", "--no-sync"])
                .args(["--encoding=UTF8", "--locale=C"]),
        )?;
        cluster.start_server()?;
        Ok(cluster)
    }

    /// A cluster that has a folder and a port, and no data yet.
    ///
    /// # Errors
    /// If PostgreSQL's programs are missing.
    pub fn without_data(commits: Commits) -> Result<Self> {
        let cluster = Self {
            programs: programs::folder()?,
            owner: Owner::needed()?,
            folder: tempfile::Builder::new().prefix("postgres-").tempdir()?,
            port: free_port()?,
            commits,
        };
        if let Some(Owner { user, group }) = cluster.owner {
            chown(cluster.folder.path(), Some(user), Some(group))?;
        }
        Ok(cluster)
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The URL of the database `postgres`.
    pub fn url(&self) -> String {
        format!("postgres://app@{}/postgres", self.address())
    }

    /// Replaces all data by that of the primary at `primary`, and starts as its standby. `name` is its
    /// `application_name`, which `synchronous_standby_names` can contain.
    ///
    /// # Errors
    /// If a program of PostgreSQL fails.
    pub fn become_standby(&self, primary: SocketAddr, name: &str) -> Result<()> {
        self.stop()?;
        self.remove(DATA)?;
        let connection = format!(
            "host={} port={} user=app application_name={name}",
            primary.ip(),
            primary.port()
        );
        run_quietly(
            self.base_backup(DATA)
                .arg("--write-recovery-conf")
                .arg(format!("--dbname={connection}")),
        )?;
        self.start_server()
    }

    /// Makes this standby a primary, and waits until it is one.
    ///
    /// # Errors
    /// If `pg_ctl` fails.
    pub fn promote(&self) -> Result<()> {
        run_quietly(self.server_program("pg_ctl").args(["--wait", "promote"]))
    }

    /// Copies the data of the running server, for [`Cluster::restore_copy`].
    ///
    /// # Errors
    /// If `pg_basebackup` fails.
    pub fn copy(&self) -> Result<()> {
        self.remove(COPY)?;
        let connection = format!("host={} port={} user=app", Ipv4Addr::LOCALHOST, self.port);
        run_quietly(self.base_backup(COPY).arg(format!("--dbname={connection}")))
    }

    /// Replaces the data of the stopped server by its copy, and starts it.
    ///
    /// # Errors
    /// If there is no copy, or the server does not start with it.
    pub fn restore_copy(&self) -> Result<()> {
        self.remove(DATA)?;
        fs::rename(self.path(COPY), self.path(DATA))?;
        self.start_server()
    }

    /// Changes a setting. A running server reads it a moment later.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn set(&self, name: &str, value: &str) -> Result<()> {
        let file = self.path(DATA).join("postgresql.conf");
        let mut file = fs::File::options().append(true).open(file)?;
        // The last line with a name counts.
        writeln!(file, "{name} = '{value}'")?;
        if self.is_running() {
            run_quietly(self.server_program("pg_ctl").arg("reload"))?;
        }
        Ok(())
    }

    /// Stops the server as a crash does: without a checkpoint, and without a word to its clients and standbys.
    ///
    /// # Errors
    /// If `pg_ctl` fails.
    pub fn stop(&self) -> Result<()> {
        if !self.is_running() {
            return Ok(());
        }
        let mut pg_ctl = self.server_program("pg_ctl");
        run_quietly(pg_ctl.args(["--mode=immediate", "--wait", "stop"]))
    }

    fn is_running(&self) -> bool {
        self.path(DATA).join("postmaster.pid").exists()
    }

    fn start_server(&self) -> Result<()> {
        let log = self.path("log");
        let (port, commits) = (self.port, self.commits.setting());
        let more = env::var("TEST_POSTGRES_OPTIONS").unwrap_or_default();
        run_quietly(
            self.server_program("pg_ctl")
                .arg("--wait")
                .arg(format!("--log={}", log.display()))
                .arg(format!(
                    "--options={SETTINGS} -c synchronous_commit={commits} {more} -p {port}"
                ))
                .arg("start"),
        )
        .map_err(|error| anyhow!("{error}\n{}", fs::read_to_string(&log).unwrap_or_default()))
    }

    fn base_backup(&self, folder: &str) -> Command {
        let mut program = self.program("pg_basebackup");
        program.arg(format!("--pgdata={folder}")).args([
            "--checkpoint=fast",
            "--no-sync",
            "--no-password",
        ]);
        program
    }

    fn server_program(&self, name: &str) -> Command {
        let mut program = self.program(name);
        program.arg(format!("--pgdata={DATA}"));
        program
    }

    /// One of PostgreSQL's programs, run in our folder as its owner. It has a process group of its own, so that Ctrl-C
    /// does not end it while the server is half started.
    fn program(&self, name: &str) -> Command {
        let mut program = Command::new(self.programs.join(name));
        program
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .process_group(0);
        if let Some(Owner { user, group }) = self.owner {
            program.uid(user).gid(group);
        }
        program
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn remove(&self, name: &str) -> Result<()> {
        let folder: &Path = &self.path(name);
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        Ok(())
    }
}

impl Drop for Cluster {
    #[expect(clippy::print_stderr, reason = "there is no other way to report it")]
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("error: PostgreSQL was not stopped: {error:#}");
        }
    }
}

/// A port that is free now. Another process is unlikely to get it before PostgreSQL does.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
