//! The limits, and the headers of a refusal.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, header::RETRY_AFTER};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// The headers about a limit.
pub(in crate::api) const HEADERS: [HeaderName; 2] = [POLICY, STATE];

/// How many wrong keys one address may send: a burst of 50, then 5 a second.
///
/// A partner with an outdated key on many workers rarely sends 50 before noticing. Five reads a second are no load for
/// the database, and do not help an attacker to guess one of 62^36 tokens.
const WRONG_KEYS: RateLimit = RateLimit::a_second(5.0, 50);

/// Requests a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate(f64);

/// A text that is not a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use a number of requests a second from 0.001 to 1000000, or 0 for no limit")]
pub struct InvalidRate;

impl FromStr for Rate {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let rate: f64 = text.parse().map_err(|_| InvalidRate)?;
        if rate == 0.0 || (0.001..=1_000_000.0).contains(&rate) {
            Ok(Self(rate))
        } else {
            Err(InvalidRate)
        }
    }
}

/// A rate of requests, and a burst: the number of requests allowed together after an idle time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimit {
    per_second: Rate,
    burst: NonZeroU32,
}

impl RateLimit {
    /// The largest burst.
    pub const MAX_BURST: u32 = 1_000_000;

    /// A limit. `None` for the rate 0. A burst above [`RateLimit::MAX_BURST`] is lowered to it.
    pub fn new(per_second: Rate, burst: NonZeroU32) -> Option<Self> {
        let burst = burst.min(NonZeroU32::new(Self::MAX_BURST)?);
        (per_second.0 > 0.0).then_some(Self { per_second, burst })
    }

    /// A limit of the program itself.
    ///
    /// # Panics
    /// If the burst is 0. In a constant this is an error at compile time.
    pub(crate) const fn a_second(rate: f64, burst: u32) -> Self {
        Self {
            per_second: Rate(rate),
            burst: NonZeroU32::new(burst).expect("more than none"),
        }
    }

    pub(super) fn burst(self) -> u32 {
        self.burst.get()
    }

    /// The time until one more request is allowed. At the lowest rate it is about 15 minutes.
    pub(super) fn interval(self) -> Duration {
        Duration::from_secs_f64(1.0 / self.per_second.0)
    }

    /// The time in which an empty bucket becomes full.
    pub(super) fn window(self) -> Duration {
        Duration::from_secs_f64(f64::from(self.burst.get()) / self.per_second.0)
    }

    /// The limit as the value of `RateLimit-Policy`, under this name.
    fn policy(self, name: &str) -> String {
        format!(
            "\"{name}\";q={};w={}",
            self.burst,
            whole_seconds(self.window())
        )
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rate, burst) = (self.per_second.0, self.burst);
        write!(
            f,
            "{rate} calls a second, and {burst} at once after an idle time"
        )
    }
}

/// The limits of a server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimits {
    /// The limit of each token.
    pub per_token: RateLimit,
    /// How many wrong keys each address may send.
    pub wrong_keys: RateLimit,
}

impl RateLimits {
    /// This limit for tokens, and 5 wrong keys a second after a burst of 50.
    pub const fn of_tokens(per_token: RateLimit) -> Self {
        Self {
            per_token,
            wrong_keys: WRONG_KEYS,
        }
    }
}

/// A limit that a call exceeded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Exceeded {
    pub(super) policy: &'static str,
    pub(super) limit: RateLimit,
    /// The time after which a call is accepted again.
    pub(crate) wait: Duration,
}

impl Exceeded {
    /// Adds `Retry-After`, `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11: a
    /// policy with its quota `q` and window `w`, and how many requests `r` remain of it for how long `t`).
    ///
    /// The window is the time in which an empty bucket becomes full. `t` equals `Retry-After`, the time until one more
    /// call is accepted. All three are whole seconds, rounded up.
    pub(in crate::api) fn add_headers(&self, headers: &mut HeaderMap) {
        let seconds = whole_seconds(self.wait);
        headers.insert(RETRY_AFTER, seconds.into());
        insert(headers, POLICY, self.limit.policy(self.policy));
        insert(
            headers,
            STATE,
            format!("\"{}\";r=0;t={seconds}", self.policy),
        );
    }
}

/// The headers of a response within the limit. A caller with a valid key gets them with every call, so they are written
/// in advance as far as possible.
pub(super) struct WithinLimit {
    /// As if it was a part of the program: nothing counts who uses it, so processors never wait for each other.
    policy: HeaderValue,
    /// What precedes the number of remaining calls.
    before: String,
    after: String,
}

impl WithinLimit {
    /// The headers for a limit under this name.
    pub(super) fn new(name: &str, limit: RateLimit) -> Self {
        Self {
            policy: HeaderValue::from_static(limit.policy(name).leak()),
            before: format!("\"{name}\";r="),
            after: format!(";t={}", whole_seconds(limit.interval())),
        }
    }

    /// Adds `RateLimit-Policy` and `RateLimit`, as [`Exceeded::add_headers`]. `t` is the time after which one more call
    /// is allowed, at the latest.
    pub(super) fn add_headers(&self, remaining: u32, headers: &mut HeaderMap) {
        let mut digits = itoa::Buffer::new();
        let remaining = digits.format(remaining);
        headers.insert(POLICY, self.policy.clone());
        insert(
            headers,
            STATE,
            [self.before.as_str(), remaining, &self.after].concat(),
        );
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// Whole seconds, rounded up, at least one: with 0 a caller would retry immediately.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    let begun = u64::from(time.subsec_nanos() > 0);
    (time.as_secs() + begun).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(rate: &str, burst: u32) -> RateLimit {
        let burst = NonZeroU32::new(burst).expect("more than none");
        RateLimit::new(rate.parse().expect("a rate"), burst).expect("a limit")
    }

    fn headers_of(limit: RateLimit, wait: Duration) -> [String; 3] {
        let mut headers = HeaderMap::new();
        let policy = "token";
        Exceeded {
            policy,
            limit,
            wait,
        }
        .add_headers(&mut headers);
        [RETRY_AFTER, POLICY, STATE].map(|name| headers[name].to_str().expect("text").to_owned())
    }

    #[test]
    fn a_refusal_has_policy_and_wait_in_whole_seconds_rounded_up() {
        let twenty_ms = headers_of(limit("50", 100), Duration::from_millis(20));
        assert_eq!(
            twenty_ms,
            ["1", r#""token";q=100;w=2"#, r#""token";r=0;t=1"#]
        );
        let slow = headers_of(limit("0.4", 3), Duration::from_millis(2_001));
        assert_eq!(slow, ["3", r#""token";q=3;w=8"#, r#""token";r=0;t=3"#]);
        let seven = headers_of(limit("7", 7), Duration::from_secs(1));
        assert_eq!(seven, ["1", r#""token";q=7;w=1"#, r#""token";r=0;t=1"#]);
    }

    #[test]
    fn a_response_within_the_limit_has_policy_and_remaining_calls() {
        for (rate, burst, remaining, policy, state) in [
            ("50", 100, 99, r#""token";q=100;w=2"#, r#""token";r=99;t=1"#),
            ("0.4", 3, 0, r#""token";q=3;w=8"#, r#""token";r=0;t=3"#),
        ] {
            let mut headers = HeaderMap::new();
            WithinLimit::new("token", limit(rate, burst)).add_headers(remaining, &mut headers);
            assert_eq!([&headers[POLICY], &headers[STATE]], [policy, state]);
        }
    }

    #[test]
    fn a_rate_is_a_number_in_range_and_0_means_no_limit() {
        for text in ["0.001", "0.5", "50", "1000000"] {
            assert!(RateLimit::new(text.parse().expect(text), NonZeroU32::MIN).is_some());
        }
        let none = RateLimit::new("0".parse().expect("a rate"), NonZeroU32::MIN);
        assert_eq!(none, None);
        for text in ["", "-1", "0.0001", "1000001", "inf", "NaN", "fast", "5/s"] {
            assert_eq!(text.parse::<Rate>(), Err(InvalidRate), "{text}");
        }
    }
}
