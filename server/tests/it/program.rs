//! The real program: called once, or left running as a server.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::process::{self, Pid, Resource, Rlimit, Signal, kill_process};

/// Longer than anything here takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The program, with the database at `url`, and nothing of the settings of whoever runs the tests.
pub(crate) fn developer_zone(url: &str, arguments: &[&str]) -> Command {
    let mut command = bare();
    command.args(["--database-url", url]).args(arguments);
    command
}

/// The program without anything.
pub(crate) fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_developer-zone"));
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("DEVELOPER_ZONE_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("a text"),
            stderr: String::from_utf8(output.stderr).expect("a text"),
        }
    }
}

impl Outcome {
    #[track_caller]
    pub(crate) fn assert_done(&self) {
        assert_eq!(self.code, Some(0), "{self:?}");
    }

    /// The program did not do it, and says why on one line of standard error, which holds `words`.
    #[track_caller]
    pub(crate) fn assert_failed(&self, words: &str) {
        assert_eq!(self.code, Some(1), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        assert!(self.stderr.starts_with("error: "), "{self:?}");
        assert_eq!(self.stderr.trim_end().lines().count(), 1, "{self:?}");
        assert!(self.stderr.contains(words), "{words}: {self:?}");
    }

    /// The program did not understand, and says what on standard error.
    #[track_caller]
    pub(crate) fn assert_misunderstood(&self, words: &str) {
        assert_eq!(self.code, Some(2), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        assert!(self.stderr.contains(words), "{words}: {self:?}");
    }
}

/// Calls the program and waits for its end.
pub(crate) fn run(url: &str, arguments: &[&str]) -> Outcome {
    developer_zone(url, arguments)
        .output()
        .expect("started")
        .into()
}

/// Calls the program with this on its standard input.
pub(crate) fn run_with_input(url: &str, arguments: &[&str], input: &str) -> Outcome {
    let mut command = developer_zone(url, arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("started");
    let mut stdin = child.stdin.take().expect("piped");
    // A program that does not want it is seen by how it ends.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("ended").into()
}

/// Calls the program, which must do it, and gives what it prints.
#[track_caller]
pub(crate) fn done(url: &str, arguments: &[&str]) -> String {
    let outcome = run(url, arguments);
    outcome.assert_done();
    outcome.stdout
}

/// A running `serve`; killed when it is dropped.
pub(crate) struct Serving {
    child: Child,
    pub(crate) address: SocketAddr,
    first_line: String,
    stdout: Option<JoinHandle<String>>,
    stderr: Arc<Mutex<String>>,
    reading_stderr: Option<JoinHandle<()>>,
}

impl Serving {
    /// Starts `serve` on a free port of 127.0.0.1.
    pub(crate) fn start(url: &str, arguments: &[&str]) -> Self {
        let listen = ["serve", "--listen", "127.0.0.1:0"];
        Self::start_as(developer_zone(url, &[&listen, arguments].concat()))
    }

    /// Starts a server, and waits for its first line.
    pub(crate) fn start_as(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("started");
        let stderr = Arc::new(Mutex::new(String::new()));
        let reading_stderr = {
            let (pipe, said) = (child.stderr.take().expect("piped"), stderr.clone());
            thread::spawn(move || {
                for line in BufReader::new(pipe).lines() {
                    let line = line.expect("a text");
                    said.lock()
                        .expect("not poisoned")
                        .push_str(&format!("{line}\n"));
                }
            })
        };
        let mut pipe = BufReader::new(child.stdout.take().expect("piped"));
        let mut first_line = String::new();
        pipe.read_line(&mut first_line).expect("a text");
        let address = first_line
            .strip_prefix("listening on http://")
            .and_then(|address| address.trim_end().parse().ok());
        let Some(address) = address else {
            let _ = child.kill();
            let _ = reading_stderr.join();
            panic!("{first_line:?}; {}", stderr.lock().expect("not poisoned"));
        };
        let stdout = thread::spawn(move || {
            let mut rest = String::new();
            pipe.read_to_string(&mut rest).expect("a text");
            rest
        });
        Self {
            child,
            address,
            first_line,
            stdout: Some(stdout),
            stderr,
            reading_stderr: Some(reading_stderr),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Limits what it may use of this, and gives what the limit was.
    pub(crate) fn limit(&self, resource: Resource, current: Option<u64>) -> Rlimit {
        let pid = Some(Pid::from_child(&self.child));
        // To ask is to set: so it is left as it is, first.
        let before = process::prlimit(pid, resource, process::getrlimit(resource));
        let before = before.expect("it runs");
        let maximum = before.maximum;
        process::prlimit(pid, resource, Rlimit { current, maximum }).expect("it runs");
        before
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("our child").is_none()
    }

    /// What it has said on standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().expect("not poisoned").clone()
    }

    /// Waits until it has said this on standard error.
    pub(crate) fn await_stderr(&self, words: &str) {
        wait_until(words, || self.stderr().contains(words));
    }

    /// Waits for its end, and gives all that it said.
    pub(crate) fn wait(mut self) -> Outcome {
        let mut status: Option<ExitStatus> = None;
        wait_until("the end of the server", || {
            status = self.child.try_wait().expect("our child");
            status.is_some()
        });
        let rest = self.stdout.take().expect("read once").join().expect("read");
        let reading_stderr = self.reading_stderr.take().expect("read once");
        reading_stderr.join().expect("read");
        Outcome {
            code: status.and_then(|status| status.code()),
            stdout: format!("{}{rest}", self.first_line),
            stderr: self.stderr(),
        }
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) fn stop(self) -> Outcome {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Sends a request over a connection of its own, and gives the whole answer.
    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> String {
        read_answer(self.send(path, headers))
    }

    /// Posts this, and gives the whole answer.
    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        let length = body.len().to_string();
        let headers = [headers, &[("Content-Length", &length)]].concat();
        let mut stream = self.send_head("POST", path, &headers);
        stream.write_all(body.as_bytes()).expect("sent");
        read_answer(stream)
    }

    /// Signs in at the dashboard, and gives the session's cookie as `name=value`.
    pub(crate) fn sign_in(&self, email: &str, password: &str) -> String {
        let encode =
            |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
        let body = format!("email={}&password={}", encode(email), encode(password));
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        let answer = self.post("/api/dashboard/sign-in", &[form], &body);
        let cookie = answer.lines().find_map(|line| {
            let set = line.strip_prefix("set-cookie: ")?;
            set.starts_with("session=").then(|| set.split(';').next())?
        });
        cookie
            .unwrap_or_else(|| panic!("not signed in: {answer}"))
            .to_owned()
    }

    /// Sends a request, and gives the connection on which the answer will come.
    pub(crate) fn send(&self, path: &str, headers: &[(&str, &str)]) -> TcpStream {
        self.send_head("GET", path, headers)
    }

    fn send_head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("connected");
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            request.push_str(&format!("Host: {}\r\n", self.address));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        stream
    }
}

/// The header that carries a session's cookie.
pub(crate) fn with_cookie(cookie: &str) -> (&'static str, &str) {
    ("Cookie", cookie)
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn read_answer(mut stream: TcpStream) -> String {
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// Polls until `met` gives true.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut met: impl FnMut() -> bool) {
    let start = Instant::now();
    while !met() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
