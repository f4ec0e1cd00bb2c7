//! Pages, receipts and flash messages have the times of the reader's zone.

use serde_json::json;

use crate::support::{browser::Browser, server::TestServer};

/// The server's clock stands at 06:00 UTC.
async fn times(zone: Option<&str>) -> (String, String, String) {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let mut browser = Browser::signed_in(&server).await;
    if let Some(zone) = zone {
        browser.plant_foreign("developer-zone-time-zone", zone);
    }
    let path = format!("/developer-zone/tokens/{}", token.id);
    let page = browser.get(&path).await.text;
    let change = json!({ "organisation_id": 903, "token_id": token.id });
    let done = browser.change("deactivate-token", change).await.json();
    let words = done["words"].as_str().expect("words").to_owned();
    let id = token.id.to_string();
    let fields = [("organisation_id", "903"), ("token_id", &id)];
    browser.form("deactivate-token", &fields).await;
    let flash = browser.get(&path).await.text;
    (page, words, flash)
}

#[tokio::test]
async fn all_times_are_in_the_zone_of_the_cookie() {
    let (page, words, flash) = times(Some("Asia/Tokyo")).await;
    for text in [
        "19 Jan 2026, 15:00",
        "Monday 19 January 2026, 15:00:00 (Asia/Tokyo, UTC+09:00)",
        "Times are in Asia/Tokyo.",
        "datetime=\"2026-01-19T06:00:00.000Z\"",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(words.contains("everywhere at 15:00:00."), "{words}");
    assert!(flash.contains("everywhere at 15:00:00."), "{flash}");
}

#[tokio::test]
async fn without_a_cookie_all_times_are_in_utc_and_say_so() {
    for zone in [None, Some("Mars/Olympus")] {
        let (page, words, flash) = times(zone).await;
        assert!(page.contains("19 Jan 2026, 06:00"), "{page}");
        assert!(page.contains("Times are in UTC."), "{page}");
        assert!(words.contains("everywhere at 06:00:00 UTC."), "{words}");
        assert!(flash.contains("everywhere at 06:00:00 UTC."), "{flash}");
    }
}
