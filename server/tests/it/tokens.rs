//! The tokens page: polling, names, the forms for use without script, and a token's own page.

use http::StatusCode;
use model::{
    organisation::{OrganisationId, Plan},
    session::FLASH_COOKIE,
    token::TokenName,
    user::Email,
};
use serde_json::{Value, json};
use store::{Store, TokenPermission, clock::Clock, sessions::IDLE_TIMEOUT};

use crate::support::{
    DEMO_PASSWORD,
    browser::Browser,
    client::Response,
    server::{CONFIRM_AFTER, TestServer},
};

const OPERATOR: TokenPermission<'static> = TokenPermission::Operator(OrganisationId(903));

async fn watch(browser: &mut Browser, seen: Option<&str>) -> Value {
    let data = json!({ "organisation_id": 903, "seen": seen });
    let response = browser.ask("watch-tokens", data).await;
    assert_eq!(response.status, StatusCode::OK, "{}", response.text);
    response.json()
}

fn fingerprint(rows: &Value) -> String {
    let fingerprint = rows["fingerprint"].as_str();
    fingerprint.expect("a fingerprint").to_owned()
}

#[tokio::test]
async fn a_polling_page_receives_each_change_once_and_nothing_else() {
    receives_each_change(&TestServer::on_sqlite().await).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn a_polling_page_receives_changes_made_on_another_server() {
    receives_each_change(&TestServer::on_postgres().await).await;
}

/// Makes each change through another store on the same database, like another server or the command line.
async fn receives_each_change(server: &TestServer) {
    let token = server.token().await;
    let mut browser = Browser::signed_in(server).await;
    let elsewhere = Store::open(&server.database.url(), server.clock.clone()).await;
    let elsewhere = elsewhere.expect("opened");
    let mut seen = fingerprint(&watch(&mut browser, None).await);
    let tokens = elsewhere.tokens();
    for change in 0..5 {
        assert_eq!(
            watch(&mut browser, Some(&seen)).await,
            Value::Null,
            "{change}"
        );
        match change {
            0 => drop(
                tokens
                    .set_active(OPERATOR, token.id, false)
                    .await
                    .expect("done"),
            ),
            1 => {
                let name = TokenName::parse("<b>Kiosk</b>").ok();
                drop(tokens.rename(OPERATOR, token.id, name).await.expect("done"));
            }
            2 => {
                let email = Email::parse("member@example.com").expect("an address");
                let members = elsewhere.members();
                let member = members.find_by_email(&email, OrganisationId(903));
                let member = member.await.expect("a member");
                drop(tokens.create(&member, None).await.expect("done"));
            }
            3 => {
                elsewhere.usage().count(token.id, server.clock.now(), None);
                elsewhere.usage().flush().await.expect("flushed");
            }
            _ => drop(tokens.delete(OPERATOR, token.id).await.expect("done")),
        }
        let rows = watch(&mut browser, Some(&seen)).await;
        let whole = watch(&mut browser, None).await;
        assert_eq!(rows, whole, "every change returns the whole list");
        seen = fingerprint(&rows);
    }
}

#[tokio::test]
async fn polling_does_not_extend_the_session() {
    let server = TestServer::on_sqlite().await;
    let mut browser = Browser::signed_in(&server).await;
    let hour = 60 * 60 * 1_000;
    let hours = i64::try_from(IDLE_TIMEOUT.as_secs()).expect("small") / 3_600;
    for _ in 1..hours {
        server.clock.advance(hour);
        watch(&mut browser, None).await;
    }
    server.clock.advance(hour);
    let data = json!({ "organisation_id": 903 });
    let response = browser.ask("watch-tokens", data).await;
    assert_eq!(response.status, StatusCode::UNAUTHORIZED);
    assert_eq!(response.json(), "SessionEnded");
}

#[tokio::test]
async fn a_name_is_trimmed_or_refused_with_a_reason() {
    let server = TestServer::on_sqlite().await;
    let mut browser = Browser::signed_in(&server).await;
    let create = |name: Value| json!({ "organisation_id": 903, "name": name });
    let mut made = Vec::new();
    for (typed, stored) in [
        (json!(" Website gallery "), json!("Website gallery")),
        (json!("  "), Value::Null),
        (Value::Null, Value::Null),
    ] {
        let response = browser.change("create-token", create(typed)).await.json();
        assert_eq!(response["row"]["token"]["name"], stored);
        made.push(response["row"]["token"]["id"].clone());
    }
    let rename = |name: &str| json!({ "organisation_id": 903, "token_id": made[1], "name": name });
    let renamed = browser
        .change("rename-token", rename(" Kiosk "))
        .await
        .json();
    assert_eq!(renamed["name"], "Kiosk");
    let before = watch(&mut browser, None).await;
    for (name, problem) in [
        ("x".repeat(61), "TooLong"),
        ("a\u{202e}b".to_owned(), "Invisible"),
        ("a\r\nb".to_owned(), "Invisible"),
    ] {
        for response in [
            browser.change("create-token", create(json!(name))).await,
            browser.change("rename-token", rename(&name)).await,
        ] {
            assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(response.json(), json!({ "TokenName": problem }));
        }
    }
    assert_eq!(watch(&mut browser, None).await, before);
}

/// The text of a page from `before` to the next quotation mark or tag.
fn shown<'a>(page: &'a str, before: &str) -> &'a str {
    let (_, rest) = page
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {page}"));
    rest.split(['"', '<']).next().unwrap_or_default()
}

const NEW_TOKEN: &str = "/developer-zone/tokens/new";

async fn form_number(browser: &mut Browser) -> String {
    let page = browser.get(NEW_TOKEN).await;
    assert_eq!(page.status, StatusCode::OK);
    shown(&page.text, "name=\"form_number\" value=\"").to_owned()
}

async fn send(browser: &mut Browser, number: &str, more: &[(&str, &str)]) -> Response {
    let mut fields = vec![("organisation_id", "903"), ("form_number", number)];
    fields.extend(more);
    browser.form_to(NEW_TOKEN, &fields).await
}

async fn count(server: &TestServer) -> usize {
    let listed = server.store.tokens().list(OPERATOR).await;
    listed.expect("listed").len()
}

#[tokio::test]
async fn a_form_creates_one_token_even_if_it_is_sent_again() {
    let server = TestServer::on_sqlite().await;
    let mut browser = Browser::signed_in(&server).await;
    let number = form_number(&mut browser).await;
    let made = send(&mut browser, &number, &[("name", " Kiosk & <b>co</b> ")]).await;
    assert_eq!(made.status, StatusCode::OK);
    let token = shown(&made.text, "token-text\">");
    assert_eq!(token.len(), 46, "{}", made.text);
    assert!(
        made.text.contains("Kiosk &amp; &lt;b&gt;co"),
        "{}",
        made.text
    );
    server
        .key(token)
        .get("/903/event/456/ping")
        .await
        .assert_success();
    for _ in 0..2 {
        let again = send(&mut browser, &number, &[]).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
        assert!(
            again.text.contains("This form was used already"),
            "{}",
            again.text
        );
        assert!(!again.text.contains(&token[..6]));
    }
    assert_eq!(count(&server).await, 1);
    let mut other = Browser::signed_in(&server).await;
    let number = form_number(&mut browser).await;
    let foreign = send(&mut other, &number, &[]).await;
    assert_eq!(
        foreign.status,
        StatusCode::CONFLICT,
        "the form of another browser"
    );
    assert_eq!(count(&server).await, 1);
}

#[tokio::test]
async fn a_form_with_a_mistake_shows_the_reason_and_can_be_sent_again() {
    let server = TestServer::on_sqlite().await;
    let mut browser = Browser::signed_in(&server).await;
    let long = "x".repeat(61);
    let number = form_number(&mut browser).await;
    let refused = send(&mut browser, &number, &[("name", &long)]).await;
    assert_eq!(
        (refused.status, refused.location()),
        (StatusCode::SEE_OTHER, NEW_TOKEN)
    );
    let page = browser.get(NEW_TOKEN).await.text;
    assert!(
        page.contains("The name is too long.") && page.contains(&long),
        "{page}"
    );
    let page = browser.get(NEW_TOKEN).await.text;
    assert!(
        !page.contains("The name is too long."),
        "the message is shown once"
    );

    let later = i64::try_from(CONFIRM_AFTER.as_millis()).expect("small");
    server.clock.advance(later + 1);
    assert!(
        browser
            .get(NEW_TOKEN)
            .await
            .text
            .contains("name=\"password\"")
    );
    for (password, message) in [
        ("", "Confirm your password"),
        ("not the password", "Incorrect password."),
    ] {
        let fields = [("name", "Kiosk"), ("password", password)];
        let refused = send(&mut browser, &number, &fields).await;
        assert_eq!(refused.status, StatusCode::SEE_OTHER);
        let page = browser.get(NEW_TOKEN).await.text;
        assert!(
            page.contains(message) && page.contains("value=\"Kiosk\""),
            "{page}"
        );
    }
    assert_eq!(count(&server).await, 0);
    let right = [("password", DEMO_PASSWORD)];
    let made = send(&mut browser, &number, &right).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text);
    assert_eq!(count(&server).await, 1);
}

#[tokio::test]
async fn a_form_without_permission_creates_nothing() {
    let server = TestServer::on_sqlite().await;
    let mut browser = Browser::signed_in(&server).await;
    let number = form_number(&mut browser).await;
    let stranger = send(&mut Browser::without_address(&server), &number, &[]).await;
    assert_eq!(
        stranger.location(),
        "/sign-in?next=%2Fdeveloper-zone%2Ftokens%2Fnew"
    );
    let elsewhere = [("organisation_id", "904"), ("form_number", &number)];
    let foreign = browser.form_to(NEW_TOKEN, &elsewhere).await;
    assert_eq!(foreign.status, StatusCode::SEE_OTHER);
    for _ in 0..10 {
        server.token().await;
    }
    let full = send(&mut browser, &number, &[]).await;
    assert_eq!(full.location(), NEW_TOKEN);
    let page = browser.get(NEW_TOKEN).await.text;
    assert!(
        page.contains("You have reached the limit of 10 tokens."),
        "{page}"
    );
    server.set_plan(Plan::Pro).await;
    let number = "0".repeat(32);
    let locked = send(&mut browser, &number, &[]).await;
    assert_eq!(locked.status, StatusCode::CONFLICT);
    assert_eq!(count(&server).await, 10);
}

#[tokio::test]
async fn a_tokens_page_is_only_its_organisations_and_its_forms_report_what_they_did() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let foreign = server.token_of("other@example.com", 904).await;
    let mut browser = Browser::signed_in(&server).await;
    let page = format!("/developer-zone/tokens/{}", token.id);
    let id = token.id.to_string();
    let fields = |more: &[(&'static str, &'static str)]| {
        let mut fields = vec![
            ("organisation_id", "903".to_owned()),
            ("token_id", id.clone()),
        ];
        fields.extend(
            more.iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        fields
    };
    for (name, more, message) in [
        (
            "rename-token",
            ("name", "<i>Kiosk</i>"),
            "The name was changed.",
        ),
        (
            "deactivate-token",
            ("in_table", "false"),
            "*** is inactive. Deactivated everywhere at",
        ),
        ("activate-token", ("in_table", "false"), "*** is active."),
    ] {
        let fields = fields(&[more]);
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let response = browser.form(name, &fields).await;
        assert_eq!(
            (response.status, response.location()),
            (StatusCode::SEE_OTHER, page.as_str())
        );
        let html = browser.get(&page).await.text;
        assert!(html.contains(message), "{html}");
        assert!(
            html.contains("&lt;i&gt;Kiosk") && !html.contains("<i>"),
            "{html}"
        );
        assert!(
            !browser.get(&page).await.text.contains(message),
            "the message is shown once"
        );
    }
    for path in [foreign.id.to_string(), "4711".to_owned(), "x".to_owned()] {
        let response = browser.get(&format!("/developer-zone/tokens/{path}")).await;
        assert_eq!(response.status, StatusCode::NOT_FOUND, "{path}");
        assert!(response.text.contains("Token not found"), "{path}");
    }
    let fields = fields(&[]);
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let response = browser.form("delete-token", &fields).await;
    assert_eq!(response.location(), "/developer-zone");
    assert_eq!(browser.get(&page).await.status, StatusCode::NOT_FOUND);
    assert_eq!(count(&server).await, 0);
}

#[tokio::test]
async fn a_planted_flash_message_or_one_of_another_session_is_not_shown() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let (mut victim, mut attacker) = (
        Browser::signed_in(&server).await,
        Browser::signed_in(&server).await,
    );
    let page = format!("/developer-zone/tokens/{}", token.id);
    let id = token.id.to_string();
    let typed = "Call 555 0100 ".repeat(5);
    let fields = [
        ("organisation_id", "903"),
        ("token_id", id.as_str()),
        ("name", typed.as_str()),
    ];
    let refused = attacker.form("rename-token", &fields).await;
    assert_eq!(refused.location(), page);
    let genuine = attacker.cookie(FLASH_COOKIE).expect("a flash message");
    let (_, unsigned) = genuine.split_at(64);
    let old_form = "%5B%22/developer-zone%22%2C%7B%22Activated%22%3A%22Call%20555%200100%22%7D%5D";
    for (name, planted) in [
        (FLASH_COOKIE, genuine.as_str()),
        (FLASH_COOKIE, unsigned),
        (FLASH_COOKIE, &format!("{}{unsigned}", "0".repeat(64))),
        ("token-notice", old_form),
    ] {
        victim.plant(name, planted);
        for path in [page.as_str(), "/developer-zone", "/account"] {
            let shown = victim.get(path).await;
            assert_eq!(shown.status, StatusCode::OK);
            assert!(!shown.text.contains("555 0100"), "{planted}");
            assert!(!shown.text.contains("id=\"flash-message\""), "{planted}");
        }
    }
    let own = attacker.get(&page).await.text;
    assert!(
        own.contains("555 0100") && own.contains("The name is too long."),
        "{own}"
    );
    assert_eq!(attacker.cookie(FLASH_COOKIE), None, "shown once");

    attacker.form("rename-token", &fields).await;
    server.clock.advance(60_000);
    assert!(
        !attacker.get(&page).await.text.contains("555 0100"),
        "expired"
    );
}

#[tokio::test]
async fn an_error_of_a_plain_form_is_written_into_no_address() {
    let server = TestServer::on_sqlite().await;
    let mut browser = Browser::signed_in(&server).await;
    let fields = [("organisation_id", "903"), ("token_id", "4711")];
    for (name, field, page) in [
        (
            "deactivate-token",
            ("in_table", "false"),
            "/developer-zone/tokens/4711",
        ),
        ("activate-token", ("in_table", "true"), "/developer-zone"),
        (
            "rename-token",
            ("name", "Kiosk"),
            "/developer-zone/tokens/4711",
        ),
        (
            "delete-token",
            ("password", ""),
            "/developer-zone/tokens/4711",
        ),
    ] {
        let fields = [&fields[..], &[field]].concat();
        let mut browser = browser
            .clone()
            .with("referer", "http://api.9pic.ai/developer-zone");
        let answer = browser.form(name, &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{name}");
        assert_eq!(answer.location(), page);
    }
    let unreadable = browser.form("rename-token", &fields).await;
    assert_eq!(unreadable.status, StatusCode::BAD_REQUEST);
    assert!(!unreadable.headers.contains_key("location"));
}
