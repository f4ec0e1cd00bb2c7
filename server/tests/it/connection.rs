//! The dashboard's test of a token: the guard's own answer, and a token that is shown whatever happens to
//! what helps to test it.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::zone::{Client, Zone};

/// The member of 903, signed in.
struct Dashboard(Client);

impl Dashboard {
    async fn of(zone: &Zone) -> Self {
        let member = zone.session("member@example.com").await;
        Self(member.with("content-type", "application/json"))
    }

    async fn ask(&self, name: &str, data: Value) -> Value {
        let target = format!("/api/dashboard/{name}");
        let (status, _, body) = self.0.raw(Method::POST, &target, data.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{name}");
        serde_json::from_slice(&body).expect("JSON")
    }

    async fn test(&self, secret: &str, event: i64) -> Value {
        let call = json!({ "organisation_id": 903, "event_id": event, "secret": secret });
        self.ask("test-connection", call).await
    }
}

#[tokio::test]
async fn the_test_of_a_token_is_answered_as_an_integration_is() {
    let zone = Zone::on_sqlite().await;
    let dashboard = Dashboard::of(&zone).await;
    let token = zone.token().await;
    let foreign = zone.token_of("other@example.com", 904).await;
    let mut seen = Vec::new();
    let mut compare = async |secret: &str, event: i64| {
        let path = format!("/903/event/{event}/ping");
        let integration = zone.key(secret).get(&path).await;
        let expected = json!({
            "status": integration.status.as_u16(),
            "code": integration.code(),
            "message": integration.message(),
        });
        assert_eq!(dashboard.test(secret, event).await, expected);
        seen.push(integration.code().unwrap_or("pong").to_owned());
    };
    compare(&token.secret, 456).await;
    compare("no token", 456).await;
    compare(&foreign.secret, 456).await;
    compare(&token.secret, 556).await;
    zone.database
        .sql("DELETE FROM event_settings WHERE event_id = 457")
        .await;
    compare(&token.secret, 457).await;
    zone.set_active(&token, false).await;
    compare(&token.secret, 456).await;
    zone.set_active(&token, true).await;
    zone.expire(&token).await;
    compare(&token.secret, 456).await;
    zone.delete(&token).await;
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
async fn a_token_is_made_and_shown_though_no_event_can_be_read_to_test_it_with() {
    let zone = Zone::on_sqlite().await;
    let dashboard = Dashboard::of(&zone).await;
    let create = json!({ "organisation_id": 903 });
    let made = dashboard.ask("create-token", create.clone()).await;
    assert_eq!(made["example_event"], json!(458));
    zone.database
        .sql("ALTER TABLE event_settings RENAME TO event_settings_gone")
        .await;
    let made = dashboard.ask("create-token", create).await;
    assert_eq!(made["example_event"], Value::Null);
    let secret = made["secret"].as_str().expect("a text");
    zone.key(secret).get("/903/events").await.assert_success();
}
