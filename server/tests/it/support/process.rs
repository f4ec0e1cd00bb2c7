//! The real program, running `serve`.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use model::session::SESSION_COOKIE;
use rustix::process::{self, Pid, Resource, Rlimit, Signal, kill_process};

use super::{
    DEMO_PASSWORD, MEMBER, PING_PATH,
    program::{Outcome, program},
    wait::{TIMEOUT, wait_until},
};

/// The start of a successful response.
pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\n";

/// A running `serve`, killed when dropped.
pub(crate) struct ServerProcess {
    child: Child,
    pub(crate) address: SocketAddr,
    first_line: String,
    stdout: Option<JoinHandle<String>>,
    stderr: Arc<Mutex<String>>,
    reading_stderr: Option<JoinHandle<()>>,
}

impl ServerProcess {
    /// Starts `serve` on a free port of 127.0.0.1.
    pub(crate) fn start(url: &str, arguments: &[&str]) -> Self {
        let listen = ["serve", "--listen", "127.0.0.1:0"];
        Self::start_with(program(url, &[&listen, arguments].concat()))
    }

    /// Starts a server with this command, and waits for its first line, which shows its address.
    pub(crate) fn start_with(command: Command) -> Self {
        Self::start_with_stderr(command, Stdio::piped())
    }

    /// The same, with this standard error. [`Self::stderr`] is empty unless it is a new pipe.
    pub(crate) fn start_with_stderr(mut command: Command, stderr: Stdio) -> Self {
        command.stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().expect("started");
        let stderr = Arc::new(Mutex::new(String::new()));
        let reading_stderr = child.stderr.take().map(|pipe| {
            let read = stderr.clone();
            thread::spawn(move || {
                for line in BufReader::new(pipe).lines() {
                    let line = line.expect("a text");
                    read.lock()
                        .expect("not poisoned")
                        .push_str(&format!("{line}\n"));
                }
            })
        });
        let mut pipe = BufReader::new(child.stdout.take().expect("piped"));
        let mut first_line = String::new();
        pipe.read_line(&mut first_line).expect("a text");
        let address = first_line
            .strip_prefix("listening on http://")
            .and_then(|address| address.trim_end().parse().ok());
        let Some(address) = address else {
            let _ = child.kill();
            let _ = reading_stderr.map(JoinHandle::join);
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
            reading_stderr,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Stops all threads of the process with SIGSTOP, and returns when they have stopped. SIGCONT wakes it.
    ///
    /// A stopped process keeps its locks. The caller must make sure that it holds no lock.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
        wait_until("all threads to stop", || {
            let threads = fs::read_dir(format!("/proc/{}/task", self.child.id()));
            let mut threads = threads.expect("it runs");
            // A thread that has ended meanwhile has no file any more.
            threads.all(|thread| {
                match fs::read_to_string(thread.expect("a thread").path().join("stat")) {
                    Ok(stat) => stat
                        .rsplit(')')
                        .next()
                        .is_some_and(|rest| rest.starts_with(" T")),
                    Err(_) => true,
                }
            })
        });
    }

    /// Sets the soft limit of a resource, and returns the limit before.
    pub(crate) fn limit(&self, resource: Resource, current: Option<u64>) -> Rlimit {
        let pid = Some(Pid::from_child(&self.child));
        // `prlimit` cannot only read. So the first call sets what is there already.
        let before = process::prlimit(pid, resource, process::getrlimit(resource));
        let before = before.expect("it runs");
        let maximum = before.maximum;
        process::prlimit(pid, resource, Rlimit { current, maximum }).expect("it runs");
        before
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("our child").is_none()
    }

    /// Its standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.lock().expect("not poisoned").clone()
    }

    /// Waits until its standard error contains these words.
    #[track_caller]
    pub(crate) fn await_stderr(&self, words: &str) {
        wait_until(words, || self.stderr().contains(words));
    }

    /// Waits for its end, and returns its whole output.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Outcome {
        let mut status: Option<ExitStatus> = None;
        wait_until("the end of the server", || {
            status = self.child.try_wait().expect("our child");
            status.is_some()
        });
        let rest = self.stdout.take().expect("read once").join().expect("read");
        if let Some(reading_stderr) = self.reading_stderr.take() {
            reading_stderr.join().expect("read");
        }
        Outcome {
            code: status.and_then(|status| status.code()),
            stdout: format!("{}{rest}", self.first_line),
            stderr: self.stderr(),
            has_waited: false,
        }
    }

    /// Sends SIGTERM and waits for the end.
    #[track_caller]
    pub(crate) fn stop(self) -> Outcome {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Sends `GET` over a connection of its own, and returns the whole response.
    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> String {
        read_response(self.send(path, headers))
    }

    /// Calls ping with this key.
    pub(crate) fn ping(&self, key: &str) -> String {
        self.get(PING_PATH, &[("X-API-Key", key)])
    }

    /// Sends `POST` with this body, and returns the whole response.
    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        let length = body.len().to_string();
        let headers = [headers, &[("Content-Length", &length)]].concat();
        let mut stream = self.send_head("POST", path, &headers);
        stream.write_all(body.as_bytes()).expect("sent");
        read_response(stream)
    }

    /// Signs in to the dashboard, and returns the session's cookie as `name=value`.
    pub(crate) fn sign_in(&self, email: &str, password: &str) -> String {
        let response = self.try_sign_in(email, password);
        let cookie = response.lines().find_map(|line| {
            let set = line.strip_prefix("set-cookie: ")?;
            set.starts_with(SESSION_COOKIE)
                .then(|| set.split(';').next())?
        });
        let cookie = cookie.unwrap_or_else(|| panic!("not signed in: {response}"));
        cookie.to_owned()
    }

    /// Whether the demo's member can sign in. The server must write to its database for that. If it cannot, it must
    /// say 503.
    #[track_caller]
    pub(crate) fn can_sign_in(&self) -> bool {
        let response = self.try_sign_in(MEMBER, DEMO_PASSWORD);
        let status = response.split(' ').nth(1);
        assert!([Some("303"), Some("503")].contains(&status), "{response}");
        let is_signed_in = response.contains("location: /\r\n");
        let has_session = response.contains(&format!("set-cookie: {SESSION_COOKIE}="));
        assert_eq!(is_signed_in, has_session, "{response}");
        is_signed_in
    }

    fn try_sign_in(&self, email: &str, password: &str) -> String {
        let encode =
            |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
        let body = format!("email={}&password={}", encode(email), encode(password));
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        self.post("/api/dashboard/sign-in", &[form], &body)
    }

    /// Sends `GET`, and returns the connection on which the response will come.
    pub(crate) fn send(&self, path: &str, headers: &[(&str, &str)]) -> TcpStream {
        self.send_head("GET", path, headers)
    }

    /// Sends the head of a request, and returns its connection.
    pub(crate) fn send_head(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("connected");
        stream.set_read_timeout(Some(TIMEOUT)).expect("set");
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        let mut names = headers.iter().map(|(name, _)| name);
        if !names.any(|name| name.eq_ignore_ascii_case("host")) {
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

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a whole response, up to the end of the connection.
#[track_caller]
pub(crate) fn read_response(mut stream: TcpStream) -> String {
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    response
}

/// The response is a 503 in the API's form, and names a time to retry.
#[track_caller]
pub(crate) fn assert_unavailable(response: &str) {
    assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
    let code = "x-error-code: unavailable\r\n";
    assert!(response.contains(code), "{response}");
    assert!(response.contains("retry-after: "), "{response}");
    let envelope = r#"{"responseType":"error","#;
    assert!(response.contains(envelope), "{response}");
}
