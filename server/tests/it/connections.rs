//! No caller of the real program can hold every connection.

use std::{io::Write, net::TcpStream};

use crate::support::{
    PING_PATH,
    database::TestDatabase,
    loopback::connect_from,
    process::{OK, ServerProcess},
    program::{create_token, in_shell, program},
    scrape::{MEASURED, metrics_of, scrape, value},
};

/// The number of connections that a server with [`HANDLES`] accepts.
const LIMIT: usize = 68;

const HANDLES: &str = "ulimit -n 200";

/// Half of a request's head.
const FIRST_PART: &str = "GET /healthz HTTP/1.1\r\nHost: a.test\r\n";

fn start(database: &TestDatabase) -> ServerProcess {
    let listen = ["serve", "--demo", "--listen", "127.0.0.1:0"];
    let serve = program(&database.url(), &[&listen, MEASURED].concat());
    ServerProcess::start_with(in_shell(HANDLES, &serve))
}

/// Opens connections from this address, and sends these bytes on each. Returns those that the server did not close at
/// once.
async fn hold(server: &ServerProcess, address: &str, count: usize, bytes: &str) -> Vec<TcpStream> {
    let mut held = Vec::new();
    for _ in 0..count {
        let connected = connect_from(address, server.address).await;
        held.extend(connected.and_then(|mut stream| {
            stream.write_all(bytes.as_bytes())?;
            Ok(stream)
        }));
    }
    held
}

/// The number of connections that the server closed for this reason.
fn closed(scraped: &str, reason: &str) -> f64 {
    let metric = format!("connections_closed_total{{reason=\"{reason}\"}}");
    value(scraped, &metric)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the built front end: `make test` runs it"]
async fn one_address_that_opens_every_connection_does_not_keep_a_stranger_out() {
    let database = TestDatabase::sqlite();
    let server = start(&database);
    let metrics = metrics_of(&server);
    let token = create_token(&database.url());
    let held = hold(&server, "127.0.1.1", 2 * LIMIT, "").await;
    let response = server.get(PING_PATH, &[("X-API-Key", &token)]);
    assert!(response.starts_with(OK), "{response}");
    let scraped = scrape(metrics);
    let limit = value(&scraped, "connections{state=\"limit\"}");
    assert_eq!(limit, LIMIT as f64);
    assert!(value(&scraped, "connections{state=\"open\"}") < limit);
    assert!(closed(&scraped, "for_its_network") > 0.0, "{scraped}");
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the built front end: `make test` runs it"]
async fn many_networks_that_send_half_a_request_on_every_connection_do_not_keep_a_stranger_out() {
    let database = TestDatabase::sqlite();
    let server = start(&database);
    let metrics = metrics_of(&server);
    let token = create_token(&database.url());
    let mut held = Vec::new();
    for network in 1..=8 {
        let address = format!("127.0.{network}.1");
        held.extend(hold(&server, &address, LIMIT / 8 + 2, FIRST_PART).await);
    }
    let response = server.get(PING_PATH, &[("X-API-Key", &token)]);
    assert!(response.starts_with(OK), "{response}");
    let scraped = scrape(metrics);
    assert!(closed(&scraped, "for_another") > 0.0, "{scraped}");
    drop(held);
}
