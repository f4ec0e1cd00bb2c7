//! The period that the page shows.

use leptos_router::params::ParamsMap;
use model::{timestamp::Timestamp, token::TokenId, usage::HOUR_MILLIS};

use crate::{
    paths::{ASK_TO_DELETE, token_page},
    time_zone::ReaderZone,
};

/// The field of the address that selects the last 24 hours.
const HOURS: &str = "hours";

/// The period that the page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Period {
    /// The last 24 hours, the present one included.
    Day,
    /// The last seven days in the reader's zone, today included.
    Week,
}

/// A point below the chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The hour where it stands, counted from the start of the period.
    pub(super) hour: usize,
    /// Its text, in two parts: `Mon` and `19`, or `06:00` and nothing.
    pub(super) text: (String, String),
}

impl Period {
    pub(super) const ALL: [Self; 2] = [Self::Day, Self::Week];

    /// The period that an address selects. The question before a deletion always tells the calls of a week.
    pub(super) fn of_query(query: &ParamsMap) -> Self {
        match query.get(HOURS).is_some() && query.get(ASK_TO_DELETE).is_none() {
            true => Self::Day,
            false => Self::Week,
        }
    }

    /// `24 hours`, after "last".
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Day => "24 hours",
            Self::Week => "7 days",
        }
    }

    /// The address of the token's page with this period. It leads to the chart.
    pub(super) fn address(self, token: TokenId) -> String {
        let page = token_page(token);
        match self {
            Self::Day => format!("{page}?{HOURS}=24#calls"),
            Self::Week => format!("{page}#calls"),
        }
    }

    /// The start of the hour in which the period begins. Where clocks differ from UTC by half an hour, the first hour of
    /// a week begins before midnight.
    pub(super) fn start(self, now: Timestamp, zone: &ReaderZone) -> Timestamp {
        match self {
            Self::Day => hour_of(now.plus_millis(-23 * HOUR_MILLIS)),
            Self::Week => zone.days(now).0[0],
        }
    }

    /// The number of hours, those of today that have not come yet included.
    pub(super) fn hours(self, now: Timestamp, zone: &ReaderZone) -> usize {
        match self {
            Self::Day => 24,
            Self::Week => between(self.start(now, zone), zone.first_hour_of_day_after(now, 1)),
        }
    }

    /// The points below the chart, at equal distances except where clocks change.
    pub(super) fn marks(self, now: Timestamp, zone: &ReaderZone) -> Vec<Mark> {
        let start = self.start(now, zone);
        match self {
            Self::Day => (0..24)
                .step_by(4)
                .map(|hour| Mark {
                    hour,
                    text: (
                        zone.time(start.plus_millis(hour as i64 * HOUR_MILLIS)),
                        String::new(),
                    ),
                })
                .collect(),
            Self::Week => zone
                .days(now)
                .0
                .into_iter()
                .map(|midnight| {
                    // Noon is on the same day, even if the hour began before midnight.
                    let noon = midnight.plus_millis(12 * HOUR_MILLIS);
                    Mark {
                        hour: between(start, midnight),
                        text: (zone.weekday(noon), zone.day_of_month(noon)),
                    }
                })
                .collect(),
        }
    }
}

fn hour_of(at: Timestamp) -> Timestamp {
    at.plus_millis(-at.epoch_millis().rem_euclid(HOUR_MILLIS))
}

fn between(start: Timestamp, end: Timestamp) -> usize {
    let hours = (end.epoch_millis() - start.epoch_millis()) / HOUR_MILLIS;
    usize::try_from(hours).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header::COOKIE};

    use super::*;

    /// 2026-03-31T06:20:00Z, two days after Europe's clocks went forward.
    const NOW: Timestamp = Timestamp(1_774_938_000_000);

    fn zone(name: &str) -> ReaderZone {
        let cookie = format!("developer-zone-time-zone={name}");
        let cookie = HeaderValue::from_str(&cookie).expect("a header value");
        ReaderZone::of(&HeaderMap::from_iter([(COOKIE, cookie)]))
    }

    #[test]
    fn the_question_before_a_deletion_counts_a_week_even_where_24_hours_are_shown() {
        let period = |fields: &[&'static str]| {
            Period::of_query(&fields.iter().map(|field| (*field, "24")).collect())
        };
        assert_eq!(period(&[]), Period::Week);
        assert_eq!(period(&[HOURS]), Period::Day);
        assert_eq!(period(&[HOURS, ASK_TO_DELETE]), Period::Week);
    }

    #[test]
    fn a_week_begins_and_ends_at_midnight_in_the_readers_zone() {
        for (name, start, hours) in [
            ("UTC", "25 Mar 2026, 00:00", 168),
            // One of its days has 23 hours.
            ("Europe/London", "25 Mar 2026, 00:00", 167),
            ("America/New_York", "25 Mar 2026, 00:00", 168),
            ("Asia/Kolkata", "24 Mar 2026, 23:30", 168),
        ] {
            let zone = zone(name);
            assert_eq!(zone.date_time(Period::Week.start(NOW, &zone)), start);
            assert_eq!(Period::Week.hours(NOW, &zone), hours, "{name}");
        }
    }

    #[test]
    fn each_day_of_a_week_has_a_mark_where_it_begins() {
        let zone = zone("Europe/London");
        let marks = Period::Week.marks(NOW, &zone);
        let hours: Vec<_> = marks.iter().map(|mark| mark.hour).collect();
        assert_eq!(hours, [0, 24, 48, 72, 96, 119, 143]);
        let days: Vec<_> = marks.into_iter().map(|mark| mark.text).collect();
        assert_eq!(days[0], ("Wed".to_owned(), "25".to_owned()));
        assert_eq!(days[6], ("Tue".to_owned(), "31".to_owned()));
    }

    #[test]
    fn a_day_is_24_hours_up_to_the_present_one() {
        let zone = zone("Europe/London");
        let start = Period::Day.start(NOW, &zone);
        assert_eq!(zone.date_time(start), "30 Mar 2026, 08:00");
        let marks = Period::Day.marks(NOW, &zone).into_iter();
        let times: Vec<_> = marks.map(|mark| mark.text.0).collect();
        assert_eq!(
            times,
            ["08:00", "12:00", "16:00", "20:00", "00:00", "04:00"]
        );
    }
}
