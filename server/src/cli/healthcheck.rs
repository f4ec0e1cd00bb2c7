//! `developer-zone healthcheck`: for container runtimes and supervisors, which know exit codes.

use std::{io, time::Duration};

use clap::{Args, builder::BoolishValueParser};
use http::{Uri, uri::Scheme};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::output;
use crate::error::Error;

/// A server that takes longer than this to say that it is well, is not.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Args)]
#[command(
    after_help = "Ends with 0 when GET /healthz (with --ready: GET /readyz) answers 200 within five seconds, else with 1.
A supervisor that restarts what is not healthy asks without --ready: a restart brings no database back."
)]
pub(super) struct Healthcheck {
    /// The address of the server, as its first line on standard output shows it
    #[arg(
        long,
        env = "DEVELOPER_ZONE_URL",
        value_name = "URL",
        value_parser = server_url,
        default_value = "http://127.0.0.1:3000"
    )]
    url: Uri,
    /// Ask whether the server can do its work, its database included
    #[arg(long, env = "DEVELOPER_ZONE_READY", value_parser = BoolishValueParser::new())]
    ready: bool,
}

/// HTTPS is what a proxy in front speaks, and a healthy proxy says nothing of the server.
fn server_url(text: &str) -> Result<Uri, &'static str> {
    let url: Option<Uri> = text.parse().ok();
    let plain = |url: &Uri| url.scheme() == Some(&Scheme::HTTP) && url.path() == "/";
    url.filter(plain)
        .ok_or("use the server's own address, for example http://127.0.0.1:3000")
}

impl Healthcheck {
    /// Asks the server, and prints `healthy` or `ready` if it is.
    ///
    /// # Errors
    /// [`Error::NotHealthy`].
    pub(super) async fn perform(self) -> Result<(), Error> {
        let (path, well) = match self.ready {
            true => ("/readyz", "ready"),
            false => ("/healthz", "healthy"),
        };
        let problem = match timeout(PATIENCE, ask(&self.url, path)).await {
            Ok(Ok(status)) if status == "200" => return output::line(well),
            Ok(Ok(status)) => format!("it answered with {status}"),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} seconds", PATIENCE.as_secs()),
        };
        Err(Error::NotHealthy {
            address: self.url.to_string(),
            well,
            problem,
        })
    }
}

/// The status of `GET` of `path`, as the server writes it.
async fn ask(url: &Uri, path: &str) -> io::Result<String> {
    let (host, port) = (url.host().unwrap_or_default(), url.port_u16().unwrap_or(80));
    let mut stream = TcpStream::connect(format!("{host}:{port}")).await?;
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // Enough for a status line and the headers after it; a stranger on the port may send without end.
    stream.take(4096).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let mut words = answer.split_ascii_whitespace();
    match (words.next(), words.next()) {
        (Some("HTTP/1.1"), Some(status)) => Ok(status.to_owned()),
        _ => Err(io::Error::other("the answer is not HTTP/1.1")),
    }
}
