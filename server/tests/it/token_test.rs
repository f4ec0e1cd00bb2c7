//! The dashboard's test of a token: it gets the response of a real call, and its failures never hide a new token.

use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{browser::Browser, server::TestServer};

/// Tests a token on the dashboard.
async fn test(browser: &mut Browser, secret: &str, event: i64) -> Value {
    let call = json!({ "organisation_id": 903, "event_id": event, "secret": secret });
    let response = browser.ask("test-token", call).await;
    assert_eq!(response.status, StatusCode::OK);
    response.json()
}

/// Creates a token on the dashboard.
async fn create(browser: &mut Browser) -> Value {
    let fields = json!({ "organisation_id": 903 });
    let response = browser.change("create-token", fields).await;
    assert_eq!(response.status, StatusCode::OK);
    response.json()
}

#[tokio::test]
async fn the_test_of_a_token_gets_the_response_of_a_real_call() {
    let server = TestServer::on_sqlite().await;
    let mut browser = Browser::signed_in(&server).await;
    let token = server.token().await;
    let foreign = server.token_of("other@example.com", 904).await;
    let mut seen = Vec::new();
    let mut compare = async |secret: &str, event: i64| {
        let path = format!("/903/event/{event}/ping");
        let integration = server.key(secret).get(&path).await;
        let result = test(&mut browser, secret, event).await;
        assert_eq!(result["status"], integration.status.as_u16());
        assert_eq!(result["code"], json!(integration.code()));
        // A refusal is explained in the words of the documentation, not of the API.
        let message = result["message"].as_str().expect("text");
        match integration.code() {
            None => assert_eq!(message, integration.message()),
            Some(_) => assert!(message.starts_with("Refused: ") && !message.contains('`')),
        }
        seen.push(integration.code().unwrap_or("pong").to_owned());
    };
    compare(&token.secret, 456).await;
    compare("no token", 456).await;
    compare(&foreign.secret, 456).await;
    compare(&token.secret, 556).await;
    server
        .database
        .sql("DELETE FROM event_settings WHERE event_id = 457")
        .await;
    compare(&token.secret, 457).await;
    server.set_active(&token, false).await;
    compare(&token.secret, 456).await;
    server.set_active(&token, true).await;
    server.expire(&token).await;
    compare(&token.secret, 456).await;
    server.delete(&token).await;
    compare(&token.secret, 456).await;
    assert_eq!(
        seen,
        [
            "pong",
            "token_invalid",
            "organisation_mismatch",
            "event_mismatch",
            "event_not_configured",
            "token_inactive",
            "token_expired",
            "token_invalid",
        ]
    );
}

#[tokio::test]
async fn a_token_is_created_and_shown_even_if_no_event_can_be_read_to_test_it() {
    let server = TestServer::on_sqlite().await;
    let mut browser = Browser::signed_in(&server).await;
    let made = create(&mut browser).await;
    assert_eq!(made["example_event"], json!(458));
    server
        .database
        .sql("ALTER TABLE event_settings RENAME TO event_settings_gone")
        .await;
    let made = create(&mut browser).await;
    assert_eq!(made["example_event"], Value::Null);
    let secret = made["secret"].as_str().expect("a text");
    server.key(secret).get("/903/events").await.assert_success();
}
