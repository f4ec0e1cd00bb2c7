//! What the token table asks of the server: names, and the poll by which it stays up to date.

use http::StatusCode;
use model::{organisation::OrganisationId, token::TokenName};
use serde_json::{Value, json};
use store::{TokenAuthority, clock::Clock, sessions::IDLE_END};

use crate::{sign_in::Browser, zone::Zone};

const OPERATOR: TokenAuthority<'static> = TokenAuthority::Operator(OrganisationId(903));

async fn watch(browser: &mut Browser, seen: Option<&str>) -> Value {
    let data = json!({ "organisation_id": 903, "seen": seen });
    let answer = browser.ask("watch-tokens", data).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

fn fingerprint(rows: &Value) -> String {
    let fingerprint = rows["fingerprint"].as_str();
    fingerprint.expect("a fingerprint").to_owned()
}

#[tokio::test]
async fn a_page_that_watches_is_told_of_each_change_once_and_of_nothing_else() {
    let zone = Zone::on_sqlite().await;
    let token = zone.token().await;
    let mut browser = Browser::signed_in(&zone).await;
    let mut seen = fingerprint(&watch(&mut browser, None).await);
    let tokens = zone.store.tokens();
    for change in 0..5 {
        assert_eq!(
            watch(&mut browser, Some(&seen)).await,
            Value::Null,
            "{change}"
        );
        match change {
            0 => zone.set_active(&token, false).await,
            1 => {
                let name = TokenName::parse("<b>Kiosk</b>").ok();
                tokens
                    .rename(OPERATOR, token.id, name)
                    .await
                    .expect("renamed");
            }
            2 => drop(zone.token().await),
            3 => {
                zone.store.usage().count(token.id, zone.clock.now(), None);
                zone.store.usage().flush().await.expect("flushed");
            }
            _ => zone.delete(&token).await,
        }
        let rows = watch(&mut browser, Some(&seen)).await;
        let whole = watch(&mut browser, None).await;
        assert_eq!(rows, whole, "the whole list, whatever has changed");
        seen = fingerprint(&rows);
    }
}

#[tokio::test]
async fn a_tab_that_watches_is_signed_out_when_nobody_has_used_it() {
    let zone = Zone::on_sqlite().await;
    let mut browser = Browser::signed_in(&zone).await;
    let hour = 60 * 60 * 1_000;
    let hours = i64::try_from(IDLE_END.as_secs()).expect("small") / 3_600;
    for _ in 1..hours {
        zone.clock.advance(hour);
        watch(&mut browser, None).await;
    }
    zone.clock.advance(hour);
    let data = json!({ "organisation_id": 903 });
    let answer = browser.ask("watch-tokens", data).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.json(), "SessionEnded");
}

#[tokio::test]
async fn a_name_is_taken_trimmed_or_refused_in_words() {
    let zone = Zone::on_sqlite().await;
    let mut browser = Browser::signed_in(&zone).await;
    let create = |name: Value| json!({ "organisation_id": 903, "name": name });
    let mut made = Vec::new();
    for (name, kept) in [
        (json!(" Website gallery "), json!("Website gallery")),
        (json!("  "), Value::Null),
        (Value::Null, Value::Null),
    ] {
        let answer = browser.ask("create-token", create(name)).await.json();
        assert_eq!(answer["row"]["token"]["name"], kept);
        made.push(answer["row"]["token"]["id"].clone());
    }
    let rename = |name: &str| json!({ "organisation_id": 903, "token_id": made[1], "name": name });
    let renamed = browser.ask("rename-token", rename(" Kiosk ")).await.json();
    assert_eq!(renamed["name"], "Kiosk");
    let before = watch(&mut browser, None).await;
    for (name, problem) in [
        ("x".repeat(61), "TooLong"),
        ("a\u{202e}b".to_owned(), "Unseen"),
        ("a\r\nb".to_owned(), "Unseen"),
    ] {
        for answer in [
            browser.ask("create-token", create(json!(name))).await,
            browser.ask("rename-token", rename(&name)).await,
        ] {
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(answer.json(), json!({ "TokenName": problem }));
        }
    }
    assert_eq!(watch(&mut browser, None).await, before);
}
