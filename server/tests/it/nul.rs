//! U+0000 in every kind of text that callers send. PostgreSQL cannot store it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::{Method, StatusCode};
use tracing::{Event, Level, Subscriber, subscriber::set_default};
use tracing_subscriber::{
    layer::{Context, Layer, SubscriberExt},
    registry,
};

use crate::support::{MEMBER, client::Client, server::TestServer};

/// Counts the errors that are logged.
#[derive(Clone, Default)]
struct CountErrors(Arc<AtomicUsize>);

impl<S: Subscriber> Layer<S> for CountErrors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == Level::ERROR {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The audit trail, which has a record of each change.
async fn changes(member: &Client) -> String {
    let trail = "/developer-zone/activity.csv?organisation=903";
    member.fetch(Method::GET, trail, "").await.text
}

async fn post(client: &Client, target: &str, content_type: &str, body: &str) -> StatusCode {
    let client = client.clone().with("content-type", content_type);
    client
        .fetch(Method::POST, target, body.to_owned())
        .await
        .status
}

async fn is_bad_input(server: &TestServer) {
    let errors = CountErrors::default();
    let _counting = set_default(registry().with(errors.clone()));
    let token = server.token().await;
    let member = server.session(MEMBER).await;
    let before = changes(&member).await;
    let number = token.id;
    let of_token = format!("organisation_id=903&token_id={number}");
    let fields = |more: &str| format!("{of_token}&{more}");
    for (target, body, expected) in [
        (
            "/developer-zone/tokens/new",
            "organisation_id=903&form_number=%00&name=a".to_owned(),
            303,
        ),
        (
            "/developer-zone/tokens/new",
            "organisation_id=903&form_number=a%00b&name=a".to_owned(),
            303,
        ),
        ("/api/dashboard/rename-token", fields("name=a%00b"), 422),
        ("/api/dashboard/create-token", fields("name=%00"), 422),
        (
            "/api/dashboard/create-token",
            fields("name=a&password=%00"),
            403,
        ),
        (
            "/api/dashboard/end-session",
            "session_id=%00".to_owned(),
            400,
        ),
        (
            "/api/dashboard/select-organisation",
            "organisation_id=903&return_to=/%00".to_owned(),
            303,
        ),
        (
            "/api/dashboard/sign-in",
            "email=a%00b%40example.com&password=x".to_owned(),
            303,
        ),
        (
            "/api/dashboard/reset-password",
            "link=%00&new_password=%00".to_owned(),
            303,
        ),
        (
            "/api/dashboard/sign-in",
            "email=a%40example.com&password=%00".to_owned(),
            303,
        ),
    ] {
        let form = "application/x-www-form-urlencoded";
        let status = post(&member, target, form, &body).await;
        assert_eq!(status.as_u16(), expected, "{target}: {body}");
    }
    let key = server.key(&token.secret);
    let originals = "/903/event/456/original-photos";
    for (body, expected) in [
        (r#"{"method":"image_id","identifier":"a\u0000b"}"#, 400),
        (r#"{"method":"image_ids","identifier":["a\u0000b"]}"#, 400),
        (r#"{"method":"bib","identifier":"\u0000"}"#, 200),
    ] {
        let json = key.clone().with("content-type", "application/json");
        let response = json.send_body(Method::POST, originals, body).await;
        assert_eq!(
            response.status.as_u16(),
            expected,
            "{body}: {}",
            response.text
        );
    }
    for (path, expected) in [
        ("/903/event/456/bibs/%00", 404),
        ("/903/event/456/bibs/1%002", 404),
        ("/903/events?page=%00", 422),
    ] {
        let response = key.get(path).await;
        assert_eq!(
            response.status.as_u16(),
            expected,
            "{path}: {}",
            response.text
        );
    }
    for target in [
        "/developer-zone/activity?token=%00&account=%00&kind=%00",
        "/developer-zone/activity.csv?organisation=903&token=%00&account=a%00b",
        "/events?from=%00",
    ] {
        let response = member.fetch(Method::GET, target, "").await;
        assert_eq!(response.status, StatusCode::OK, "{target}");
    }
    assert_eq!(changes(&member).await, before);
    assert_eq!(errors.0.load(Ordering::Relaxed), 0, "errors were logged");
}

#[tokio::test]
async fn a_nul_character_is_bad_input_on_sqlite() {
    is_bad_input(&TestServer::on_sqlite().await).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn a_nul_character_is_bad_input_on_postgres() {
    is_bad_input(&TestServer::on_postgres().await).await;
}
