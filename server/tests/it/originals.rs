//! Links to originals in the server's own folder.

use std::{
    fs,
    io::Read,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use axum::body::Body;
use http::{HeaderMap, Method, StatusCode, Uri};
use model::session::FLASH_COOKIE;
use serde_json::{Value, json};

use crate::support::{
    DEMO_PASSWORD, MEMBER,
    client::{Client, Response},
    database::TestDatabase,
    process::{OK, ServerProcess},
    program::{Outcome, bare_program, create_token, done, newest_token_id, run},
    server::TestServer,
};

const HOUR: i64 = 60 * 60 * 1_000;
const PICTURE: &[u8] = b"\xff\xd8\xff picture";

/// Adds a photo to event 456, whose original has this path.
async fn add_photo(server: &TestServer, image_id: &str, path: &str) {
    use model::{
        event::EventId,
        organisation::OrganisationId,
        photo::{ImageId, Photo},
    };
    use store::{EventsPermission, photos::NewPhoto};

    let address = format!("https://img.example.com/{image_id}");
    let photo = NewPhoto {
        photo: Photo {
            img_url: address.clone(),
            height: None,
            width: None,
            image_id: ImageId(image_id.to_owned()),
            thumbnail_url: address,
            original_url: None,
        },
        captured_at: None,
        original_path: Some(path.to_owned()),
        bibs: vec![],
    };
    let scope = EventsPermission::operator(OrganisationId(903));
    let photos = server.store.photos();
    let done = photos.import(scope, EventId(456), &[photo]).await;
    done.expect("loaded");
}

fn put(server: &TestServer, path: &str, content: &[u8]) {
    let file = server.originals.path().join(path);
    fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    fs::write(file, content).expect("written");
}

/// The API's response to a request for these originals.
async fn ask(server: &TestServer, ids: &[&str]) -> Value {
    let token = server.token().await;
    ask_by(server, &token.secret, ids).await
}

async fn ask_by(server: &TestServer, secret: &str, ids: &[&str]) -> Value {
    let client = server.key(secret).with("content-type", "application/json");
    let body = json!({ "method": "image_ids", "identifier": ids }).to_string();
    let response = client
        .send_body(Method::POST, "/903/event/456/original-photos", body)
        .await;
    response.assert_success();
    response.data()
}

/// Stores an original with this path, and returns the API's link to it without the origin.
async fn link_to(server: &TestServer, path: &str) -> String {
    put(server, path, PICTURE);
    add_photo(server, path, path).await;
    let token = server.token().await;
    link_by(server, &token.secret, path).await
}

/// The API's link to the photo with this id, for this token, without the origin.
async fn link_by(server: &TestServer, secret: &str, id: &str) -> String {
    let data = ask_by(server, secret, &[id]).await;
    let url = data["presigned_urls"][0]["url"].as_str();
    let url = url.unwrap_or_else(|| panic!("{data}"));
    url.strip_prefix("https://api.9pic.ai")
        .expect("the API's address")
        .to_owned()
}

/// Follows a link that is refused. The refusal has the form of the API.
async fn refused(server: &TestServer, target: &str) -> Response {
    server
        .anonymous()
        .send_to(Method::GET, target, Body::empty())
        .await
}

async fn download(client: &Client, method: Method, link: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    let response = client.raw(method, link, Body::empty()).await;
    assert!(response.1.contains_key("x-request-id"), "{response:?}");
    response
}

#[tokio::test]
async fn a_link_needs_no_key_and_serves_the_file_as_a_download() {
    let server = TestServer::on_sqlite().await;
    let link = link_to(&server, "456/IMG_1.jpg").await;
    let (status, headers, body) = download(&server.anonymous(), Method::GET, &link).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, PICTURE));
    for (name, value) in [
        ("content-type", "image/jpeg"),
        (
            "content-disposition",
            "attachment; filename=\"IMG_1.jpg\"; filename*=UTF-8''IMG_1.jpg",
        ),
        ("cache-control", "private, no-store"),
        ("x-content-type-options", "nosniff"),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'; sandbox",
        ),
        ("cross-origin-resource-policy", "cross-origin"),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    let (status, headers, body) = download(&server.anonymous(), Method::HEAD, &link).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, &b""[..]));
    assert_eq!(headers["content-length"], PICTURE.len().to_string());
}

#[tokio::test]
async fn a_range_of_a_file_can_be_requested() {
    let server = TestServer::on_sqlite().await;
    let link = link_to(&server, "1.jpg").await;
    let part = download(
        &server.anonymous().with("range", "bytes=4-6"),
        Method::GET,
        &link,
    )
    .await;
    let (status, headers, body) = part;
    assert_eq!(
        (status, &body[..]),
        (StatusCode::PARTIAL_CONTENT, &b"pic"[..])
    );
    let range = format!("bytes 4-6/{}", PICTURE.len());
    assert_eq!(headers["content-range"], range);
    let beyond = download(
        &server.anonymous().with("range", "bytes=900-"),
        Method::GET,
        &link,
    )
    .await;
    assert_eq!(beyond.0, StatusCode::RANGE_NOT_SATISFIABLE);
}

/// Several ranges, other units and invalid ranges are ignored (RFC 9110, 14.2).
#[tokio::test]
async fn only_a_single_range_of_bytes_is_a_part() {
    let server = TestServer::on_sqlite().await;
    let link = link_to(&server, "1.jpg").await;
    for (range, status) in [
        ("bytes=0-0,2-3", 200),
        ("lines=1-2", 200),
        ("bytes=5-2", 200),
        ("bytes=x-", 200),
        ("bytes", 200),
        ("Bytes=4-6", 206),
        ("bytes=4-99999999999999999999", 206),
        ("bytes=-9999", 206),
        ("bytes=99999999999999999999-", 416),
    ] {
        let client = server.anonymous().with("range", range);
        let part = download(&client, Method::GET, &link).await;
        assert_eq!(part.0.as_u16(), status, "{range}");
        let whole = download(&client, Method::HEAD, &link).await;
        assert_eq!(whole.0, StatusCode::OK, "{range}");
    }
}

#[tokio::test]
async fn a_resumed_download_never_mixes_two_files() {
    let server = TestServer::on_sqlite().await;
    let link = link_to(&server, "1.jpg").await;
    let (_, headers, _) = download(&server.anonymous(), Method::GET, &link).await;
    let tag = headers["etag"].to_str().expect("a text").to_owned();
    let date = headers["last-modified"]
        .to_str()
        .expect("a text")
        .to_owned();
    let resume = async |condition: &str| {
        let client = server.anonymous().with("range", "bytes=4-");
        download(&client.with("if-range", condition), Method::GET, &link).await
    };
    assert_eq!(resume(&tag).await.0, StatusCode::PARTIAL_CONTENT);
    for weak in [&date, &format!("W/{tag}")] {
        assert_eq!(resume(weak).await.0, StatusCode::OK, "{weak}");
    }
    for (condition, status) in [("if-none-match", 304), ("if-match", 200)] {
        let client = server.anonymous().with(condition, &tag);
        let found = download(&client, Method::GET, &link).await;
        assert_eq!(found.0.as_u16(), status, "{condition}");
    }

    // As long as before, and of the same time, as some copying tools leave it.
    let file = server.originals.path().join("1.jpg");
    let modified = fs::metadata(&file).and_then(|data| data.modified());
    let other = b"OTHER".iter().cycle().take(PICTURE.len());
    let other: Vec<u8> = other.copied().collect();
    fs::write(file.with_extension("new"), &other).expect("written");
    let new = fs::File::options()
        .write(true)
        .open(file.with_extension("new"));
    let set = new.expect("opened").set_modified(modified.expect("a time"));
    set.expect("set");
    fs::rename(file.with_extension("new"), &file).expect("replaced");
    let (status, headers, body) = resume(&tag).await;
    assert_eq!((status, &body), (StatusCode::OK, &other));
    assert_ne!(headers["etag"], tag);
    assert_eq!(headers["last-modified"], date);
    let client = server.anonymous().with("if-match", &tag);
    let failed = download(&client, Method::GET, &link).await;
    assert_eq!(failed.0, StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn a_file_may_have_any_name() {
    let server = TestServer::on_sqlite().await;
    for name in [
        "a b/c d.jpg",
        "#1?x=y&z.jpg",
        "100%.jpg",
        "%2e%2e/%2F.jpg",
        "Zürich/日本.jpg",
        "a+b;c='\"\\.jpg",
        "...",
        "no-extension",
    ] {
        let link = link_to(&server, name).await;
        let (status, _, body) = download(&server.anonymous(), Method::GET, &link).await;
        assert_eq!(
            (status, &body[..]),
            (StatusCode::OK, PICTURE),
            "{name}: {link}"
        );
    }
}

#[tokio::test]
async fn a_link_expires_after_exactly_one_hour() {
    let server = TestServer::on_sqlite().await;
    let link = link_to(&server, "1.jpg").await;
    server.clock.advance(HOUR - 1);
    assert_eq!(
        download(&server.anonymous(), Method::GET, &link).await.0,
        StatusCode::OK
    );
    server.clock.advance(1);
    let response = refused(&server, &link).await;
    response.assert_refused(403, "link_expired");
}

#[tokio::test]
async fn a_link_ends_when_its_token_expires() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    put(&server, "1.jpg", PICTURE);
    add_photo(&server, "1.jpg", "1.jpg").await;
    let link = link_by(&server, &token.secret, "1.jpg").await;
    let (status, _, _) = download(&server.anonymous(), Method::GET, &link).await;
    assert_eq!(status, StatusCode::OK);
    server.expire(&token).await;
    refused(&server, &link)
        .await
        .assert_refused(403, "token_expired");
}

/// Changes each character of the link, in its path and its query.
#[tokio::test]
async fn a_link_changed_in_any_character_is_invalid() {
    let server = TestServer::on_sqlite().await;
    let link = link_to(&server, "456/1.jpg").await;
    put(&server, "456/2.jpg", b"another");
    put(&server, "556/1.jpg", b"another");
    let from = "/files/".len();
    for at in from..link.len() {
        for new in ["0", "1", "2", "5", "a", "f", "/", "%20", ""] {
            let changed = format!("{}{new}{}", &link[..at], &link[at + 1..]);
            if changed == link || changed.parse::<Uri>().is_err() {
                continue;
            }
            // A path without a file name is an unknown path.
            if changed.starts_with("/files/?") {
                continue;
            }
            let response = refused(&server, &changed).await;
            response.assert_refused(403, "link_invalid");
        }
    }
}

#[tokio::test]
async fn a_link_without_its_exact_signature_is_invalid() {
    let server = TestServer::on_sqlite().await;
    let link = link_to(&server, "1.jpg").await;
    let (path, query) = link.split_once('?').expect("a query");
    let (expires, rest) = query.split_once('&').expect("parameters");
    let (token, signature) = rest.split_once('&').expect("three parameters");
    for invalid in [
        path.to_owned(),
        format!("{path}?"),
        format!("{path}?{expires}"),
        format!("{path}?{signature}"),
        format!("{path}?{expires}&{token}"),
        // A link that an earlier version made.
        format!("{path}?{expires}&{signature}"),
        format!("{path}?{expires}&token=&{signature}"),
        format!("{path}?{expires}&{token}0&{signature}"),
        format!("{path}?{expires}&{token}&{token}&{signature}"),
        format!("{path}?{expires}&{token}&signature="),
        format!("{path}?{expires}&{token}&{signature}&{signature}"),
        format!("{path}?{expires}&{expires}&{token}&{signature}"),
        format!("{path}?expires=9999999999&{token}&{signature}"),
        format!("{path}?expires=&{token}&{signature}"),
        format!("{path}?{expires}0&{token}&{signature}"),
        format!("/files/%ff?{query}"),
    ] {
        let response = refused(&server, &invalid).await;
        response.assert_refused(403, "link_invalid");
    }
}

/// A caller without a valid link learns nothing about the folder.
#[tokio::test]
async fn an_invalid_link_does_not_reveal_whether_the_file_exists() {
    let server = TestServer::on_sqlite().await;
    put(&server, "there.jpg", PICTURE);
    let ask = async |name: &str| {
        let client = server.anonymous().with("x-request-id", "same");
        let target = format!("/files/{name}?expires=9999999999&signature=00");
        client.send_to(Method::GET, &target, Body::empty()).await
    };
    let (there, missing) = (ask("there.jpg").await, ask("missing.jpg").await);
    there.assert_refused(403, "link_invalid");
    assert_eq!(there.text, missing.text);
    assert_eq!(there.headers, missing.headers);
}

#[tokio::test]
async fn a_file_that_was_removed_is_404() {
    let server = TestServer::on_sqlite().await;
    let link = link_to(&server, "1.jpg").await;
    fs::remove_file(server.originals.path().join("1.jpg")).expect("removed");
    refused(&server, &link)
        .await
        .assert_refused(404, "file_not_found");
    fs::create_dir(server.originals.path().join("1.jpg")).expect("made");
    refused(&server, &link)
        .await
        .assert_refused(404, "file_not_found");
}

#[tokio::test]
async fn other_methods_than_get_and_head_are_405() {
    let server = TestServer::on_sqlite().await;
    let link = link_to(&server, "1.jpg").await;
    let client = server.anonymous();
    let response = client.send_to(Method::DELETE, &link, Body::empty()).await;
    response.assert_refused(405, "method_not_allowed");
    assert_eq!(response.header("allow"), Some("GET,HEAD"));
}

#[tokio::test]
async fn an_original_outside_of_the_folder_gets_no_link_and_is_reported_as_failed() {
    let server = TestServer::on_sqlite().await;
    let outside = tempfile::tempdir().expect("a folder");
    fs::write(outside.path().join("secret"), "secret").expect("written");
    symlink(outside.path(), server.originals.path().join("out")).expect("linked");
    put(&server, "folder/x.jpg", PICTURE);
    let absolute = outside.path().join("secret").display().to_string();
    let up = format!(
        "../{}/secret",
        outside
            .path()
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name")
    );
    let paths = [
        "missing.jpg",
        "folder",
        "out/secret",
        "folder/../folder/x.jpg",
        &absolute,
        &up,
    ];
    for (number, path) in paths.iter().enumerate() {
        add_photo(&server, &format!("p{number}"), path).await;
    }
    let ids: Vec<_> = (0..paths.len())
        .map(|number| format!("p{number}"))
        .collect();
    let data = ask(&server, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(data["presigned_urls"], json!([]));
    let failed = data["failed_urls"].as_array().expect("a list");
    assert_eq!(failed.len(), paths.len());
    for (failure, path) in failed.iter().zip(paths) {
        assert_eq!(failure["error"], "The original is not in storage.");
        assert_eq!(failure["path"], path);
    }
}

/// The signing key is in the database, so every server on it accepts the links of the others.
#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn wrong_options_of_the_storage_are_refused_and_links_are_served_from_a_folder_only() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let missing = database.file().with_file_name("nowhere");
    let named = missing.display().to_string();
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let with = |options: &[&str]| run(&url, &[&serve[..], options].concat());
    with(&["--originals-folder", &named]).assert_failed("--originals-folder");

    let secret = database.file().with_file_name("secret");
    let file = secret.display().to_string();
    let s3 = |file: &str| {
        [
            "--s3-endpoint=https://minio.example",
            "--s3-region=eu",
            "--s3-bucket=photos",
            "--s3-access-key-id=id",
            &format!("--s3-secret-access-key-file={file}"),
        ]
        .map(str::to_owned)
    };
    let all = s3(&file);
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    with(&all).assert_failed("cannot read the secret access key");
    fs::write(&secret, "\n").expect("written");
    with(&all).assert_failed("on a single line");
    fs::write(&secret, "s3cr3t\n").expect("written");
    for left_out in 0..all.len() {
        let mut some = all.clone();
        let missing = some.remove(left_out);
        let option = missing.split('=').next().expect("a name");
        with(&some).assert_misunderstood(option);
    }
    let both = [&all[..], &["--originals-folder", "x"]].concat();
    with(&both).assert_misunderstood("cannot be used with");
    with(&["--s3-endpoint", "minio.example"]).assert_misunderstood("https://s3.");
    with(&["--s3-bucket", "a/b"]).assert_misunderstood("bucket's name alone");
    with(&["--s3-region", " "]).assert_misunderstood("one word");

    let mut command = bare_program();
    command.args(serve).envs([
        ("DEVELOPER_ZONE_DATABASE_URL", &url[..]),
        ("DEVELOPER_ZONE_S3_REGION", "eu"),
    ]);
    let outcome = Outcome::of(&mut command);
    outcome.assert_misunderstood("--s3-secret-access-key-file <FILE>");

    // With object storage the server itself serves no files.
    let server = ServerProcess::start(&url, &all);
    let response = server.get("/files/1.jpg", &[("Host", "api.9pic.ai")]);
    assert!(!response.contains("link_invalid"), "{response}");
    assert!(!server.stderr().contains("s3cr3t"));
    server.stop().assert_done();

    let server = ServerProcess::start(&url, &[]);
    let response = server.get("/files/1.jpg", &[("Host", "api.9pic.ai")]);
    assert!(
        response.starts_with("HTTP/1.1 403") && response.contains("link_invalid"),
        "{response}"
    );
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn an_unreadable_secret_file_is_refused_with_advice() {
    let database = TestDatabase::sqlite();
    let folder = database.file().with_file_name("secret-folder");
    fs::create_dir(&folder).expect("made");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).expect("set");
    // Unlike a file, a folder cannot be read as a file even by root.
    let file = folder.display().to_string();
    let arguments = [
        "serve",
        "--listen=127.0.0.1:0",
        "--s3-endpoint=https://minio.example",
        "--s3-region=eu",
        "--s3-bucket=photos",
        "--s3-access-key-id=id",
        "--s3-secret-access-key-file",
        &file,
    ];
    run(&database.url(), &arguments).assert_failed("let this user read it");
}

/// The path of a new user: start a demo, create a token, download a photo.
#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn the_demos_originals_can_be_downloaded_and_are_stored_beside_its_database() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = ServerProcess::start(&url, &["--demo"]);
    let token = create_token(&url);
    let response = server.post(
        "/api/v1/ext/903/event/456/original-photos",
        &[
            ("X-API-Key", &token[..]),
            ("Content-Type", "application/json"),
        ],
        r#"{"method":"bib","identifier":"1234"}"#,
    );
    let (head, body) = response.split_once("\r\n\r\n").expect("a body");
    assert!(head.starts_with("HTTP/1.1 200"), "{response}");
    let data: Value = serde_json::from_str(body).expect("JSON");
    let link = data["data"]["presigned_urls"][0]["url"]
        .as_str()
        .expect("a link");
    let path = link
        .strip_prefix(&server.url())
        .expect("at the server itself");
    let mut picture = Vec::new();
    let mut stream = server.send(path, &[]);
    stream.read_to_end(&mut picture).expect("a response");
    assert!(picture.starts_with(b"HTTP/1.1 200 OK\r\n"), "{link}");
    assert!(picture.ends_with(&[0xff, 0xd9]), "the end of a JPEG");
    server.stop().assert_done();

    let beside = database.file().with_file_name("developer-zone-originals");
    assert!(beside.join("456").is_dir());
    assert!(!Path::new("developer-zone-originals").exists());
}

/// The API's first link to an original of the demo's event 456.
fn demo_link(server: &ServerProcess, token: &str) -> String {
    let headers = [("X-API-Key", token), ("Content-Type", "application/json")];
    let path = "/api/v1/ext/903/event/456/original-photos";
    let response = server.post(path, &headers, r#"{"method":"bib","identifier":"1234"}"#);
    let (_, body) = response.split_once("\r\n\r\n").expect("a body");
    let data: Value = serde_json::from_str(body).expect("JSON");
    let link = data["data"]["presigned_urls"][0]["url"].as_str();
    link.unwrap_or_else(|| panic!("{response}")).to_owned()
}

/// The first server makes the links, the second one serves them.
fn a_link_ends_with_its_token(
    url: &str,
    folder: &Path,
    second: impl FnOnce(&[&str]) -> Option<ServerProcess>,
) {
    let folder = format!("--originals-folder={}", folder.display());
    let server = ServerProcess::start(url, &["--demo", &folder]);
    let second = second(&[&folder, "--api-hosts=127.0.0.1"]);
    let serving = second.as_ref().unwrap_or(&server);
    let token = create_token(url);
    let id = newest_token_id(url);
    let link = demo_link(&server, &token);
    let path = link
        .strip_prefix(&server.url())
        .expect("at the server itself")
        .to_owned();
    let follow = || {
        let mut response = Vec::new();
        let read = serving.send(&path, &[]).read_to_end(&mut response);
        read.expect("a response");
        String::from_utf8_lossy(&response).into_owned()
    };
    let assert_refused = |code: &str| {
        let response = follow();
        assert!(response.starts_with("HTTP/1.1 403 "), "{response}");
        assert!(
            response.contains(&format!("x-error-code: {code}\r\n")),
            "{response}"
        );
    };
    let token_command = |verb: &str| {
        done(url, &["token", verb, "--organisation=903", &id]);
    };
    let set_plan = |plan: &str| {
        let plan = format!("--plan={plan}");
        done(url, &["organisation", "set-plan", "--id=903", &plan]);
    };
    // Each change is tried while the answer before it is still cached.
    assert!(follow().starts_with(OK));
    token_command("deactivate");
    assert_refused("token_inactive");
    token_command("activate");
    assert!(follow().starts_with(OK));
    set_plan("pro");
    assert_refused("plan_required");
    set_plan("enterprise");
    assert!(follow().starts_with(OK));
    token_command("delete");
    assert_refused("token_invalid");
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_link_ends_with_its_token_on_sqlite() {
    let database = TestDatabase::sqlite();
    let folder = tempfile::tempdir().expect("a folder");
    a_link_ends_with_its_token(&database.url(), folder.path(), |_| None);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn a_link_ends_with_its_token_on_every_server_on_postgres() {
    let database = TestDatabase::postgres().await;
    let folder = tempfile::tempdir().expect("a folder");
    let url = database.url();
    a_link_ends_with_its_token(&url, folder.path(), |options| {
        Some(ServerProcess::start(&url, options))
    });
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn an_operator_can_shorten_the_lifetime_of_links() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let with = |option: &str| run(&url, &["serve", "--listen=127.0.0.1:0", option]);
    for refused in ["0", "59s", "25h", "1", "soon"] {
        let option = format!("--link-lifetime={refused}");
        with(&option).assert_misunderstood("use a time from 1m to 1day");
    }
    let secret = database.file().with_file_name("secret");
    fs::write(&secret, "s3cr3t\n").expect("written");
    let secret = format!("--s3-secret-access-key-file={}", secret.display());
    let s3 = [
        "--demo",
        "--link-lifetime=10m",
        "--s3-endpoint=https://minio.example",
        "--s3-region=eu",
        "--s3-bucket=photos",
        "--s3-access-key-id=id",
        &secret,
    ];
    let server = ServerProcess::start(&url, &s3);
    let token = create_token(&url);
    let link = demo_link(&server, &token);
    assert!(link.contains("X-Amz-Expires=600&"), "{link}");

    // The storage serves its links itself. So the receipt says until when they may still work.
    let cookie = server.sign_in(MEMBER, DEMO_PASSWORD);
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Cookie", &cookie[..]),
    ];
    let id = newest_token_id(&url);
    let switch = |name: &str| -> Value {
        let body = format!("organisation_id=903&token_id={id}");
        let response = server.post(&format!("/api/dashboard/{name}"), &headers, &body);
        let (_, body) = response.split_once("\r\n\r\n").expect("a body");
        serde_json::from_str(body).unwrap_or_else(|_| panic!("{response}"))
    };
    let receipt = switch("deactivate-token");
    let since = receipt["in_force_since"].as_i64().expect("a time");
    assert_eq!(receipt["links_until"], since + 600_000, "{receipt}");
    assert_eq!(switch("activate-token")["links_until"], Value::Null);
    let receipt = switch("deactivate-all-tokens");
    let since = receipt["since"].as_i64().expect("a time");
    assert_eq!(receipt["links_until"], since + 600_000, "{receipt}");
    let plain_form = [&headers[..], &[("Accept", "text/html")]].concat();
    let body = format!("organisation_id=903&token_id={id}");
    let response = server.post("/api/dashboard/delete-token", &plain_form, &body);
    let flash = response
        .lines()
        .filter_map(|line| line.strip_prefix("set-cookie: "))
        .find(|cookie| cookie.starts_with(FLASH_COOKIE));
    let flash = flash.unwrap_or_else(|| panic!("{response}"));
    let flash = format!("{cookie}; {}", flash.split(';').next().expect("a value"));
    let page = server.get("/developer-zone", &[("Cookie", &flash)]);
    assert!(page.contains("Links to originals may work until"), "{page}");
    server.stop().assert_done();
}
