//! Runs wrk, the load generator, and parses its report.

use std::{net::SocketAddr, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};

/// The result of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    pub(crate) requests: u64,
    pub(crate) requests_per_second: f64,
    /// The 99th percentile of the latency.
    pub(crate) p99: Duration,
}

/// Requests `path` from `address` over `connections` connections, as fast as possible.
///
/// # Errors
/// If wrk cannot be run, or if any response is not a success.
pub(crate) fn run(
    address: SocketAddr,
    path: &str,
    key: &str,
    connections: usize,
    seconds: u64,
) -> Result<Load> {
    let output = Command::new("wrk")
        .args(["--threads", if connections > 1 { "2" } else { "1" }])
        .args(["--connections", &connections.to_string()])
        .args(["--duration", &format!("{seconds}s")])
        .args(["--latency", "--header", &format!("X-API-Key: {key}")])
        .arg(format!("http://{address}{path}"))
        .output()
        .context("wrk cannot be run: install Debian's package wrk")?;
    let report = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "wrk failed: {report}");
    let refused = report.contains("Non-2xx") || report.contains("Socket errors");
    ensure!(!refused, "some responses were not a success: {report}");
    parse(&report).with_context(|| format!("the report cannot be parsed: {report}"))
}

fn parse(report: &str) -> Option<Load> {
    let after = |name: &str| {
        let line = report
            .lines()
            .find_map(|line| line.trim_start().strip_prefix(name))?;
        Some(line.trim())
    };
    let requests = report
        .lines()
        .find_map(|line| line.trim().split_once(" requests in "))?;
    Some(Load {
        requests: requests.0.parse().ok()?,
        requests_per_second: after("Requests/sec:")?.parse().ok()?,
        p99: time(after("99%")?)?,
    })
}

/// Parses a time in wrk's format: `61.00us`, `1.53ms`, `2.10s`.
fn time(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return None,
    };
    Some(Duration::from_secs_f64(
        number.parse::<f64>().ok()? * seconds,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_wrk_is_parsed() {
        let report = "Running 1s test @ http://127.0.0.1:3000/
  2 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   408.27us  257.44us   4.77ms   78.10%
  Latency Distribution
     50%  371.00us
     99%    1.25ms
  161024 requests in 1.01s, 30.41MB read
Requests/sec: 159429.12
Transfer/sec:     30.11MB
";
        let load = Load {
            requests: 161_024,
            requests_per_second: 159_429.12,
            p99: Duration::from_micros(1_250),
        };
        assert_eq!(parse(report), Some(load));
        assert_eq!(parse(""), None);
    }
}
