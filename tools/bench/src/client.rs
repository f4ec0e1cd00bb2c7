//! A client that sends one request after another over one connection.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::Result;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

pub(crate) struct Client(SendRequest<Full<Bytes>>);

/// A response that was received completely.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// From the request to the end of the response.
    pub(crate) took: Duration,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (open, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(open))
    }

    /// Calls the API with a key.
    pub(crate) async fn call(&mut self, path: &str, key: &str) -> Result<Response> {
        let request = Request::get(path).header("x-api-key", key);
        self.send(request, Bytes::new()).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Response> {
        self.send(Request::get(path), Bytes::new()).await
    }

    /// Submits a form.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        cookies: &str,
        form: String,
    ) -> Result<Response> {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", cookies);
        self.send(request, form.into()).await
    }

    async fn send(&mut self, request: http::request::Builder, body: Bytes) -> Result<Response> {
        let request = request.header("host", "127.0.0.1").body(Full::new(body))?;
        self.0.ready().await?;
        let begun = Instant::now();
        let response = self.0.send_request(request).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Response {
            status: parts.status,
            headers: parts.headers,
            body,
            took: begun.elapsed(),
        })
    }
}
