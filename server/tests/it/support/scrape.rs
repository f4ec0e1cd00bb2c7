//! The metrics of a running server, as Prometheus reads them.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
};

use super::{
    process::{ServerProcess, read_response},
    wait::TIMEOUT,
};

/// The options of a server that serves metrics.
pub(crate) const MEASURED: &[&str] = &["--metrics-listen", "127.0.0.1:0"];

/// The address of a server's metrics.
#[track_caller]
pub(crate) fn metrics_of(server: &ServerProcess) -> SocketAddr {
    let words = "metrics on http://";
    server.await_stderr(words);
    let stderr = server.stderr();
    let (_, rest) = stderr.split_once(words).expect("awaited");
    let (address, _) = rest.split_once("/metrics").expect("an address");
    address.parse().expect("an address")
}

/// All metrics, in Prometheus' text format.
pub(crate) fn scrape(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(TIMEOUT)).expect("set");
    let request = "GET /metrics HTTP/1.1\r\nHost: metrics\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("sent");
    read_response(stream)
}

/// The value of the metric with these labels, in Prometheus' notation.
#[track_caller]
pub(crate) fn value(scraped: &str, metric: &str) -> f64 {
    let metric = format!("developer_zone_{metric} ");
    let line = scraped.lines().find_map(|line| line.strip_prefix(&metric));
    let value = line.unwrap_or_else(|| panic!("no {metric}in {scraped}"));
    value.trim().parse().expect("a number")
}
