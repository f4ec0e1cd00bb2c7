//! The real PgBouncer in transaction mode, as docs/operations.md sets it up.

use std::{
    fs,
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use super::{
    database::TestDatabase,
    loopback::{free_port, own_address},
    reverse_proxy::installed,
    wait::wait_until,
};

/// A running PgBouncer, stopped when dropped.
pub(crate) struct PgBouncer {
    running: Child,
    url: String,
    _folder: TempDir,
}

impl PgBouncer {
    /// Starts PgBouncer in front of a PostgreSQL.
    ///
    /// # Panics
    /// If PgBouncer is not installed. Skipping the test would hide that its guarantee was not tested.
    pub(crate) fn before(database: &TestDatabase) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let address = own_address();
        let port = free_port(address);
        let server = database.address();
        let configuration = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]
            * = host={} port={} user=app
            [pgbouncer]
            listen_addr = {address}
            listen_port = {port}
            unix_socket_dir =
            auth_type = any
            pool_mode = transaction
            ignore_startup_parameters = options
            ",
            server.ip(),
            server.port()
        );
        fs::write(&configuration, text).expect("written");
        let log = folder.path().join("log");
        let mut command = Command::new(installed("pgbouncer"));
        if geteuid().is_root() {
            // It refuses to run as root.
            command.args(["--user", "nobody"]);
        }
        command.arg(&configuration).stdin(Stdio::null());
        command.stderr(fs::File::create(&log).expect("made"));
        let mut running = command.spawn().expect("started");
        wait_until("PgBouncer to listen", || {
            let ended = running.try_wait().expect("our child");
            assert!(ended.is_none(), "{:?}", fs::read_to_string(&log));
            TcpStream::connect((address, port)).is_ok()
        });
        Self {
            running,
            url: database.url_at((address, port).into()),
            _folder: folder,
        }
    }

    /// The address of the database through PgBouncer.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        // SIGINT waits for its clients.
        let _ = kill_process(Pid::from_child(&self.running), Signal::TERM);
        let _ = self.running.wait();
    }
}
