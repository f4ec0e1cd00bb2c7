//! A TCP proxy that can hold back all bytes or close all connections. Tests use it to cut a server off from its
//! database.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::Duration,
};

/// How often a connection without traffic looks at the proxy's state.
const POLL_DELAY: Duration = Duration::from_millis(10);

/// The state of the proxy, for all of its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It passes bytes on.
    Open,
    /// It holds the bytes until it is open again.
    Silent,
    /// It ends all connections, and every new one.
    Cut,
}

/// A TCP proxy in front of one server.
pub(crate) struct CuttableProxy {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    state: State,
    /// How often all connections were forgotten.
    forgotten: usize,
    /// The callers, and how often all connections had been forgotten when each connected.
    callers: Vec<(TcpStream, usize)>,
}

impl CuttableProxy {
    /// Starts an open proxy in front of `target`. Its threads end with the test run.
    pub(crate) fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Mutex::new(Shared {
            state: State::Open,
            forgotten: 0,
            callers: Vec::new(),
        }));
        let accepting = shared.clone();
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if lock(&accepting).state != State::Cut {
                    connect(near, target, &accepting);
                }
            }
        });
        Self { address, shared }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set(&self, state: State) {
        lock(&self.shared).state = state;
    }

    /// Passes nothing more on in the present connections, and leaves them open: as after a crash of the server's host.
    /// New connections follow [`State`] as usual.
    pub(crate) fn forget_connections(&self) {
        lock(&self.shared).forgotten += 1;
    }

    /// On how many forgotten connections the caller has sent something since, which the proxy does not read. Misses what
    /// it was about to read at that moment.
    pub(crate) fn tried_connections(&self) -> usize {
        let shared = lock(&self.shared);
        let callers = shared.callers.iter();
        let forgotten = callers.filter(|(_, born)| shared.forgotten > *born);
        forgotten
            .filter(|(caller, _)| caller.peek(&mut [0]).is_ok_and(|bytes| bytes > 0))
            .count()
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().expect("not poisoned")
}

/// Joins two connections with a thread for each direction.
fn connect(near: TcpStream, target: SocketAddr, shared: &Arc<Mutex<Shared>>) {
    let far = TcpStream::connect(target).expect("the server is there");
    let born = {
        let mut shared = lock(shared);
        let born = shared.forgotten;
        shared
            .callers
            .push((near.try_clone().expect("copied"), born));
        born
    };
    for (from, to) in [(&near, &far), (&far, &near)] {
        let from = from.try_clone().expect("copied");
        let to = to.try_clone().expect("copied");
        let shared = shared.clone();
        thread::spawn(move || pass_on(from, to, born, &shared));
    }
}

/// The state of a connection that began after the connections were forgotten `born` times.
fn state_of(born: usize, shared: &Mutex<Shared>) -> State {
    let shared = lock(shared);
    if shared.forgotten > born {
        State::Silent
    } else {
        shared.state
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, born: usize, shared: &Mutex<Shared>) {
    from.set_read_timeout(Some(POLL_DELAY)).expect("set");
    let mut bytes = [0; 16 * 1024];
    loop {
        let read = match from.read(&mut bytes) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(_) => break,
        };
        // Checked after the read and before the write, so that bytes that arrive after a change of state do not pass.
        while state_of(born, shared) == State::Silent {
            thread::sleep(POLL_DELAY);
        }
        if state_of(born, shared) == State::Cut || to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
