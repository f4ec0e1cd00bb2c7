//! The dashboard's server functions, called by a program: who may call them, and from where.

use http::{Method, StatusCode};
use model::{
    organisation::{OrganisationId, Plan},
    session::SESSION_COOKIE,
    token::TokenSummary,
};
use serde_json::{Value, json};
use store::TokenPermission;

use crate::support::{
    MEMBER,
    server::{TestServer, Token},
};

const SUMMIT: i64 = 903;
const HARBOUR: i64 = 904;
const FIRST_STEPS: i64 = 907;

const OTHER: &str = "other@example.com";
const TRIAL: &str = "trial@example.com";

/// Every server function that reads or changes tokens, called on organisation 903 and this token of it.
fn calls_on(token: &Token) -> Vec<(&'static str, Value)> {
    let id = token.id;
    vec![
        ("watch-tokens", json!({ "organisation_id": SUMMIT })),
        ("silent-servers", json!({ "organisation_id": SUMMIT })),
        ("create-token", json!({ "organisation_id": SUMMIT })),
        (
            "deactivate-all-tokens",
            json!({ "organisation_id": SUMMIT }),
        ),
        (
            "activate-token",
            json!({ "organisation_id": SUMMIT, "token_id": id }),
        ),
        (
            "deactivate-token",
            json!({ "organisation_id": SUMMIT, "token_id": id }),
        ),
        (
            "rename-token",
            json!({ "organisation_id": SUMMIT, "token_id": id, "name": "Mine" }),
        ),
        (
            "note-copy",
            json!({ "organisation_id": SUMMIT, "token_id": id }),
        ),
        (
            "delete-token",
            json!({ "organisation_id": SUMMIT, "token_id": id }),
        ),
        (
            "test-token",
            json!({ "organisation_id": SUMMIT, "event_id": 456, "secret": token.secret }),
        ),
    ]
}

/// The tokens of 903 in the database.
async fn tokens(server: &TestServer) -> Vec<TokenSummary> {
    let operator = TokenPermission::Operator(OrganisationId(SUMMIT));
    server.store.tokens().list(operator).await.expect("listed")
}

#[tokio::test]
async fn a_member_can_make_every_call_that_the_other_tests_see_refused() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let member = server.session(MEMBER).await;
    for (name, data) in calls_on(&token) {
        let response = member.call(name, &data).await;
        assert_eq!(response.status, StatusCode::OK, "{name}: {}", response.text);
    }
    let left = tokens(&server).await;
    assert_eq!(left.len(), 1);
    assert_ne!(left[0].id, token.id);
}

#[tokio::test]
async fn a_member_of_another_organisation_can_neither_read_nor_change_a_token() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let other = server.session(OTHER).await;
    let before = tokens(&server).await;
    for (name, data) in calls_on(&token) {
        let response = other.call(name, &data).await;
        assert_eq!(response.status, StatusCode::FORBIDDEN, "{name}");
        assert_eq!(response.text, r#""NotAMember""#, "{name}");
    }
    for (name, mut data) in calls_on(&token) {
        if data.get("token_id").is_some() {
            data["organisation_id"] = HARBOUR.into();
            let response = other.call(name, &data).await;
            assert_eq!(response.status, StatusCode::NOT_FOUND, "{name}");
            assert_eq!(
                response.json(),
                json!({ "NoSuchToken": token.id }),
                "{name}"
            );
        }
    }
    assert_eq!(tokens(&server).await, before);
}

#[tokio::test]
async fn an_organisation_that_does_not_exist_is_refused_like_a_foreign_one() {
    let server = TestServer::on_sqlite().await;
    let other = server.session(OTHER).await;
    let foreign = other
        .call("watch-tokens", &json!({ "organisation_id": SUMMIT }))
        .await;
    let missing = other
        .call("watch-tokens", &json!({ "organisation_id": 999_999 }))
        .await;
    assert_eq!(
        (missing.status, missing.text),
        (foreign.status, foreign.text)
    );
}

#[tokio::test]
async fn an_organisation_without_the_plan_can_call_nothing_even_with_tokens() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let member = server.session(MEMBER).await;
    server.set_plan(Plan::PayAsYouGo).await;
    for (name, data) in calls_on(&token) {
        let response = member.call(name, &data).await;
        assert_eq!(response.status, StatusCode::FORBIDDEN, "{name}");
        assert!(
            response.text.contains("PlanRequired"),
            "{name}: {}",
            response.text
        );
    }
    let trial = server.session(TRIAL).await;
    for name in ["watch-tokens", "create-token", "deactivate-all-tokens"] {
        let response = trial
            .call(name, &json!({ "organisation_id": FIRST_STEPS }))
            .await;
        assert_eq!(response.status, StatusCode::FORBIDDEN, "{name}");
        assert!(
            response.text.contains("PlanRequired"),
            "{name}: {}",
            response.text
        );
    }
    assert_eq!(tokens(&server).await.len(), 1);
}

#[tokio::test]
async fn without_a_session_and_with_a_forged_one_every_call_is_401_and_changes_nothing() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let before = tokens(&server).await;
    let forged = server
        .anonymous()
        .with("cookie", format!("{SESSION_COOKIE}={}", "7f".repeat(40)));
    for client in [server.anonymous(), forged] {
        for (name, data) in calls_on(&token) {
            let response = client.call(name, &data).await;
            assert_eq!(response.status, StatusCode::UNAUTHORIZED, "{name}");
            assert_eq!(response.text, r#""SessionEnded""#, "{name}");
        }
    }
    assert_eq!(tokens(&server).await, before);
}

#[tokio::test]
async fn only_members_can_select_an_organisation() {
    let server = TestServer::on_sqlite().await;
    let other = server.session(OTHER).await;
    let response = other
        .form("select-organisation", "organisation_id=903")
        .await;
    assert_eq!(response.status, StatusCode::FORBIDDEN);
    let page = other.fetch(Method::GET, "/developer-zone", "").await.text;
    assert!(page.contains("Harbour Events (904)"), "{page}");
    assert!(!page.contains("Summit Races"), "{page}");

    let visitor = server.anonymous();
    let response = visitor
        .form("select-organisation", "organisation_id=903")
        .await;
    assert!(
        [StatusCode::UNAUTHORIZED, StatusCode::SEE_OTHER].contains(&response.status),
        "{response:?}"
    );
}

#[tokio::test]
async fn a_request_from_another_origin_is_refused_and_changes_nothing() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let member = server.session(MEMBER).await;
    let before = tokens(&server).await;
    for (header, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        // A browser too old for Sec-Fetch-Site.
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let client = member.clone().with(header, value);
        for (name, data) in calls_on(&token) {
            let response = client.call(name, &data).await;
            assert_eq!(response.status, StatusCode::FORBIDDEN, "{value}: {name}");
        }
        for (name, body) in [
            (
                "sign-in",
                "email=other%40example.com&password=developer-zone-demo",
            ),
            ("sign-out", ""),
            ("select-organisation", "organisation_id=903"),
            ("reset-password", "link=7f&new_password=a+wholly+new+one"),
        ] {
            let response = client.form(name, body).await;
            assert_eq!(response.status, StatusCode::FORBIDDEN, "{value}: {name}");
            assert_eq!(response.header("set-cookie"), None, "{value}: {name}");
        }
    }
    assert_eq!(tokens(&server).await, before);
    let (status, ..) = member.raw(Method::GET, "/events", "").await;
    assert_eq!(status, StatusCode::OK, "still signed in");
}

#[tokio::test]
async fn get_on_a_server_function_is_refused_and_changes_nothing() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let before = tokens(&server).await;
    let member = server.session(MEMBER).await;
    let mut functions = calls_on(&token);
    functions.push(("sign-out", json!({})));
    for client in [&member, &server.anonymous()] {
        for (name, data) in &functions {
            let fields = data.as_object().expect("an object").iter();
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields.map(|(name, value)| (name, value.to_string())))
                .finish();
            let target = format!("/api/dashboard/{name}?{query}");
            let (status, ..) = client.raw(Method::GET, &target, "").await;
            let refused = [
                StatusCode::UNAUTHORIZED,
                StatusCode::NOT_FOUND,
                StatusCode::METHOD_NOT_ALLOWED,
            ];
            assert!(refused.contains(&status), "{name}: {status}");
        }
    }
    assert_eq!(tokens(&server).await, before);
    let (status, ..) = member.raw(Method::GET, "/events", "").await;
    assert_eq!(status, StatusCode::OK, "still signed in");
}

#[tokio::test]
async fn an_invalid_body_is_400_and_a_huge_one_413_without_details() {
    let server = TestServer::on_sqlite().await;
    let member = server.session(MEMBER).await;
    for (name, data) in [
        ("watch-tokens", json!({})),
        ("silent-servers", json!({})),
        ("note-copy", json!({ "organisation_id": SUMMIT })),
        ("create-token", json!({ "organisation_id": "x" })),
        ("deactivate-all-tokens", json!({})),
        (
            "activate-token",
            json!({ "organisation_id": SUMMIT, "token_id": "x" }),
        ),
        ("deactivate-token", json!({ "token_id": 1 })),
        (
            "rename-token",
            json!({ "organisation_id": SUMMIT, "token_id": 1 }),
        ),
        (
            "delete-token",
            json!({ "organisation_id": SUMMIT, "token_id": {} }),
        ),
    ] {
        let response = member.call(name, &data).await;
        assert_eq!(response.status, StatusCode::BAD_REQUEST, "{name}");
        assert_eq!(response.text, r#""BadRequest""#, "{name}");
    }
    let huge = json!({ "organisation_id": SUMMIT, "x": "x".repeat(70_000) });
    let length = huge.to_string().len().to_string();
    let response = member
        .with("content-length", length)
        .call("watch-tokens", &huge)
        .await;
    assert_eq!(response.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(tokens(&server).await, []);
}

#[tokio::test]
async fn the_eleventh_token_is_409_and_names_the_limit() {
    let server = TestServer::on_sqlite().await;
    let member = server.session(MEMBER).await;
    let create = json!({ "organisation_id": SUMMIT });
    for _ in 0..10 {
        assert_eq!(
            member.call("create-token", &create).await.status,
            StatusCode::OK
        );
    }
    let response = member.call("create-token", &create).await;
    assert_eq!(response.status, StatusCode::CONFLICT);
    assert_eq!(response.text, r#""TokenLimitReached""#);
}

#[tokio::test]
async fn the_list_of_tokens_holds_the_tables_fields_and_only_the_preview_of_a_secret() {
    let server = TestServer::on_sqlite().await;
    let made = [server.token().await, server.token().await];
    let member = server.session(MEMBER).await;
    let response = member
        .call("watch-tokens", &json!({ "organisation_id": SUMMIT }))
        .await;
    let list = response.json();
    let rows = list["rows"].as_array().expect("a list");
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert_eq!(
            keys(row),
            [
                "accepted",
                "created_at",
                "first_call",
                "in_use",
                "is_idle",
                "last_used",
                "refused",
                "token",
                "week_bar"
            ]
        );
        assert_eq!(keys(&row["created_at"]), ["exact", "text", "utc"]);
        assert_eq!(
            keys(&row["token"]),
            [
                "created_at",
                "created_by",
                "creator_left",
                "id",
                "last_used",
                "name",
                "preview",
                "status"
            ]
        );
    }
    for token in made {
        assert!(response.text.contains(&token.secret[..5]));
        assert!(!response.text.contains(&token.secret[..6]));
    }
}

/// The keys of an object, in alphabetical order.
fn keys(object: &Value) -> Vec<&str> {
    let object = object.as_object().expect("an object");
    let mut keys: Vec<_> = object.keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn the_token_test_gets_the_guards_refusal_of_a_malformed_token() {
    let server = TestServer::on_sqlite().await;
    let member = server.session(MEMBER).await;
    let long = "0".repeat(10_000);
    for (secret, code) in [
        ("", "token_missing"),
        ("x", "token_invalid"),
        ("é", "token_invalid"),
        ("two\r\nX-API-Key: lines", "token_invalid"),
        (&long, "token_invalid"),
    ] {
        let data = json!({ "organisation_id": SUMMIT, "event_id": 456, "secret": secret });
        let response = member.call("test-token", &data).await;
        assert_eq!(response.json()["code"], code, "{}", &secret.len());
    }
}
