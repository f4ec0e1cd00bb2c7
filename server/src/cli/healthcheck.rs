//! `developer-zone healthcheck`: for container runtimes and supervisors, which read exit codes.

use std::{io, time::Duration};

use clap::{Args, builder::BoolishValueParser};
use http::{Uri, uri::Scheme};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{
    listen::{Listen, reachable},
    output,
};
use crate::error::Error;

/// A server that takes longer to respond counts as unhealthy.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Args)]
#[command(
    after_help = "Exits with 0 if GET /healthz (with --ready: GET /readyz) responds with 200 within five seconds, otherwise with 1.
A supervisor that restarts unhealthy servers must not use --ready: a restart does not repair the database."
)]
pub(super) struct Healthcheck {
    #[command(flatten)]
    listen: Listen,
    /// The address of the server, as its first line on standard output shows it [default: the address of --listen]
    #[arg(long, env = "DEVELOPER_ZONE_URL", value_name = "URL", value_parser = server_url)]
    url: Option<String>,
    /// Check whether the server is ready for requests, which includes its database
    #[arg(long, env = "DEVELOPER_ZONE_READY", value_parser = BoolishValueParser::new())]
    ready: bool,
}

/// Only `http://`: HTTPS would reach a proxy in front, whose health says nothing about the server.
///
/// Returns host and port.
fn server_url(text: &str) -> Result<String, &'static str> {
    let url: Option<Uri> = text.parse().ok();
    let plain = |url: &Uri| url.scheme() == Some(&Scheme::HTTP) && url.path() == "/";
    let url = url.filter(plain);
    let host = url.as_ref().and_then(Uri::host);
    let port = url.as_ref().and_then(Uri::port_u16).unwrap_or(80);
    host.map(|host| format!("{host}:{port}"))
        .ok_or("use the server's own address, for example http://127.0.0.1:3000")
}

impl Healthcheck {
    /// Checks the server, and prints `healthy` or `ready` if it is.
    ///
    /// # Errors
    /// [`Error::NotHealthy`].
    pub(super) async fn perform(self) -> Result<(), Error> {
        let (path, state) = match self.ready {
            true => ("/readyz", "ready"),
            false => ("/healthz", "healthy"),
        };
        let listening = || reachable(self.listen.listen).to_string();
        let server = self.url.unwrap_or_else(listening);
        let problem = match timeout(RESPONSE_TIMEOUT, status(&server, path)).await {
            Ok(Ok(status)) if status == "200" => return output::line(state),
            Ok(Ok(status)) => format!("it responded with {status}"),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no response within {} seconds", RESPONSE_TIMEOUT.as_secs()),
        };
        Err(Error::NotHealthy {
            address: format!("http://{server}"),
            expected: state,
            problem,
        })
    }
}

/// The status of the response to `GET path`.
async fn status(server: &str, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(server).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut response = Vec::new();
    // Enough for the status line and headers. Another program on this port could send an endless response.
    stream.take(4096).read_to_end(&mut response).await?;
    let response = String::from_utf8_lossy(&response);
    let mut words = response.split_ascii_whitespace();
    match (words.next(), words.next()) {
        (Some("HTTP/1.1"), Some(status)) => Ok(status.to_owned()),
        _ => Err(io::Error::other("the response is not HTTP/1.1")),
    }
}
