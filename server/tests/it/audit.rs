//! The audit trail: what the dashboard records, who may read it, and its CSV file.

use axum::body::Body;
use http::{HeaderMap, Method, StatusCode};
use model::{
    audit::{Actor, Cursor, Entry, Filter, Kind},
    organisation::Plan,
    session::SESSION_COOKIE,
};
use serde_json::json;
use store::AuditPermission;

use crate::support::{DEMO_PASSWORD, client::Client, server::TestServer};

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0";

/// A browser with an IP address and a user agent, not signed in.
fn browser(server: &TestServer) -> Client {
    let client = server.anonymous().without("host").at("203.0.113.7");
    client.with("user-agent", BROWSER)
}

async fn try_sign_in(client: &Client, email: &str, password: &str) -> HeaderMap {
    let email = email.replace('@', "%40");
    let form = format!("email={email}&password={password}");
    let response = client.form("sign-in", &form).await;
    assert_eq!(response.status, StatusCode::SEE_OTHER);
    response.headers
}

async fn signed_in(server: &TestServer, email: &str) -> Client {
    let headers = try_sign_in(&browser(server), email, DEMO_PASSWORD).await;
    assert_eq!(headers["location"], "/");
    let cookie = headers["set-cookie"].to_str().expect("a text");
    let (cookie, _) = cookie.split_once(';').expect("attributes");
    browser(server).with("cookie", cookie)
}

/// Loads the activity page, which shows the organisation that the client has selected.
async fn activity(client: &Client, query: &str) -> (StatusCode, String) {
    let target = format!("/developer-zone/activity?{query}");
    let response = client.fetch(Method::GET, &target, Body::empty()).await;
    (response.status, response.text)
}

async fn file(client: &Client, query: &str) -> (StatusCode, HeaderMap, String) {
    let target = format!("/developer-zone/activity.csv?{query}");
    let response = client.fetch(Method::GET, &target, Body::empty()).await;
    (response.status, response.headers, response.text)
}

async fn everything(server: &TestServer) -> Vec<Entry> {
    let audit = server.store.audit();
    let operator = AuditPermission::Operator(None);
    let page = audit
        .list(operator, Filter::default(), Cursor::Newest, 100)
        .await;
    page.expect("listed").entries
}

#[tokio::test]
async fn sign_in_and_sign_out_are_recorded_with_ip_address_and_user_agent() {
    let server = TestServer::on_sqlite().await;
    let client = browser(&server);
    try_sign_in(&client, "member@example.com", "wrong").await;
    try_sign_in(&client, "nobody@example.com", "wrong").await;
    try_sign_in(&client, "no address", "wrong").await;
    let member = signed_in(&server, "member@example.com").await;
    for _ in 0..2 {
        let response = member.form("sign-out", "").await;
        assert_eq!(response.status, StatusCode::SEE_OTHER);
    }
    let entries = everything(&server).await;
    let found: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                entry.kind,
                entry.account.as_ref().map(|it| it.email.as_str()),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (Kind::SignedOut, Some("member@example.com")),
            (Kind::SignedIn, Some("member@example.com")),
            (Kind::SignInFailed, None),
            (Kind::SignInFailed, Some("member@example.com")),
        ]
    );
    for entry in entries {
        assert_eq!(entry.address.as_deref(), Some("203.0.113.7"));
        assert_eq!(entry.user_agent.as_deref(), Some(BROWSER));
    }
}

#[tokio::test]
async fn a_sign_in_that_cannot_be_recorded_fails() {
    let server = TestServer::on_sqlite().await;
    server.database
        .sql("CREATE TRIGGER broken BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'broken'); END")
        .await;
    let headers = try_sign_in(&browser(&server), "member@example.com", DEMO_PASSWORD).await;
    assert_eq!(headers["location"], "/sign-in?next=%2F");
    let cookies = headers.get_all("set-cookie").iter();
    let session = cookies.filter(|it| it.to_str().is_ok_and(|it| it.starts_with(SESSION_COOKIE)));
    assert_eq!(session.count(), 0);
}

#[tokio::test]
async fn each_change_of_a_token_is_recorded_with_user_and_ip_address() {
    let server = TestServer::on_sqlite().await;
    let member = signed_in(&server, "member@example.com").await;
    let create = json!({ "organisation_id": 903 });
    let made = member.call("create-token", &create).await.json();
    let token = &made["row"]["token"]["id"];
    let data = json!({ "organisation_id": 903, "token_id": token });
    for name in ["deactivate-token", "activate-token", "delete-token"] {
        assert_eq!(member.call(name, &data).await.status, StatusCode::OK);
    }

    let entries = everything(&server).await;
    let found: Vec<_> = entries.iter().map(|entry| entry.kind).collect();
    let expected = [
        Kind::TokenDeleted,
        Kind::TokenActivated,
        Kind::TokenDeactivated,
        Kind::TokenCreated,
        Kind::SignedIn,
    ];
    assert_eq!(found, expected);
    for entry in &entries {
        let Actor::User(actor) = &entry.actor else {
            panic!("{entry:?}");
        };
        assert_eq!(actor.email, "member@example.com");
        assert_eq!(entry.address.as_deref(), Some("203.0.113.7"));
    }
    let (_, html) = activity(&member, "").await;
    let (_, _, csv) = file(&member, "organisation=903").await;
    let secret = made["secret"].as_str().expect("a secret");
    for text in [&html, &csv, &format!("{entries:?}")] {
        assert!(text.contains(&secret[..5]), "the preview is shown");
        assert!(
            !text.contains(&secret[..6]),
            "no more than the preview is shown"
        );
        assert!(!text.contains(DEMO_PASSWORD));
    }
}

#[tokio::test]
async fn no_request_reads_the_activity_of_another_organisation_or_without_the_plan() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let member = signed_in(&server, "member@example.com").await;
    let other = signed_in(&server, "other@example.com").await;
    let trial = signed_in(&server, "trial@example.com").await;
    let filter = format!("token={}", token.id);

    let (status, html) = activity(&member, &filter).await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("created token"), "{html}");
    for (client, organisation) in [(&other, 903), (&trial, 903), (&trial, 907), (&member, 1)] {
        let (status, _, body) = file(client, &format!("organisation={organisation}")).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{body}");
        assert!(!body.contains("token"), "{body}");
    }
    // A filter with the token of another organisation finds nothing.
    let (status, html) = activity(&other, &filter).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        !html.contains("created token") && html.contains("Nothing found"),
        "{html}"
    );
    let (_, html) = activity(&trial, "").await;
    assert!(
        html.contains("Enterprise Plan Required") && !html.contains("signed in"),
        "{html}"
    );

    let (status, html) = activity(&browser(&server), "").await;
    assert_eq!((status, html.as_str()), (StatusCode::SEE_OTHER, ""));
    let (status, headers, body) = file(&browser(&server), "organisation=903").await;
    assert_eq!((status, body.as_str()), (StatusCode::SEE_OTHER, ""));
    let back = headers["location"].to_str().expect("a text");
    assert!(back.starts_with("/sign-in?next="), "{back}");
    for query in ["", "organisation=x"] {
        assert_eq!(file(&member, query).await.0, StatusCode::BAD_REQUEST);
    }

    server.set_plan(Plan::Pro).await;
    let (_, html) = activity(&member, "").await;
    assert!(
        html.contains("Enterprise Plan Required") && !html.contains("created token"),
        "{html}"
    );
    let (status, _, body) = file(&member, "organisation=903").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(body.contains("Enterprise"), "{body}");
}

#[tokio::test]
async fn the_csv_file_holds_every_row_of_the_filter_and_no_formula() {
    let server = TestServer::on_sqlite().await;
    let member = signed_in(&server, "member@example.com").await;
    let hostile = browser(&server).with("user-agent", "=HYPERLINK(\"https://evil.example\",\"a\")");
    try_sign_in(&hostile, "member@example.com", "wrong").await;
    server.database
        .sql(
            "INSERT INTO audit_entries (recorded_at, kind, actor, organisation_id, token_id, token_preview)
                WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1234)
                SELECT 1768802000000 + n / 7, 'token-paused', 'nobody', 903, n % 3, 'abcde' FROM n;
            INSERT INTO audit_audience
                SELECT id, 903, recorded_at, kind, token_id FROM audit_entries WHERE kind = 'token-paused'",
        )
        .await;
    let (status, headers, csv) = file(&member, "organisation=903&kind=token-paused&token=").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        headers["content-type"],
        "text/csv; charset=utf-8; header=present"
    );
    assert_eq!(
        headers["content-disposition"],
        "attachment; filename=\"activity-903.csv\""
    );
    assert_eq!(headers["cache-control"], "no-store, no-transform");
    assert_eq!(csv.matches("\r\n").count(), 1 + 1234);
    let rows = csv::Reader::from_reader(csv.as_bytes()).into_records();
    let times: Vec<_> = rows.map(|row| row.expect("sound")[0].to_owned()).collect();
    assert_eq!(times.len(), 1234);
    assert!(times.is_sorted_by(|newer, older| newer >= older));

    let (_, _, csv) = file(&member, "organisation=903&kind=sign-in-failed").await;
    let mut rows = csv::Reader::from_reader(csv.as_bytes()).into_records();
    let row = rows.next().expect("a row").expect("sound");
    assert_eq!(&row[10], "'=HYPERLINK(\"https://evil.example\",\"a\")");
    assert!(rows.next().is_none());
    let token = server.token().await;
    let name = model::token::TokenName::parse("=1+<i>1</i>").ok();
    let operator = store::TokenPermission::Operator(model::organisation::OrganisationId(903));
    for name in [name, None] {
        let renamed = server.store.tokens().rename(operator, token.id, name).await;
        renamed.expect("renamed");
    }
    let (_, _, csv) = file(&member, "organisation=903&kind=token-renamed").await;
    let mut rows = csv::Reader::from_reader(csv.as_bytes()).into_records();
    let row = rows.next().expect("a row").expect("sound");
    assert_eq!(&row[8], "'=1+<i>1</i>");
    let (_, html) = activity(&member, "kind=token-renamed").await;
    assert!(
        html.contains("=1+&lt;i&gt;1") && !html.contains("<i>"),
        "{html}"
    );

    let (_, html) = activity(&member, "kind=sign-in-failed").await;
    assert!(!html.contains("\"https://evil"), "{html}");
}

#[tokio::test]
async fn a_csv_file_that_cannot_be_completed_ends_with_an_error() {
    let server = TestServer::on_sqlite().await;
    let member = signed_in(&server, "member@example.com").await;
    server
        .database
        .sql("ALTER TABLE audit_audience RENAME TO gone")
        .await;
    let target = "/developer-zone/activity.csv?organisation=903";
    let request = axum::extract::Request::get(target).body(Body::empty());
    let mut request = request.expect("a request");
    *request.headers_mut() = member.headers();
    let response = tower::ServiceExt::oneshot(server.router.clone(), request).await;
    let body = response.expect("a response").into_body();
    assert!(http_body_util::BodyExt::collect(body).await.is_err());
}
