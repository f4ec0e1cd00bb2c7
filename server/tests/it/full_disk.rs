//! A disk without a free byte, under a real server. A leaked token can still be stopped.
//!
//! The server runs in a mount namespace of its own (`unshare`), with a small file system in memory. Commands join the
//! namespace (`nsenter`), and the test writes files there through `/proc`. Without root this needs user namespaces, which
//! Debian allows. Where they are missing the server does not start, and the test fails.

use std::{
    fs::{self, File},
    io::Write,
    net::SocketAddr,
    path::PathBuf,
    process::Command,
};

use serde_json::Value;

use crate::support::{
    DEMO_PASSWORD, MEMBER, PING_PATH,
    loopback::{free_port, own_address},
    process::{OK, ServerProcess},
    program::{Outcome, in_shell, program},
    scrape::{scrape, value},
    wait::wait_until,
};

const MIB: u64 = 1024 * 1024;

/// The size of the file system, and how much of it the server keeps free.
const DISK_MIB: u64 = 96;
const KEPT_MIB: u64 = 16;
const KEPT: &str = "--reserve-mib=16";

/// Where the server mounts its file system. Outside of its namespace nothing changes there.
const MOUNTED: &str = "/mnt";

/// The address of the database, inside the namespace.
fn url() -> String {
    format!("sqlite:{MOUNTED}/zone.db")
}

/// A server with demo data on a small disk.
struct Cramped {
    server: ServerProcess,
    /// The folder of its database, as this process sees it.
    folder: PathBuf,
}

impl Cramped {
    fn start() -> Self {
        Self::start_with(&[], "true")
    }

    /// Starts the server with these options, after these shell commands.
    fn start_with(options: &[&str], words: &str) -> Self {
        let serve = ["serve", "--listen=127.0.0.1:0", "--demo", KEPT];
        let serve = program(&url(), &[&serve, options].concat());
        let mount = format!("mount -t tmpfs -o size={DISK_MIB}m tmpfs {MOUNTED} || exit 1");
        let serve = in_shell(&format!("{mount}; {words}"), &serve);
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--mount"]);
        let server = ServerProcess::start_with(started_by(unshare, &serve));
        let folder = PathBuf::from(format!("/proc/{}/root{MOUNTED}", server.id()));
        Self { server, folder }
    }

    /// Runs a command on the small disk.
    fn run(&self, arguments: &[&str]) -> Outcome {
        let mut enter = Command::new("nsenter");
        enter.arg(format!("--target={}", self.server.id()));
        enter.args(["--user", "--mount", "--preserve-credentials"]);
        let command = program(&url(), &[arguments, &[KEPT]].concat());
        Outcome::of(&mut started_by(enter, &command))
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let outcome = self.run(arguments);
        outcome.assert_done();
        outcome.stdout
    }

    /// Writes a file until this many MiB are free; with 0 until no byte is.
    fn fill(&self, free_mib: u64) {
        let mut file = File::create(self.folder.join("filler")).expect("created");
        let mut block = vec![0; 1024 * 1024];
        while self.free_bytes() >= (free_mib + 1) * MIB {
            file.write_all(&block).expect("there is room");
        }
        if free_mib == 0 {
            while !block.is_empty() {
                if file.write_all(&block).is_err() {
                    block.truncate(block.len() / 2);
                }
            }
            assert_eq!(self.free_bytes(), 0);
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.folder.join("filler")).expect("removed");
    }

    fn free_bytes(&self) -> u64 {
        let disk = rustix::fs::statvfs(&self.folder).expect("a file system");
        disk.f_bavail * disk.f_frsize
    }

    /// A new token: its number and its secret.
    fn token(&self) -> (String, String) {
        let create = [
            "token",
            "create",
            "--organisation=903",
            "--created-by",
            MEMBER,
        ];
        let secret = self.done(&create).trim_end().to_owned();
        let listed = self.done(&["token", "list", "--organisation=903", "--json"]);
        let listed: Value = serde_json::from_str(&listed).expect("JSON");
        (listed[0]["id"].to_string(), secret)
    }

    /// Calls a server function as a member. Returns the status and the body.
    fn call(&self, cookie: &str, name: &str, fields: &str) -> (u16, String) {
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Cookie", cookie),
        ];
        let body = format!("organisation_id=903&{fields}");
        let response = self
            .server
            .post(&format!("/api/dashboard/{name}"), &headers, &body);
        let status = response
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let (_, body) = response.split_once("\r\n\r\n").expect("a body");
        (status.expect("a status"), body.to_owned())
    }

    #[track_caller]
    fn assert_refused(&self, secret: &str, code: &str) {
        let response = self.server.ping(secret);
        assert!(
            response.contains(&format!("x-error-code: {code}\r\n")),
            "{response}"
        );
    }
}

/// The same command, started by another program.
fn started_by(mut starter: Command, command: &Command) -> Command {
    starter.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => starter.env(name, value),
            None => starter.env_remove(name),
        };
    }
    starter
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn below_the_mark_what_grows_the_database_is_refused_with_a_clear_message() {
    let cramped = Cramped::start();
    let (id, secret) = cramped.token();
    let cookie = cramped.server.sign_in(MEMBER, DEMO_PASSWORD);
    cramped.fill(KEPT_MIB - 1);
    for (name, fields) in [
        ("rename-token", format!("token_id={id}&name=another")),
        ("create-token", String::new()),
    ] {
        let (status, body) = cramped.call(&cookie, name, &fields);
        assert_eq!((status, body.as_str()), (507, r#""StorageFull""#), "{name}");
    }
    let header = "image_id,img_url,thumbnail_url\n";
    let photo = "1,https://a.example/1,https://a.example/1\n";
    let file = cramped.folder.join("photos.csv");
    fs::write(file, [header, photo].concat()).expect("written");
    let photos = format!("{MOUNTED}/photos.csv");
    let import = [
        "event",
        "import",
        "--organisation=903",
        "--event=456",
        &photos,
    ];
    cramped.run(&import).assert_failed("nearly full");
    let backup = ["backup", &format!("{MOUNTED}/copy.db")];
    cramped
        .run(&backup)
        .assert_failed("there is no room for the backup");

    assert!(cramped.server.ping(&secret).starts_with(OK));
    assert!(cramped.server.get("/readyz", &[]).starts_with(OK));
    cramped
        .server
        .await_stderr("the disk of the database is nearly full");
    assert!(cramped.server.can_sign_in());
    let (status, _) = cramped.call(&cookie, "deactivate-token", &format!("token_id={id}"));
    assert_eq!(status, 200);
    cramped.assert_refused(&secret, "token_inactive");

    cramped.make_room();
    cramped.server.await_stderr("has space again");
    let (status, body) = cramped.call(
        &cookie,
        "rename-token",
        &format!("token_id={id}&name=another"),
    );
    assert_eq!(status, 200, "{body}");
    let outcome = cramped.server.stop();
    let lines = outcome.stderr.matches("nearly full: until").count();
    assert_eq!(lines, 1, "{}", outcome.stderr);
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn without_a_free_byte_tokens_are_deactivated_and_deleted_and_people_sign_in_and_out() {
    let cramped = Cramped::start();
    let [first, second, third] = [cramped.token(), cramped.token(), cramped.token()];
    let cookie = cramped.server.sign_in(MEMBER, DEMO_PASSWORD);
    cramped.fill(0);

    let on_first = format!("token_id={}", first.0);
    let (status, body) = cramped.call(&cookie, "deactivate-token", &on_first);
    assert_eq!(status, 200, "{body}");
    cramped.assert_refused(&first.1, "token_inactive");
    let (status, body) = cramped.call(&cookie, "delete-token", &format!("token_id={}", second.0));
    assert_eq!(status, 200, "{body}");
    cramped.assert_refused(&second.1, "token_invalid");
    cramped.done(&["token", "deactivate", "--organisation=903", &third.0]);
    cramped.assert_refused(&third.1, "token_inactive");
    // Many times more than the log takes before SQLite tries to move it into the database file, which cannot grow.
    for _ in 0..100 {
        assert!(cramped.server.can_sign_in());
    }
    let (status, _) = cramped.call(&cookie, "sign-out", "");
    assert_eq!(status, 303);
    let (status, _) = cramped.call(&cookie, "watch-tokens", "");
    assert_ne!(status, 200);
    cramped.done(&["after-restore", "--yes"]);
    assert_eq!(cramped.free_bytes(), 0);

    cramped.make_room();
    let cookie = cramped.server.sign_in(MEMBER, DEMO_PASSWORD);
    let rename = format!("token_id={}&name=another", first.0);
    let mut renamed = String::new();
    wait_until("a change to be made", || {
        let (status, body) = cramped.call(&cookie, "rename-token", &rename);
        renamed = body;
        status == 200
    });
    let renamed: Value = serde_json::from_str(&renamed).expect("JSON");
    assert_eq!(renamed["name"], "another");
    let (status, _) = cramped.call(&cookie, "activate-token", &on_first);
    assert_eq!(status, 200);
    assert!(cramped.server.ping(&first.1).starts_with(OK));
    let checked = cramped.server.get(PING_PATH, &[("X-API-Key", &second.1)]);
    assert!(!checked.starts_with(OK));
    cramped.server.stop().assert_done();
}

/// The log may use what is left of its last page of memory. Each request from another site adds a line.
#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn on_a_full_disk_with_the_database_and_the_log_the_server_goes_on_and_counts_the_lost_lines() {
    let address = own_address();
    let metrics = SocketAddr::from((address, free_port(address)));
    let measured = ["--metrics-listen", &metrics.to_string()];
    let cramped = Cramped::start_with(&measured, &format!("exec 2>{MOUNTED}/log"));
    let (id, secret) = cramped.token();
    let cookie = cramped.server.sign_in(MEMBER, DEMO_PASSWORD);
    let log = || fs::read_to_string(cramped.folder.join("log")).expect("a log");
    let log_a_line = || {
        let other_site = [("Sec-Fetch-Site", "cross-site")];
        let response = cramped
            .server
            .post("/api/dashboard/sign-in", &other_site, "");
        assert!(response.starts_with("HTTP/1.1 403 "), "{response}");
    };
    let lost = || value(&scrape(metrics), "log_lines_lost_total");
    log_a_line();
    wait_until("the line in the log", || log().contains("cross_site"));
    assert_eq!(lost(), 0.0);

    cramped.fill(0);
    wait_until("a lost line in the metric", || {
        log_a_line();
        lost() > 0.0
    });
    assert!(cramped.server.ping(&secret).starts_with(OK));
    assert!(cramped.server.can_sign_in());
    let (status, body) = cramped.call(&cookie, "deactivate-token", &format!("token_id={id}"));
    assert_eq!(status, 200, "{body}");
    cramped.assert_refused(&secret, "token_inactive");
    assert_eq!(cramped.free_bytes(), 0);

    cramped.make_room();
    let written = log().len();
    wait_until("a new line in the log", || {
        log_a_line();
        log().len() > written
    });
    assert_eq!(value(&scrape(metrics), "panics_total"), 0.0);
    cramped.server.stop().assert_done();
}
