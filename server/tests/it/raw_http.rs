//! Requests that no HTTP library would send, over real connections to the real program. None of them may panic.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use crate::support::{
    PING_PATH,
    database::TestDatabase,
    number,
    process::{OK, ServerProcess},
    program::{create_token, program},
    scrape::{MEASURED, metrics_of, scrape, value},
    wait::TIMEOUT,
};

/// How many requests each server gets, unless `RAW_HTTP_SECONDS` says for how long it gets some.
const REQUESTS: u64 = 1500;

const METHODS: &[&str] = &[
    "GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
    "CONNECT", "get", "BREW", "M-SEARCH", "PRI", "", " ", "G T", "\0",
];

const TARGETS: &[&str] = &[
    "/",
    "/events",
    "/sign-in",
    "/account",
    "/developer-zone",
    "/developer-zone/activity.csv",
    "/docs",
    "/openapi.json",
    "/healthz",
    "/readyz",
    "/pkg/",
    "/files/",
    "/api/dashboard/sign-in",
    "/api/dashboard/create-token",
    "/api/dashboard/watch-tokens",
    "/api/v1/ext",
    "/api/v1/ext/",
    PING_PATH,
    "/api/v1/ext/903/events",
    "/api/v1/ext/903/event/456/images?page=2&limit=3",
    "/api/v1/ext/903/event/456/original-photos",
    "/api/v1/ext/903/event/456/bibs/%F0%9F%8F%83",
    "*",
    "**",
    "host:443",
    "example.com:443",
    "[::1]:443",
    "user@host:1",
    "host",
    ":",
    "http://",
    "http://api.test",
    "http://dashboard.test?x",
    "http://dashboard.test/events",
    "https://api.test:99999/",
    "ftp://api.test/api/v1/ext",
    "",
    "?",
    "#",
    "//",
    "//api.test/docs",
    "/..",
    "/../../etc/passwd",
    "/%",
    "/%00",
    "/%ff%fe",
    "/?%",
    "/docs?a=%80&=&&",
    "\\",
];

const VERSIONS: &[&str] = &[
    "HTTP/1.1",
    "HTTP/1.1",
    "HTTP/1.1",
    "HTTP/1.1",
    "HTTP/1.1",
    "HTTP/1.0",
    "HTTP/0.9",
    "HTTP/2.0",
    "http/1.1",
    "HTTP/1.1 ",
    "",
];

const HEADERS: &[&str] = &[
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "Content-Type",
    "Content-Encoding",
    "Accept",
    "Accept-Encoding",
    "X-API-Key",
    "Authorization",
    "Cookie",
    "Origin",
    "Referer",
    "Sec-Fetch-Site",
    "X-Forwarded-For",
    "X-Request-Id",
    "Range",
    "If-Range",
    "If-None-Match",
    "If-Modified-Since",
    "Expect",
    "Upgrade",
    "Connection",
    "",
    "No Token",
];

const VALUES: &[&str] = &[
    "",
    "0",
    "5",
    "-1",
    "18446744073709551616",
    "chunked",
    "identity, chunked",
    "application/json",
    "application/x-www-form-urlencoded",
    "text/html",
    "gzip, br;q=0.1",
    "dashboard.test",
    "api.test",
    "api.test:443:443",
    "[::1",
    "https://dashboard.test",
    "cross-site",
    "developer-zone-session=1; developer-zone-session=\u{fc}; =;;",
    "Bearer ",
    "bytes=0-1,-1,9-",
    "\"x\", W/\"y\", *",
    "Sat, 31 Feb 2026 99:00:00 GMT",
    "100-continue",
    "h2c",
    "close",
    "127.0.0.1, unknown, [::",
];

/// Ends the connection, once the server reads no more of it as the body of the request before. hyper drops a request whose
/// caller closes its half of the connection.
const LAST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n";

/// A request of such parts, some of them with random bytes in between.
fn request(random: &mut StdRng) -> Vec<u8> {
    let mut pick = |parts: &[&str]| -> Vec<u8> {
        let mut part = parts.choose(random).expect("a part").as_bytes().to_vec();
        if random.random_ratio(1, 16) {
            let at = random.random_range(0..=part.len());
            part.insert(at, random.random());
        }
        part
    };
    let mut request = [pick(METHODS), pick(TARGETS), pick(VERSIONS)].join(&b' ');
    request.extend_from_slice(b"\r\nHost: ");
    request.extend(pick(&[
        "dashboard.test",
        "api.test",
        "127.0.0.1",
        "other.test",
    ]));
    request.extend_from_slice(b"\r\n");
    for _ in 0..pick(&["", "x", "xx", "xxx", "xxxxxx"]).len() {
        request.extend([pick(HEADERS), pick(VALUES)].join(&b": "[..]));
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    request.extend(pick(&[
        "",
        "5\r\nhello\r\n0\r\n\r\n",
        "{\"a\":",
        "email=%ff&password",
        "[]",
    ]));
    request.extend(LAST.repeat(20));
    request
}

/// Sends these bytes, and returns what the server sends until it ends the connection.
fn send(server: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server).expect("connected");
    stream.set_read_timeout(Some(TIMEOUT)).expect("set");
    // The server may close the connection before it has read everything.
    let _ = stream.write_all(request);
    let mut response = Vec::new();
    let mut part = [0; 4096];
    loop {
        match stream.read(&mut part) {
            Ok(0) => return response,
            Ok(read) => response.extend_from_slice(&part[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return response,
            Err(error) => panic!("no response: {error}"),
        }
    }
}

/// Without its own hosts, the dashboard is served under every name, and each target reaches it.
const ANY_HOST: &[&str] = &[];
const OWN_HOST: &[&str] = &["--dashboard-hosts=dashboard.test"];

fn server(database: &TestDatabase, options: &[&str]) -> ServerProcess {
    let serve = [
        "serve",
        "--listen=127.0.0.1:0",
        "--demo",
        "--rate-limit=0",
        "--api-hosts=api.test",
    ];
    let arguments = [&serve[..], options, MEASURED].concat();
    ServerProcess::start_with(program(&database.url(), &arguments))
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_target_without_a_path_gets_400_or_501_from_both_listeners_and_no_panic() {
    let database = TestDatabase::sqlite();
    let server = server(&database, ANY_HOST);
    let metrics = metrics_of(&server);
    for (line, status) in [
        ("CONNECT host:443", "501"),
        ("CONNECT /events", "501"),
        ("BREW /events", "501"),
        ("GET example.com:443", "400"),
        ("POST example.com:443", "400"),
        ("OPTIONS example.com:443", "400"),
        ("GET *", "400"),
        ("OPTIONS *", "405"),
    ] {
        for address in [server.address, metrics] {
            let request =
                format!("{line} HTTP/1.1\r\nHost: dashboard.test\r\nConnection: close\r\n\r\n");
            let response = String::from_utf8(send(address, request.as_bytes())).expect("a text");
            let expected = format!("HTTP/1.1 {status} ");
            assert!(response.starts_with(&expected), "{line}: {response}");
            let has_id = response.contains("\r\nx-request-id: ");
            assert_eq!(has_id, address == server.address, "{line}: {response}");
        }
    }
    let scraped = scrape(metrics);
    for (status, count) in [("400", 4.0), ("405", 1.0), ("501", 3.0)] {
        let counted = format!("http_requests_total{{route=\"none\",status=\"{status}\"}}");
        assert_eq!(value(&scraped, &counted), count, "{status}");
    }
    assert_eq!(value(&scraped, "panics_total"), 0.0);
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn thousands_of_odd_requests_cause_no_panic_and_no_error() {
    let seed =
        number("RAW_HTTP_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    let time = number("RAW_HTTP_SECONDS").map(|seconds| Duration::from_secs(seconds / 2));
    for options in [ANY_HOST, OWN_HOST] {
        let database = TestDatabase::sqlite();
        let server = server(&database, options);
        let metrics = metrics_of(&server);
        let token = create_token(&database.url());
        let mut random = StdRng::seed_from_u64(seed);
        let begun = Instant::now();
        let is_over = |sent| time.map_or(sent == REQUESTS, |time| begun.elapsed() >= time);
        for number in (0..).take_while(|&sent| !is_over(sent)) {
            let request = request(&mut random);
            let response = send(server.address, &request);
            assert!(
                !response.starts_with(b"HTTP/1.1 500 "),
                "RAW_HTTP_SEED={seed}, request {number}: {}",
                request.escape_ascii()
            );
        }
        let panics = value(&scrape(metrics), "panics_total");
        assert_eq!(panics, 0.0, "RAW_HTTP_SEED={seed}");
        assert!(server.ping(&token).starts_with(OK), "RAW_HTTP_SEED={seed}");
    }
}
