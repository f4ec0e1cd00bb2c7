//! Limits of requests to the dashboard: no session, account or network can use up the server for the others.
//!
//! Each test holds requests of which the body never arrives, so they run until the test ends them.

use app::session::Cookies;
use axum::body::Body;
use futures_util::{StreamExt, stream};
use http::{Method, StatusCode};
use model::{
    organisation::OrganisationId,
    session::{DEVICE_COOKIE, SESSION_COOKIE},
    token::TokenName,
};
use serde_json::json;
use tokio::{sync::mpsc, task::JoinSet};

use crate::support::{
    DEMO_PASSWORD, MEMBER,
    browser::{Browser, HOME},
    client::{Client, Response},
    server::TestServer,
};

/// The maximum numbers of requests at the same time.
const OF_SESSION: usize = 8;
const OF_ACCOUNT: usize = 16;
const OF_NETWORK: usize = 64;

const ELSEWHERE: &str = "198.51.100.7";

/// Begins this many requests that never end, until this is dropped. Returns when the server reads all of their bodies:
/// from then on they count.
///
/// # Panics
/// If one of them is refused.
async fn hold(client: &Client, count: usize) -> JoinSet<()> {
    let form = "application/x-www-form-urlencoded";
    let client = client.clone().with("content-type", form);
    let mut held = JoinSet::new();
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    for _ in 0..count {
        let client = client.clone();
        let arrived = arrived.clone();
        held.spawn(async move {
            let first = stream::once(async move {
                arrived.send(()).expect("awaited");
                Ok::<&[u8], std::io::Error>(b"")
            });
            let body = Body::from_stream(first.chain(stream::pending()));
            let path = "/api/dashboard/rename-token";
            client.raw(Method::POST, path, body).await;
        });
    }
    for _ in 0..count {
        tokio::select! {
            arrival = arrivals.recv() => arrival.expect("held"),
            _ended = held.join_next() => panic!("a request ended"),
        }
    }
    held
}

async fn page(client: &Client) -> Response {
    client.fetch(Method::GET, "/nothing", "").await
}

/// Waits until the client is refused: then all held requests run.
async fn refused(client: &Client) -> Response {
    loop {
        let response = page(client).await;
        if response.status == StatusCode::TOO_MANY_REQUESTS {
            return response;
        }
        tokio::task::yield_now().await;
    }
}

#[track_caller]
fn assert_served(response: &Response) {
    assert_ne!(
        response.status,
        StatusCode::TOO_MANY_REQUESTS,
        "{response:?}"
    );
}

#[tokio::test]
async fn a_session_with_too_many_requests_gets_429_as_json_and_as_a_page() {
    let server = TestServer::on_sqlite().await;
    let session = server.session(MEMBER).await;
    let _held = hold(&session, OF_SESSION).await;
    let response = refused(&session).await;
    assert_eq!(response.text, r#"{"TooManyRequests":1}"#);
    assert_eq!(response.header("retry-after"), Some("1"));
    let response = page(&session.clone().with("accept", "text/html")).await;
    assert_eq!(response.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.header("retry-after"), Some("1"));
    let words = "Too many requests. Nothing was changed. Wait 1 second, then try again.";
    assert!(response.text.contains(words), "{}", response.text);
}

#[tokio::test]
async fn a_session_with_too_many_requests_can_still_deactivate_delete_and_sign_out() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let session = server.session(MEMBER).await;
    let _held = hold(&session, OF_SESSION).await;
    refused(&session).await;
    let data = json!({ "organisation_id": 903, "token_id": token.id });
    let activated = session.call("activate-token", &data).await;
    assert_eq!(activated.status, StatusCode::TOO_MANY_REQUESTS);
    for name in ["deactivate-token", "deactivate-all-tokens", "delete-token"] {
        session.call(name, &data).await.assert_success();
    }
    let response = session.form("sign-out", "").await;
    assert_eq!(response.status, StatusCode::SEE_OTHER);
    assert_eq!(response.location(), "/sign-in");
}

#[tokio::test]
async fn a_member_who_has_recorded_too_much_is_told_when_to_retry_and_can_still_deactivate() {
    let server = TestServer::on_sqlite().await;
    let (first, second) = (server.token().await, server.token().await);
    let session = server.session(MEMBER).await;
    let organisation = OrganisationId(903);
    let key = Cookies::new(false).session_keys(&session.headers()).next();
    let sessions = server.store.sessions();
    let found = sessions
        .find(&key.expect("a key"))
        .await
        .expect("an answer");
    let members = server.store.members();
    let member = members.find(&found.expect("a session"), organisation).await;
    let member = member.expect("a member");
    // Past the limits of requests, which would refuse such a flood earlier.
    for number in 1..=300 {
        let name = TokenName::parse(&number.to_string()).ok();
        let tokens = server.store.tokens();
        let renamed = tokens.rename((&member).into(), first.id, name).await;
        renamed.expect("renamed");
    }
    let rename = json!({ "organisation_id": 903, "token_id": first.id, "name": "one more" });
    let refused = session.call("rename-token", &rename).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.text, r#"{"TooManyRequests":10}"#);
    assert_eq!(refused.header("retry-after"), Some("10"));
    let create = json!({ "organisation_id": 903 });
    let refused = session.call("create-token", &create).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let on_first = json!({ "organisation_id": 903, "token_id": first.id });
    let deactivated = session.call("deactivate-token", &on_first).await;
    deactivated.assert_success();
    let refused = session.call("activate-token", &on_first).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let on_second = json!({ "organisation_id": 903, "token_id": second.id });
    for name in ["deactivate-all-tokens", "delete-token"] {
        session.call(name, &on_second).await.assert_success();
    }
}

#[tokio::test]
async fn requests_of_one_session_do_not_count_for_another_account_or_session() {
    let server = TestServer::on_sqlite().await;
    let session = server.session(MEMBER).await;
    let held = hold(&session, OF_SESSION).await;
    refused(&session).await;
    assert_served(&page(&server.session(MEMBER).await).await);
    assert_served(&page(&server.session("other@example.com").await).await);
    drop(held);
    while page(&session).await.status == StatusCode::TOO_MANY_REQUESTS {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_account_gets_no_more_with_more_sessions() {
    let server = TestServer::on_sqlite().await;
    let mut held = Vec::new();
    for _ in 0..OF_ACCOUNT / OF_SESSION {
        held.push(hold(&server.session(MEMBER).await, OF_SESSION).await);
    }
    refused(&server.session(MEMBER).await).await;
    assert_served(&page(&server.session("other@example.com").await).await);
}

#[tokio::test]
async fn a_network_of_strangers_is_limited_and_hinders_no_member_there_and_no_stranger_elsewhere() {
    let server = TestServer::on_sqlite().await;
    let stranger = server.anonymous().at(HOME);
    let forged = format!("{SESSION_COOKIE}={}", "7f".repeat(40));
    let forger = stranger.clone().with("cookie", forged);
    let _held = [
        hold(&stranger, OF_NETWORK / 2).await,
        hold(&forger, OF_NETWORK / 2).await,
    ];
    refused(&stranger).await;
    refused(&forger).await;
    // Guesses of reset links have the limits of sign-in.
    for name in ["sign-in", "reset-password"] {
        let guess = "link=7f&email=x&password=x&new_password=x";
        let response = stranger.form(name, guess).await;
        assert_eq!(response.status, StatusCode::TOO_MANY_REQUESTS, "{name}");
    }
    let (link, ..) = stranger
        .raw(Method::GET, "/reset-password?link=7f", "")
        .await;
    assert_eq!(link, StatusCode::TOO_MANY_REQUESTS);
    assert_served(&page(&server.anonymous().at(ELSEWHERE)).await);
    assert_served(&page(&server.session(MEMBER).await.at(HOME)).await);
}

/// A browser at this address where the member has signed in before, without a session. Another program on the same host
/// has set a cookie with the same name.
async fn known_device(server: &TestServer, address: &str) -> Client {
    let mut browser = Browser::at(server, address);
    assert_eq!(browser.sign_in(MEMBER, DEMO_PASSWORD).await, "/");
    let cookie = browser.cookie(DEVICE_COOKIE).expect("a cookie");
    let client = server.anonymous().at(HOME);
    client.with(
        "cookie",
        format!("{DEVICE_COOKIE}=1; {DEVICE_COOKIE}={cookie}"),
    )
}

#[tokio::test]
async fn neither_strangers_nor_members_nor_one_device_can_prevent_a_sign_in_on_a_known_device() {
    let server = TestServer::on_sqlite().await;
    let (known, other) = (
        known_device(&server, HOME).await,
        known_device(&server, ELSEWHERE).await,
    );
    let stranger = server.anonymous().at(HOME);
    let _strangers = hold(&stranger, OF_NETWORK).await;
    let session = server.session(MEMBER).await.at(HOME);
    let _members = hold(&session, OF_SESSION).await;
    let _devices = hold(&other, OF_SESSION).await;
    for client in [stranger, session, other] {
        refused(&client).await;
    }
    let form = format!("email=member%40example.com&password={DEMO_PASSWORD}");
    let signed_in = known.form("sign-in", &form).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    assert_eq!(signed_in.location(), "/");
}
