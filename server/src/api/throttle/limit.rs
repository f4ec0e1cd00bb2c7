//! How much is allowed, and how a refusal tells it.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

use governor::Quota;
use http::{HeaderMap, HeaderName, HeaderValue, header::RETRY_AFTER};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// What one address may get wrong: 50 keys at once, which is more than a partner with a stale deployment
/// of many workers sends before somebody looks, then 5 a second, which is nothing to the database and,
/// at 62^36 tokens, nothing to whoever guesses.
const GUESSING: RateLimit = RateLimit {
    per_second: Rate(5.0),
    burst: NonZeroU32::new(50).expect("more than none"),
};

/// Requests a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate(f64);

/// A text that is no rate.
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

/// So many requests a second, and before that as many at once as were saved up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimit {
    per_second: Rate,
    burst: NonZeroU32,
}

impl RateLimit {
    /// The largest burst.
    pub const MAX_BURST: u32 = 1_000_000;

    /// A limit; none for the rate 0. What is above [`RateLimit::MAX_BURST`] counts as that.
    pub fn new(per_second: Rate, burst: NonZeroU32) -> Option<Self> {
        let burst = burst.min(NonZeroU32::new(Self::MAX_BURST)?);
        (per_second.0 > 0.0).then_some(Self { per_second, burst })
    }

    /// The time in which one request is earned: at most a quarter of an hour or so, by the least rate.
    pub(super) fn interval(self) -> Duration {
        Duration::from_secs_f64(1.0 / self.per_second.0)
    }

    /// The time in which an empty bucket fills up.
    pub(super) fn window(self) -> Duration {
        Duration::from_secs_f64(f64::from(self.burst.get()) / self.per_second.0)
    }

    pub(super) fn quota(self) -> Quota {
        // The interval is never zero; were it, a second would be the careful choice.
        Quota::with_period(self.interval())
            .unwrap_or(Quota::per_second(NonZeroU32::MIN))
            .allow_burst(self.burst)
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rate, burst) = (self.per_second.0, self.burst);
        write!(
            f,
            "{rate} calls a second, and {burst} at once after a pause"
        )
    }
}

/// What a server goes by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimits {
    /// What each token may ask for.
    pub per_token: RateLimit,
    /// How many wrong keys may come from each address.
    pub wrong_keys: RateLimit,
}

impl RateLimits {
    /// This limit for tokens, and 5 wrong keys a second after a burst of 50.
    pub const fn of_tokens(per_token: RateLimit) -> Self {
        Self {
            per_token,
            wrong_keys: GUESSING,
        }
    }
}

/// A limit that a call ran into, and what to tell the caller of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::api) struct Exceeded {
    pub(super) policy: &'static str,
    pub(super) limit: RateLimit,
    /// The time after which a call is let through again.
    pub(super) wait: Duration,
}

impl Exceeded {
    /// Adds `Retry-After`, `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11: a
    /// policy with its quota `q` and window `w`, and how many requests `r` remain of it for how long `t`).
    /// Nothing but a refusal carries them: what is said of a foreign thing and of a missing one must not
    /// differ by a byte.
    ///
    /// The window is the time in which the whole quota is earned; `t` is `Retry-After`, the time until one
    /// more call passes. All are whole seconds, rounded up.
    pub(in crate::api) fn tell(&self, headers: &mut HeaderMap) {
        let seconds = whole_seconds(self.wait);
        let (name, quota) = (self.policy, self.limit.burst);
        let window = whole_seconds(self.limit.window());
        headers.insert(RETRY_AFTER, seconds.into());
        insert(
            headers,
            POLICY,
            format_args!("\"{name}\";q={quota};w={window}"),
        );
        insert(headers, STATE, format_args!("\"{name}\";r=0;t={seconds}"));
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: fmt::Arguments<'_>) {
    if let Ok(value) = HeaderValue::try_from(value.to_string()) {
        headers.insert(name, value);
    }
}

/// Whole seconds, rounded up, at least one: a caller that is told 0 comes back at once.
fn whole_seconds(time: Duration) -> u64 {
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

    fn told(limit: RateLimit, wait: Duration) -> [String; 3] {
        let mut headers = HeaderMap::new();
        let policy = "token";
        Exceeded {
            policy,
            limit,
            wait,
        }
        .tell(&mut headers);
        [RETRY_AFTER, POLICY, STATE].map(|name| headers[name].to_str().expect("text").to_owned())
    }

    #[test]
    fn a_refusal_tells_policy_and_wait_in_whole_seconds_rounded_up() {
        let twenty_ms = told(limit("50", 100), Duration::from_millis(20));
        assert_eq!(
            twenty_ms,
            ["1", r#""token";q=100;w=2"#, r#""token";r=0;t=1"#]
        );
        let slow = told(limit("0.4", 3), Duration::from_millis(2_001));
        assert_eq!(slow, ["3", r#""token";q=3;w=8"#, r#""token";r=0;t=3"#]);
        let seven = told(limit("7", 7), Duration::from_secs(1));
        assert_eq!(seven, ["1", r#""token";q=7;w=1"#, r#""token";r=0;t=1"#]);
    }

    #[test]
    fn a_rate_is_a_number_within_reason_and_0_is_no_limit() {
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
