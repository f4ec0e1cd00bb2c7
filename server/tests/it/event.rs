//! `ping` and `details` (contract, section 6).

use serde_json::json;

use crate::support::server::TestServer;

#[tokio::test]
async fn ping_succeeds_for_every_configured_event_including_drafts() {
    let (_server, client) = TestServer::with_client().await;
    for event in [456, 458, 789, 1001] {
        let response = client.get(&format!("/903/event/{event}/ping")).await;
        response.assert_success();
        assert_eq!(response.message(), "pong");
        let expected = json!({ "status": "ok", "org_id": 903, "event_id": event });
        assert_eq!(response.data(), expected);
    }
}

#[tokio::test]
async fn details_show_the_event_and_its_switches() {
    let (_server, client) = TestServer::with_client().await;
    let response = client.get("/903/event/456/details").await;
    response.assert_success();
    assert_eq!(response.message(), "Event details");
    assert_eq!(
        response.text.split_once(r#""data":"#).map(|(_, data)| data),
        Some(concat!(
            r#"{"event_id":456,"event_name":"Summit Marathon 2026","event_slug":"summit-marathon-2026","#,
            r#""event_date":"2026-01-19T06:00:00","time_zone":"Europe/London","status":"active","#,
            r#""event_enabled":true,"bib_search":true,"selfie_search":true,"name_search":true,"video_search":true,"video_selfie_search":true,"#,
            r#""timeline_search":true}}"#
        ))
    );
    let off = client.get("/903/event/458/details").await.data();
    for switch in [
        "event_enabled",
        "bib_search",
        "video_selfie_search",
        "timeline_search",
    ] {
        assert_eq!(off[switch], false, "{switch}");
    }
    let draft = client.get("/903/event/789/details").await.data();
    assert_eq!(draft["status"], "draft");
}

#[tokio::test]
async fn clips_by_face_are_off_when_videos_are_off() {
    let (server, client) = TestServer::with_client().await;
    server
        .database
        .sql("UPDATE event_settings SET video_search = FALSE WHERE event_id = 456")
        .await;
    let details = client.get("/903/event/456/details").await.data();
    assert_eq!(details["video_search"], false);
    assert_eq!(details["video_selfie_search"], false);
    assert_eq!(details["selfie_search"], true);
}

#[tokio::test]
async fn a_missing_name_slug_date_or_time_zone_is_null() {
    let (server, client) = TestServer::with_client().await;
    server
        .database
        .sql("UPDATE events SET name = NULL, slug = NULL, date = NULL, time_zone = NULL WHERE id = 456")
        .await;
    let details = client.get("/903/event/456/details").await.data();
    for field in ["event_name", "event_slug", "event_date", "time_zone"] {
        assert!(details[field].is_null(), "{field}");
    }
}

/// RFC 3986: `%39` and `9` are the same.
#[tokio::test]
async fn an_id_may_have_escapes_and_leading_zeros() {
    let (_server, client) = TestServer::with_client().await;
    for path in [
        "/%3903/event/456/ping",
        "/0903/event/00456/ping",
        "/903/event/4%356/ping",
    ] {
        let response = client.get(path).await;
        response.assert_success();
        assert_eq!(response.data()["org_id"], 903);
    }
}
