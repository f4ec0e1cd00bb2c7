//! The dashboard's test of a token: the guard's own answer, and a token that is shown whatever happens to
//! what helps to test it.

use axum::{Router, body::Body, extract::Request};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_TYPE, COOKIE, SET_COOKIE},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::zone::Zone;

/// The member of 903, signed in.
struct Dashboard {
    router: Router,
    cookie: HeaderValue,
}

impl Dashboard {
    async fn of(zone: &Zone) -> Self {
        let form = "email=member%40example.com&password=developer-zone-demo";
        let request = Request::post("/api/dashboard/sign-in")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .expect("a request");
        let answer = zone.router.clone().oneshot(request).await;
        let answer = answer.expect("an answer");
        let cookie = answer.headers()[SET_COOKIE].to_str().expect("a text");
        let (cookie, _) = cookie.split_once(';').expect("attributes");
        Self {
            router: zone.router.clone(),
            cookie: cookie.parse().expect("a header"),
        }
    }

    async fn ask(&self, name: &str, data: Value) -> Value {
        let request = Request::post(format!("/api/dashboard/{name}"))
            .header(CONTENT_TYPE, "application/json")
            .header(COOKIE, &self.cookie)
            .body(Body::from(data.to_string()))
            .expect("a request");
        let answer = self.router.clone().oneshot(request).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{answer:?}");
        let body = answer.into_body().collect().await.expect("a body");
        serde_json::from_slice(&body.to_bytes()).expect("JSON")
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
