//! A wire between a server and its database that can be cut. So the database goes away as it does in life, for
//! one server or for all, whichever PostgreSQL it is.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// What the wire does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Everything passes.
    Open,
    /// Nothing passes and nobody is told; what was sent arrives once the wire is open again.
    Silent,
    /// Every connection is broken, and so is each new one.
    Cut,
}

/// A wire that listens on a port of its own; gone when dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    wire: watch::Sender<Wire>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn to(database: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (wire, watched) = watch::channel(Wire::Open);
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(connect(near, database, watched.clone()));
            }
        });
        Ok(Self {
            address,
            wire,
            accepting,
        })
    }

    pub(crate) fn set(&self, wire: Wire) {
        self.wire.send_replace(wire);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn connect(near: TcpStream, database: SocketAddr, mut wire: watch::Receiver<Wire>) {
    if !may_pass(&mut wire).await {
        return;
    }
    let Ok(far) = TcpStream::connect(database).await else {
        return;
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let mut cut = wire.clone();
    // Whichever ends first takes both directions with it.
    tokio::select! {
        () = pass(near_in, far_out, wire.clone()) => {}
        () = pass(far_in, near_out, wire) => {}
        _ = cut.wait_for(|wire| *wire == Wire::Cut) => {}
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut wire: watch::Receiver<Wire>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if !may_pass(&mut wire).await || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// Waits while the wire is silent. Says whether it is open then.
async fn may_pass(wire: &mut watch::Receiver<Wire>) -> bool {
    let state = wire.wait_for(|wire| *wire != Wire::Silent).await;
    state.is_ok_and(|wire| *wire == Wire::Open)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    /// A far end that sends everything back, and a connection to it through the wire.
    async fn echo() -> (Proxy, TcpStream) {
        let far = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let proxy = Proxy::to(far.local_addr().expect("an address")).await;
        let proxy = proxy.expect("a proxy");
        tokio::spawn(async move {
            while let Ok((stream, _)) = far.accept().await {
                let (mut from, mut to) = stream.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from, &mut to).await });
            }
        });
        let near = TcpStream::connect(proxy.address).await.expect("connected");
        (proxy, near)
    }

    async fn read(stream: &mut TcpStream) -> String {
        let mut buffer = [0; 64];
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        String::from_utf8_lossy(&buffer[..read]).into_owned()
    }

    #[tokio::test]
    async fn a_silent_wire_holds_what_is_sent_until_it_is_open_again() {
        let (proxy, mut near) = echo().await;
        near.write_all(b"one").await.expect("sent");
        assert_eq!(read(&mut near).await, "one");
        proxy.set(Wire::Silent);
        near.write_all(b"two").await.expect("sent");
        let early = timeout(Duration::from_millis(100), read(&mut near)).await;
        assert!(early.is_err(), "{early:?}");
        proxy.set(Wire::Open);
        assert_eq!(read(&mut near).await, "two");
    }

    #[tokio::test]
    async fn a_cut_wire_breaks_connections_and_new_ones_too_until_it_is_open_again() {
        let (proxy, mut near) = echo().await;
        near.write_all(b"one").await.expect("sent");
        assert_eq!(read(&mut near).await, "one");
        proxy.set(Wire::Cut);
        assert_eq!(read(&mut near).await, "");
        let mut other = TcpStream::connect(proxy.address).await.expect("connected");
        assert_eq!(read(&mut other).await, "");
        proxy.set(Wire::Open);
        let mut third = TcpStream::connect(proxy.address).await.expect("connected");
        third.write_all(b"three").await.expect("sent");
        assert_eq!(read(&mut third).await, "three");
    }
}
