use axum::{
    body::Bytes,
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::tcp::OwnedWriteHalf,
    task::JoinHandle,
    time::timeout,
};

use axum::Router;

use super::*;

/// Longer than any delay on a busy machine, and far shorter than [`LONG`].
const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(60);
/// How long a test waits for the end of a connection.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Timeouts that no test reaches.
const LENIENT: Timeouts = Timeouts {
    head: LONG,
    response: LONG,
    idle: LONG,
    check_every: Duration::from_millis(10),
};

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// More than the system buffers between the two ends of a connection.
const LARGE: usize = 64 * 1024 * 1024;

struct Server {
    address: SocketAddr,
    running: JoinHandle<()>,
}

impl Server {
    async fn start(timeouts: Timeouts, max_connections: usize) -> Self {
        let router = Router::new()
            .route("/", get(async || "done"))
            .route("/echo", post(async |body: Bytes| body))
            .route("/stuck", get(std::future::pending::<()>))
            .route("/large", get(async || vec![b'x'; LARGE]));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = std::future::pending();
        let running = serve_until(listener, router, timeouts, max_connections, stop);
        Self {
            address,
            running: store::task::spawn(running),
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connected")
    }

    /// Sends `request`, and returns the connection.
    async fn send(&self, request: &str) -> TcpStream {
        let mut stream = self.connect().await;
        let sent = stream.write_all(request.as_bytes()).await;
        sent.expect("sent");
        stream
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Reads until the server ends the connection.
async fn read_to_end(mut stream: impl AsyncReadExt + Unpin) -> String {
    let mut read = Vec::new();
    let ended = timeout(TEST_TIMEOUT, stream.read_to_end(&mut read)).await;
    // A connection that ends with unread data is reset.
    let _ = ended.expect("the server ends the connection");
    String::from_utf8(read).expect("a text")
}

/// Sends the request on this connection, and reads the response.
async fn ask(stream: &mut TcpStream) {
    stream.write_all(REQUEST.as_bytes()).await.expect("sent");
    let mut read = Vec::new();
    while !read.ends_with(b"done") {
        let more = timeout(TEST_TIMEOUT, stream.read_buf(&mut read)).await;
        assert_ne!(more.expect("a response").expect("read"), 0, "{read:?}");
    }
}

/// Sends a byte now and then, until the server ends the connection.
async fn drip(mut stream: OwnedWriteHalf) {
    let mut every = interval(SHORT / 10);
    while stream.write_all(b"x").await.is_ok() {
        every.tick().await;
    }
}

#[tokio::test]
async fn a_head_that_arrives_byte_by_byte_gets_no_extra_time() {
    let timeouts = Timeouts {
        head: SHORT,
        ..LENIENT
    };
    let server = Server::start(timeouts, 9).await;
    for begun in ["", "G", "GET / HTTP/1.1\r\nHost: a.test\r\nX-Slow: "] {
        let (reading, writing) = server.send(begun).await.into_split();
        let dripping = store::task::spawn(drip(writing));
        assert_eq!(read_to_end(reading).await, "", "{begun:?}");
        dripping.abort();
    }
    let mut reused = server.connect().await;
    ask(&mut reused).await;
    reused.write_all(b"GET / HTTP/1.1\r\n").await.expect("sent");
    assert_eq!(read_to_end(reused).await, "");
}

#[tokio::test]
async fn a_connection_without_a_request_is_ended() {
    let timeouts = Timeouts {
        head: SHORT,
        ..LENIENT
    };
    let server = Server::start(timeouts, 9).await;
    assert_eq!(read_to_end(server.connect().await).await, "");
}

#[tokio::test]
async fn a_missing_body_and_a_stuck_handler_are_ended() {
    let timeouts = Timeouts {
        response: SHORT,
        ..LENIENT
    };
    let server = Server::start(timeouts, 9).await;
    let body = "POST /echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n";
    let (reading, writing) = server.send(body).await.into_split();
    let dripping = store::task::spawn(drip(writing));
    assert_eq!(read_to_end(reading).await, "");
    dripping.abort();
    let stuck = server.send("GET /stuck HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(read_to_end(stuck.await).await, "");
}

#[tokio::test]
async fn an_idle_connection_is_ended_and_a_used_one_is_not() {
    let timeouts = Timeouts {
        idle: SHORT,
        ..LENIENT
    };
    let server = Server::start(timeouts, 9).await;
    let mut used = server.connect().await;
    let mut idle = server.connect().await;
    ask(&mut idle).await;
    let mut every = interval(SHORT / 10);
    for _ in 0..30 {
        ask(&mut used).await;
        every.tick().await;
    }
    assert_eq!(read_to_end(idle).await, "");
    assert_eq!(read_to_end(used).await, "");
}

#[tokio::test]
async fn a_caller_that_reads_nothing_is_ended_and_a_slow_one_is_not() {
    let timeouts = Timeouts {
        idle: SHORT,
        ..LENIENT
    };
    let server = Server::start(timeouts, 9).await;
    let request = "GET /large HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
    let mut slow = server.send(request).await;
    let reading_nothing = server.send(request).await;
    let (mut buffer, mut read) = (vec![0; LARGE / 64], 0);
    // Slow enough that the whole response takes far longer than the timeout.
    let mut every = interval(SHORT / 20);
    while slow.read_exact(&mut buffer).await.is_ok() {
        read += buffer.len();
        every.tick().await;
    }
    assert_eq!(read, LARGE);
    assert!(read_to_end(reading_nothing).await.len() < LARGE);
}

#[tokio::test]
async fn beyond_the_maximum_a_connection_waits_until_another_one_ends() {
    let server = Server::start(LENIENT, 2).await;
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    ask(&mut first).await;
    ask(&mut second).await;
    let mut third = server.send(REQUEST).await;
    assert!(timeout(SHORT, third.read_u8()).await.is_err());
    // Accepted connections are not disturbed.
    ask(&mut first).await;
    drop(second);
    let arrived = timeout(TEST_TIMEOUT, third.read_u8()).await;
    assert_eq!(arrived.expect("in time").expect("read"), b'H');
}

#[tokio::test]
async fn a_head_that_is_too_large_or_has_too_many_headers_gets_431() {
    let server = Server::start(LENIENT, 9).await;
    let long = format!("X-Long: {}\r\n", "x".repeat(MAX_HEAD));
    let many = "X-One: 1\r\n".repeat(101);
    for headers in [long, many] {
        let request = format!("GET / HTTP/1.1\r\nHost: a.test\r\n{headers}\r\n");
        let response = read_to_end(server.send(&request).await).await;
        assert!(response.starts_with("HTTP/1.1 431 "), "{response}");
    }
    let few = "X-One: 1\r\n".repeat(98);
    let request = format!("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n{few}\r\n");
    let response = read_to_end(server.send(&request).await).await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
}

#[tokio::test]
async fn invalid_http_gets_400() {
    let server = Server::start(LENIENT, 9).await;
    for request in [
        "\x16\x03\x01 this is no TLS\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a.test\r\n\r\n",
    ] {
        let response = read_to_end(server.send(request).await).await;
        assert!(
            response.starts_with("HTTP/1.1 400 "),
            "{request}: {response}"
        );
    }
}

#[test]
fn the_maximum_leaves_file_handles_for_the_database() {
    let connections = u64::try_from(max_connections()).expect("a number");
    let handles = getrlimit(Resource::Nofile).current;
    assert!((1..=MAX_CONNECTIONS).contains(&connections));
    let needed = connections * HANDLES_PER_CONNECTION + OTHER_HANDLES;
    assert!(
        handles.is_none_or(|handles| needed <= handles),
        "{handles:?}"
    );
}
