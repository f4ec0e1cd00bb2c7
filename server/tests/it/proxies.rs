//! Two servers behind the reverse proxies of `deploy/` behave like one server without a proxy.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpStream,
    process::{Child, Stdio},
    sync::mpsc,
    thread,
};

use model::session::SESSION_COOKIE;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    DEMO_PASSWORD, MEMBER, PING_PATH, PONG,
    database::TestDatabase,
    deployment::{Deployment, start_behind_proxy},
    dying_server::DyingServer,
    holding_server::HoldingServer,
    loopback::connect_from,
    program::{create_token, done},
    reverse_proxy::{API, CALLER, DASHBOARD, KINDS, Kind, OTHER_CALLER, ReverseProxy},
    wait::wait_until,
};

/// Status and error code of a response.
fn outcome(response: &str) -> (&str, Option<&str>) {
    let status = response.split(' ').nth(1).unwrap_or_default();
    (status, header(response, "x-error-code"))
}

fn header<'a>(response: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = response.split_once("\r\n\r\n")?;
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// The response is an error in the API's form (contract, section 4), from a server or from the proxy.
#[track_caller]
fn assert_refused(response: &str, status: &str, code: &str) {
    assert_eq!(outcome(response), (status, Some(code)), "{response}");
    let content_type = header(response, "content-type");
    assert_eq!(content_type, Some("application/json"), "{response}");
    let cache_control = header(response, "cache-control");
    assert_eq!(cache_control, Some("no-store"), "{response}");
    assert!(header(response, "x-request-id").is_some(), "{response}");
    let (_, body) = response.rsplit_once("\r\n\r\n").expect("a body");
    let envelope: Value = serde_json::from_str(body).expect("JSON");
    let keys: Vec<_> = envelope.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["responseType", "message", "data"], "{response}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, nginx, HAProxy and curl: `make test` runs it"]
async fn the_api_responds_through_a_proxy_as_without_one() {
    let deployment = Deployment::start(&KINDS, &[]).await;
    let (key, ping) = (deployment.key(), format!("{API}{PING_PATH}"));
    let bearer = format!("Authorization: Bearer {}", deployment.token);
    for proxy in &deployment.proxies {
        for version in ["--http1.1", "--http2"] {
            for credential in [&key, &bearer] {
                let id = ["-H", "X-Request-Id: mine"];
                let response =
                    proxy.call(&[&[version, "-H", credential], &id[..], &[&ping]].concat());
                assert_eq!(outcome(&response), ("200", None), "{response}");
                assert!(response.ends_with(PONG), "{response}");
                assert_eq!(header(&response, "x-request-id"), Some("mine"));
                assert_eq!(header(&response, "cache-control"), Some("no-store"));
            }
            let without = proxy.call(&[version, &ping]);
            assert_refused(&without, "401", "token_missing");
            assert!(header(&without, "www-authenticate").is_some(), "{without}");
            let wrong = proxy.call(&[version, "-H", "X-API-Key: made-up", &ping]);
            assert_refused(&wrong, "403", "token_invalid");
            let twice = proxy.call(&[version, "-H", &key, "-H", &key, &ping]);
            assert_refused(&twice, "403", "token_invalid");
            let elsewhere = format!("{DASHBOARD}{PING_PATH}");
            let elsewhere = proxy.call(&[version, "-H", &key, &elsewhere]);
            assert_refused(&elsewhere, "403", "host_not_allowed");
        }
    }
}

/// Without the port in `Host`, the server would take the form for another site's.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, nginx, HAProxy and curl: `make test` runs it"]
async fn a_form_is_accepted_through_a_proxy_on_another_port_than_the_default() {
    let deployment = Deployment::start(&KINDS, &[]).await;
    let address = format!("{DASHBOARD}:8443");
    let origin = format!("Origin: {address}");
    let sign_out = format!("{address}/api/dashboard/sign-out");
    for proxy in &deployment.proxies {
        let response = proxy.call(&["--http1.1", "-H", &origin, "--data", "", &sign_out]);
        assert_eq!(outcome(&response).0, "303", "{response}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, nginx, HAProxy and curl: `make test` runs it"]
async fn a_proxy_accepts_what_the_servers_accept_and_no_more() {
    let deployment = Deployment::start(&KINDS, &[]).await;
    let key = deployment.key();
    let body = |name: &str, bytes: usize| {
        let file = deployment.folder.path().join(name);
        std::fs::write(&file, vec![b'x'; bytes]).expect("written");
        format!("@{}", file.display())
    };
    let (largest, too_large) = (body("largest", 65_536), body("too-large", 65_537));
    let originals = format!("{API}/api/v1/ext/903/event/456/original-photos");
    let json = "Content-Type: application/json";
    for proxy in &deployment.proxies {
        let post = |extra: &[&str], body: &str| {
            let call = ["-H", &key, "-H", json, "--data-binary", body, &originals];
            proxy.call(&[&["--http1.1"], extra, &call[..]].concat())
        };
        assert_refused(
            &post(&["-H", "Expect:"], &largest),
            "400",
            "malformed_request",
        );
        // A proxy may refuse the head and close the connection. If curl still sent the body, it would read no response.
        let wait = ["-H", "Expect: 100-continue", "--expect100-timeout", "60"];
        assert_refused(&post(&wait, &too_large), "413", "body_too_large");
        let chunked = ["-H", "Expect:", "-H", "Transfer-Encoding: chunked"];
        assert_refused(&post(&chunked, &too_large), "413", "body_too_large");
        let long = format!("X-Long: {}", "x".repeat(40_000));
        let mut refused = proxy.curl_from(CALLER);
        let refused = refused.args(["--http1.1", "-H", &long, "--include", &originals]);
        let refused = refused.output().expect("started").stdout;
        // The proxy may close the connection while curl still sends. Then curl reads no response.
        let refused = String::from_utf8(refused).expect("a text");
        assert!(["", "400"].contains(&outcome(&refused).0), "{refused}");
        assert_closed_without_response(proxy, "https://evil.example/");
        let plain = proxy.call(&["-H", &key, &format!("http://api.example.com{PING_PATH}")]);
        assert_eq!(outcome(&plain), ("403", None), "{plain}");
        let plain = proxy.call(&["http://dev.example.com/events?page=2"]);
        assert_eq!(outcome(&plain).0, "308", "{plain}");
        let location = header(&plain, "location");
        assert_eq!(location, Some("https://dev.example.com/events?page=2"));
        let mut foreign = proxy.curl_from(CALLER);
        // HAProxy keeps such a connection open and sends nothing. So curl ends it after a timeout.
        foreign.args(["--max-time", "2", "http://evil.example/"]);
        assert_eq!(foreign.output().expect("started").stdout, b"");
    }
}

fn assert_closed_without_response(proxy: &ReverseProxy, url: &str) {
    let output = proxy.curl_from(CALLER).arg(url).output().expect("started");
    assert!(!output.status.success(), "{:?}: {output:?}", proxy.kind);
    assert_eq!(output.stdout, b"", "{:?}", proxy.kind);
}

/// Each of the two servers accepts 50 wrong keys from one address, and then five more a second. So each step repeats
/// its calls until they exceed that rate.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, nginx, HAProxy and curl: `make test` runs it"]
async fn wrong_keys_behind_a_proxy_count_against_their_sender_alone() {
    for kind in KINDS {
        let deployment = Deployment::start(&[kind], &[]).await;
        let proxy = &deployment.proxies[0];
        let wrong = ["-H", "X-API-Key: made-up"];
        let is_limited = |count: u32, arguments: &[&str]| {
            let statuses = proxy.statuses(CALLER, count, &[&wrong[..], arguments].concat());
            assert_eq!(statuses.len(), count as usize, "{kind:?}");
            statuses.contains(&"429".to_owned())
        };
        assert_eq!(proxy.statuses(CALLER, 1, &wrong), ["403"]);
        wait_until("the caller to be limited", || is_limited(200, &[]));
        // If the server believed the header, ten calls from a new address would not be limited.
        for name in ["X-Forwarded-For: ", "Forwarded: for="] {
            let mut tries = 0;
            wait_until("the caller to be limited in spite of its header", || {
                tries += 1;
                let forged = format!("{name}198.51.{}.{}", tries / 256, tries % 256);
                is_limited(100, &[]) && is_limited(10, &["-H", &forged])
            });
        }
        // One call for each server.
        assert_eq!(proxy.statuses(OTHER_CALLER, 2, &wrong), ["403", "403"]);
        for server in &deployment.servers {
            let headers = [("Host", "api.example.com"), ("X-API-Key", "made-up")];
            let from_proxys_address = server.get(PING_PATH, &headers);
            assert_eq!(outcome(&from_proxys_address).0, "403");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, nginx, HAProxy and curl: `make test` runs it"]
async fn every_server_refuses_a_token_that_was_deactivated_through_either_proxy() {
    let deployment = Deployment::start(&KINDS, &[]).await;
    let (key, ping) = (deployment.key(), format!("{API}{PING_PATH}"));
    let jar = deployment.folder.path().join("cookies");
    let jar = jar.display().to_string();
    let browser = ["--cookie", &jar, "--cookie-jar", &jar];
    let first = &deployment.proxies[0];

    let page = first.call(&[&format!("{DASHBOARD}/sign-in")]);
    assert_eq!(outcome(&page).0, "200", "{page}");
    let form = format!("email={MEMBER}&password={DEMO_PASSWORD}");
    let sign_in = format!("{DASHBOARD}/api/dashboard/sign-in");
    let origin = ["-H", "Origin: https://dev.example.com"];
    let signed_in = first.call(&[&browser[..], &origin, &["--data", &form, &sign_in]].concat());
    assert_eq!(outcome(&signed_in).0, "303", "{signed_in}");
    let cookie = header(&signed_in, "set-cookie").expect("a session");
    assert!(
        cookie.starts_with(&format!("__Host-{SESSION_COOKIE}=")),
        "{cookie}"
    );
    for attribute in ["Secure", "HttpOnly", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }

    for (name, expected) in [
        ("deactivate-token", ("403", Some("token_inactive"))),
        ("activate-token", ("200", None)),
    ] {
        let switch = format!("{DASHBOARD}/api/dashboard/{name}");
        let body = "organisation_id=903&token_id=1";
        let change = [&browser[..], &origin, &["--data", body, &switch]].concat();
        let changed = first.call(&change);
        assert_eq!(outcome(&changed).0, "200", "{changed}");
        // The proxies alternate between the servers, so four calls through each proxy reach both.
        for proxy in deployment.proxies.iter().cycle().take(8) {
            let response = proxy.call(&["-H", &key, &ping]);
            assert_eq!(outcome(&response), expected, "{response}");
        }
    }
    let session = cookie.split(['=', ';']).nth(1).expect("a value");
    assert_no_secret_is_logged(&deployment, session);
}

fn assert_no_secret_is_logged(deployment: &Deployment, session: &str) {
    let query = "page_size=7";
    for proxy in &deployment.proxies {
        let list = format!("{API}/api/v1/ext/903/events?{query}");
        let response = proxy.call(&["-H", &deployment.key(), &list]);
        assert_eq!(outcome(&response).0, "200", "{response}");
        // HAProxy escapes slashes, which JSON does not require.
        let logged = || proxy.logged().replace("\\/", "/");
        wait_until("the call in the proxy's log", || {
            logged().contains(r#""path":"/api/v1/ext/903/events""#)
        });
        let logged = logged();
        assert!(logged.contains(CALLER), "{logged}");
        for secret in [&deployment.token[5..], session, query, "password"] {
            assert!(!logged.contains(secret), "{:?}: {logged}", proxy.kind);
        }
    }
}

/// Calls ping 400 times on one connection.
fn keep_calling(proxy: &ReverseProxy, key: &str) -> Child {
    let mut curl = proxy.curl_from(CALLER);
    curl.args(["--output", "/dev/null", "--write-out", "%{http_code}\n"])
        .args(["-H", key, &format!("{API}{PING_PATH}?[1-400]")])
        .stdout(Stdio::piped());
    curl.spawn().expect("started")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, nginx, HAProxy and curl: `make test` runs it"]
async fn no_call_is_lost_when_a_server_is_killed_and_without_servers_a_call_gets_503() {
    for kind in KINDS {
        // The test makes more calls than a token may.
        let mut deployment = Deployment::start(&[kind], &["--rate-limit=0"]).await;
        let key = deployment.key();
        let proxy = &deployment.proxies[0];
        let callers: Vec<_> = (0..3).map(|_| keep_calling(proxy, &key)).collect();
        let doomed = deployment.servers.swap_remove(0);
        let calling: Vec<_> = callers.into_iter().map(read_statuses).collect();
        let mut begun = calling.iter().map(|(begun, _)| begun.recv());
        assert!(begun.all(|begun| begun.is_ok()), "{kind:?}");
        doomed.signal(Signal::KILL);
        for (_, statuses) in calling {
            let statuses = statuses.join().expect("read");
            assert_eq!(statuses.len(), 400, "{kind:?}");
            assert!(
                statuses.iter().all(|status| status == "200"),
                "{kind:?}: {statuses:?}"
            );
        }
        deployment.servers.clear();
        let response = proxy.call(&["-H", &key, &format!("{API}{PING_PATH}")]);
        assert_refused(&response, "503", "unavailable");
        assert_eq!(header(&response, "retry-after"), Some("5"), "{response}");
    }
}

/// Reads the statuses that curl writes. The receiver gets a message after the first fifty.
fn read_statuses(mut curl: Child) -> (mpsc::Receiver<()>, thread::JoinHandle<Vec<String>>) {
    let (begun, receiver) = mpsc::channel();
    let reading = thread::spawn(move || {
        let mut statuses = Vec::new();
        for line in BufReader::new(curl.stdout.take().expect("piped")).lines() {
            statuses.push(line.expect("a text"));
            if statuses.len() == 50 {
                let _ = begun.send(());
            }
        }
        curl.wait().expect("our child");
        statuses
    });
    (receiver, reading)
}

/// A proxy in front of a good server and one that dies in the middle of every request.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs nginx, HAProxy and curl: `make test` runs it"]
async fn a_proxy_sends_a_get_again_to_the_other_server_but_no_other_request() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let folder = tempfile::tempdir().expect("a folder");
    done(&url, &["demo"]);
    let server = start_behind_proxy(&url, folder.path(), &["--rate-limit=0"]);
    let key = format!("X-API-Key: {}", create_token(&url));
    let ping = format!("{API}{PING_PATH}");
    let originals = format!("{API}/api/v1/ext/903/event/456/original-photos");
    for kind in KINDS {
        let dying = DyingServer::start();
        let proxy = ReverseProxy::start(kind, &[dying.address, server.address]);
        wait_until("a GET at the dying server", || {
            let response = proxy.call(&["-H", &key, &ping]);
            assert_eq!(outcome(&response), ("200", None), "{kind:?}: {response}");
            dying.received("GET") > 0
        });
        wait_until("a POST at the dying server", || {
            let response = proxy.call(&["-H", &key, "--data", "{}", &originals]);
            let is_lost = dying.received("POST") > 0;
            if is_lost {
                assert_refused(&response, "503", "unavailable");
            } else {
                // The good server refuses it, since it is not sent as JSON.
                assert_refused(&response, "415", "unsupported_media_type");
            }
            is_lost
        });
        assert_eq!(dying.received("POST"), 1, "{kind:?}");
    }
}

/// The limits of `deploy/`: requests at the same time for nginx, and connections for HAProxy.
const NGINX_LIMIT: usize = 200;
const HAPROXY_LIMIT: usize = 500;

#[test]
#[ignore = "needs nginx and curl: `make test` runs it"]
fn nginx_answers_429_to_a_caller_with_too_many_requests_at_the_same_time_and_serves_others() {
    let holding = HoldingServer::start();
    let proxy = ReverseProxy::start(Kind::Nginx, &[holding.address, holding.address]);
    let health = format!("{API}/healthz");
    let mut curl = proxy.curl_from(CALLER);
    let most = format!("{API}/held?[1-{NGINX_LIMIT}]");
    curl.args(["--http1.1", "--parallel", "--parallel-immediate"])
        .args(["--parallel-max", "300", "--output", "/dev/null", &most])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut curl = curl.spawn().expect("started");
    wait_until("all requests at the server", || {
        holding.held() == NGINX_LIMIT
    });
    for version in ["--http1.1", "--http2"] {
        let refused = proxy.call(&[version, &health]);
        assert_refused(&refused, "429", "rate_limited");
        assert_eq!(header(&refused, "retry-after"), Some("1"), "{refused}");
    }
    let stranger = proxy.curl_from(OTHER_CALLER).arg(&health).output();
    assert_eq!(stranger.expect("started").stdout, b"ok");
    curl.kill().expect("it runs");
    curl.wait().expect("our child");
    wait_until("the caller to be served again", || {
        outcome(&proxy.call(&[&health])).0 == "200"
    });
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs HAProxy and curl: `make test` runs it"]
async fn haproxy_closes_a_callers_further_connections_and_serves_others() {
    const FURTHER: usize = 10;
    let holding = HoldingServer::start();
    let proxy = ReverseProxy::start(Kind::Haproxy, &[holding.address, holding.address]);
    let health = format!("{API}/healthz");
    let mut open = Vec::new();
    for _ in 0..HAPROXY_LIMIT + FURTHER {
        open.extend(connect_from(CALLER, proxy.https()).await);
    }
    for stream in &open {
        stream.set_nonblocking(true).expect("set");
    }
    wait_until("the further connections to be closed", || {
        open.retain_mut(|stream| !is_closed(stream));
        open.len() == HAPROXY_LIMIT
    });
    let is_served = |address| {
        let output = proxy.curl_from(address).arg(&health).output();
        output.expect("started").stdout == b"ok"
    };
    assert!(!is_served(CALLER));
    assert!(is_served(OTHER_CALLER));
    drop(open);
    wait_until("the caller to be served again", || is_served(CALLER));
}

fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0]) {
        Ok(bytes) => bytes == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}
