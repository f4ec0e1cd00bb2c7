//! Loopback addresses and ports that no other test uses.
//!
//! All of 127.0.0.0/8 is this machine. When a test releases a port of 127.0.0.1, another test may get it at any moment.
//! The server of that test would then respond in place of the stopped one.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process,
    sync::atomic::{AtomicU8, Ordering},
};

use tokio::net::TcpSocket;

/// An address of this machine that nothing else uses.
pub(crate) fn own_address() -> Ipv4Addr {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    let number = NEXT.fetch_add(1, Ordering::SeqCst);
    let [_, _, high, low] = process::id().to_be_bytes();
    Ipv4Addr::new(127, 128 | number, high, low)
}

/// Connects to a server from this address of 127.0.0.0/8. A server that closes the connection at once may reset it before
/// this returns; that is an error.
pub(crate) async fn connect_from(address: &str, server: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4().expect("a socket");
    let from = SocketAddr::new(address.parse().expect("an address"), 0);
    socket.bind(from).expect("bound");
    let stream = socket.connect(server).await?.into_std()?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// A free port of an address from [`own_address`]. It stays free, since nothing else uses the address.
pub(crate) fn free_port(address: Ipv4Addr) -> u16 {
    let listener = TcpListener::bind((address, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A port that refuses connections for as long as this value lives: an outgoing connection occupies it, so nothing
/// can listen there.
pub(crate) struct RefusingPort {
    occupied: TcpStream,
    _listener: TcpListener,
}

impl RefusingPort {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        Self {
            occupied: TcpStream::connect(address).expect("connected"),
            _listener: listener,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.occupied.local_addr().expect("an address")
    }
}
