//! The real nginx or HAProxy with the configuration that `deploy/` ships, called by curl over TLS.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{
    PING_PATH,
    loopback::{free_port, own_address},
    wait::{TIMEOUT, wait_until},
};

/// The API's address, as callers know it.
pub(crate) const API: &str = "https://api.example.com";

/// The dashboard's address, as browsers know it.
pub(crate) const DASHBOARD: &str = "https://dev.example.com";

/// The IP address of a caller. All of 127.0.0.0/8 is this machine.
pub(crate) const CALLER: &str = "127.0.0.2";

/// The IP address of another caller.
pub(crate) const OTHER_CALLER: &str = "127.0.0.3";

/// A proxy that `deploy/` has a configuration for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Haproxy,
}

/// Every proxy that `deploy/` has a configuration for.
pub(crate) const KINDS: [Kind; 2] = [Kind::Nginx, Kind::Haproxy];

/// A running proxy, stopped when dropped. It calls its servers from 127.0.0.1.
pub(crate) struct ReverseProxy {
    pub(crate) kind: Kind,
    folder: TempDir,
    listen: Listen,
    running: Child,
    log: Log,
}

/// Where a proxy listens.
#[derive(Clone, Copy)]
struct Listen {
    address: Ipv4Addr,
    https: u16,
    http: u16,
}

impl ReverseProxy {
    /// Starts the proxy in front of two servers.
    ///
    /// # Panics
    /// If the proxy is not installed. Skipping the test would hide that its guarantee was not tested.
    pub(crate) fn start(kind: Kind, servers: &[SocketAddr]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        make_certificate(folder.path());
        let address = own_address();
        let (https, http) = (free_port(address), free_port(address));
        let listen = Listen {
            address,
            https,
            http,
        };
        let (mut command, log) = match kind {
            Kind::Nginx => {
                let file = folder.path().join("developer-zone.log");
                (nginx(folder.path(), listen, servers), Log::File(file))
            }
            Kind::Haproxy => {
                let socket = UnixDatagram::bind(folder.path().join("log")).expect("bound");
                (haproxy(folder.path(), listen, servers), Log::of(socket))
            }
        };
        let stderr = folder.path().join("stderr");
        let errors = fs::File::create(&stderr).expect("made");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut running = command.stderr(errors).spawn().expect("started");
        wait_until("the proxy to listen", || {
            let ended = running.try_wait().expect("our child");
            assert!(
                ended.is_none(),
                "{kind:?} ended: {:?}",
                fs::read_to_string(&stderr)
            );
            [http, https]
                .iter()
                .all(|port| TcpStream::connect((address, *port)).is_ok())
        });
        Self {
            kind,
            folder,
            listen,
            running,
            log,
        }
    }

    /// curl at this IP address, without the settings of the user who runs the tests. It reaches the proxy under each
    /// host name.
    pub(crate) fn curl_from(&self, address: &str) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["-q", "--silent", "--show-error", "--noproxy", "*"])
            .args(["--max-time", &TIMEOUT.as_secs().to_string()])
            .args(["--interface", address, "--cacert"])
            .arg(self.folder.path().join("fullchain.pem"));
        let Listen {
            address,
            https,
            http,
        } = self.listen;
        for name in ["api.example.com", "dev.example.com", "evil.example"] {
            for (port, here) in [(443, https), (8443, https), (80, http)] {
                curl.arg("--connect-to");
                curl.arg(format!("{name}:{port}:{address}:{here}"));
            }
        }
        curl
    }

    /// Calls curl with these arguments, and returns head and body of the response.
    #[track_caller]
    pub(crate) fn call(&self, arguments: &[&str]) -> String {
        let mut curl = self.curl_from(CALLER);
        let output = curl.arg("--include").args(arguments).output();
        let output = output.expect("curl is installed: tools/scripts/setup proxies");
        let response = String::from_utf8(output.stdout).expect("a text");
        assert!(
            output.status.success(),
            "{:?} {arguments:?}: {response} {:?}",
            self.kind,
            String::from_utf8_lossy(&output.stderr)
        );
        response
    }

    /// The statuses of `count` calls on one connection.
    pub(crate) fn statuses(&self, address: &str, count: u32, arguments: &[&str]) -> Vec<String> {
        let mut curl = self.curl_from(address);
        curl.args(["--output", "/dev/null", "--write-out", "%{http_code}\n"])
            .args(arguments)
            .arg(format!("{API}{PING_PATH}?[1-{count}]"));
        let output = curl.output().expect("started");
        let statuses = String::from_utf8(output.stdout).expect("a text");
        statuses.lines().map(str::to_owned).collect()
    }

    /// The address for HTTPS.
    pub(crate) fn https(&self) -> SocketAddr {
        (self.listen.address, self.listen.https).into()
    }

    /// Its log of calls so far.
    pub(crate) fn logged(&self) -> String {
        match &self.log {
            Log::File(file) => fs::read_to_string(file).expect("a log"),
            Log::Received(log) => log.lock().expect("not poisoned").clone(),
        }
    }
}

impl Drop for ReverseProxy {
    fn drop(&mut self) {
        // nginx ends its worker processes on SIGTERM, but not when it is killed.
        let _ = kill_process(Pid::from_child(&self.running), Signal::TERM);
        let _ = self.running.wait();
    }
}

/// Where a proxy's log of calls is.
enum Log {
    File(PathBuf),
    /// The proxy sends it to a socket.
    Received(Arc<Mutex<String>>),
}

impl Log {
    /// Receives lines continuously: the socket's buffer is small, and HAProxy drops a line that does not fit. The
    /// thread ends with the test run.
    fn of(socket: UnixDatagram) -> Self {
        let log = Arc::new(Mutex::new(String::new()));
        let received = log.clone();
        thread::spawn(move || {
            let mut line = [0; 4096];
            while let Ok(length) = socket.recv(&mut line) {
                let line = String::from_utf8_lossy(&line[..length]);
                received.lock().expect("not poisoned").push_str(&line);
            }
        });
        Self::Received(log)
    }
}

fn nginx(folder: &Path, listen: Listen, servers: &[SocketAddr]) -> Command {
    let here = folder.display();
    let Listen {
        address,
        https,
        http,
    } = listen;
    let mut shipped = shipped("nginx/developer-zone.conf")
        .replace("/etc/ssl/developer-zone", &here.to_string())
        .replace("/var/log/nginx", &here.to_string())
        // A timeout must not end a request that a test holds.
        .replace(
            "proxy_read_timeout 35s",
            &format!("proxy_read_timeout {}s", TIMEOUT.as_secs()),
        )
        // Not every machine has IPv6.
        .replace("listen [::]:443", &format!("listen unix:{here}/https"))
        .replace("listen [::]:80", &format!("listen unix:{here}/http"))
        .replace("listen 443", &format!("listen {address}:{https}"))
        .replace("listen 80", &format!("listen {address}:{http}"));
    for (port, server) in (3001..).zip(servers) {
        shipped = shipped.replace(&format!("127.0.0.1:{port}"), &server.to_string());
    }
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {here}/{what};\n"))
        .concat();
    let whole = format!(
        "worker_processes 2;\ndaemon off;\npid {here}/pid;\nerror_log {here}/error.log;\n\
         events {{}}\nhttp {{\n{temporary}access_log off;\n{shipped}\n}}\n"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, whole).expect("written");
    let mut command = Command::new(installed("nginx"));
    command.arg("-p").arg(folder).arg("-c").arg(file);
    command.arg("-e").arg(folder.join("error.log"));
    if rustix::process::geteuid().is_root() {
        command.args(["-g", "user root root;"]);
    }
    command
}

fn haproxy(folder: &Path, listen: Listen, servers: &[SocketAddr]) -> Command {
    let here = folder.display();
    let Listen {
        address,
        https,
        http,
    } = listen;
    let health_check = "default-server check";
    // A health check that is late on a busy machine must not take a server out of service.
    let patient = format!("timeout check {}s", TIMEOUT.as_secs());
    // Nor may a timeout end a connection that a test holds.
    let patient_client = format!("timeout http-request {}s", TIMEOUT.as_secs());
    let mut shipped: String = shipped("haproxy/developer-zone.cfg")
        .replace("/etc/ssl/developer-zone", &here.to_string())
        .replace("/dev/log", &format!("{here}/log"))
        .replace(":::443 v4v6", &format!("{address}:{https}"))
        .replace(":::80 v4v6", &format!("{address}:{http}"))
        .replace("timeout http-request 10s", &patient_client)
        .replace(health_check, &format!("{patient}\n    {health_check}"));
    for (port, server) in (3001..).zip(servers) {
        shipped = shipped.replace(&format!("127.0.0.1:{port}"), &server.to_string());
    }
    // Only root may become another user, and the test's folder lies outside of the `chroot` folder.
    let stays = |line: &&str| {
        let word = line.split_whitespace().next().unwrap_or_default();
        !["user", "group", "chroot"].contains(&word)
    };
    let lines: Vec<_> = shipped.lines().filter(stays).collect();
    let file = folder.join("haproxy.cfg");
    fs::write(&file, lines.join("\n") + "\n").expect("written");
    let mut command = Command::new(installed("haproxy"));
    command.arg("-db").arg("-f").arg(file);
    command
}

fn shipped(file: &str) -> String {
    let deploy = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/");
    fs::read_to_string(format!("{deploy}{file}")).expect("a configuration")
}

/// The path of an installed program. Debian installs the proxies in a folder that is only in root's `PATH`.
pub(crate) fn installed(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    let mut found = folders.iter().map(|folder| folder.join(name));
    let file = found.find(|file| file.is_file());
    file.unwrap_or_else(|| {
        panic!(
            "{name} is not installed: run `make test`, or `tools/scripts/setup proxies pgbouncer`"
        )
    })
}

/// Creates a self-signed certificate for both host names, in the files that each proxy needs.
fn make_certificate(folder: &Path) {
    let (key, certificate) = (folder.join("privkey.pem"), folder.join("fullchain.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-subj", "/CN=developer-zone", "-addext"])
        .arg("subjectAltName=DNS:api.example.com,DNS:dev.example.com")
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    let made = made.expect("openssl is installed: tools/scripts/setup proxies");
    assert!(made.status.success(), "{made:?}");
    let both = [certificate, key].map(|file| fs::read(file).expect("made"));
    fs::write(folder.join("haproxy.pem"), both.concat()).expect("written");
}
