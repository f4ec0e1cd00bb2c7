//! The key of a call (contract, section 2).

use crate::support::{PING, client::Client, server::TestServer};

async fn zone_and_key() -> (TestServer, String) {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    (server, token.secret)
}

async fn assert_taken(client: Client) {
    client.get(PING).await.assert_success();
}

async fn assert_missing(client: Client) {
    client.get(PING).await.assert_refused(401, "token_missing");
}

async fn assert_invalid(client: Client) {
    client.get(PING).await.assert_refused(403, "token_invalid");
}

#[tokio::test]
async fn a_key_may_be_sent_as_a_bearer_token() {
    let (server, key) = zone_and_key().await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let credential = format!("{scheme} {key}");
        assert_taken(server.anonymous().with("authorization", credential)).await;
    }
}

#[tokio::test]
async fn x_api_key_takes_precedence_over_a_bearer_token() {
    let (server, key) = zone_and_key().await;
    let good_bearer = format!("Bearer {key}");
    assert_taken(server.key(&key).with("authorization", "Bearer made-up")).await;
    assert_taken(server.key(&key).with("authorization", "Basic YTpi")).await;
    assert_invalid(server.key("made-up").with("authorization", &good_bearer)).await;
    assert_missing(server.key("").with("authorization", &good_bearer)).await;
    assert_missing(server.key("  ").with("authorization", &good_bearer)).await;
}

#[tokio::test]
async fn an_absent_or_blank_key_is_missing() {
    let (server, key) = zone_and_key().await;
    assert_missing(server.anonymous()).await;
    assert_missing(server.key("")).await;
    assert_missing(server.key(" \t ")).await;
    for credential in ["", "Bearer", "Bearer ", &format!("Basic {key}"), &key] {
        assert_missing(server.anonymous().with("authorization", credential)).await;
    }
}

#[tokio::test]
async fn a_repeated_header_is_an_invalid_key() {
    let (server, key) = zone_and_key().await;
    assert_invalid(server.key(&key).and("x-api-key", &key)).await;
    assert_invalid(server.key("").and("x-api-key", "")).await;
    let bearer = format!("Bearer {key}");
    let twice = server.anonymous().with("authorization", &bearer);
    assert_invalid(twice.and("authorization", &bearer)).await;
}

#[tokio::test]
async fn blanks_around_a_key_are_ignored() {
    let (server, key) = zone_and_key().await;
    assert_taken(server.key(&format!(" \t{key} "))).await;
    let bearer = format!(" Bearer   {key} ");
    assert_taken(server.anonymous().with("authorization", bearer)).await;
}

#[tokio::test]
async fn an_altered_key_is_invalid() {
    let (server, key) = zone_and_key().await;
    let swapped: String = key
        .chars()
        .map(|c| match c.is_ascii_lowercase() {
            true => c.to_ascii_uppercase(),
            false => c.to_ascii_lowercase(),
        })
        .collect();
    let altered_keys = [
        key[1..].to_owned(),
        key[..45].to_owned(),
        format!("{key}{key}"),
        format!("{key},{key}"),
        format!("\"{key}\""),
        format!("Bearer {key}"),
        format!("{} {}", &key[..10], &key[10..]),
        swapped,
        "x".repeat(8_000),
    ];
    for key in altered_keys {
        assert_invalid(server.key(&key)).await;
    }
}

#[tokio::test]
async fn bytes_outside_of_ascii_are_an_invalid_key() {
    let (server, key) = zone_and_key().await;
    for bytes in [&b"\x80\xff"[..], "\u{a0}".as_bytes(), "ключ".as_bytes()] {
        assert_invalid(server.anonymous().with("x-api-key", bytes)).await;
        let with_key = [key.as_bytes(), bytes].concat();
        assert_invalid(server.anonymous().with("x-api-key", with_key)).await;
    }
}

#[tokio::test]
async fn a_key_in_the_query_is_ignored() {
    let (server, key) = zone_and_key().await;
    for query in ["x-api-key", "X-API-Key", "api_key", "access_token"] {
        let path = format!("{PING}?{query}={key}");
        server
            .anonymous()
            .get(&path)
            .await
            .assert_refused(401, "token_missing");
    }
}
