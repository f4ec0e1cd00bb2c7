//! A server that dies in the middle of every request.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use super::loopback::own_address;

/// A server that reads each request to its end and then closes the connection, as the operating system does for a
/// killed server. Only `/healthz` gets a response, so that load balancers send it requests.
pub(crate) struct DyingServer {
    pub(crate) address: SocketAddr,
    methods: Arc<Mutex<Vec<String>>>,
}

impl DyingServer {
    /// Starts the server. Its threads end with the test run.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((own_address(), 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let methods = Arc::new(Mutex::new(Vec::new()));
        let seen = methods.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = seen.clone();
                thread::spawn(move || read_requests(stream, &seen));
            }
        });
        Self { address, methods }
    }

    /// How many requests with this method it has received.
    pub(crate) fn received(&self, method: &str) -> usize {
        let methods = self.methods.lock().expect("not poisoned");
        methods.iter().filter(|seen| *seen == method).count()
    }
}

fn read_requests(stream: TcpStream, methods: &Mutex<Vec<String>>) {
    let mut answering = stream.try_clone().expect("copied");
    let mut reading = BufReader::new(stream);
    while let Some((method, path)) = read_request(&mut reading) {
        if path != "/healthz" {
            methods.lock().expect("not poisoned").push(method);
            return;
        }
        let healthy = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        if answering.write_all(healthy).is_err() {
            return;
        }
    }
}

/// Reads one request, and returns its method and path.
pub(super) fn read_request(reading: &mut impl BufRead) -> Option<(String, String)> {
    let first = read_line(reading)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut length = 0;
    loop {
        let line = read_line(reading)?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reading.read_exact(&mut body).ok()?;
    Some((method, path))
}

/// A line without its line break. `None` at the end of the connection.
fn read_line(reading: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let read = reading.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}
