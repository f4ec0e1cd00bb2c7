//! A standard error that cannot be written. Nothing else of the program may fail for it.

use std::{
    fs::{self, File},
    io::{ErrorKind, PipeReader, Read, Write, pipe},
    net::SocketAddr,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::fs::{OFlags, fcntl_setfl};

use crate::support::{
    MEMBER,
    database::TestDatabase,
    loopback::{free_port, own_address},
    number,
    process::{OK, ServerProcess},
    program::{create_token, in_shell, newest_token_id, program, run},
    scrape::{scrape, value},
    wait::wait_until,
};

/// The delay of a slow reader after each byte.
const READ_DELAY: Duration = Duration::from_millis(5);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    FullDisk,
    ReaderGone,
    FullPipe,
    FullNonBlockingPipe,
    SlowReader,
    Closed,
}

impl Fault {
    const ALL: [Self; 6] = [
        Self::FullDisk,
        Self::ReaderGone,
        Self::FullPipe,
        Self::FullNonBlockingPipe,
        Self::SlowReader,
        Self::Closed,
    ];

    /// Whether each write fails, so that each line is lost.
    fn loses_every_line(self) -> bool {
        [Self::FullDisk, Self::ReaderGone].contains(&self)
    }

    /// The command and a standard error with this fault. The pipe must stay open meanwhile.
    fn with(self, command: Command) -> (Command, Stdio, Option<PipeReader>) {
        match self {
            Self::FullDisk => {
                let full = File::options().write(true).open("/dev/full");
                (command, full.expect("opened").into(), None)
            }
            Self::Closed => (in_shell("exec 2>&-", &command), Stdio::null(), None),
            Self::ReaderGone => {
                let (_, writer) = pipe().expect("a pipe");
                (command, writer.into(), None)
            }
            Self::SlowReader => {
                let (mut reader, writer) = pipe().expect("a pipe");
                thread::spawn(move || {
                    while let Ok(1) = reader.read(&mut [0]) {
                        thread::sleep(READ_DELAY);
                    }
                });
                (command, writer.into(), None)
            }
            Self::FullPipe | Self::FullNonBlockingPipe => {
                let (reader, mut writer) = pipe().expect("a pipe");
                fcntl_setfl(&writer, OFlags::NONBLOCK).expect("set");
                for size in [4096, 1] {
                    let full = loop {
                        if let Err(error) = writer.write(&vec![b'x'; size]) {
                            break error;
                        }
                    };
                    assert_eq!(full.kind(), ErrorKind::WouldBlock);
                }
                if self == Self::FullPipe {
                    fcntl_setfl(&writer, OFlags::empty()).expect("set");
                }
                (command, writer.into(), Some(reader))
            }
        }
    }
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_server_whose_log_cannot_be_written_goes_on_and_stops_cleanly() {
    thread::scope(|threads| {
        for format in ["human", "json"] {
            for fault in Fault::ALL {
                threads.spawn(move || assert_server_goes_on(format, fault));
            }
        }
    });
}

/// The server gets one round of requests, unless `LOG_FAULTS_SECONDS` says for how long it gets some.
fn assert_server_goes_on(format: &str, fault: Fault) {
    let database = TestDatabase::sqlite();
    let address = own_address();
    let metrics = SocketAddr::from((address, free_port(address)));
    let arguments = [
        "serve",
        "--listen=127.0.0.1:0",
        "--demo",
        "--rate-limit=0",
        "--log-format",
        format,
        "--metrics-listen",
        &metrics.to_string(),
    ];
    let (command, stderr, _reader) = fault.with(program(&database.url(), &arguments));
    let server = ServerProcess::start_with_stderr(command, stderr);
    let token = create_token(&database.url());
    let lost = || value(&scrape(metrics), "log_lines_lost_total");
    let before = lost();
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let guess = format!("email={MEMBER}&password=wrong");
    let response = server.post("/api/dashboard/sign-in", &[form], &guess);
    assert!(response.starts_with("HTTP/1.1 303 "), "{response}");
    if fault.loses_every_line() {
        wait_until("the lost line in the metric", || lost() > before);
    }
    let time = Duration::from_secs(number("LOG_FAULTS_SECONDS").unwrap_or(0));
    let begun = Instant::now();
    loop {
        // This adds a line to the log.
        let other_site = [("Sec-Fetch-Site", "cross-site")];
        let response = server.post("/api/dashboard/sign-in", &other_site, "");
        assert!(
            response.starts_with("HTTP/1.1 403 "),
            "{fault:?}: {response}"
        );
        let response = server.ping(&token);
        assert!(response.starts_with(OK), "{fault:?}: {response}");
        if begun.elapsed() >= time {
            break;
        }
    }
    assert_eq!(value(&scrape(metrics), "panics_total"), 0.0);
    let outcome = server.stop();
    assert_eq!(outcome.code, Some(0), "{format}, {fault:?}: {outcome:?}");
}

/// The refused line is reported on standard error, before the others are loaded.
#[test]
fn a_command_whose_log_cannot_be_written_does_its_work() {
    for fault in Fault::ALL {
        let database = TestDatabase::sqlite();
        run(&database.url(), &["demo"]).assert_done();
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("photos.csv");
        let photos = "image_id,img_url,thumbnail_url\nIMG_1,no address,/t\nIMG_2,/i,/t\n";
        fs::write(&file, photos).expect("written");
        let file = file.to_str().expect("a text");
        let import = ["event", "import", "--organisation=903", "--event=456", file];
        let (mut command, stderr, _reader) = fault.with(program(&database.url(), &import));
        let output = command.stderr(stderr).output().expect("started");
        let stdout = String::from_utf8(output.stdout).expect("a text");
        assert_eq!(output.status.code(), Some(1), "{fault:?}: {stdout}");
        assert!(
            stdout.contains("1 added, 0 updated, 0 unchanged, 1 refused"),
            "{fault:?}: {stdout}"
        );
    }
}

/// With the level `trace`, every command logs.
#[test]
fn a_token_command_whose_log_cannot_be_written_does_its_work() {
    let assert_done = |fault: Fault| {
        let database = TestDatabase::sqlite();
        run(&database.url(), &["demo"]).assert_done();
        let stdout = |arguments: &[&str]| {
            let arguments = [&["--log=trace", "token"], arguments].concat();
            let (mut command, stderr, _reader) = fault.with(program(&database.url(), &arguments));
            let output = command.stderr(stderr).output().expect("started");
            let stdout = String::from_utf8(output.stdout).expect("a text");
            assert_eq!(output.status.code(), Some(0), "{fault:?}: {stdout}");
            stdout
        };
        let create = ["create", "--organisation=903", "--created-by", MEMBER];
        assert!(stdout(&create).contains("9Pic"), "{fault:?}");
        let id = newest_token_id(&database.url());
        let deactivated = stdout(&["deactivate", "--organisation=903", &id]);
        assert!(deactivated.contains("is inactive"), "{fault:?}");
    };
    thread::scope(|threads| {
        for fault in Fault::ALL {
            threads.spawn(move || assert_done(fault));
        }
    });
}

/// Usage errors do not pass through the log.
#[test]
fn a_usage_error_that_cannot_be_printed_ends_with_its_code() {
    for fault in [
        Fault::FullDisk,
        Fault::ReaderGone,
        Fault::FullNonBlockingPipe,
        Fault::Closed,
    ] {
        let (mut command, stderr, _reader) = fault.with(program("sqlite:none.db", &["nothing"]));
        let output = command.stderr(stderr).output().expect("started");
        assert_eq!(output.status.code(), Some(2), "{fault:?}");
    }
}
