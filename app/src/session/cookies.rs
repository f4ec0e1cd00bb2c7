//! The cookies that the dashboard sets. Scripts cannot read any of them, and other sites' requests carry none
//! that counts: all are `HttpOnly` and `SameSite=Lax`, and over HTTPS `Secure`.

use cookie::{Cookie, CookieBuilder, SameSite, time::Duration};
use http::{HeaderMap, HeaderValue, header::COOKIE};
use serde::{Serialize, de::DeserializeOwned};
use store::sessions::{ABSOLUTE_END, SessionKey};

/// How long a browser is known to have signed in: half a year after the last time.
const KNOWN_FOR: Duration = Duration::days(180);

/// The cookies. `__Host-` binds those that last to this host and HTTPS (RFC 6265bis, 4.1.3.2).
#[derive(Clone, Copy, Debug)]
pub struct Cookies {
    secure: bool,
}

impl Cookies {
    /// Cookies for browsers that come over HTTPS if `secure`, and over plain HTTP if not.
    pub const fn new(secure: bool) -> Self {
        Self { secure }
    }

    /// The key of the browser's session, if it shows one.
    pub(super) fn session_key(self, headers: &HeaderMap) -> Option<SessionKey> {
        SessionKey::parse(find(headers, self.session_name())?.value())
    }

    /// Lets the browser show this key from now on. When the session ends is decided by the store; the cookie
    /// only has to last that long.
    pub(crate) fn session(self, key: &SessionKey) -> Option<HeaderValue> {
        let lifetime = i64::try_from(ABSOLUTE_END.as_secs()).unwrap_or(i64::MAX);
        self.lasting(
            self.session_name(),
            &key.reveal(),
            Duration::seconds(lifetime),
        )
    }

    /// Lets the browser forget its key.
    pub(super) fn no_session(self) -> Option<HeaderValue> {
        self.lasting(self.session_name(), "", Duration::ZERO)
    }

    /// What the browser shows of an earlier sign-in.
    pub(super) fn known_browser(self, headers: &HeaderMap) -> Option<String> {
        find(headers, self.known_browser_name()).map(|cookie| cookie.value().to_owned())
    }

    /// Lets the browser show this at its next sign-in.
    pub(super) fn knows_browser(self, proof: &str) -> Option<HeaderValue> {
        self.lasting(self.known_browser_name(), proof, KNOWN_FOR)
    }

    /// Lets a page say this once.
    pub(super) fn say(self, once: &Once, what: &impl Serialize) -> Option<HeaderValue> {
        let value = serde_json::to_string(what).ok()?;
        self.once(once, &value, Duration::minutes(1))
    }

    /// What the page is to say, and the header that makes the browser forget it.
    pub(super) fn said<T: DeserializeOwned>(
        self,
        once: &Once,
        headers: &HeaderMap,
    ) -> Option<(T, HeaderValue)> {
        let cookie = find(headers, once.name)?;
        let what = serde_json::from_str(cookie.value()).ok()?;
        Some((what, self.once(once, "", Duration::ZERO)?))
    }

    const fn session_name(self) -> &'static str {
        if self.secure {
            "__Host-session"
        } else {
            "session"
        }
    }

    const fn known_browser_name(self) -> &'static str {
        if self.secure {
            "__Host-known-browser"
        } else {
            "known-browser"
        }
    }

    fn lasting(self, name: &'static str, value: &str, lifetime: Duration) -> Option<HeaderValue> {
        self.header(Cookie::build((name, value)).path("/").max_age(lifetime))
    }

    fn once(self, once: &Once, value: &str, lifetime: Duration) -> Option<HeaderValue> {
        let cookie = Cookie::build((once.name, value)).path(once.path);
        self.header(cookie.max_age(lifetime))
    }

    fn header(self, cookie: CookieBuilder<'_>) -> Option<HeaderValue> {
        let cookie = cookie.secure(self.secure).http_only(true);
        let cookie = cookie.same_site(SameSite::Lax).build();
        HeaderValue::from_str(&cookie.encoded().to_string()).ok()
    }
}

/// What a page is to say once, after a form was sent: a cookie for one view of it, so that what was typed
/// stands in no URL, and strangers' tries take no room in the database.
pub(super) struct Once {
    /// The cookie's name.
    pub(super) name: &'static str,
    /// The page's path.
    pub(super) path: &'static str,
}

fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cookie<'a>> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse_encoded)
        .flatten()
        .find(|cookie| cookie.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Once = Once {
        name: "page-says",
        path: "/page",
    };

    /// The header that a browser sends after it has got this one.
    fn sent(set: &HeaderValue) -> HeaderMap {
        let set = set.to_str().expect("ASCII");
        let (pair, _) = set.split_once(';').expect("attributes");
        HeaderMap::from_iter([(COOKIE, pair.parse().expect("a header value"))])
    }

    #[test]
    fn what_a_page_is_to_say_comes_back_whatever_was_typed() {
        let typed = "a;b=\"c\" é@example.com".to_owned();
        let set = Cookies::new(false).say(&PAGE, &typed).expect("a header");
        let (said, forget) = Cookies::new(false)
            .said::<String>(&PAGE, &sent(&set))
            .expect("read back");
        assert_eq!(said, typed);
        assert!(forget.to_str().expect("ASCII").contains("Max-Age=0"));
    }

    #[test]
    fn over_https_every_cookie_demands_it() {
        let key = SessionKey::parse(&"7f".repeat(16)).expect("a key");
        let all = |cookies: Cookies| {
            let said = cookies.say(&PAGE, &"typed").expect("a header");
            let (_, forget) = cookies.said::<String>(&PAGE, &sent(&said)).expect("said");
            let lasting = [
                cookies.session(&key),
                cookies.no_session(),
                cookies.knows_browser("x"),
            ];
            let lasting = lasting.map(|set| set.expect("a header"));
            [&[said, forget], lasting.as_slice()].concat()
        };
        for secure in [true, false] {
            for set in all(Cookies::new(secure)) {
                let set = set.to_str().expect("ASCII");
                assert_eq!(set.contains("; Secure"), secure, "{set}");
                assert!(
                    set.contains("; HttpOnly") && set.contains("; SameSite=Lax"),
                    "{set}"
                );
            }
        }
    }

    #[test]
    fn over_https_a_cookie_of_plain_http_counts_for_nothing() {
        let key = SessionKey::parse(&"7f".repeat(16)).expect("a key");
        let plain = Cookies::new(false).session(&key).expect("a header");
        let secure = Cookies::new(true).session(&key).expect("a header");
        let read = |cookies: Cookies, set| cookies.session_key(&sent(set)).is_some();
        assert!(read(Cookies::new(false), &plain));
        assert!(read(Cookies::new(true), &secure));
        assert!(!read(Cookies::new(true), &plain));
    }
}
