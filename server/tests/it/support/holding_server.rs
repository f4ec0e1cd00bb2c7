//! A server that never responds, except to a health check.

use std::{
    io::{BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{dying_server::read_request, loopback::own_address};

/// A server that holds each request until its caller gives up. Only `/healthz` gets a response.
pub(crate) struct HoldingServer {
    pub(crate) address: SocketAddr,
    held: Arc<AtomicUsize>,
}

impl HoldingServer {
    /// Starts the server. Its threads end with the test run.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((own_address(), 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let held = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&held);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let held = Arc::clone(&counted);
                thread::spawn(move || hold_requests(stream, &held));
            }
        });
        Self { address, held }
    }

    /// How many requests it holds.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }
}

fn hold_requests(stream: TcpStream, held: &AtomicUsize) {
    let mut answering = stream.try_clone().expect("copied");
    let mut reading = BufReader::new(stream);
    while let Some((_, path)) = read_request(&mut reading) {
        if path == "/healthz" {
            let healthy = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            if answering.write_all(healthy).is_err() {
                return;
            }
        } else {
            held.fetch_add(1, Ordering::SeqCst);
            // The caller sends no more, so this waits until it gives up.
            read_request(&mut reading);
            held.fetch_sub(1, Ordering::SeqCst);
            return;
        }
    }
}
