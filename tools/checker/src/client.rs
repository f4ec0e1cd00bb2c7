//! An HTTP client with one keep-alive connection, like an integration or a browser.
//!
//! It never retries a request by itself, because the record must contain the result of each one.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::program::Server;

/// A connection to a server, opened on demand.
pub(crate) struct Client {
    pub(crate) server: Arc<Server>,
    address: Ipv4Addr,
    open: Option<SendRequest<Full<Bytes>>>,
}

/// A response that was received completely.
pub(crate) struct HttpResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why a request got no response.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NoResponse {
    /// The request was not sent, because there was no connection.
    NotSent,
    /// The connection ended before the response was complete.
    Broken,
    /// The response did not come in time.
    TimedOut,
}

impl Client {
    pub(crate) const fn new(server: Arc<Server>) -> Self {
        Self::at(server, Ipv4Addr::LOCALHOST)
    }

    /// A client at this address of 127.0.0.0/8: all of it is this machine.
    pub(crate) const fn at(server: Arc<Server>, address: Ipv4Addr) -> Self {
        Self {
            server,
            address,
            open: None,
        }
    }

    /// Closes the connection. The next request opens another one.
    pub(crate) fn disconnect(&mut self) {
        self.open = None;
    }

    pub(crate) async fn get(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        limit: Duration,
    ) -> Result<HttpResponse, NoResponse> {
        self.send(Method::GET, path, headers, String::new(), limit)
            .await
    }

    pub(crate) async fn post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
        limit: Duration,
    ) -> Result<HttpResponse, NoResponse> {
        self.send(Method::POST, path, headers, body, limit).await
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
        limit: Duration,
    ) -> Result<HttpResponse, NoResponse> {
        let exchange = self.exchange(method, path, headers, body);
        let outcome = timeout(limit, exchange)
            .await
            .unwrap_or(Err(NoResponse::TimedOut));
        if outcome.is_err() {
            self.open = None;
        }
        outcome
    }

    async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<HttpResponse, NoResponse> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "127.0.0.1");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(body.into()))
            .map_err(|_| NoResponse::NotSent)?;
        let connection = self.connection().await.ok_or(NoResponse::NotSent)?;
        let response = connection.send_request(request).await;
        let (parts, body) = response.map_err(|_| NoResponse::Broken)?.into_parts();
        let body = body.collect().await.map_err(|_| NoResponse::Broken)?;
        Ok(HttpResponse {
            status: parts.status,
            headers: parts.headers,
            body: body.to_bytes(),
        })
    }

    async fn connection(&mut self) -> Option<&mut SendRequest<Full<Bytes>>> {
        let usable = match &mut self.open {
            Some(open) => open.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            let stream = connect_from(self.address, self.server.address()?);
            let stream = stream.await.ok()?;
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
            tokio::spawn(connection);
            self.open = Some(sender);
        }
        self.open.as_mut()
    }
}

/// Connects to a server from this address of 127.0.0.0/8.
pub(crate) async fn connect_from(address: Ipv4Addr, server: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((address, 0)))?;
    let stream = socket.connect(server).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
