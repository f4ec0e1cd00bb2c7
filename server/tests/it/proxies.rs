//! Behind the proxies of `deploy/` the product is what it is without them, and two servers are as one.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    thread,
};

use rustix::process::Signal;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::{
    deployment::{API, CALLER, DASHBOARD, Kind, Proxy, two_servers},
    program::{Serving, done, wait_until},
    zone::TestDatabase,
};

const KINDS: [Kind; 2] = [Kind::Nginx, Kind::Haproxy];
const PING: &str = "/api/v1/ext/903/event/456/ping";
const PONG: &str = r#"{"responseType":"success","message":"pong","data":{"status":"ok","org_id":903,"event_id":456}}"#;

/// Two servers, the proxies before them, and a token.
struct Deployment {
    database: TestDatabase,
    proxies: Vec<Proxy>,
    servers: Vec<Serving>,
    token: String,
    folder: TempDir,
}

impl Deployment {
    async fn start(kinds: &[Kind], options: &[&str]) -> Self {
        let database = TestDatabase::postgres().await;
        let folder = tempfile::tempdir().expect("a folder");
        let url = database.url();
        let servers = two_servers(&url, folder.path(), options);
        let create = ["token", "create", "--organisation", "903"];
        let by = ["--created-by", "member@example.com"];
        let token = done(&url, &[&create[..], &by].concat());
        Self {
            database,
            proxies: kinds
                .iter()
                .map(|kind| Proxy::start(*kind, &servers))
                .collect(),
            servers,
            token: token.trim_end().to_owned(),
            folder,
        }
    }

    fn key(&self) -> String {
        format!("X-API-Key: {}", self.token)
    }
}

/// Status and code of an answer.
fn outcome(answer: &str) -> (&str, Option<&str>) {
    let status = answer.split(' ').nth(1).unwrap_or_default();
    (status, header(answer, "x-error-code"))
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = answer.split_once("\r\n\r\n")?;
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// An error of the API, whoever gives it (contract, section 4).
#[track_caller]
fn assert_refused(answer: &str, status: &str, code: &str) {
    assert_eq!(outcome(answer), (status, Some(code)), "{answer}");
    assert_eq!(header(answer, "content-type"), Some("application/json"));
    assert_eq!(
        header(answer, "cache-control"),
        Some("no-store"),
        "{answer}"
    );
    assert!(header(answer, "x-request-id").is_some(), "{answer}");
    let (_, body) = answer.rsplit_once("\r\n\r\n").expect("a body");
    let envelope: Value = serde_json::from_str(body).expect("JSON");
    let keys: Vec<_> = envelope.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["responseType", "message", "data"], "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn through_either_proxy_the_api_answers_as_without_it() {
    let deployment = Deployment::start(&KINDS, &[]).await;
    let (key, ping) = (deployment.key(), format!("{API}{PING}"));
    let bearer = format!("Authorization: Bearer {}", deployment.token);
    for proxy in &deployment.proxies {
        for version in ["--http1.1", "--http2"] {
            for credential in [&key, &bearer] {
                let id = ["-H", "X-Request-Id: mine"];
                let answer =
                    proxy.call(&[&[version, "-H", credential], &id[..], &[&ping]].concat());
                assert_eq!(outcome(&answer), ("200", None), "{answer}");
                assert!(answer.ends_with(PONG), "{answer}");
                assert_eq!(header(&answer, "x-request-id"), Some("mine"));
                assert_eq!(header(&answer, "cache-control"), Some("no-store"));
            }
            let without = proxy.call(&[version, &ping]);
            assert_refused(&without, "401", "token_missing");
            assert!(header(&without, "www-authenticate").is_some(), "{without}");
            let wrong = proxy.call(&[version, "-H", "X-API-Key: made-up", &ping]);
            assert_refused(&wrong, "403", "token_invalid");
            let twice = proxy.call(&[version, "-H", &key, "-H", &key, &ping]);
            assert_refused(&twice, "403", "token_invalid");
            let elsewhere = format!("{DASHBOARD}{PING}");
            let elsewhere = proxy.call(&[version, "-H", &key, &elsewhere]);
            assert_refused(&elsewhere, "403", "host_not_allowed");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn either_proxy_takes_what_the_servers_take_and_no_more() {
    let deployment = Deployment::start(&KINDS, &[]).await;
    let key = deployment.key();
    let body = |name: &str, bytes: usize| {
        let file = deployment.folder.path().join(name);
        std::fs::write(&file, vec![b'x'; bytes]).expect("written");
        format!("@{}", file.display())
    };
    let (most, more) = (body("most", 65_536), body("more", 65_537));
    let originals = format!("{API}/api/v1/ext/903/event/456/original-photos");
    let json = "Content-Type: application/json";
    for proxy in &deployment.proxies {
        let post = |extra: &[&str], body: &str| {
            let call = ["-H", &key, "-H", json, "--data-binary", body, &originals];
            proxy.call(&[&["--http1.1", "-H", "Expect:"], extra, &call[..]].concat())
        };
        assert_refused(&post(&[], &most), "400", "malformed_request");
        assert_refused(&post(&[], &more), "413", "body_too_large");
        let chunked = post(&["-H", "Transfer-Encoding: chunked"], &more);
        assert_refused(&chunked, "413", "body_too_large");
        let long = format!("X-Long: {}", "x".repeat(40_000));
        let mut refused = proxy.curl_from(CALLER);
        let refused = refused.args(["--http1.1", "-H", &long, "--include", &originals]);
        let refused = refused.output().expect("started").stdout;
        // Broken off in the midst of it, curl may not come to read the answer.
        let refused = String::from_utf8(refused).expect("a text");
        assert!(["", "400"].contains(&outcome(&refused).0), "{refused}");
        // A stranger's name, and ways in without TLS.
        let stranger = proxy
            .curl_from(CALLER)
            .arg("https://evil.example/")
            .output();
        assert!(!stranger.expect("started").status.success());
        let stranger = proxy
            .curl_from(CALLER)
            .args(["--max-time", "2", "http://evil.example/"])
            .output();
        assert_eq!(stranger.expect("started").stdout, b"");
        let plain = proxy.call(&["-H", &key, &format!("http://api.example.com{PING}")]);
        assert_eq!(outcome(&plain), ("403", None), "{plain}");
        let plain = proxy.call(&["http://dev.example.com/events?page=2"]);
        assert_eq!(outcome(&plain).0, "308", "{plain}");
        let to = header(&plain, "location");
        assert_eq!(to, Some("https://dev.example.com/events?page=2"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_either_proxy_wrong_keys_are_counted_for_their_sender_alone() {
    for kind in KINDS {
        let deployment = Deployment::start(&[kind], &[]).await;
        let proxy = &deployment.proxies[0];
        let wrong = ["-H", "X-API-Key: made-up"];
        // Each server takes fifty at once, and five more a second.
        let statuses = proxy.statuses(CALLER, 300, &wrong);
        assert_eq!(statuses[0], "403");
        assert!(statuses.contains(&"429".to_owned()), "{statuses:?}");
        for forged in [
            "X-Forwarded-For: 198.51.100.1",
            "Forwarded: for=198.51.100.1",
        ] {
            let again = proxy.statuses(CALLER, 60, &[&wrong[..], &["-H", forged]].concat());
            // As anybody else, they would all be looked at.
            assert!(again.contains(&"429".to_owned()), "{forged}: {again:?}");
        }
        // Two calls, one to each server.
        assert_eq!(proxy.statuses("127.0.0.3", 2, &wrong), ["403", "403"]);
        for server in &deployment.servers {
            let host = ("Host", "api.example.com");
            let proxys_own = server.get(PING, &[host, ("X-API-Key", "made-up")]);
            assert!(proxys_own.starts_with("HTTP/1.1 403"), "{proxys_own}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_paused_through_one_proxy_is_refused_through_the_other_by_every_server() {
    let deployment = Deployment::start(&KINDS, &[]).await;
    let (key, ping) = (deployment.key(), format!("{API}{PING}"));
    let jar = deployment
        .folder
        .path()
        .join("cookies")
        .display()
        .to_string();
    let browser = ["--cookie", &jar, "--cookie-jar", &jar];
    let first = &deployment.proxies[0];

    let page = first.call(&[&format!("{DASHBOARD}/sign-in")]);
    assert_eq!(outcome(&page).0, "200", "{page}");
    let form = "email=member@example.com&password=developer-zone-demo";
    let sign_in = format!("{DASHBOARD}/api/dashboard/sign-in");
    let origin = ["-H", "Origin: https://dev.example.com"];
    let signed_in = first.call(&[&browser[..], &origin, &["--data", form, &sign_in]].concat());
    assert_eq!(outcome(&signed_in).0, "303", "{signed_in}");
    let cookie = header(&signed_in, "set-cookie").expect("a session");
    assert!(cookie.starts_with("__Host-session="), "{cookie}");
    for attribute in ["Secure", "HttpOnly", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }

    let switch = format!("{DASHBOARD}/api/dashboard/set-token-active");
    let json = ["-H", "Content-Type: application/json"];
    for (active, expected) in [
        (false, ("403", Some("token_inactive"))),
        (true, ("200", None)),
    ] {
        let body = format!(r#"{{"organisation_id":903,"token_id":1,"active":{active}}}"#);
        let change = [&browser[..], &origin, &json, &["--data", &body, &switch]].concat();
        let changed = first.call(&change);
        assert_eq!(outcome(&changed).0, "200", "{changed}");
        // Round robin: four calls come by both servers.
        for proxy in deployment.proxies.iter().cycle().take(8) {
            let answer = proxy.call(&["-H", &key, &ping]);
            assert_eq!(outcome(&answer), expected, "{answer}");
        }
    }
    let session = cookie.split(['=', ';']).nth(1).expect("a value");
    assert_nothing_secret_is_logged(&deployment, session);
}

fn assert_nothing_secret_is_logged(deployment: &Deployment, session: &str) {
    let query = "page_size=7";
    for proxy in &deployment.proxies {
        let list = format!("{API}/api/v1/ext/903/events?{query}");
        let answer = proxy.call(&["-H", &deployment.key(), &list]);
        assert_eq!(outcome(&answer).0, "200", "{answer}");
        let mut logged = String::new();
        wait_until("the call in the log", || {
            // HAProxy escapes what need not be.
            logged.push_str(&proxy.logged().replace("\\/", "/"));
            logged.contains(r#""path":"/api/v1/ext/903/events""#)
        });
        assert!(logged.contains(CALLER), "{logged}");
        for secret in [&deployment.token[5..], session, query, "password"] {
            assert!(!logged.contains(secret), "{:?}: {logged}", proxy.kind);
        }
    }
}

/// Calls ping on one connection, over and over.
fn keep_calling(proxy: &Proxy, key: &str) -> Child {
    let mut curl = proxy.curl_from(CALLER);
    curl.args(["--output", "/dev/null", "--write-out", "%{http_code}\n"])
        .args(["-H", key, &format!("{API}{PING}?[1-400]")])
        .stdout(Stdio::piped());
    curl.spawn().expect("started")
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_server_is_killed_no_call_is_lost_and_without_any_it_is_503_in_the_envelope() {
    for kind in KINDS {
        // More calls than a token has.
        let mut deployment = Deployment::start(&[kind], &["--rate-limit=0"]).await;
        let key = deployment.key();
        let proxy = &deployment.proxies[0];
        let callers: Vec<_> = (0..3).map(|_| keep_calling(proxy, &key)).collect();
        let doomed = deployment.servers.swap_remove(0);
        let calling: Vec<_> = callers.into_iter().map(read_statuses).collect();
        let mut seen = calling.iter().map(|(started, _)| started.recv());
        assert!(seen.all(|started| started.is_ok()), "{kind:?}");
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
        let answer = proxy.call(&["-H", &key, &format!("{API}{PING}")]);
        assert_refused(&answer, "503", "unavailable");
        assert_eq!(header(&answer, "retry-after"), Some("5"), "{answer}");
    }
}

/// The statuses that curl writes, with word of when some have come.
fn read_statuses(
    mut curl: Child,
) -> (
    std::sync::mpsc::Receiver<()>,
    thread::JoinHandle<Vec<String>>,
) {
    let (started, told) = std::sync::mpsc::channel();
    let reading = thread::spawn(move || {
        let mut statuses = Vec::new();
        for line in BufReader::new(curl.stdout.take().expect("piped")).lines() {
            statuses.push(line.expect("a text"));
            if statuses.len() == 50 {
                let _ = started.send(());
            }
        }
        curl.wait().expect("our child");
        statuses
    });
    (told, reading)
}

/// Requests are held up where a test can hold them: in PostgreSQL, behind a lock on the tokens.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_changes_nothing_is_sent_again_and_any_other_is_not() {
    for kind in KINDS {
        let mut deployment = Deployment::start(&[kind], &["--lease-ms=0"]).await;
        let url = deployment.database.url();
        let key = deployment.key();
        let mut locking = PgConnection::connect(&url).await.expect("open");
        let mut lock = locking.begin().await.expect("begun");
        let statement = sqlx::raw_sql("LOCK TABLE tokens IN ACCESS EXCLUSIVE MODE");
        statement.execute(&mut *lock).await.expect("locked");
        let mut watching = PgConnection::connect(&url).await.expect("open");
        let proxy = &deployment.proxies[0];
        let call = |arguments: &[&str]| {
            let mut curl = proxy.curl_from(CALLER);
            let curl = curl.args(["--include", "-H", &key]).args(arguments);
            curl.stdout(Stdio::piped()).spawn().expect("started")
        };
        // One to each server: whichever is killed, one of them has to be sent again.
        let ping = format!("{API}{PING}");
        let gets = [call(&[&ping]), call(&[&ping])];
        await_waiting(&mut watching, 2).await;
        let originals = format!("{API}/api/v1/ext/903/event/456/original-photos");
        let posts = [(), ()].map(|()| call(&["--data", "{}", &originals]));
        await_waiting(&mut watching, 4).await;
        let doomed = deployment.servers.swap_remove(0);
        doomed.signal(Signal::KILL);
        doomed.wait();
        // The GET comes again. PostgreSQL still has those of the server that is gone.
        await_waiting(&mut watching, 5).await;
        lock.rollback().await.expect("released");
        for get in gets {
            let output = get.wait_with_output().expect("ended");
            let answer = String::from_utf8_lossy(&output.stdout);
            assert_eq!(outcome(&answer), ("200", None), "{kind:?}: {answer}");
        }
        let answers = posts.map(|post| {
            let output = post.wait_with_output().expect("ended");
            String::from_utf8_lossy(&output.stdout).into_owned()
        });
        let mut ends = [0, 1].map(|which| outcome(&answers[which]).0);
        ends.sort();
        // No JSON, says the server that lives; of the other's nothing is known.
        assert_eq!(ends, ["415", "503"], "{kind:?}: {answers:?}");
    }
}

/// Waits until as many statements wait for the lock.
async fn await_waiting(watching: &mut PgConnection, count: i64) {
    let waiting = "SELECT count(*) FROM pg_locks \
                   WHERE relation = 'tokens'::regclass AND NOT granted";
    let mut found = -1;
    let all = async {
        while found != count {
            let counted = sqlx::query_scalar(waiting).fetch_one(&mut *watching);
            found = counted.await.expect("told");
        }
    };
    let ended = tokio::time::timeout(std::time::Duration::from_secs(20), all).await;
    assert!(ended.is_ok(), "{found} statements wait, and not {count}");
}
