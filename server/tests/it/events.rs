//! `GET /events` (contract, sections 5 and 6).

use serde_json::{Value, json};

use crate::support::{client::Client, server::TestServer};

async fn page(client: &Client, query: &str) -> (Vec<Value>, Value) {
    let response = client.get(&format!("/903/events{query}")).await;
    response.assert_success();
    assert_eq!(response.message(), "Records for events");
    let mut data = response.data();
    let keys: Vec<_> = data
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    assert_eq!(keys, ["events", "pagination"]);
    let pagination = data["pagination"].take();
    match data["events"].take() {
        Value::Array(events) => (events, pagination),
        other => panic!("no list: {other}"),
    }
}

#[tokio::test]
async fn an_event_has_the_contracts_fields_and_a_time_zone() {
    let (_server, client) = TestServer::with_client().await;
    let (events, _) = page(&client, "?page_size=100").await;
    let marathon = events.iter().find(|event| event["event_id"] == 456);
    assert_eq!(
        marathon.expect("listed"),
        &json!({
            "event_id": 456,
            "event_name": "Summit Marathon 2026",
            "event_slug": "summit-marathon-2026",
            "event_date": "2026-01-19T06:00:00",
            "status": "active",
            "cover_image": null,
            "time_zone": "Europe/London"
        })
    );
}

#[tokio::test]
async fn the_list_holds_all_87_events_newest_first_including_drafts_and_no_foreign_event() {
    let (_server, client) = TestServer::with_client().await;
    let (events, pagination) = page(&client, "?page_size=100").await;
    assert_eq!((events.len(), &pagination["total"]), (87, &json!(87)));
    let dates: Vec<_> = events
        .iter()
        .map(|event| event["event_date"].as_str())
        .collect();
    assert!(dates.is_sorted_by(|newer, older| newer >= older));
    assert_eq!(events[0]["event_id"], 789);
    assert_eq!(events[0]["status"], "draft");
    assert!(events.iter().all(|event| event["event_id"] != 556));
}

#[tokio::test]
async fn events_of_one_date_are_ordered_by_id_and_events_without_date_come_last() {
    let (server, client) = TestServer::with_client().await;
    let one_date = "UPDATE events SET date = '2030-01-01T00:00:00' WHERE id IN (457, 1001, 456);";
    let no_date = "UPDATE events SET date = NULL WHERE id IN (1003, 1002)";
    server.database.sql(&format!("{one_date}{no_date}")).await;
    let (events, _) = page(&client, "?page_size=100").await;
    let ids: Vec<_> = events
        .iter()
        .filter_map(|event| event["event_id"].as_i64())
        .collect();
    assert_eq!(ids[..3], [456, 457, 1001]);
    assert_eq!(ids[85..], [1002, 1003]);
    assert_eq!(events[86]["event_date"], Value::Null);
}

#[tokio::test]
async fn a_page_has_ten_events_by_default() {
    let (_server, client) = TestServer::with_client().await;
    let (events, mut pagination) = page(&client, "").await;
    assert_eq!(events.len(), 10);
    assert!(pagination["nextCursor"].take().is_string());
    assert_eq!(
        pagination,
        json!({
            "total": 87, "currentPage": 1, "totalPages": 9,
            "hasNextPage": true, "hasPreviousPage": false, "page_size": 10, "nextCursor": null
        })
    );
}

#[tokio::test]
async fn the_pages_add_up_to_the_whole_list() {
    let (_server, client) = TestServer::with_client().await;
    let (all, _) = page(&client, "?page_size=100").await;
    let mut walked = Vec::new();
    for number in 1.. {
        let (events, pagination) = page(&client, &format!("?page={number}&page_size=30")).await;
        walked.extend(events);
        assert_eq!(pagination["currentPage"], number);
        assert_eq!(pagination["hasPreviousPage"], number > 1);
        if pagination["hasNextPage"] == false {
            assert_eq!(number, 3);
            break;
        }
    }
    assert_eq!(walked, all);
}

#[tokio::test]
async fn a_page_past_the_end_is_empty_and_has_a_previous_page() {
    let (_server, client) = TestServer::with_client().await;
    let (events, pagination) = page(&client, "?page=10").await;
    assert!(events.is_empty());
    assert_eq!(
        pagination,
        json!({
            "total": 87, "currentPage": 10, "totalPages": 9,
            "hasNextPage": false, "hasPreviousPage": true, "page_size": 10, "nextCursor": null
        })
    );
}

#[tokio::test]
async fn an_organisation_without_events_has_zero_pages() {
    let (server, client) = TestServer::with_client().await;
    server
        .database
        .sql(
            "DELETE FROM photo_bibs; DELETE FROM photo_blocks; DELETE FROM photos;
             DELETE FROM event_settings; DELETE FROM events",
        )
        .await;
    for query in ["", "?page=3"] {
        let (events, pagination) = page(&client, query).await;
        assert!(events.is_empty());
        assert_eq!(
            pagination,
            json!({
                "total": 0, "currentPage": 0, "totalPages": 0,
                "hasNextPage": false, "hasPreviousPage": false, "page_size": 10,
                "nextCursor": null
            })
        );
    }
}

#[tokio::test]
async fn an_invalid_query_is_422_and_names_each_wrong_field() {
    let (_server, client) = TestServer::with_client().await;
    let page = "page: must be a whole number from 1";
    let size = "page_size: must be a whole number from 1 to 100";
    let both = format!("{page}; {size}");
    for (query, message) in [
        ("page=0", page),
        ("page=-1", page),
        ("page=1.5", page),
        ("page=one", page),
        ("page=", page),
        ("page", page),
        ("page=+1", page),
        ("page=9223372036854775808", page),
        ("page=9223372036854775807", page),
        ("page_size=0", size),
        ("page_size=101", size),
        ("page_size=ten", size),
        ("page=0&page_size=101", &both),
        ("page_size=&page=x", &both),
        ("page=1&page=1", "page: must be sent once"),
        (
            "page=1&page=2&page_size=0",
            &format!("page: must be sent once; {size}"),
        ),
    ] {
        let response = client.get(&format!("/903/events?{query}")).await;
        response.assert_refused(422, "invalid_request");
        assert_eq!(response.message(), message, "{query}");
    }
}

#[tokio::test]
async fn unknown_query_parameters_are_ignored() {
    let (_server, client) = TestServer::with_client().await;
    for query in [
        "?utm=x",
        "?Page=0",
        "?page=1&&x=%ff",
        "?page=%31&page_size=100",
    ] {
        page(&client, query).await;
    }
}
