//! The form of answers (contract, section 4). That each has three keys, its code and its headers is
//! looked at in every test, by the client itself; here is what only some answers show.

use std::collections::BTreeSet;

use axum::body::Body;
use http::Method;
use model::permission::Refusal;

use crate::zone::Zone;

#[tokio::test]
async fn an_error_is_three_keys_with_no_data() {
    let zone = Zone::on_sqlite().await;
    let answer = zone.anonymous().get("/903/events").await;
    let message = Refusal::TokenMissing.message();
    let expected = format!(r#"{{"responseType":"error","message":"{message}","data":null}}"#);
    assert_eq!(answer.text, expected);
}

/// The client checks the form of each of these answers.
#[tokio::test]
async fn every_status_that_the_api_gives_comes_in_the_envelope() {
    let zone = Zone::on_sqlite().await;
    let token = zone.token().await;
    let client = zone.key(&token.secret);
    let large = vec![b'x'; 64 * 1024 + 1];
    let faces = "/903/event/456/faces";
    let mut answers = vec![
        client.get("/903/events").await,
        zone.anonymous().get("/903/events").await,
        client.get("/904/events").await,
        client.get("/903/nothing").await,
        client.send(Method::POST, "/903/events").await,
        client.send_body(Method::POST, faces, large).await,
        client.get("/903/events?page=0").await,
    ];
    zone.store.close().await;
    answers.push(client.get("/903/events").await);
    let other = Zone::on_sqlite().await;
    let token = other.token().await;
    other.clock.break_down();
    answers.push(other.key(&token.secret).get("/903/events").await);

    let statuses: BTreeSet<_> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    let all = BTreeSet::from([200, 401, 403, 404, 405, 413, 422, 500, 503]);
    assert_eq!(statuses, all);
}

#[tokio::test]
async fn a_body_of_64_kib_is_taken_and_a_larger_one_refused() {
    let zone = Zone::on_sqlite().await;
    let token = zone.token().await;
    let client = zone.key(&token.secret);
    for (length, status, code) in [
        (64 * 1024, 403, "feature_disabled"),
        (64 * 1024 + 1, 413, "body_too_large"),
    ] {
        let body = Body::from(vec![b'x'; length]);
        let answer = client
            .send_body(Method::POST, "/903/event/456/faces", body)
            .await;
        answer.assert_refused(status, code);
    }
}

#[tokio::test]
async fn a_callers_own_request_id_comes_back_if_it_is_a_sane_one() {
    let zone = Zone::on_sqlite().await;
    let longest = "x".repeat(64);
    for own in ["1", "trace/7f:{a}~", &longest] {
        let answer = zone
            .anonymous()
            .with("x-request-id", own)
            .get("/903/events")
            .await;
        assert_eq!(answer.header("x-request-id"), Some(own));
    }
}

#[tokio::test]
async fn a_request_id_that_is_not_sane_is_replaced_by_one_of_ours() {
    let zone = Zone::on_sqlite().await;
    let too_long = "x".repeat(65);
    let mut names = BTreeSet::new();
    for odd in ["", "two words", "é", &too_long] {
        let client = zone.anonymous().with("x-request-id", odd);
        let answer = client.get("/903/events").await;
        let name = answer.header("x-request-id").expect("a name").to_owned();
        assert_ne!(name, odd);
        assert!(names.insert(name), "given twice");
    }
    let twice = zone
        .anonymous()
        .and("x-request-id", "one")
        .and("x-request-id", "two");
    let answer = twice.get("/903/events").await;
    assert_eq!(answer.headers.get_all("x-request-id").iter().count(), 1);
    let name = answer.header("x-request-id").expect("a name");
    assert!(name != "one" && name != "two");
}
