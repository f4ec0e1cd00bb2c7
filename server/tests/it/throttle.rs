//! Rate limits: of tokens (contract, section 3, check 6), and of wrong keys from one IP address.

use std::num::NonZeroU32;

use http::Method;
use model::organisation::Plan;
use server::api::throttle::{RateLimit, RateLimits};

use crate::support::{
    PING, UNKNOWN_KEY,
    client::{BASE, Response},
    database::TestDatabase,
    process::{OK, ServerProcess},
    program::{create_token, run},
    server::TestServer,
    wait::wait_until,
};

const HERE: &str = "192.0.2.1";
const ELSEWHERE: &str = "192.0.2.2";
/// How many wrong keys one IP address may send in a burst.
const GUESSES: u32 = 50;

/// One request in 1000 seconds: no test runs long enough for the bucket to gain one.
const SLOW: &str = "0.001";

fn limit(rate: &str, burst: u32) -> RateLimit {
    let burst = NonZeroU32::new(burst).expect("more than none");
    RateLimit::new(rate.parse().expect("a rate"), burst).expect("a limit")
}

/// A server with this limit for tokens. The burst of wrong keys is the usual one, and does not refill during a test.
async fn limited_server(rate: &str, burst: u32) -> TestServer {
    let limits = RateLimits {
        per_token: limit(rate, burst),
        wrong_keys: limit(SLOW, GUESSES),
    };
    TestServer::on_sqlite().await.limited_to(limits)
}

/// Checks that the response is a refusal by `policy`. Returns the seconds to wait.
#[track_caller]
fn assert_limited(response: &Response, policy: &str, quota: &str) -> u64 {
    response.assert_refused(429, "rate_limited");
    let [retry_after, quotas, state] = limit_headers(response);
    assert_eq!(quotas, Some(&format!("\"{policy}\";{quota}")[..]));
    let seconds = retry_after.expect("a wait");
    assert_eq!(state, Some(&format!("\"{policy}\";r=0;t={seconds}")[..]));
    seconds.parse().expect("whole seconds")
}

fn limit_headers(response: &Response) -> [Option<&str>; 3] {
    ["retry-after", "ratelimit-policy", "ratelimit"].map(|name| response.header(name))
}

#[tokio::test]
async fn a_burst_passes_and_the_next_call_is_refused_with_a_wait() {
    let server = limited_server(SLOW, 3).await;
    let token = server.token().await;
    let client = server.key(&token.secret);
    for remaining in [2, 1, 0] {
        let response = client.get(PING).await;
        response.assert_success();
        let state = format!("\"token\";r={remaining};t=1000");
        let expected = [None, Some("\"token\";q=3;w=3000"), Some(&state)];
        assert_eq!(limit_headers(&response), expected);
    }
    let refused = client.get(PING).await;
    let seconds = assert_limited(&refused, "token", "q=3;w=3000");
    assert!((1..=1_000).contains(&seconds), "{seconds}");
    assert!(refused.message().contains("Retry-After"), "{refused:?}");
}

#[tokio::test]
async fn without_a_limit_no_response_has_its_headers() {
    let (_server, client) = TestServer::with_client().await;
    assert_eq!(limit_headers(&client.get(PING).await), [None; 3]);
}

#[tokio::test]
async fn every_response_to_a_token_says_what_remains_whatever_it_is() {
    let server = limited_server(SLOW, 9).await;
    let client = server.key(&server.token().await.secret);
    for (path, status, remaining) in [
        ("/903/events", 200, 8),
        ("/903/event/457/ping", 404, 7),
        ("/903/nothing", 404, 6),
        ("/903/events?page=0", 422, 5),
        ("/x/events", 422, 4),
    ] {
        let response = client.get(path).await;
        assert_eq!(response.status, status, "{path}");
        let state = format!("\"token\";r={remaining};t=1000");
        assert_eq!(response.header("ratelimit"), Some(&*state), "{path}");
    }
    let delete = client.send(Method::DELETE, PING).await;
    assert_eq!(delete.header("ratelimit"), Some("\"token\";r=3;t=1000"));
    let known = client.clone().with("if-none-match", "*");
    let target = format!("{BASE}/903/events");
    let unchanged = known.fetch(Method::GET, &target, "").await;
    assert_eq!(unchanged.status, 304);
    assert_eq!(unchanged.header("ratelimit"), Some("\"token\";r=2;t=1000"));
}

#[tokio::test]
async fn each_token_has_a_limit_of_its_own() {
    let server = limited_server(SLOW, 1).await;
    let (greedy, modest) = (server.token().await, server.token().await);
    server.key(&greedy.secret).get(PING).await.assert_success();
    let refused = server.key(&greedy.secret).get(PING).await;
    refused.assert_refused(429, "rate_limited");
    server.key(&modest.secret).get(PING).await.assert_success();
}

#[tokio::test]
async fn the_token_and_the_plan_come_before_the_rate_limit() {
    let server = limited_server(SLOW, 1).await;
    let token = server.token().await;
    let client = server.key(&token.secret);
    client.get(PING).await.assert_success();
    client.get(PING).await.assert_refused(429, "rate_limited");
    server.set_plan(Plan::Trial).await;
    client.get(PING).await.assert_refused(403, "plan_required");
    server.set_active(&token, false).await;
    client.get(PING).await.assert_refused(403, "token_inactive");
    client
        .clone()
        .with("host", "evil.example")
        .get(PING)
        .await
        .assert_refused(403, "host_not_allowed");
}

#[tokio::test]
async fn the_rate_limit_comes_before_every_check_of_the_path() {
    let server = limited_server(SLOW, 1).await;
    let token = server.token().await;
    let client = server.key(&token.secret);
    client.get(PING).await.assert_success();
    for path in [
        "/904/events",
        "/x/events",
        "/903/nothing",
        "/903/events?page=0",
        "/903/event/556/ping",
    ] {
        client.get(path).await.assert_refused(429, "rate_limited");
    }
    let delete = client.send(Method::DELETE, PING).await;
    delete.assert_refused(429, "rate_limited");
    let large = vec![b'x'; 70_000];
    let large = client.send_body(Method::POST, "/903/event/456/faces", large);
    large.await.assert_refused(429, "rate_limited");
}

#[tokio::test]
async fn calls_without_a_key_are_always_401_and_never_count() {
    let server = limited_server(SLOW, 1).await;
    let keyless = server.anonymous().at(HERE);
    for _ in 0..200 {
        keyless.get(PING).await.assert_refused(401, "token_missing");
    }
    // They did not count as wrong keys either.
    server
        .key("x")
        .at(HERE)
        .get(PING)
        .await
        .assert_refused(403, "token_invalid");
}

#[tokio::test]
async fn wrong_keys_from_one_ip_address_end_in_429_and_other_addresses_are_unaffected() {
    for guess in ["made-up", UNKNOWN_KEY] {
        let server = limited_server(SLOW, 1).await;
        let guesser = server.key(guess).at(HERE);
        for _ in 0..GUESSES {
            let response = guesser.get(PING).await;
            response.assert_refused(403, "token_invalid");
            assert_eq!(limit_headers(&response), [None; 3]);
        }
        assert_limited(&guesser.get(PING).await, "address", "q=50;w=50000");
        guesser
            .clone()
            .at(ELSEWHERE)
            .get(PING)
            .await
            .assert_refused(403, "token_invalid");
    }
}

#[tokio::test]
async fn a_throttled_ip_address_costs_no_database_query() {
    let server = limited_server(SLOW, 1).await;
    exhaust_guesses(&server).await;
    server.store.close().await;
    let refused = server.key(UNKNOWN_KEY).at(HERE).get(PING).await;
    refused.assert_refused(429, "rate_limited");
    let unknown = server.key(UNKNOWN_KEY).at(ELSEWHERE).get(PING).await;
    unknown.assert_refused(503, "unavailable");
}

#[tokio::test]
async fn wrong_keys_cannot_lock_out_a_known_key_from_the_same_ip_address() {
    let server = limited_server("1000", 1_000).await;
    let (used, unused) = (server.token().await, server.token().await);
    let partner = server.key(&used.secret).at(HERE);
    partner.get(PING).await.assert_success();
    exhaust_guesses(&server).await;
    for _ in 0..20 {
        partner.get(PING).await.assert_success();
    }
    // A key that this server has not accepted before could be a guess.
    let refused = server.key(&unused.secret).at(HERE).get(PING).await;
    refused.assert_refused(429, "rate_limited");
    server
        .key(&unused.secret)
        .at(ELSEWHERE)
        .get(PING)
        .await
        .assert_success();
}

#[tokio::test]
async fn a_known_key_from_a_throttled_ip_address_is_still_checked() {
    let server = limited_server("1000", 1_000).await;
    let token = server.token().await;
    let partner = server.key(&token.secret).at(HERE);
    partner.get(PING).await.assert_success();
    exhaust_guesses(&server).await;
    server.set_active(&token, false).await;
    partner
        .get(PING)
        .await
        .assert_refused(403, "token_inactive");
    server.set_active(&token, true).await;
    partner.get(PING).await.assert_success();
    server.delete(&token).await;
    partner.get(PING).await.assert_refused(403, "token_invalid");
    partner.get(PING).await.assert_refused(429, "rate_limited");
}

#[tokio::test]
async fn a_deactivated_token_does_not_count_as_a_wrong_key() {
    let server = limited_server("1000", 1_000).await;
    let token = server.token().await;
    server.set_active(&token, false).await;
    let client = server.key(&token.secret).at(HERE);
    for _ in 0..2 * GUESSES {
        client.get(PING).await.assert_refused(403, "token_inactive");
    }
    server
        .key("x")
        .at(HERE)
        .get(PING)
        .await
        .assert_refused(403, "token_invalid");
}

/// Sends wrong keys from [`HERE`] until it is limited.
async fn exhaust_guesses(server: &TestServer) {
    let guesser = server.key("made-up").at(HERE);
    for _ in 0..GUESSES {
        guesser.get(PING).await;
    }
    guesser.get(PING).await.assert_refused(429, "rate_limited");
}

/// The IP address of a proxy that [`behind_a_proxy`] trusts.
const PROXY: &str = "10.0.0.2";

/// A server that trusts [`PROXY`], and limits wrong keys.
async fn behind_a_proxy() -> TestServer {
    let limits = RateLimits {
        per_token: limit("1000", 1_000),
        wrong_keys: limit(SLOW, GUESSES),
    };
    let server = TestServer::on_sqlite().await;
    server.limited_behind(limits, &["10.0.0.0/24", "2001:db8:ffff::1"])
}

#[tokio::test]
async fn behind_a_trusted_proxy_wrong_keys_count_against_the_forwarded_address() {
    let server = behind_a_proxy().await;
    let behind = |client: &str| {
        let forwarded = server.key("made-up").with("x-forwarded-for", client);
        forwarded.at(PROXY)
    };
    for guess in 0..GUESSES {
        // The proxy appends the real address to what the caller sent, which is ignored.
        let forged = format!("198.51.100.{guess}, {HERE}");
        behind(&forged)
            .get(PING)
            .await
            .assert_refused(403, "token_invalid");
    }
    for slowed in [behind(HERE), behind("192.0.2.77, 192.0.2.1, 10.0.0.9")] {
        assert_limited(&slowed.get(PING).await, "address", "q=50;w=50000");
    }
    // Other callers, the claimed addresses and the proxy itself are not limited.
    for other in [behind(ELSEWHERE), behind("198.51.100.1"), behind("junk")] {
        other.get(PING).await.assert_refused(403, "token_invalid");
    }
}

#[tokio::test]
async fn two_x_forwarded_for_headers_are_one_list() {
    let server = behind_a_proxy().await;
    let guesser = server.key("made-up").at("2001:db8:ffff::1");
    for guess in 0..GUESSES {
        let forged = format!("198.51.100.{guess}");
        let lines = guesser.clone().and("x-forwarded-for", forged);
        let lines = lines.and("x-forwarded-for", HERE);
        lines.get(PING).await.assert_refused(403, "token_invalid");
    }
    let direct = server.key("made-up").at(HERE);
    assert_limited(&direct.get(PING).await, "address", "q=50;w=50000");
}

#[tokio::test]
async fn an_untrusted_caller_cannot_claim_another_ip_address() {
    let server = behind_a_proxy().await;
    let lying = |guess: u32| {
        let forged = format!("198.51.100.{guess}");
        server
            .key("made-up")
            .with("x-forwarded-for", forged)
            .at(HERE)
    };
    for guess in 0..GUESSES {
        lying(guess)
            .get(PING)
            .await
            .assert_refused(403, "token_invalid");
    }
    assert_limited(&lying(77).get(PING).await, "address", "q=50;w=50000");
}

/// A proxy passes on headers that it does not write itself, so a caller could forge them.
#[tokio::test]
async fn other_headers_with_ip_addresses_are_ignored_even_from_a_trusted_proxy() {
    let server = behind_a_proxy().await;
    let names = ["forwarded", "x-real-ip", "x-client-ip", "true-client-ip"];
    for guess in 0..GUESSES {
        let mut guesser = server.key("made-up").with("x-forwarded-for", HERE);
        for name in names {
            let address = format!("198.51.100.{guess}");
            let value = match name {
                "forwarded" => format!("for={address}"),
                _ => address,
            };
            guesser = guesser.with(name, value);
        }
        let response = guesser.at(PROXY).get(PING).await;
        response.assert_refused(403, "token_invalid");
    }
    let guesser = server.key("made-up").with("x-forwarded-for", HERE);
    let refused = guesser.at(PROXY).get(PING).await;
    assert_limited(&refused, "address", "q=50;w=50000");
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_running_server_limits_tokens_by_its_options_and_addresses_by_the_fixed_limit() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let limits = ["--demo", "--rate-limit", SLOW, "--rate-burst", "2"];
    let server = ServerProcess::start(&url, &limits);
    let token = create_token(&url);
    for _ in 0..2 {
        assert!(server.ping(&token).starts_with(OK));
    }
    let refused = server.ping(&token);
    let status = "HTTP/1.1 429 Too Many Requests\r\n";
    assert!(refused.starts_with(status), "{refused}");
    for header in [
        "x-error-code: rate_limited\r\n",
        "ratelimit-policy: \"token\";q=2;w=2000\r\n",
    ] {
        assert!(refused.contains(header), "{header}: {refused}");
    }

    for _ in 0..GUESSES {
        let response = server.ping("made-up");
        assert!(response.starts_with("HTTP/1.1 403"), "{response}");
    }
    let mut limited = String::new();
    // An address may send five more a second. The test repeats its calls until they exceed that rate.
    wait_until("the address to be limited", || {
        limited = server.ping("made-up");
        limited.starts_with("HTTP/1.1 429")
    });
    for header in [
        "retry-after: 1\r\n",
        "ratelimit-policy: \"address\";q=50;w=10\r\n",
        "ratelimit: \"address\";r=0;t=1\r\n",
    ] {
        assert!(limited.contains(header), "{header}: {limited}");
    }
    server.stop().assert_done();
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_rate_limit_of_0_turns_all_limits_off() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let limits = ["--demo", "--rate-limit", "0", "--rate-burst", "1"];
    let server = ServerProcess::start(&url, &limits);
    let token = create_token(&url);
    for _ in 0..2 * GUESSES {
        assert!(server.ping(&token).starts_with("HTTP/1.1 200"));
        assert!(server.ping("made-up").starts_with("HTTP/1.1 403"));
    }
}

#[test]
fn an_invalid_rate_limit_is_refused_with_the_valid_range() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    for rate in ["fast", "-1", "0.0001", "1e9", ""] {
        let rate = format!("--rate-limit={rate}");
        run(&url, &["serve", &rate]).assert_misunderstood("from 0.001 to 1000000");
    }
    for burst in ["0", "1000001", "1.5", "-1"] {
        let burst = format!("--rate-burst={burst}");
        run(&url, &["serve", &burst]).assert_misunderstood("from 1 to 1000000");
    }
}
