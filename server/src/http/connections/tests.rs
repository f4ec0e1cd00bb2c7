use std::sync::mpsc;

use axum::{
    body::Bytes,
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, tcp::OwnedWriteHalf},
    sync::Semaphore,
    task::{JoinHandle, yield_now},
    time::{advance, pause, timeout},
};

use axum::Router;

use super::{progress::LINGER_BYTES, *};

/// A timeout that tests let pass. It is far shorter than [`LONG`].
const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(600);
/// Ends a test that hangs.
const TEST_TIMEOUT: Duration = Duration::from_secs(120);

/// Timeouts that no test reaches.
const LENIENT: Timeouts = Timeouts {
    head: LONG,
    body: LONG,
    response: LONG,
    idle: LONG,
    stalled: LONG,
    check_every: Duration::from_millis(10),
};

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// More than the system buffers between the two ends of a connection.
const LARGE: usize = 64 * 1024 * 1024;

struct Server {
    address: SocketAddr,
    /// A permit for each request for `/held` that the server works on.
    begun: Arc<Semaphore>,
    /// Each permit lets one of these requests get its response.
    release: Arc<Semaphore>,
    running: JoinHandle<()>,
}

impl Server {
    /// A server whose callers are trusted proxies: only the total is limited.
    async fn start(timeouts: Timeouts, max_connections: usize) -> Self {
        Self::bounded(Bounds {
            timeouts,
            limits: Limits {
                all: max_connections,
                caller: 1,
                block: 1,
            },
            proxies: TrustedProxies::from_iter(["127.0.0.1".parse().expect("an address")]),
        })
        .await
    }

    /// A server without trusted proxies, with these limits of connections.
    async fn shared(all: usize, caller: usize, block: usize, stalled: Duration) -> Self {
        Self::bounded(Bounds {
            timeouts: Timeouts { stalled, ..LENIENT },
            limits: Limits { all, caller, block },
            proxies: TrustedProxies::default(),
        })
        .await
    }

    async fn bounded(bounds: Bounds) -> Self {
        let (begun, release) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let held = {
            let (begun, release) = (Arc::clone(&begun), Arc::clone(&release));
            async move || {
                begun.add_permits(1);
                take(&release).await;
                "done"
            }
        };
        let router = Router::new()
            .route("/", get(async || "done"))
            .route("/echo", post(async |body: Bytes| body))
            .route("/held", get(held))
            .route("/stuck", get(std::future::pending::<()>))
            .route("/large", get(async || vec![b'x'; LARGE]));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = std::future::pending();
        let metrics = ConnectionMetrics::default();
        let running = serve_until(listener, router, bounds, metrics, stop);
        Self {
            address,
            begun,
            release,
            running: store::task::spawn(running),
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connected")
    }

    /// Connects from this address of 127.0.0.0/8. All of these addresses are this machine.
    async fn connect_from(&self, address: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("a socket");
        let from = SocketAddr::new(address.parse().expect("an address"), 0);
        socket.bind(from).expect("bound");
        socket.connect(self.address).await.expect("connected")
    }

    /// Connects from this address, and gets a response on the connection.
    async fn used_from(&self, address: &str) -> TcpStream {
        let mut stream = self.connect_from(address).await;
        ask(&mut stream).await;
        stream
    }

    /// Connects from this address, and sends a request that the server works on until it is released.
    async fn working_for(&self, address: &str) -> TcpStream {
        let request = "GET /held HTTP/1.1\r\nHost: a.test\r\n\r\n";
        let stream = self.sending_from(address, request).await;
        take(&self.begun).await;
        stream
    }

    async fn sending_from(&self, address: &str, request: &str) -> TcpStream {
        let mut stream = self.connect_from(address).await;
        let sent = stream.write_all(request.as_bytes()).await;
        sent.expect("sent");
        stream
    }

    /// Connects with a small buffer, so that the server notices soon that the caller reads.
    async fn connect_with_small_buffer(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(64 * 1024).expect("set");
        socket.connect(self.address).await.expect("connected")
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

/// Waits for a permit, and uses it up.
async fn take(semaphore: &Semaphore) {
    let permit = timeout(TEST_TIMEOUT, semaphore.acquire()).await;
    permit.expect("in time").expect("open").forget();
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
    read_response(stream).await;
}

async fn read_response(stream: &mut TcpStream) {
    let mut read = Vec::new();
    while !read.ends_with(b"done") {
        let more = timeout(TEST_TIMEOUT, stream.read_buf(&mut read)).await;
        assert_ne!(more.expect("a response").expect("read"), 0, "{read:?}");
    }
}

/// A paused clock that only [`pass`] moves. So a slow machine does not look like a slow caller.
struct StoppedClock {
    _stopped: mpsc::Sender<()>,
}

impl StoppedClock {
    fn new() -> Self {
        pause();
        let (stopped, moves_on) = mpsc::channel::<()>();
        // While this task blocks, tokio's paused clock does not advance by itself. The timeout ends a hanging test.
        store::task::spawn_blocking(move || moves_on.recv_timeout(TEST_TIMEOUT));
        Self { _stopped: stopped }
    }
}

/// Lets this time pass, while the server checks its connections.
async fn pass(time: Duration) {
    let step = LENIENT.check_every;
    for _ in 0..time.as_millis() / step.as_millis() {
        advance(step).await;
        yield_now().await;
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
}

#[tokio::test]
async fn a_later_head_on_a_connection_gets_no_more_time_than_the_first() {
    let _clock = StoppedClock::new();
    let timeouts = Timeouts {
        head: SHORT,
        ..LENIENT
    };
    let server = Server::start(timeouts, 9).await;
    let mut reused = server.connect().await;
    ask(&mut reused).await;
    reused.write_all(b"GET / HTTP/1.1\r\n").await.expect("sent");
    tokio::select! {
        read = read_to_end(reused) => assert_eq!(read, ""),
        () = pass(LONG / 2) => panic!("the connection is still open"),
    }
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
    let bodies = Timeouts {
        body: SHORT,
        ..LENIENT
    };
    let server = Server::start(bodies, 9).await;
    let body = "POST /echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\n";
    let (reading, writing) = server.send(body).await.into_split();
    let dripping = store::task::spawn(drip(writing));
    assert_eq!(read_to_end(reading).await, "");
    dripping.abort();
    let handlers = Timeouts {
        response: SHORT,
        ..LENIENT
    };
    let server = Server::start(handlers, 9).await;
    let stuck = server.send("GET /stuck HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(read_to_end(stuck.await).await, "");
}

#[tokio::test]
async fn an_idle_connection_is_ended_and_a_used_one_is_not() {
    let _clock = StoppedClock::new();
    let timeouts = Timeouts {
        idle: SHORT,
        ..LENIENT
    };
    let server = Server::start(timeouts, 9).await;
    let mut used = server.connect().await;
    let mut idle = server.connect().await;
    ask(&mut idle).await;
    for _ in 0..30 {
        ask(&mut used).await;
        pass(SHORT / 10).await;
    }
    assert_eq!(read_to_end(idle).await, "");
    ask(&mut used).await;
    pass(2 * SHORT).await;
    assert_eq!(read_to_end(used).await, "");
}

#[tokio::test]
async fn a_caller_that_reads_nothing_is_ended_and_a_slow_one_is_not() {
    let _clock = StoppedClock::new();
    let timeouts = Timeouts {
        idle: SHORT,
        ..LENIENT
    };
    let server = Server::start(timeouts, 9).await;
    let request = "GET /large HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";
    let mut slow = server.connect_with_small_buffer().await;
    slow.write_all(request.as_bytes()).await.expect("sent");
    let reading_nothing = server.send(request).await;
    let (mut buffer, mut read) = (vec![0; LARGE / 64], 0);
    // Slow enough that the whole response takes longer than the timeout.
    while slow.read_exact(&mut buffer).await.is_ok() {
        read += buffer.len();
        pass(SHORT / 20).await;
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
    // Accepted connections are not disturbed, and get many responses before the third connection gets one.
    for _ in 0..20 {
        ask(&mut first).await;
    }
    let early = third.try_read(&mut [0]).expect_err("nothing to read");
    assert_eq!(early.kind(), io::ErrorKind::WouldBlock);
    drop(second);
    let arrived = timeout(TEST_TIMEOUT, third.read_u8()).await;
    assert_eq!(arrived.expect("in time").expect("read"), b'H');
}

/// Callers in different /24 networks.
const CALLER: &str = "127.0.1.1";
const NEIGHBOUR: &str = "127.0.1.2";
const STRANGER: &str = "127.0.2.1";
const OTHER: &str = "127.0.3.1";

const FIRST_PART: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n";

#[tokio::test]
async fn one_caller_cannot_hold_every_connection() {
    let server = Server::shared(4, 2, 2, LONG).await;
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(server.used_from(CALLER).await);
    }
    server.used_from(STRANGER).await;
    // The last two of the caller are open, and the older ones were closed cleanly.
    let mut open = held.split_off(6);
    for stream in &mut open {
        ask(stream).await;
    }
    for mut closed in held {
        let end = timeout(TEST_TIMEOUT, closed.read(&mut [0])).await;
        assert_eq!(end.expect("in time").expect("not reset"), 0);
    }
}

#[tokio::test]
async fn many_addresses_of_one_network_cannot_hold_every_connection() {
    // Checking all the time must not close a second connection before the first has ended.
    let timeouts = Timeouts {
        check_every: Duration::from_nanos(1),
        ..LENIENT
    };
    let server = Server::bounded(Bounds {
        timeouts,
        limits: Limits {
            all: 4,
            caller: 2,
            block: 3,
        },
        proxies: TrustedProxies::default(),
    })
    .await;
    let oldest = server.used_from(CALLER).await;
    let mut kept = [
        server.used_from(CALLER).await,
        server.used_from(NEIGHBOUR).await,
        server.used_from(STRANGER).await,
    ];
    let mut newest = server.used_from("127.0.1.3").await;
    assert_eq!(read_to_end(oldest).await, "");
    for stream in kept.iter_mut().chain([&mut newest]) {
        ask(stream).await;
    }
}

#[tokio::test]
async fn callers_that_send_nothing_or_half_a_head_or_half_a_body_cannot_keep_a_stranger_out() {
    let half_body = "POST /echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nhalf";
    for begun in ["", "G", FIRST_PART, half_body] {
        let server = Server::shared(1, 1, 1, Duration::ZERO).await;
        let stalled = server.sending_from(CALLER, begun).await;
        let mut stranger = server.used_from(STRANGER).await;
        assert!(!read_to_end(stalled).await.contains("200 OK"), "{begun:?}");
        ask(&mut stranger).await;
    }
}

#[tokio::test]
async fn a_caller_that_reads_no_response_cannot_keep_a_stranger_out() {
    let server = Server::shared(1, 1, 1, Duration::ZERO).await;
    let request = "GET /large HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let reading_nothing = server.sending_from(CALLER, request).await;
    server.used_from(STRANGER).await;
    assert!(read_to_end(reading_nothing).await.len() < LARGE);
}

#[tokio::test]
async fn a_request_that_the_server_works_on_is_not_ended_for_another_connection() {
    let server = Server::shared(3, 1, 2, Duration::ZERO).await;
    let mut working = [
        server.working_for(CALLER).await,
        server.working_for(NEIGHBOUR).await,
        server.working_for(STRANGER).await,
    ];
    // All connections are in use, so a caller of another network waits.
    let mut waiting = server.sending_from(OTHER, REQUEST).await;
    assert!(timeout(SHORT, waiting.read_u8()).await.is_err());
    server.release.add_permits(working.len());
    for stream in &mut working {
        read_response(stream).await;
    }
    read_response(&mut waiting).await;
}

#[tokio::test]
async fn a_network_that_uses_its_whole_share_is_refused_and_others_are_served() {
    let server = Server::shared(9, 1, 2, Duration::ZERO).await;
    let mut working = server.working_for(CALLER).await;
    let mut stranger = server.used_from(STRANGER).await;
    let refused = server.sending_from(CALLER, REQUEST).await;
    assert_eq!(read_to_end(refused).await, "");
    ask(&mut stranger).await;
    server.release.add_permits(1);
    read_response(&mut working).await;
    // Now it waits for another request, and can make room.
    let mut next = server.used_from(CALLER).await;
    assert_eq!(read_to_end(working).await, "");
    ask(&mut next).await;
}

#[tokio::test]
async fn a_request_that_arrives_just_before_its_connection_makes_room_gets_its_response() {
    for round in 0..50 {
        let server = Server::shared(9, 1, 2, LONG).await;
        let first = server.sending_from(CALLER, REQUEST).await;
        let second = server.sending_from(CALLER, REQUEST).await;
        let first = read_to_end(first).await;
        assert!(first.starts_with("HTTP/1.1 200 OK"), "{round}: {first:?}");
        drop(second);
    }
}

#[tokio::test]
async fn trusted_proxies_have_no_share_and_their_connections_are_not_closed_for_others() {
    let server = Server::bounded(Bounds {
        timeouts: Timeouts {
            stalled: Duration::ZERO,
            ..LENIENT
        },
        limits: Limits {
            all: 4,
            caller: 1,
            block: 1,
        },
        proxies: TrustedProxies::from_iter([CALLER.parse().expect("an address")]),
    })
    .await;
    let mut of_proxy = Vec::new();
    for _ in 0..3 {
        of_proxy.push(server.used_from(CALLER).await);
    }
    let stranger = server.used_from(STRANGER).await;
    let mut newest = server.used_from(OTHER).await;
    assert_eq!(read_to_end(stranger).await, "");
    for stream in of_proxy.iter_mut().chain([&mut newest]) {
        ask(stream).await;
    }
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

/// The system answers bytes that arrive after a close with a reset, which can destroy the response.
#[tokio::test]
async fn the_response_to_a_large_body_that_is_not_read_arrives() {
    const BODY: usize = 8 * 1024 * 1024;
    let server = Server::start(LENIENT, 10).await;
    let declared = format!("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: {BODY}\r\n\r\n");
    let chunked = format!(
        "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n{BODY:x}\r\n"
    );
    for head in [declared, chunked] {
        let mut stream = server.connect().await;
        stream.write_all(head.as_bytes()).await.expect("sent");
        stream
            .write_all(&vec![b'x'; BODY])
            .await
            .expect("sent whole");
        let mut response = String::new();
        let read = timeout(TEST_TIMEOUT, stream.read_to_string(&mut response)).await;
        read.expect("in time").expect("no reset");
        assert!(response.starts_with("HTTP/1.1 405 "), "{response}");
    }
}

#[tokio::test]
async fn a_refused_body_without_end_does_not_keep_its_connection() {
    const PIECE: usize = 64 * 1024;
    /// More than the server reads and the system buffers.
    const PIECES: usize = (LINGER_BYTES + LARGE) / PIECE;
    let server = Server::start(LENIENT, 10).await;
    let mut stream = server.connect().await;
    let head = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 99999999999\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let piece = vec![b'x'; PIECE];
    let mut sent = 0;
    let sending = async {
        while sent < PIECES && stream.write_all(&piece).await.is_ok() {
            sent += 1;
        }
    };
    timeout(TEST_TIMEOUT, sending).await.expect("closed");
    assert!(sent < PIECES, "the server read {sent} pieces");
}

#[tokio::test]
async fn a_caller_that_pauses_in_a_refused_body_is_let_go() {
    let server = Server::start(LENIENT, 1).await;
    let mut pausing = server.connect().await;
    let head = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 99\r\n\r\n";
    pausing.write_all(head.as_bytes()).await.expect("sent");
    let mut response = String::new();
    let read = pausing.read_to_string(&mut response).await;
    read.expect("a response");
    pause();
    // The only connection is free for another caller after the time, which passes while everything waits.
    let mut next = server.connect().await;
    timeout(LONG, ask(&mut next)).await.expect("served");
    drop(pausing);
}
