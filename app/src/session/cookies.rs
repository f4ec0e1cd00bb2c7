//! The cookies of the dashboard.
//!
//! All are `HttpOnly`, so that no script can read them, and `SameSite=Lax`, so that browsers do not send them with
//! posts from other sites. Over HTTPS all are `Secure` and have the prefix `__Host-`: browsers then accept them from
//! this host alone (RFC 6265bis, 4.1.3.2). Over plain HTTP, other programs on this host may set cookies with our names
//! and another path. So readers get all candidates.

use cookie::{Cookie, SameSite, time::Duration};
use http::{HeaderMap, HeaderValue, header::COOKIE};
use model::session::{DEVICE_COOKIE, FLASH_COOKIE, SESSION_COOKIE};
use store::sessions::{ABSOLUTE_TIMEOUT, SessionKey};

/// How long a device cookie lasts after the last sign-in.
const KNOWN_FOR: Duration = Duration::days(180);

/// How long a flash message is kept until its page is shown.
pub(super) const FLASH_LIFETIME: Duration = Duration::minutes(1);

/// How many cookies with one name are tried. Each costs a hash.
const MAX_CANDIDATES: usize = 8;

/// Reads the cookies of requests, and writes those of responses.
#[derive(Clone, Copy, Debug)]
pub struct Cookies {
    secure: bool,
}

impl Cookies {
    /// The cookies of a dashboard that browsers reach over HTTPS (`secure`) or over plain HTTP.
    pub const fn new(secure: bool) -> Self {
        Self { secure }
    }

    /// The keys in the cookies with the session's name, in the order in which the browser sends them.
    pub fn session_keys(self, headers: &HeaderMap) -> impl Iterator<Item = SessionKey> {
        self.values(headers, SESSION_COOKIE)
            .filter_map(|value| SessionKey::parse(&value))
            .take(MAX_CANDIDATES)
    }

    /// Stores a session's key in the browser. The store decides when the session ends; the cookie lasts at least
    /// that long.
    pub(crate) fn session(self, key: &SessionKey) -> Option<HeaderValue> {
        let lifetime = i64::try_from(ABSOLUTE_TIMEOUT.as_secs()).unwrap_or(i64::MAX);
        self.header(SESSION_COOKIE, &key.reveal(), Duration::seconds(lifetime))
    }

    /// Deletes the session's key.
    pub(super) fn no_session(self) -> Option<HeaderValue> {
        self.header(SESSION_COOKIE, "", Duration::ZERO)
    }

    /// The values of the cookies with the device cookie's name.
    pub fn known_browsers(self, headers: &HeaderMap) -> impl Iterator<Item = String> {
        self.values(headers, DEVICE_COOKIE).take(MAX_CANDIDATES)
    }

    /// Stores the device cookie in the browser.
    pub(super) fn knows_browser(self, proof: &str) -> Option<HeaderValue> {
        self.header(DEVICE_COOKIE, proof, KNOWN_FOR)
    }

    /// The values of the cookies with the flash message's name.
    pub(super) fn flashes(self, headers: &HeaderMap) -> impl Iterator<Item = String> {
        self.values(headers, FLASH_COOKIE).take(MAX_CANDIDATES)
    }

    /// Stores a flash message in the browser for a minute.
    pub(super) fn set_flash(self, value: &str) -> Option<HeaderValue> {
        self.header(FLASH_COOKIE, value, FLASH_LIFETIME)
    }

    /// Deletes the flash message.
    pub(super) fn no_flash(self) -> Option<HeaderValue> {
        self.header(FLASH_COOKIE, "", Duration::ZERO)
    }

    fn name(self, name: &str) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        format!("{prefix}{name}")
    }

    /// The values of the cookies with this name. Cookies of other programs may hold any bytes: an unreadable one hides no
    /// other.
    fn values(self, headers: &HeaderMap, name: &str) -> impl Iterator<Item = String> {
        let name = self.name(name);
        headers
            .get_all(COOKIE)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
            .filter_map(|pair| Cookie::parse_encoded(str::from_utf8(pair).ok()?).ok())
            .filter(move |cookie| cookie.name() == name)
            .map(|cookie| cookie.value().to_owned())
    }

    fn header(self, name: &str, value: &str, lifetime: Duration) -> Option<HeaderValue> {
        let cookie = Cookie::build((self.name(name), value))
            .path("/")
            .max_age(lifetime)
            .secure(self.secure)
            .http_only(true)
            .same_site(SameSite::Lax);
        HeaderValue::from_str(&cookie.build().encoded().to_string()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The headers that a browser sends after it received this one.
    fn sent(set: &HeaderValue) -> HeaderMap {
        let set = set.to_str().expect("ASCII");
        let (pair, _) = set.split_once(';').expect("attributes");
        HeaderMap::from_iter([(COOKIE, pair.parse().expect("a header value"))])
    }

    fn key() -> SessionKey {
        SessionKey::parse(&"7f".repeat(40)).expect("a key")
    }

    #[test]
    fn a_flash_message_comes_back_unchanged() {
        let typed = "a;b=\"c\" é@example.com";
        let cookies = Cookies::new(false);
        let set = cookies.set_flash(typed).expect("a header");
        let read: Vec<_> = cookies.flashes(&sent(&set)).collect();
        assert_eq!(read, [typed]);
    }

    #[test]
    fn foreign_cookies_of_any_bytes_hide_none_of_ours() {
        let cookies = Cookies::new(false);
        let set = cookies.session(&key()).expect("a header");
        let ours = sent(&set)[COOKIE].as_bytes().to_vec();
        let foreign: [&[u8]; 10] = [
            b"a=\xff\xfe",
            b"\xe9=1",
            "n=Zoë".as_bytes(),
            b"a=%ff",
            b"%zz=%",
            b"=",
            b"no-equals-sign",
            b"a=\"b, c\"",
            b"developer-zone-session=",
            b"developer-zone-session=\xff",
        ];
        for foreign in foreign {
            for pairs in [[foreign, &ours[..]], [&ours[..], foreign]] {
                let header = HeaderValue::from_bytes(&pairs.join(&b"; "[..]));
                let headers = HeaderMap::from_iter([(COOKIE, header.expect("a header value"))]);
                let found = cookies.session_keys(&headers).map(|key| key.digest());
                assert_eq!(found.collect::<Vec<_>>(), [key().digest()], "{headers:?}");
            }
        }
    }

    #[test]
    fn over_https_every_cookie_is_secure_and_bound_to_this_host() {
        for secure in [true, false] {
            let cookies = Cookies::new(secure);
            let all = [
                cookies.session(&key()),
                cookies.no_session(),
                cookies.knows_browser("x"),
                cookies.set_flash("x"),
                cookies.no_flash(),
            ];
            for set in all.map(|set| set.expect("a header")) {
                let set = set.to_str().expect("ASCII");
                assert_eq!(set.starts_with("__Host-"), secure, "{set}");
                assert_eq!(set.contains("; Secure"), secure, "{set}");
                for attribute in ["; HttpOnly", "; SameSite=Lax", "; Path=/;"] {
                    assert!(set.contains(attribute), "{set}");
                }
            }
        }
    }

    #[test]
    fn over_https_a_session_cookie_of_plain_http_is_ignored() {
        let plain = Cookies::new(false).session(&key()).expect("a header");
        let secure = Cookies::new(true).session(&key()).expect("a header");
        let read = |cookies: Cookies, set| cookies.session_keys(&sent(set)).next().is_some();
        assert!(read(Cookies::new(false), &plain));
        assert!(read(Cookies::new(true), &secure));
        assert!(!read(Cookies::new(true), &plain));
    }
}
