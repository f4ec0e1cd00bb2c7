//! A TCP proxy between a server and its database, whose connections can be cut.
//!
//! With it the database becomes unreachable as it does in production: for one server or for all.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
};

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
    /// Holds back what the database sends on connections that listen for notifications. Passes on all else.
    Unnotified,
    /// Closes all connections, and every new one.
    Cut,
}

/// The SQL command with which a connection begins to listen for notifications.
const LISTEN: &[u8] = b"LISTEN ";

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
    if !may_pass(&mut link, false).await {
        return;
    }
    let Ok(far) = TcpStream::connect(database).await else {
        return;
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let mut cut = link.clone();
    let listens = AtomicBool::new(false);
    let sent = |data: &[u8]| {
        if data.windows(LISTEN.len()).any(|part| part == LISTEN) {
            listens.store(true, Ordering::Relaxed);
        }
        false
    };
    let received = |_: &[u8]| listens.load(Ordering::Relaxed);
    // If one direction ends, the other ends too.
    tokio::select! {
        () = pass(near_in, far_out, link.clone(), sent) => {}
        () = pass(far_in, near_out, link, received) => {}
        _ = cut.wait_for(|link| *link == LinkState::Cut) => {}
    }
}

/// Passes data on. `is_notification` says whether data can be a notification.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut link: watch::Receiver<LinkState>,
    is_notification: impl Fn(&[u8]) -> bool,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let data = &buffer[..read];
        let is_notification = is_notification(data);
        if !may_pass(&mut link, is_notification).await || to.write_all(data).await.is_err() {
            return;
        }
    }
}

/// Waits while the link holds such data back. Returns whether it may pass then.
async fn may_pass(link: &mut watch::Receiver<LinkState>, is_notification: bool) -> bool {
    let state = link.wait_for(|link| match link {
        LinkState::Open | LinkState::Cut => true,
        LinkState::Silent => false,
        LinkState::Unnotified => !is_notification,
    });
    state.await.is_ok_and(|link| *link != LinkState::Cut)
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
            _ = may_pass(&mut watched, false) => panic!("the link is silent"),
            () = ready(()) => {}
        }
        link.send_replace(LinkState::Open);
        assert!(may_pass(&mut watched, false).await);
        link.send_replace(LinkState::Cut);
        assert!(!may_pass(&mut watched, false).await);
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
    async fn without_notifications_only_a_connection_that_listens_gets_no_data() {
        let (proxy, mut listening) = echo().await;
        listening.write_all(b"LISTEN x").await.expect("sent");
        assert_eq!(read(&mut listening).await, "LISTEN x");
        proxy.set(LinkState::Unnotified);
        listening.write_all(b"held").await.expect("sent");
        let mut other = TcpStream::connect(proxy.address).await.expect("connected");
        other.write_all(b"passed").await.expect("sent");
        assert_eq!(read(&mut other).await, "passed");
        let (link, mut watched) = watch::channel(LinkState::Unnotified);
        tokio::select! {
            biased;
            _ = may_pass(&mut watched, true) => panic!("it is a notification"),
            () = ready(()) => {}
        }
        drop(link);
        proxy.set(LinkState::Open);
        assert_eq!(read(&mut listening).await, "held");
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
