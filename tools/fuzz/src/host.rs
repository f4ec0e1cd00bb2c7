//! The host that a request addresses (contract, section 3, check 2), and the configured host names.

use http::{HeaderValue, Uri};
use server::{api::fuzzing, http::host::HostName};

/// The first line is the request's target, and each further line a `Host` header.
pub fn check(data: &[u8]) {
    let mut lines = super::lines(data);
    let target = lines.next().unwrap_or_default();
    let target = Uri::try_from(target).unwrap_or_default();
    let hosts: Vec<_> = lines
        .filter_map(|line| HeaderValue::from_bytes(line).ok())
        .collect();
    assert_eq!(fuzzing::host(&target, &hosts), reference(&target, &hosts));
    if let Some(Ok(name)) = hosts.first().map(HeaderValue::to_str) {
        configured(name);
    }
}

/// There is at most one host header. If the target has a host too, both are the same.
fn reference(target: &Uri, hosts: &[HeaderValue]) -> Option<String> {
    let header = match hosts {
        [] => None,
        [host] => Some(host_of(host.to_str().ok()?)?),
        _ => return None,
    };
    let target = match target.authority() {
        None => None,
        Some(authority) => Some(host_of(authority.as_str())?),
    };
    match (header, target) {
        (Some(header), Some(target)) if header.to_lowercase() != target.to_lowercase() => None,
        (Some(header), _) => Some(header),
        (None, target) => target,
    }
}

/// The host of `host`, `host:` or `host:80`, without a final dot. A host in brackets may contain colons.
fn host_of(authority: &str) -> Option<String> {
    let mut host = String::new();
    let mut port = None;
    let mut within = false;
    for (at, character) in authority.chars().enumerate() {
        match (character, &mut port) {
            (digit, Some(())) => {
                "0123456789".find(digit)?;
            }
            (':', None) if !within => port = Some(()),
            (character, None) => {
                let closed = host.starts_with('[') && host.ends_with(']') && !within;
                if closed {
                    return None;
                }
                within = (within || (at == 0 && character == '[')) && character != ']';
                host.push(character);
            }
        }
    }
    if within {
        return None;
    }
    let host = host.strip_suffix('.').unwrap_or(&host);
    (!host.is_empty()).then(|| host.to_owned())
}

/// A configured name has one spelling, and matches a request in every spelling of it.
fn configured(text: &str) {
    let Ok(name) = text.parse::<HostName>() else {
        return;
    };
    let written = name.to_string();
    assert_eq!(written.parse::<HostName>().as_ref(), Ok(&name));
    let literal = written.starts_with('[');
    for sent in [
        written.clone(),
        written.to_uppercase(),
        format!("{written}:443"),
        format!("{written}{}", if literal { ":" } else { "." }),
    ] {
        let header = HeaderValue::try_from(&sent).expect("a header");
        let found = fuzzing::host(&Uri::default(), &[header]);
        let found = found.unwrap_or_else(|| panic!("{sent:?} is not read as a host"));
        assert!(found.eq_ignore_ascii_case(&written), "{sent:?}");
    }
}
