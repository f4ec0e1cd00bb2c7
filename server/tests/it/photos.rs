//! Photos: all, by bib number, by time, and links to their originals (contract, sections 5 and 6).

use http::Method;
use model::{event::EventId, organisation::OrganisationId, photo::ImageId};
use serde_json::{Value, json};
use store::EventsPermission;

use crate::support::{
    client::{Client, Response},
    server::TestServer,
};

const JSON: &str = "application/json";

fn image_ids(data: &Value) -> Vec<String> {
    let images = data["images"].as_array().expect("a list");
    let id = |image: &Value| image["image_id"].as_str().expect("a text").to_owned();
    images.iter().map(id).collect()
}

/// The image ids of all pages of a list.
async fn walk(client: &Client, path: &str) -> Vec<String> {
    let (mut ids, mut page) = (Vec::new(), 1);
    loop {
        let separator = if path.contains('?') { '&' } else { '?' };
        let response = client.get(&format!("{path}{separator}page={page}")).await;
        response.assert_success();
        let data = response.data();
        ids.extend(image_ids(&data));
        assert_eq!(data["pagination"]["currentPage"], page);
        if data["pagination"]["hasNextPage"] == false {
            return ids;
        }
        page += 1;
    }
}

async fn post(client: &Client, path: &str, body: &Value) -> Response {
    let client = client.clone().with("content-type", JSON);
    client.send_body(Method::POST, path, body.to_string()).await
}

async fn originals(client: &Client, body: Value) -> Value {
    let response = post(client, "/903/event/456/original-photos", &body).await;
    response.assert_success();
    response.data()
}

#[tokio::test]
async fn a_photo_has_the_contracts_eight_fields() {
    let (_server, client) = TestServer::with_client().await;
    let response = client.get("/903/event/456/images?page_size=1").await;
    response.assert_success();
    assert_eq!(response.message(), "Records for all images");
    let data = response.data();
    let photo = data["images"][0].as_object().expect("a photo");
    let keys: Vec<_> = photo.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "img_url",
            "height",
            "width",
            "image_id",
            "thumbnail_url",
            "original_url",
            "captured_at",
            "bibs"
        ]
    );
    assert_eq!(photo["captured_at"], "2026-01-19T06:00:00Z");
    assert_eq!(photo["bibs"], json!(["101"]));
    let mut pagination = data["pagination"].clone();
    assert!(pagination["nextCursor"].is_string());
    pagination["nextCursor"] = json!("a cursor");
    assert_eq!(
        pagination,
        json!({
            "total": 96, "currentPage": 1, "totalPages": 96,
            "hasNextPage": true, "hasPreviousPage": false, "page_size": 1,
            "nextCursor": "a cursor"
        })
    );
    let untimed = client
        .get("/903/event/456/images?page=96&page_size=1")
        .await;
    assert_eq!(untimed.data()["images"][0]["captured_at"], Value::Null);
}

#[tokio::test]
async fn pages_of_every_size_add_up_to_the_whole_list() {
    let (_server, client) = TestServer::with_client().await;
    let all = walk(&client, "/903/event/456/images").await;
    assert_eq!(all.len(), 96);
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), 96);
    for size in [1, 7, 100] {
        let path = format!("/903/event/456/images?page_size={size}");
        assert_eq!(walk(&client, &path).await, all);
    }
}

#[tokio::test]
async fn a_page_has_32_photos_by_default_and_100_at_most() {
    let (_server, client) = TestServer::with_client().await;
    let window = "from=0&to=9999999999";
    for (path, query) in [
        ("images", ""),
        ("bibs/1234", ""),
        ("timeline/images", window),
    ] {
        let get = async |more: &str| {
            let path = format!("/903/event/456/{path}?{query}&{more}");
            client.get(&path).await
        };
        assert_eq!(get("").await.data()["pagination"]["page_size"], 32);
        get("page_size=100").await.assert_success();
        for beyond in [
            "page_size=101",
            "page_size=0",
            "page=0",
            "page=x",
            "page=1&page=2",
        ] {
            get(beyond).await.assert_refused(422, "invalid_request");
        }
    }
}

#[tokio::test]
async fn an_event_without_photos_has_an_empty_page_and_a_message() {
    let (_server, client) = TestServer::with_client().await;
    let pagination = json!({
        "total": 0, "currentPage": 0, "totalPages": 0,
        "hasNextPage": false, "hasPreviousPage": false, "page_size": 32, "nextCursor": null
    });
    for path in ["images", "timeline/images?from=0&to=9999999999"] {
        let response = client.get(&format!("/903/event/1002/{path}")).await;
        response.assert_success();
        assert_eq!(response.message(), "No images found");
        assert_eq!(
            response.data(),
            json!({ "images": [], "pagination": pagination })
        );
    }
    let days = client.get("/903/event/1002/timeline/days").await;
    days.assert_success();
    assert_eq!(days.message(), "No timeline data");
    assert_eq!(days.data(), json!({ "days": [] }));
}

#[tokio::test]
async fn a_page_past_the_end_is_empty_and_keeps_its_number() {
    let (_server, client) = TestServer::with_client().await;
    let response = client.get("/903/event/456/images?page=99").await;
    response.assert_success();
    let data = response.data();
    assert_eq!(data["images"], json!([]));
    let place = &data["pagination"];
    assert_eq!(
        (&place["currentPage"], &place["totalPages"]),
        (&json!(99), &json!(3))
    );
    assert_eq!(
        (&place["hasNextPage"], &place["hasPreviousPage"]),
        (&json!(false), &json!(true))
    );
}

/// The rows of a list, read from cursor to cursor.
async fn follow(client: &Client, path: &str, rows: &str) -> Vec<Value> {
    let separator = if path.contains('?') { '&' } else { '?' };
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let response = client
            .get(&format!("{path}{separator}page_size=7{after}"))
            .await;
        response.assert_success();
        let data = response.data();
        found.extend(data[rows].as_array().expect("a list").clone());
        let pagination = &data["pagination"];
        match pagination["nextCursor"].as_str() {
            Some(cursor) => after = format!("&after={cursor}"),
            None => return found,
        }
        assert_eq!(pagination["hasNextPage"], true);
    }
}

#[tokio::test]
async fn reading_from_cursor_to_cursor_gives_the_whole_list() {
    let (_server, client) = TestServer::with_client().await;
    let window = "timeline/images?from=1768802400&to=1768900000";
    for path in ["images", "bibs/101", window] {
        let path = format!("/903/event/456/{path}");
        let all = walk(&client, &path).await;
        let followed = json!({ "images": follow(&client, &path, "images").await });
        assert!(all.len() > 1, "{path}");
        assert_eq!(image_ids(&followed), all);
    }
    assert_eq!(follow(&client, "/903/events", "events").await.len(), 87);
}

#[tokio::test]
async fn a_cursor_with_another_page_than_1_or_of_another_list_is_422_and_says_what_to_do() {
    let (server, client) = TestServer::with_client().await;
    let first = client.get("/903/event/456/images?page_size=7").await;
    let cursor = first.data()["pagination"]["nextCursor"].take();
    let cursor = cursor.as_str().expect("more photos").to_owned();
    let refused = async |path: &str, message: &str| {
        let response = client.get(path).await;
        response.assert_refused(422, "invalid_request");
        assert_eq!(response.message(), message);
    };
    refused(
        &format!("/903/event/456/images?after={cursor}&page=2"),
        "page: cannot be combined with after. Send one of them",
    )
    .await;
    let next = format!("/903/event/456/images?page_size=7&after={cursor}");
    let photos = client.get(&next).await.data();
    assert_eq!(image_ids(&photos).len(), 7);
    assert_eq!(client.get(&format!("{next}&page=1")).await.data(), photos);
    let foreign = "after: is not a cursor of this list. Send nextCursor unchanged, with the same address and \
                   filters, or begin again without after";
    for path in [
        format!("/903/event/1001/images?after={cursor}"),
        format!("/903/event/456/bibs/101?after={cursor}"),
        format!("/903/event/456/timeline/images?from=0&to=9999999999&after={cursor}"),
        format!("/903/event/456/changes?after={cursor}"),
        format!("/903/events?after={cursor}"),
        format!("/903/event/456/images?after={cursor}x"),
        "/903/event/456/images?after=".to_owned(),
    ] {
        refused(&path, foreign).await;
    }
    let twice = format!("/903/event/456/images?after={cursor}&after={cursor}&page_size=0");
    let both = "after: must be sent once; page_size: must be a whole number from 1 to 100";
    refused(&twice, both).await;

    // A cursor opens nothing.
    let path = format!("/903/event/456/images?after={cursor}");
    server
        .anonymous()
        .get(&path)
        .await
        .assert_refused(401, "token_missing");
    let other = server.token_of("other@example.com", 904).await;
    let response = server.key(&other.secret).get(&path).await;
    response.assert_refused(403, "organisation_mismatch");
}

#[tokio::test]
async fn the_changes_are_read_in_pages_and_continued_later() {
    let (server, client) = TestServer::with_client().await;
    let path = "/903/event/456/changes";
    let first = client.get(&format!("{path}?page_size=90")).await;
    first.assert_success();
    assert_eq!(first.message(), "Changes of photos");
    let data = first.data();
    assert_eq!(data["hasNextPage"], true);
    let changes = data["changes"].as_array().expect("a list");
    assert_eq!(changes.len(), 90);
    assert!(
        changes
            .iter()
            .all(|it| it["kind"] == "added" && it["image"]["image_id"] == it["image_id"])
    );
    let next = async |data: &Value| {
        let cursor = data["nextCursor"].as_str().expect("a cursor");
        let response = client.get(&format!("{path}?after={cursor}")).await;
        response.assert_success();
        response
    };
    let data = next(&data).await.data();
    assert_eq!(
        (
            &data["hasNextPage"],
            data["changes"].as_array().map(Vec::len)
        ),
        (&json!(false), Some(6))
    );

    let operator = EventsPermission::operator(OrganisationId(903));
    let names = [ImageId("IMG_0001".to_owned())];
    let photos = server.store.photos();
    let removed = photos.remove(operator, EventId(456), &names).await;
    assert_eq!(removed.expect("removed").removed, 1);
    let data = next(&data).await.data();
    let removed = json!([{ "kind": "removed", "image_id": "IMG_0001", "image": null }]);
    assert_eq!(data["changes"], removed);
    let nothing = next(&data).await;
    assert_eq!(nothing.message(), "No changes");
    assert_eq!(nothing.data()["changes"], json!([]));

    for (query, message) in [
        (
            "page_size=501",
            "page_size: must be a whole number from 1 to 500",
        ),
        (
            "after=x&page_size=0",
            "page_size: must be a whole number from 1 to 500",
        ),
    ] {
        let response = client.get(&format!("{path}?{query}")).await;
        response.assert_refused(422, "invalid_request");
        assert_eq!(response.message(), message);
    }
}

#[tokio::test]
async fn a_bib_number_matches_in_any_case_and_with_white_space_around_it() {
    let (_server, client) = TestServer::with_client().await;
    let plain = client.get("/903/event/456/bibs/A17").await;
    plain.assert_success();
    assert_eq!(plain.message(), "Records for bib number A17");
    assert!(!image_ids(&plain.data()).is_empty());
    for (written, shown) in [("a17", "a17"), ("%20A17%20", "A17"), ("a17%09", "a17")] {
        let response = client.get(&format!("/903/event/456/bibs/{written}")).await;
        response.assert_success();
        assert_eq!(
            response.message(),
            format!("Records for bib number {shown}")
        );
        assert_eq!(response.data(), plain.data());
    }
}

#[tokio::test]
async fn a_bib_number_on_no_photo_is_404() {
    let (_server, client) = TestServer::with_client().await;
    let long = "9".repeat(1_000);
    for (written, shown) in [
        ("77777", "77777"),
        ("%20", ""),
        ("a%2Fb", "a/b"),
        ("%00", "\u{0}"),
        (long.as_str(), long.as_str()),
    ] {
        let response = client.get(&format!("/903/event/456/bibs/{written}")).await;
        response.assert_refused(404, "bib_not_found");
        let expected = format!("BIB number {shown} not found for this event");
        assert_eq!(response.message(), expected);
    }
}

#[tokio::test]
async fn the_timelines_counts_equal_the_photos_in_its_windows() {
    let (_server, client) = TestServer::with_client().await;
    let response = client.get("/903/event/456/timeline/days").await;
    response.assert_success();
    assert_eq!(response.message(), "Timeline buckets");
    let days = response.data()["days"].take();
    let days = days.as_array().expect("a list");
    assert!(days.len() >= 2, "{days:?}");
    let mut timed = 0;
    for day in days {
        let midnight = midnight(day["date"].as_str().expect("a date"));
        let hours = day["hours"].as_array().expect("a list");
        let mut of_the_day = 0;
        for hour in hours {
            let from = midnight + 3_600 * hour["hour"].as_i64().expect("a number");
            let path = format!(
                "/903/event/456/timeline/images?from={from}&to={}",
                from + 3_600
            );
            let found = client.get(&path).await;
            assert_eq!(found.data()["pagination"]["total"], hour["count"], "{path}");
            of_the_day += hour["count"].as_i64().expect("a number");
        }
        assert_eq!(day["total"], of_the_day);
        timed += of_the_day;
    }
    let everything = client
        .get("/903/event/456/timeline/images?from=-99999999999&to=99999999999")
        .await;
    assert_eq!(everything.data()["pagination"]["total"], timed);
}

/// The Unix time at which a date of the demo begins.
fn midnight(date: &str) -> i64 {
    match date {
        "2026-01-19" => 1_768_780_800,
        "2026-01-20" => 1_768_867_200,
        other => panic!("the demo has no photos of {other}"),
    }
}

#[tokio::test]
async fn a_time_window_needs_two_times_in_order() {
    let (_server, client) = TestServer::with_client().await;
    for (query, problem) in [
        ("", "from: is required; to: is required"),
        ("?from=1", "to: is required"),
        (
            "?from=x&to=2.5",
            "from: must be Unix time in whole seconds; to: must be Unix time in whole seconds",
        ),
        ("?from=2&to=2", "from: must be before to"),
        ("?from=3&to=2", "from: must be before to"),
        ("?from=1&to=2&to=3", "to: must be sent once"),
        (
            "?from=3&to=2&page=0",
            "from: must be before to; page: must be a whole number from 1",
        ),
    ] {
        let response = client
            .get(&format!("/903/event/456/timeline/images{query}"))
            .await;
        response.assert_refused(422, "invalid_request");
        assert_eq!(response.message(), problem);
    }
}

#[tokio::test]
async fn a_disabled_feature_comes_before_every_other_error_of_the_endpoint() {
    let (_server, client) = TestServer::with_client().await;
    for path in [
        "bibs/1234",
        "bibs/77777",
        "bibs/1234?page=0",
        "timeline/days",
        "timeline/images",
        "timeline/images?from=2&to=1",
    ] {
        let response = client.get(&format!("/903/event/458/{path}")).await;
        response.assert_refused(403, "feature_disabled");
    }
    client.get("/903/event/458/images").await.assert_success();
}

#[tokio::test]
async fn originals_of_a_bib_number_are_links_and_failures() {
    let (_server, client) = TestServer::with_client().await;
    let data = originals(&client, json!({ "method": "bib", "identifier": " 1234 " })).await;
    let keys: Vec<_> = data.as_object().expect("an object").keys().collect();
    assert_eq!(
        keys,
        [
            "presigned_urls",
            "failed_urls",
            "total_images",
            "successful_count",
            "failed_count",
            "identifier",
            "pagination"
        ]
    );
    assert_eq!(
        (&data["identifier"], &data["total_images"]),
        (&json!(" 1234 "), &json!(5))
    );
    assert_eq!(data["pagination"]["page_size"], 30);
    let links = data["presigned_urls"].as_array().expect("a list");
    let failed = data["failed_urls"].as_array().expect("a list");
    assert_eq!(data["successful_count"], links.len());
    assert_eq!(data["failed_count"], failed.len());
    assert_eq!(links.len() + failed.len(), 5);
}

#[tokio::test]
async fn links_of_a_bib_number_are_read_by_cursor_and_lists_of_ids_only_by_page() {
    let (_server, client) = TestServer::with_client().await;
    let path = "/903/event/456/original-photos?page_size=2";
    let bib = json!({ "method": "bib", "identifier": "1234" });
    let first = post(&client, path, &bib).await;
    let cursor = first.data()["pagination"]["nextCursor"].take();
    let next = format!("{path}&after={}", cursor.as_str().expect("more photos"));
    let second = post(&client, &next, &bib).await;
    let by_page = post(&client, &format!("{path}&page=2"), &bib).await;
    assert_eq!(second.data(), by_page.data());
    let other = json!({ "method": "bib", "identifier": "101" });
    let refused = post(&client, &next, &other).await;
    refused.assert_refused(422, "invalid_request");

    let ids = json!({ "method": "image_ids", "identifier": ["IMG_0001", "IMG_0002", "IMG_0003"] });
    let first = post(&client, path, &ids).await;
    let pagination = &first.data()["pagination"];
    assert_eq!(
        (&pagination["hasNextPage"], &pagination["nextCursor"]),
        (&json!(true), &json!(null))
    );
    let refused = post(&client, &next, &ids).await;
    refused.assert_refused(422, "invalid_request");
    assert_eq!(
        refused.message(),
        "after: works only with the method bib. Send page"
    );
}

#[tokio::test]
async fn a_request_that_matches_no_original_is_empty_and_has_a_message() {
    let (_server, client) = TestServer::with_client().await;
    for body in [
        json!({ "method": "bib", "identifier": "77777" }),
        json!({ "method": "bib", "identifier": "" }),
        json!({ "method": "bib", "identifier": "\u{0}" }),
        json!({ "method": "selfie", "identifier": "face-1" }),
    ] {
        let response = post(&client, "/903/event/456/original-photos", &body).await;
        response.assert_success();
        assert_eq!(
            response.message(),
            "No photos found, so there are no originals"
        );
        assert_eq!(
            response.data(),
            json!({
                "presigned_urls": [], "failed_urls": [], "total_images": 0, "successful_count": 0,
                "failed_count": 0, "identifier": body["identifier"],
                "pagination": {
                    "total": 0, "currentPage": 0, "totalPages": 0,
                    "hasNextPage": false, "hasPreviousPage": false, "page_size": 30,
                    "nextCursor": null
                }
            })
        );
    }
}

#[tokio::test]
async fn a_single_unknown_photo_is_400_and_one_of_several_is_a_failure() {
    let (_server, client) = TestServer::with_client().await;
    let path = "/903/event/456/original-photos";
    for body in [
        json!({ "method": "image_id", "identifier": "made-up" }),
        json!({ "method": "image_id", "identifier": "" }),
        json!({ "method": "image_id", "identifier": "\u{0}" }),
        json!({ "method": "image_ids", "identifier": ["made-up", "too"] }),
    ] {
        post(&client, path, &body)
            .await
            .assert_refused(400, "image_not_found");
    }
    let some = originals(
        &client,
        json!({ "method": "image_ids", "identifier": ["made-up", "IMG_0001", "IMG_0001", "\u{0}"] }),
    )
    .await;
    assert_eq!(
        (&some["identifier"], &some["total_images"]),
        (&json!(null), &json!(3))
    );
    let unknown: Vec<_> = some["failed_urls"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    assert!(
        unknown
            .iter()
            .any(|failure| failure["image_id"] == "made-up" && failure["path"].is_null())
    );
}

#[tokio::test]
async fn a_photo_of_another_event_is_refused_like_a_missing_one() {
    let (_server, client) = TestServer::with_client().await;
    let client = client.with("x-request-id", "same");
    let ask = async |event: i64, name: &str| {
        let body = json!({ "method": "image_id", "identifier": name });
        post(
            &client,
            &format!("/903/event/{event}/original-photos"),
            &body,
        )
        .await
    };
    // Event 456 has the photo, event 1001 has not.
    ask(456, "IMG_0090").await.assert_success();
    let (foreign, made_up) = (ask(1001, "IMG_0090").await, ask(1001, "made-up").await);
    foreign.assert_refused(400, "image_not_found");
    assert_eq!(foreign.text, made_up.text);
    assert_eq!(foreign.headers, made_up.headers);
}

#[tokio::test]
async fn a_page_has_30_originals_by_default_and_60_at_most() {
    let (_server, client) = TestServer::with_client().await;
    let all = walk(&client, "/903/event/456/images?page_size=100").await;
    let body = json!({ "method": "image_ids", "identifier": all });
    let mut seen = Vec::new();
    for page in 1..=4 {
        let path = format!("/903/event/456/original-photos?page={page}");
        let data = post(&client, &path, &body).await.data();
        assert_eq!(data["total_images"], 96);
        assert_eq!(data["pagination"]["hasNextPage"], page < 4);
        let links = data["presigned_urls"].as_array().expect("a list");
        let failed = data["failed_urls"].as_array().expect("a list");
        assert_eq!(links.len() + failed.len(), if page < 4 { 30 } else { 6 });
        seen.extend(links.iter().map(|link| link["filename"].clone()));
    }
    let distinct: std::collections::BTreeSet<_> = seen.iter().map(Value::to_string).collect();
    assert_eq!(distinct.len(), seen.len());
    let path = "/903/event/456/original-photos?page_size=";
    post(&client, &format!("{path}60"), &body)
        .await
        .assert_success();
    post(&client, &format!("{path}61"), &body)
        .await
        .assert_refused(422, "invalid_request");
}

#[tokio::test]
async fn an_invalid_body_is_refused_with_the_code_of_its_mistake() {
    let (_server, client) = TestServer::with_client().await;
    let path = "/903/event/456/original-photos";
    let good = r#"{"method":"bib","identifier":"1234"}"#;
    let send = async |content_type: Option<&str>, body: Vec<u8>| {
        let client = match content_type {
            Some(sent) => client.clone().with("content-type", sent),
            None => client.clone(),
        };
        client.send_body(Method::POST, path, body).await
    };
    for sent in [
        None,
        Some("text/plain"),
        Some("application/jsonp"),
        Some(""),
    ] {
        let response = send(sent, good.into()).await;
        response.assert_refused(415, "unsupported_media_type");
    }
    for sent in [
        JSON,
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"; x=y",
        "Application/JSON",
    ] {
        send(Some(sent), good.into()).await.assert_success();
    }
    for charset in ["utf-16", "utf-16le", "iso-8859-1", ""] {
        let sent = format!("application/json; charset={charset}");
        let response = send(Some(&sent), good.into()).await;
        response.assert_refused(415, "unsupported_media_type");
        assert!(
            response.message().contains("UTF-8"),
            "{charset}: {response:?}"
        );
    }
    let utf_16 =
        |bytes: fn(u16) -> [u8; 2]| good.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let (little, big) = (utf_16(u16::to_le_bytes), utf_16(u16::to_be_bytes));
    let marked = |mark: &[u8], rest: &[u8]| [mark, rest].concat();
    for body in [
        marked(b"\xff\xfe", &little),
        marked(b"\xfe\xff", &big),
        little,
        big,
    ] {
        let response = send(Some(JSON), body).await;
        response.assert_refused(415, "unsupported_media_type");
        assert!(response.message().contains("UTF-8"), "{response:?}");
    }
    // Some programs write a mark before UTF-8.
    send(Some(JSON), marked(b"\xef\xbb\xbf", good.as_bytes()))
        .await
        .assert_success();
    for encoding in ["gzip", "br", "deflate", "identity, gzip"] {
        let client = client.clone().with("content-type", JSON);
        let compressed = client.with("content-encoding", encoding);
        let response = compressed.send_body(Method::POST, path, "\u{1f}…").await;
        response.assert_refused(415, "unsupported_media_type");
        assert!(response.message().contains("compressed"), "{response:?}");
    }
    let response = send(Some(JSON), b"\x1f\x8b\x08\x00".to_vec()).await;
    response.assert_refused(415, "unsupported_media_type");
    assert!(response.message().contains("compressed"), "{response:?}");
    for repeated in [
        r#"{"method":"bib","identifier":"1234","method":"image_id"}"#,
        r#"{"method":"bib","identifier":"1234","met\u0068od":"bib"}"#,
        r#"{"method":"bib","method":"bib","method":"bib","identifier":"1234"}"#,
    ] {
        let response = send(Some(JSON), repeated.into()).await;
        response.assert_refused(422, "invalid_request");
        assert_eq!(response.message(), "method: must appear once", "{repeated}");
    }
    for broken in ["", "{", "{}x", r#"{"method":}"#] {
        let response = send(Some(JSON), broken.into()).await;
        response.assert_refused(400, "malformed_request");
    }
    send(Some(JSON), b"\"\xff\"".to_vec())
        .await
        .assert_refused(400, "malformed_request");
    for other in ["[]", "null", "1", r#""x""#, "{}"] {
        let response = send(Some(JSON), other.into()).await;
        response.assert_refused(422, "invalid_request");
    }
    let large = format!("{}{good}", " ".repeat(64 * 1024));
    send(Some(JSON), large.into())
        .await
        .assert_refused(413, "body_too_large");
}
