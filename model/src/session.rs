//! Sessions: each is one browser where a user is signed in.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// The name of the cookie with the session's key, over plain HTTP. Over HTTPS it has the prefix `__Host-`.
///
/// Browsers send the cookies of a host to all programs on it, on any port. So no other program may use the name.
pub const SESSION_COOKIE: &str = "developer-zone-session";

/// The name of the device cookie, which [`SESSION_COOKIE`] explains.
pub const DEVICE_COOKIE: &str = "developer-zone-known-browser";

/// The name of the flash message's cookie, which [`SESSION_COOKIE`] explains.
pub const FLASH_COOKIE: &str = "developer-zone-flash";

/// The name of the cookie with the reader's time zone. Script sets it, so it never has a prefix.
pub const TIME_ZONE_COOKIE: &str = "developer-zone-time-zone";

/// A session's ID. It is not secret: the browser authenticates with a different, secret key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub i64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A session in its owner's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSummary {
    /// The session's ID. The user ends the session by it.
    pub id: SessionId,
    /// The browser's name, such as `Firefox on Windows`.
    pub browser: String,
    /// The IP address that the user signed in from, if known.
    pub address: Option<String>,
    /// When the user signed in.
    pub signed_in_at: Timestamp,
    /// When the session was last used. Updated only every few minutes.
    pub last_used_at: Timestamp,
}

/// A part of the `User-Agent` header, and the browser's name. The first match counts, because most browsers also call
/// themselves Mozilla, Safari and Chrome (MDN, Browser detection using the user agent).
const BROWSERS: [(&str, &str); 14] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("OPiOS/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "a Python program"),
];

/// A part of the `User-Agent` header, and the operating system's name. The first match counts, because Android also
/// says `Linux`, and an iPhone says `like Mac OS X`.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
    ("X11", "Unix"),
];

/// Names the browser that sent a `User-Agent` header, such as `Chrome on Android`.
///
/// The name is a guess that helps users to recognise their sessions. The sender can write anything in the header.
pub fn browser_name(user_agent: Option<&str>) -> String {
    let named = |names: &[(&str, &'static str)]| {
        let user_agent = user_agent?;
        let mut names = names.iter();
        let found = names.find(|(mark, _)| user_agent.contains(mark))?;
        Some(found.1)
    };
    let browser = named(&BROWSERS).unwrap_or("Unknown browser");
    match named(&SYSTEMS) {
        Some(system) => format!("{browser} on {system}"),
        None => browser.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_named_by_its_user_agent() {
        let known = [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "Firefox on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/138.0 Mobile/15E148 Safari/604.1",
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; SM-S928B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
                "Samsung Internet on Android",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/138.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            ("curl/8.5.0", "curl"),
        ];
        for (user_agent, name) in known {
            assert_eq!(browser_name(Some(user_agent)), name);
        }
    }

    #[test]
    fn a_missing_or_unknown_user_agent_gives_an_unknown_browser() {
        assert_eq!(browser_name(None), "Unknown browser");
        assert_eq!(browser_name(Some("<script>")), "Unknown browser");
        assert_eq!(browser_name(Some("(X11)")), "Unknown browser on Unix");
    }
}
