//! The files that pages load, as browsers get them.

use std::collections::{BTreeMap, BTreeSet};

use http::{HeaderMap, Method, StatusCode, header::CACHE_CONTROL};

use crate::support::{MEMBER, server::TestServer};

const TYPES: [(&str, &str); 4] = [
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("wasm", "application/wasm"),
];

/// The addresses of the files that a page of the dashboard and one of the documentation name.
async fn assets(server: &TestServer) -> BTreeSet<String> {
    let member = server.session(MEMBER).await;
    let mut assets = BTreeSet::new();
    for page in ["/events", "/docs"] {
        let (_, _, page) = member.raw(Method::GET, page, "").await;
        let page = String::from_utf8(page).expect("a text");
        let names = page.split("/assets/").skip(1);
        let names = names.filter_map(|rest| rest.split_once('"'));
        assets.extend(names.map(|(name, _)| format!("/assets/{name}")));
    }
    assets
}

async fn fetch(server: &TestServer, path: &str, encoding: &str) -> HeaderMap {
    let client = server.anonymous().with("accept-encoding", encoding);
    let (status, headers, _) = client.raw(Method::GET, path, "").await;
    assert_eq!(status, StatusCode::OK, "{path}");
    headers
}

#[tokio::test]
#[ignore = "needs the built front end: `make test` runs it"]
async fn assets_have_their_type_are_compressed_as_asked_and_are_named_after_their_content() {
    let server = TestServer::on_sqlite().await;
    let types = BTreeMap::from(TYPES);
    let mut endings = BTreeSet::new();
    for path in assets(&server).await {
        let (name, ending) = path.rsplit_once('.').expect("an ending");
        let (_, hash) = name.rsplit_once('.').expect("a hash");
        let is_hash = hash.len() >= 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(is_hash, "the name changes with the content: {path}");
        for encoding in ["br", "gzip"] {
            let headers = fetch(&server, &path, encoding).await;
            assert_eq!(headers["content-encoding"], encoding, "{path}");
            assert_eq!(headers["vary"], "accept-encoding", "{path}");
            assert_eq!(headers["content-type"], types[ending], "{path}");
        }
        let plain = fetch(&server, &path, "identity").await;
        assert!(!plain.contains_key("content-encoding"), "{path}");
        endings.insert(ending.to_owned());
    }
    assert!(endings.iter().eq(types.keys()), "built: {endings:?}");
}

#[tokio::test]
async fn a_missing_asset_is_404_and_not_cached() {
    let server = TestServer::on_sqlite().await;
    for path in [
        "/assets/none.0000000000000000.js",
        "/assets/..%2Fmanifest.json",
        "/assets/x",
    ] {
        let (status, headers, _) = server.anonymous().raw(Method::GET, path, "").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(headers[CACHE_CONTROL], "no-store, no-transform", "{path}");
    }
}
