//! Query strings (contract, section 5, and timeline/images in section 6).

use http::Uri;
use server::api::fuzzing;

/// The whole input is a query string.
pub fn check(data: &[u8]) {
    let Ok(target) = Uri::try_from([b"/?", data].concat()) else {
        return;
    };
    let sent = parameters(target.query().unwrap_or_default());
    let expected = reference(&sent);
    let found = fuzzing::window_and_page(&target).map(|(window, request)| {
        let (from, to) = (window.from().epoch_millis(), window.to().epoch_millis());
        let (page, after) = (request.page(), request.cursor().map(str::to_owned));
        ([from, to, page.page(), page.page_size()], after)
    });
    assert_eq!(found, expected);
}

/// Names and values (WHATWG URL, section 5.1).
fn parameters(query: &str) -> Vec<(String, String)> {
    let text = |part: &str| {
        let spaces = part.replace('+', " ");
        String::from_utf8_lossy(&super::decoded(spaces.as_bytes())).into_owned()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

/// `from`, `to`, page and size, and the cursor; or all problems, in this order.
fn reference(sent: &[(String, String)]) -> Result<([i64; 4], Option<String>), String> {
    let mut problems = Vec::new();
    let single = |name: &str| {
        let values: Vec<_> = sent.iter().filter(|(sent, _)| sent == name).collect();
        match values.as_slice() {
            [] => Ok(None),
            [(_, value)] => Ok(Some(value.as_str())),
            _ => Err(format!("{name}: must be sent once")),
        }
    };
    let time = |name: &str, value: Result<Option<&str>, String>| match value? {
        None => Err(format!("{name}: is required")),
        Some(text) => signed(text).ok_or(format!("{name}: must be Unix time in whole seconds")),
    };
    let number = |value: Result<Option<&str>, String>, default: i64, most: i64, words: &str| {
        let number = value?.map_or(Some(default), super::number);
        let number = number.filter(|number| (1..=most).contains(number));
        number.ok_or(words.to_owned())
    };
    let from = time("from", single("from"));
    let to = time("to", single("to"));
    let after = single("after");
    let page = match (&after, single("page")) {
        (Ok(Some(_)), Ok(None)) => Ok(1),
        (Ok(Some(_)), Ok(Some(_))) => {
            Err("page: cannot be combined with after; send one of them".to_owned())
        }
        (_, page) => number(
            page,
            1,
            i64::MAX / 1_000,
            "page: must be a whole number from 1",
        ),
    };
    let size = number(
        single("page_size"),
        32,
        100,
        "page_size: must be a whole number from 1 to 100",
    );
    problems.extend(from.clone().err());
    problems.extend(to.clone().err());
    if let (Ok(from), Ok(to)) = (&from, &to)
        && from >= to
    {
        problems.push("from: must be before to".to_owned());
    }
    problems.extend(after.clone().err());
    problems.extend(page.clone().err());
    problems.extend(size.clone().err());
    match (from, to, page, size) {
        (Ok(from), Ok(to), Ok(page), Ok(size)) if problems.is_empty() => Ok((
            [
                from.saturating_mul(1_000),
                to.saturating_mul(1_000),
                page,
                size,
            ],
            after.ok().flatten().map(str::to_owned),
        )),
        _ => Err(problems.join("; ")),
    }
}

fn signed(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        None => super::number(text),
        // The least number has no positive counterpart.
        Some("9223372036854775808") => Some(i64::MIN),
        Some(digits) => super::number(digits).map(|number| -number),
    }
}
