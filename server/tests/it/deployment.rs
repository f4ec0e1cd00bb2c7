//! Servers behind the proxies of `deploy/`, as an operator would run them: the real nginx and HAProxy with the
//! configurations that are shipped, over TLS, called by curl.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::program::{Serving, developer_zone, done, wait_until};

pub(crate) const API: &str = "https://api.example.com";
pub(crate) const DASHBOARD: &str = "https://dev.example.com";
/// A caller, as the proxies see it. All of 127.0.0.0/8 is this machine.
pub(crate) const CALLER: &str = "127.0.0.2";

/// A proxy that we have a configuration for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Haproxy,
}

/// Two servers on one database, with the demo data. The proxies are to be at 127.0.0.1.
pub(crate) fn two_servers(url: &str, folder: &Path, options: &[&str]) -> Vec<Serving> {
    done(url, &["demo"]);
    let named = [
        "--api-hosts=api.example.com",
        "--public-url=https://dev.example.com",
        "--trusted-proxies=127.0.0.1",
    ];
    let listen = ["serve", "--listen", "127.0.0.1:0"];
    let start = || {
        let mut command = developer_zone(url, &[&listen[..], &named, options].concat());
        command.env("DEVELOPER_ZONE_ORIGINALS_FOLDER", folder);
        Serving::start_as(command)
    };
    vec![start(), start()]
}

/// A running proxy, stopped when it is dropped.
pub(crate) struct Proxy {
    pub(crate) kind: Kind,
    folder: TempDir,
    https: u16,
    http: u16,
    running: Child,
    log: Option<UnixDatagram>,
}

impl Proxy {
    /// Starts the proxy before these servers.
    ///
    /// # Panics
    /// Where it is not installed: a promise that was not tested is not kept silently.
    pub(crate) fn start(kind: Kind, servers: &[Serving]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        make_certificate(folder.path());
        let (https, http) = (free_port(), free_port());
        let (mut command, log) = match kind {
            Kind::Nginx => (nginx(folder.path(), https, http, servers), None),
            Kind::Haproxy => {
                let log = UnixDatagram::bind(folder.path().join("log")).expect("bound");
                (haproxy(folder.path(), https, http, servers), Some(log))
            }
        };
        let errors = fs::File::create(folder.path().join("stderr")).expect("made");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut running = command.stderr(errors).spawn().expect("started");
        wait_until("the proxy", || {
            let ended = running.try_wait().expect("our child");
            let said = || fs::read_to_string(folder.path().join("stderr"));
            assert!(ended.is_none(), "{kind:?} ended: {:?}", said());
            [http, https]
                .iter()
                .all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok())
        });
        Self {
            kind,
            folder,
            https,
            http,
            running,
            log,
        }
    }

    /// curl, which reaches both of our names here, as a caller at `address`. Nothing of the settings of whoever
    /// runs the tests.
    pub(crate) fn curl_from(&self, address: &str) -> Command {
        let mut curl = Command::new("curl");
        curl.args(["-q", "--silent", "--show-error", "--noproxy", "*"])
            .args(["--max-time", "30", "--interface", address, "--cacert"])
            .arg(self.folder.path().join("fullchain.pem"));
        for name in ["api.example.com", "dev.example.com", "evil.example"] {
            for (port, here) in [(443, self.https), (80, self.http)] {
                curl.arg("--connect-to");
                curl.arg(format!("{name}:{port}:127.0.0.1:{here}"));
            }
        }
        curl
    }

    /// Calls with these arguments of curl, and gives head and body of the answer.
    #[track_caller]
    pub(crate) fn call(&self, arguments: &[&str]) -> String {
        let mut curl = self.curl_from(CALLER);
        let output = curl.arg("--include").args(arguments).output();
        let output = output.expect("curl is installed: tools/scripts/setup proxies");
        let answer = String::from_utf8(output.stdout).expect("a text");
        assert!(
            output.status.success(),
            "{:?} {arguments:?}: {answer} {:?}",
            self.kind,
            String::from_utf8_lossy(&output.stderr)
        );
        answer
    }

    /// The statuses of `count` calls on one connection.
    pub(crate) fn statuses(&self, address: &str, count: u32, arguments: &[&str]) -> Vec<String> {
        let mut curl = self.curl_from(address);
        curl.args(["--output", "/dev/null", "--write-out", "%{http_code}\n"])
            .args(arguments)
            .arg(format!("{API}/api/v1/ext/903/events?page=[1-{count}]"));
        let output = curl.output().expect("started");
        let statuses = String::from_utf8(output.stdout).expect("a text");
        statuses.lines().map(str::to_owned).collect()
    }

    /// What it has logged of calls so far.
    pub(crate) fn logged(&self) -> String {
        let Some(log) = &self.log else {
            let file = self.folder.path().join("developer-zone.log");
            return fs::read_to_string(file).expect("a log");
        };
        let mut lines = String::new();
        let mut line = [0; 4096];
        log.set_read_timeout(Some(Duration::from_millis(500)))
            .expect("set");
        while let Ok(length) = log.recv(&mut line) {
            lines.push_str(&String::from_utf8_lossy(&line[..length]));
        }
        lines
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // nginx's processes end with the first of them, if it is asked.
        let _ = kill_process(Pid::from_child(&self.running), Signal::TERM);
        let _ = self.running.wait();
    }
}

fn nginx(folder: &Path, https: u16, http: u16, servers: &[Serving]) -> Command {
    let here = folder.display();
    let mut shipped = shipped("nginx/developer-zone.conf")
        .replace("/etc/ssl/developer-zone", &here.to_string())
        .replace("/var/log/nginx", &here.to_string())
        // Not every machine has IPv6.
        .replace("listen [::]:443", &format!("listen unix:{here}/https"))
        .replace("listen [::]:80", &format!("listen unix:{here}/http"))
        .replace("listen 443", &format!("listen 127.0.0.1:{https}"))
        .replace("listen 80", &format!("listen 127.0.0.1:{http}"));
    for (port, server) in (3001..).zip(servers) {
        shipped = shipped.replace(&format!("127.0.0.1:{port}"), &server.address.to_string());
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
    let mut command = Command::new(program("nginx"));
    command.arg("-p").arg(folder).arg("-c").arg(file);
    command.arg("-e").arg(folder.join("error.log"));
    if rustix::process::geteuid().is_root() {
        command.args(["-g", "user root root;"]);
    }
    command
}

fn haproxy(folder: &Path, https: u16, http: u16, servers: &[Serving]) -> Command {
    let here = folder.display();
    let mut shipped: String = shipped("haproxy/developer-zone.cfg")
        .replace("/etc/ssl/developer-zone", &here.to_string())
        .replace("/dev/log", &format!("{here}/log"))
        .replace(":::443 v4v6", &format!("127.0.0.1:{https}"))
        .replace(":::80 v4v6", &format!("127.0.0.1:{http}"));
    for (port, server) in (3001..).zip(servers) {
        shipped = shipped.replace(&format!("127.0.0.1:{port}"), &server.address.to_string());
    }
    // Only root may become another user, and the tests' folder is not below the one that it is shut into.
    let stays = |line: &&str| {
        let word = line.split_whitespace().next().unwrap_or_default();
        !["user", "group", "chroot"].contains(&word)
    };
    let lines: Vec<_> = shipped.lines().filter(stays).collect();
    let file = folder.join("haproxy.cfg");
    fs::write(&file, lines.join("\n") + "\n").expect("written");
    let mut command = Command::new(program("haproxy"));
    command.arg("-db").arg("-f").arg(file);
    command
}

fn shipped(file: &str) -> String {
    let deploy = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/");
    fs::read_to_string(format!("{deploy}{file}")).expect("a configuration")
}

/// Debian has them where only root looks.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    let found = folders.iter().map(|folder| folder.join(name));
    found
        .into_iter()
        .find(|file| file.is_file())
        .unwrap_or_else(|| {
            panic!("{name} is not installed: run `make test`, or `tools/scripts/setup proxies`")
        })
}

/// A certificate for both names that vouches for itself, as each proxy wants its files.
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

/// A port that is free now, and that hardly anyone will be given before the proxy takes it.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
