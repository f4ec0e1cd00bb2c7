//! Requests over one connection that is kept open, as integrations and browsers make them. Nothing is tried
//! twice behind the caller's back: what a request came to is part of the record.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use crate::program::Server;

/// A connection to a server, opened when it is needed.
pub(crate) struct Client {
    pub(crate) server: Arc<Server>,
    open: Option<SendRequest<Full<Bytes>>>,
}

/// An answer that was read to its end.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Silence {
    /// There was no connection: the request was not sent.
    NotSent,
    /// The connection ended first.
    Broken,
    /// It was not waited for any longer.
    TooLate,
}

impl Client {
    pub(crate) const fn new(server: Arc<Server>) -> Self {
        Self { server, open: None }
    }

    pub(crate) async fn get(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        patience: Duration,
    ) -> Result<Reply, Silence> {
        self.send(Method::GET, path, headers, String::new(), patience)
            .await
    }

    pub(crate) async fn post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
        patience: Duration,
    ) -> Result<Reply, Silence> {
        self.send(Method::POST, path, headers, body, patience).await
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
        patience: Duration,
    ) -> Result<Reply, Silence> {
        let exchange = self.exchange(method, path, headers, body);
        let outcome = timeout(patience, exchange)
            .await
            .unwrap_or(Err(Silence::TooLate));
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
    ) -> Result<Reply, Silence> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "127.0.0.1");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(body.into()))
            .map_err(|_| Silence::NotSent)?;
        let connection = self.connection().await.ok_or(Silence::NotSent)?;
        let answer = connection.send_request(request).await;
        let (parts, body) = answer.map_err(|_| Silence::Broken)?.into_parts();
        let body = body.collect().await.map_err(|_| Silence::Broken)?;
        Ok(Reply {
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
            let stream = TcpStream::connect(self.server.address()?).await.ok()?;
            stream.set_nodelay(true).ok()?;
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
            tokio::spawn(connection);
            self.open = Some(sender);
        }
        self.open.as_mut()
    }
}
