//! Ids in paths, the names of originals, and the page after signing in.

use std::path::{Component, Path};

use app::paths::local_path;
use http::Uri;
use server::api::fuzzing;
use url::Url;

/// Tries the text in each of these places.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    ids(text);
    object_name(text);
    page_after_sign_in(text);
}

/// `/903/event/456`: each part is decoded once, and has digits only.
fn ids(text: &str) {
    let Ok(target) = Uri::try_from(text) else {
        return;
    };
    let parts: Vec<_> = target.path().split('/').map(str::to_owned).collect();
    let found = fuzzing::ids(&target);
    let [root, organisation, word, event] = parts.as_slice() else {
        return assert_eq!(found, None);
    };
    // An empty part inside the path is an invalid number. An empty part at the end is another path.
    if !root.is_empty() || word != "event" || event.is_empty() {
        return assert_eq!(found, None);
    }
    let [organisation, event] =
        [organisation, event].map(|part| String::from_utf8(super::decoded(part.as_bytes())));
    let expected = match (organisation, event) {
        (Ok(organisation), Ok(event)) => {
            let named = [("org_id", &organisation), ("event_id", &event)];
            let wrong = named
                .iter()
                .filter(|(_, text)| super::number(text).is_none());
            let wrong: Vec<_> = wrong
                .map(|(name, _)| format!("{name}: must be a decimal number"))
                .collect();
            match (super::number(&organisation), super::number(&event)) {
                (Some(organisation), Some(event)) => Ok([organisation, event]),
                _ => Err(wrong.join("; ")),
            }
        }
        _ => Err("path: must be UTF-8".to_owned()),
    };
    assert_eq!(found, Some(expected));
}

/// A name stays inside the folder, with one path component per part, and cannot break out of the header.
fn object_name(text: &str) {
    let Some(disposition) = fuzzing::object_name(text) else {
        return;
    };
    let steps: Vec<_> = Path::new(text).components().collect();
    assert!(
        steps
            .iter()
            .all(|step| matches!(step, Component::Normal(_)))
    );
    assert_eq!(steps.len(), text.split('/').count());
    let plain = disposition
        .strip_prefix("attachment; filename=\"")
        .expect("the header's start");
    let (ascii, exact) = plain
        .split_once("\"; filename*=UTF-8''")
        .expect("two names");
    assert!(!ascii.contains(['"', '\\', ';', '\r', '\n']));
    let name = text.rsplit('/').next().expect("a last part");
    assert_eq!(super::decoded(exact.as_bytes()), name.as_bytes());
    assert!(
        exact
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"%-._~".contains(&byte))
    );
}

/// The page after signing in is on this site, as browsers resolve its address.
fn page_after_sign_in(text: &str) {
    if let Some(path) = local_path(Some(text)) {
        let here = Url::parse("https://zone.example/sign-in").expect("an address");
        let there = here.join(path).expect("an address");
        assert_eq!(there.origin(), here.origin(), "{path:?}");
    }
}
