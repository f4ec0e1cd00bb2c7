//! A TCP proxy between a server and its database, whose connections can be cut.
//!
//! With it the database becomes unreachable as it does in production: for one server or for all.

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

/// What the proxy does with connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkState {
    /// Passes everything on.
    Open,
    /// Holds data back without closing connections. The data arrives when the link is open again.
    Silent,
    /// Closes all connections, and every new one.
    Cut,
}

/// A proxy that listens on its own port. Dropping it stops the listening.
pub(crate) struct CuttableProxy {
    pub(crate) address: SocketAddr,
    link: watch::Sender<LinkState>,
    accepting: JoinHandle<()>,
}

impl CuttableProxy {
    pub(crate) async fn to(database: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (link, watched) = watch::channel(LinkState::Open);
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(connect(near, database, watched.clone()));
            }
        });
        Ok(Self {
            address,
            link,
            accepting,
        })
    }

    pub(crate) fn set(&self, link: LinkState) {
        self.link.send_replace(link);
    }
}

impl Drop for CuttableProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn connect(near: TcpStream, database: SocketAddr, mut link: watch::Receiver<LinkState>) {
    if !may_pass(&mut link).await {
        return;
    }
    let Ok(far) = TcpStream::connect(database).await else {
        return;
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let mut cut = link.clone();
    // If one direction ends, the other ends too.
    tokio::select! {
        () = pass(near_in, far_out, link.clone()) => {}
        () = pass(far_in, near_out, link) => {}
        _ = cut.wait_for(|link| *link == LinkState::Cut) => {}
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut link: watch::Receiver<LinkState>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if !may_pass(&mut link).await || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

/// Waits while the link is silent. Returns whether it is open then.
async fn may_pass(link: &mut watch::Receiver<LinkState>) -> bool {
    let state = link.wait_for(|link| *link != LinkState::Silent).await;
    state.is_ok_and(|link| *link == LinkState::Open)
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    /// Starts a server that echoes all data, and connects to it through a proxy.
    async fn echo() -> (CuttableProxy, TcpStream) {
        let far = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let proxy = CuttableProxy::to(far.local_addr().expect("an address")).await;
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
    async fn nothing_passes_a_silent_link_until_it_is_open_or_cut() {
        let (link, mut watched) = watch::channel(LinkState::Silent);
        tokio::select! {
            biased;
            _ = may_pass(&mut watched) => panic!("the link is silent"),
            () = ready(()) => {}
        }
        link.send_replace(LinkState::Open);
        assert!(may_pass(&mut watched).await);
        link.send_replace(LinkState::Cut);
        assert!(!may_pass(&mut watched).await);
    }

    #[tokio::test]
    async fn data_sent_over_a_silent_link_arrives_when_it_is_open_again() {
        let (proxy, mut near) = echo().await;
        near.write_all(b"one").await.expect("sent");
        assert_eq!(read(&mut near).await, "one");
        proxy.set(LinkState::Silent);
        near.write_all(b"two").await.expect("sent");
        proxy.set(LinkState::Open);
        assert_eq!(read(&mut near).await, "two");
    }

    #[tokio::test]
    async fn a_cut_link_closes_connections_and_new_ones_until_it_is_open_again() {
        let (proxy, mut near) = echo().await;
        near.write_all(b"one").await.expect("sent");
        assert_eq!(read(&mut near).await, "one");
        proxy.set(LinkState::Cut);
        assert_eq!(read(&mut near).await, "");
        let mut other = TcpStream::connect(proxy.address).await.expect("connected");
        assert_eq!(read(&mut other).await, "");
        proxy.set(LinkState::Open);
        let mut third = TcpStream::connect(proxy.address).await.expect("connected");
        third.write_all(b"three").await.expect("sent");
        assert_eq!(read(&mut third).await, "three");
    }
}
