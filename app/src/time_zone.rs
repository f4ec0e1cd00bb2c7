//! The reader's time zone. The server writes every time of a page in it.
//!
//! The first page that a browser loads, which usually is the sign-in page, stores the name of its zone in a cookie
//! (`time_zone.js`). Without the cookie, times are in UTC and say so.

use std::sync::LazyLock;

use http::{HeaderMap, header::COOKIE, request::Parts};
use jiff::{
    Span,
    civil::Date,
    tz::{TimeZone, TimeZoneDatabase},
};
use leptos::prelude::with_context;
use model::{
    session::TIME_ZONE_COOKIE,
    timestamp::Timestamp,
    usage::{DAYS, DayStarts, HOUR_MILLIS},
};

/// The zones in the program itself: every machine knows the same ones.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The name of a time zone as the IANA database spells it; none if it has no such zone.
pub fn iana_name(text: &str) -> Option<String> {
    let zone = ZONES.get(text).ok()?;
    zone.iana_name().map(str::to_owned)
}

/// The script of each page that stores the zone in the cookie.
pub(crate) const TELL_TIME_ZONE: &str = include_str!("time_zone.js");

/// A day of the calendar.
pub(crate) type Day = Date;

/// The reader's time zone.
#[derive(Clone, Debug)]
pub struct ReaderZone(TimeZone);

impl ReaderZone {
    /// The zone that the browser has named in its cookie, or UTC. A name that is not in the IANA database counts as
    /// missing.
    pub fn of(headers: &HeaderMap) -> Self {
        let names = headers
            .get_all(COOKIE)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
            .filter_map(|pair| {
                let value = pair
                    .trim_ascii()
                    .strip_prefix(TIME_ZONE_COOKIE.as_bytes())?;
                str::from_utf8(value.strip_prefix(b"=")?).ok()
            });
        let mut zones = names.filter_map(|name| ZONES.get(name).ok());
        Self(zones.next().unwrap_or(TimeZone::UTC))
    }

    /// The zone of the reader who sends the current request.
    pub(crate) fn current() -> Self {
        with_context(|request: &Parts| Self::of(&request.headers)).unwrap_or(Self(TimeZone::UTC))
    }

    /// `Europe/London`, `America/New York`, `UTC`.
    pub(crate) fn name(&self) -> String {
        match self.0.iana_name() {
            Some(name) if !self.is_utc() => name.replace('_', " "),
            _ => "UTC".to_owned(),
        }
    }

    /// `28 Nov 2026`.
    pub(crate) fn date(&self, at: Timestamp) -> String {
        self.written(at, "%-d %b %Y")
    }

    /// `28 Nov 2026, 14:03`.
    pub(crate) fn date_time(&self, at: Timestamp) -> String {
        self.written(at, "%-d %b %Y, %H:%M")
    }

    /// `14:03`.
    pub(crate) fn time(&self, at: Timestamp) -> String {
        self.written(at, "%H:%M")
    }

    /// `14:03:22` in a sentence, which names UTC: `14:03:22 UTC`.
    pub(crate) fn time_in_sentence(&self, at: Timestamp) -> String {
        self.in_sentence(self.written(at, "%H:%M:%S"))
    }

    /// `28 Nov 2026, 14:03` in a sentence, which names UTC.
    pub(crate) fn date_time_in_sentence(&self, at: Timestamp) -> String {
        self.in_sentence(self.date_time(at))
    }

    /// `Sat 28 Nov, 14:00`.
    pub(crate) fn hour(&self, at: Timestamp) -> String {
        self.written(at, "%a %-d %b, %H:%M")
    }

    /// `Saturday 28 November 2026`.
    pub(crate) fn long_date(&self, at: Timestamp) -> String {
        self.written(at, "%A %-d %B %Y")
    }

    /// `Sat`.
    pub(crate) fn weekday(&self, at: Timestamp) -> String {
        self.written(at, "%a")
    }

    /// `28`.
    pub(crate) fn day_of_month(&self, at: Timestamp) -> String {
        self.written(at, "%-d")
    }

    /// `Saturday 28 November 2026, 14:03:22 (Europe/London, UTC+00:00)`.
    pub(crate) fn exact(&self, at: Timestamp) -> String {
        let time = self.written(at, "%A %-d %B %Y, %H:%M:%S");
        if self.is_utc() {
            format!("{time} UTC")
        } else {
            format!("{time} ({}, UTC{})", self.name(), self.written(at, "%:z"))
        }
    }

    /// The day in this zone. `None` for a time beyond the year 9999.
    pub(crate) fn day(&self, at: Timestamp) -> Option<Day> {
        let at = jiff::Timestamp::from_millisecond(at.epoch_millis()).ok()?;
        Some(self.0.to_datetime(at).date())
    }

    /// The first instant of a day in this zone.
    pub(crate) fn start_of(&self, day: Day) -> Option<Timestamp> {
        let start = day.to_zoned(self.0.clone()).ok()?;
        Some(Timestamp(start.timestamp().as_millisecond()))
    }

    /// The first instant of the day that is `days` after the day of `at`.
    fn start_of_day_after(&self, at: Timestamp, days: i64) -> Option<Timestamp> {
        self.start_of(
            self.day(at)?
                .checked_add(Span::new().try_days(days).ok()?)
                .ok()?,
        )
    }

    /// The start of the hour in which the day begins that is `days` after the day of `now`. Where clocks differ from UTC
    /// by half an hour, that is before midnight.
    pub(crate) fn first_hour_of_day_after(&self, now: Timestamp, days: i64) -> Timestamp {
        let start = self.start_of_day_after(now, days).unwrap_or(now);
        start.plus_millis(-start.epoch_millis().rem_euclid(HOUR_MILLIS))
    }

    /// Seven days in this zone. The last one is the day of `now`.
    pub(crate) fn days(&self, now: Timestamp) -> DayStarts {
        let today = DAYS as i64 - 1;
        let starts =
            std::array::from_fn(|day| self.first_hour_of_day_after(now, day as i64 - today));
        DayStarts(starts)
    }

    fn in_sentence(&self, time: String) -> String {
        if self.is_utc() {
            format!("{time} UTC")
        } else {
            time
        }
    }

    fn is_utc(&self) -> bool {
        self.0
            .iana_name()
            .is_none_or(|name| matches!(name, "UTC" | "Etc/UTC" | "Etc/Unknown"))
    }

    fn written(&self, at: Timestamp, format: &str) -> String {
        jiff::Timestamp::from_millisecond(at.epoch_millis())
            .map(|at| at.to_zoned(self.0.clone()).strftime(format).to_string())
            .unwrap_or_default()
    }
}

/// `2 minutes ago`.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    // A server whose clock is ahead may have recorded it.
    let minutes = (now.epoch_millis() - at.epoch_millis()).max(0) / 60_000;
    let (count, unit) = match minutes {
        0 => return "just now".to_owned(),
        1..60 => (minutes, "minute"),
        60..1_440 => (minutes / 60, "hour"),
        _ => (minutes / 1_440, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-07-01T23:30:05Z.
    const SUMMER_NIGHT: Timestamp = Timestamp(1_782_948_605_000);

    fn zone(cookies: &[&'static [u8]]) -> ReaderZone {
        let value = |bytes: &&'static [u8]| {
            (
                COOKIE,
                http::HeaderValue::from_bytes(bytes).expect("a header value"),
            )
        };
        ReaderZone::of(&cookies.iter().map(value).collect())
    }

    #[test]
    fn times_are_in_the_zone_of_the_cookie() {
        for (cookie, name, date_time, exact) in [
            (
                &b"developer-zone-time-zone=Europe/London"[..],
                "Europe/London",
                "2 Jul 2026, 00:30",
                "Thursday 2 July 2026, 00:30:05 (Europe/London, UTC+01:00)",
            ),
            (
                b"a=b; developer-zone-time-zone=America/New_York; c=d",
                "America/New York",
                "1 Jul 2026, 19:30",
                "Wednesday 1 July 2026, 19:30:05 (America/New York, UTC-04:00)",
            ),
            (
                b"developer-zone-time-zone=Asia/Kathmandu",
                "Asia/Kathmandu",
                "2 Jul 2026, 05:15",
                "Thursday 2 July 2026, 05:15:05 (Asia/Kathmandu, UTC+05:45)",
            ),
        ] {
            let zone = zone(&[cookie]);
            assert_eq!(zone.name(), name);
            assert_eq!(zone.date_time(SUMMER_NIGHT), date_time);
            assert_eq!(zone.exact(SUMMER_NIGHT), exact);
        }
    }

    #[test]
    fn without_a_zone_that_is_known_times_are_in_utc_and_say_so() {
        let too_long = [b"developer-zone-time-zone=", &[b'x'; 3_000][..]].concat();
        for cookie in [
            &b""[..],
            b"developer-zone-time-zone",
            b"developer-zone-time-zone=",
            b"developer-zone-time-zone=undefined",
            b"developer-zone-time-zone=Mars/Olympus",
            b"developer-zone-time-zone=../../etc/passwd",
            b"developer-zone-time-zone=Z\xfcrich",
            b"developer-zone-time-zone=UTC",
            b"developer-zone-time-zone=Etc/UTC",
            b"other-developer-zone-time-zone=Europe/London",
            too_long.leak(),
        ] {
            let zone = zone(&[cookie]);
            assert_eq!(zone.name(), "UTC", "{cookie:?}");
            assert_eq!(
                zone.exact(SUMMER_NIGHT),
                "Wednesday 1 July 2026, 23:30:05 UTC"
            );
            assert_eq!(zone.time_in_sentence(SUMMER_NIGHT), "23:30:05 UTC");
        }
    }

    #[test]
    fn an_unknown_zone_hides_no_known_one() {
        let cookies: [&[u8]; 2] = [
            b"developer-zone-time-zone=\xff; developer-zone-time-zone=no",
            b"developer-zone-time-zone=Asia/Tokyo",
        ];
        assert_eq!(zone(&cookies).name(), "Asia/Tokyo");
    }

    #[test]
    fn the_script_writes_the_cookie_that_the_server_reads() {
        let expected = format!("`{TIME_ZONE_COOKIE}=${{zone}}; path=/;");
        assert!(TELL_TIME_ZONE.contains(&expected));
    }

    #[test]
    fn a_day_starts_and_ends_at_midnight_even_if_clocks_change_in_it() {
        let zone = zone(&[b"developer-zone-time-zone=Europe/London"]);
        let day = Day::constant(2026, 3, 29);
        let start = zone.start_of(day).expect("a day");
        let next = zone
            .start_of(day.tomorrow().expect("a day"))
            .expect("a day");
        assert_eq!(next.epoch_millis() - start.epoch_millis(), 23 * 3_600_000);
        assert_eq!(zone.day(start), Some(day));
        assert_eq!(zone.day(next.plus_millis(-1)), Some(day));
    }

    #[test]
    fn seven_days_end_today_and_each_begins_with_the_hour_of_its_midnight() {
        // 2026-03-31T06:20:00Z, two days after Europe's clocks went forward.
        let now = Timestamp(1_774_938_000_000);
        for (cookie, first, last) in [
            (&b""[..], "25 Mar 2026, 00:00", "31 Mar 2026, 00:00"),
            (
                b"developer-zone-time-zone=Europe/London",
                "25 Mar 2026, 00:00",
                "31 Mar 2026, 00:00",
            ),
            (
                b"developer-zone-time-zone=America/Los_Angeles",
                "24 Mar 2026, 00:00",
                "30 Mar 2026, 00:00",
            ),
            (
                b"developer-zone-time-zone=Asia/Kolkata",
                "24 Mar 2026, 23:30",
                "30 Mar 2026, 23:30",
            ),
        ] {
            let zone = zone(&[cookie]);
            let DayStarts(days) = zone.days(now);
            assert_eq!(zone.date_time(days[0]), first);
            assert_eq!(zone.date_time(days[DAYS - 1]), last);
            assert!(days.is_sorted(), "{days:?}");
        }
    }

    #[test]
    fn times_that_no_calendar_has_are_empty_texts() {
        for at in [i64::MIN, i64::MAX] {
            assert_eq!(zone(&[]).date(Timestamp(at)), "");
            assert_eq!(zone(&[]).day(Timestamp(at)), None);
        }
    }

    #[test]
    fn how_long_ago_is_counted_in_whole_units_and_the_future_is_now() {
        const MINUTE: i64 = 60_000;
        for (passed, words) in [
            (-MINUTE, "just now"),
            (0, "just now"),
            (MINUTE - 1, "just now"),
            (MINUTE, "1 minute ago"),
            (60 * MINUTE - 1, "59 minutes ago"),
            (150 * MINUTE, "2 hours ago"),
            (24 * 60 * MINUTE, "1 day ago"),
            (49 * 60 * MINUTE, "2 days ago"),
            (400 * 24 * 60 * MINUTE, "400 days ago"),
        ] {
            let now = SUMMER_NIGHT;
            assert_eq!(ago(now.plus_millis(-passed), now), words);
        }
    }
}
