//! What the bars of the chart stand for: an hour each, or several hours.

use model::{
    timestamp::Timestamp,
    usage::{Calls, HOUR_MILLIS, TokenUsage},
};

use super::{
    period::{Mark, Period},
    reasons::{Reason, reasons},
};
use crate::time_zone::ReaderZone;

/// The calls of a period, in bars.
pub(super) struct Bars {
    /// The number of hours of a bar.
    pub(super) hours: usize,
    /// The calls of each bar.
    pub(super) calls: Vec<Calls>,
    /// The reasons of refused calls, with those of each bar.
    pub(super) reasons: Vec<Reason>,
    /// The number of bars. There are fewer `calls` if the last day is not over.
    pub(super) width: usize,
    /// The points below the chart, counted in bars.
    pub(super) marks: Vec<Mark>,
    start: Timestamp,
}

impl Bars {
    /// A bar for each hour.
    pub(super) fn by_hour(
        usage: &TokenUsage,
        period: Period,
        now: Timestamp,
        zone: &ReaderZone,
    ) -> Self {
        Self {
            hours: 1,
            calls: usage.hours.clone(),
            reasons: reasons(&usage.refusals),
            width: period.hours(now, zone).max(usage.hours.len()),
            marks: period.marks(now, zone),
            start: usage.start,
        }
    }

    /// The same calls, with a bar for as many hours. After clocks have changed, a day may begin within a bar.
    pub(super) fn together(&self, hours: usize) -> Self {
        let sums = |of: &[u64]| of.chunks(hours).map(|calls| calls.iter().sum()).collect();
        let sum = |calls: &[Calls]| calls.iter().copied().fold(Calls::default(), Calls::plus);
        let reason = |reason: &Reason| Reason {
            label: reason.label.clone(),
            hours: sums(&reason.hours),
        };
        let mark = |mark: &Mark| Mark {
            hour: mark.hour / hours,
            text: mark.text.clone(),
        };
        Self {
            hours,
            calls: self.calls.chunks(hours).map(sum).collect(),
            reasons: self.reasons.iter().map(reason).collect(),
            width: self.width.div_ceil(hours),
            marks: self.marks.iter().map(mark).collect(),
            start: self.start,
        }
    }

    /// When a bar begins: `Sat 28 Nov, 14:00`, and for several hours also when it ends: `Sat 28 Nov, 12:00 to 16:00`.
    pub(super) fn time(&self, bar: usize, zone: &ReaderZone) -> String {
        let after = |hours: usize| self.start.plus_millis(hours as i64 * HOUR_MILLIS);
        let start = zone.hour(after(bar * self.hours));
        match self.hours {
            1 => start,
            hours => format!("{start} to {}", zone.time(after((bar + 1) * hours))),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    #[test]
    fn bars_of_several_hours_have_the_sums_of_their_hours() {
        let calls = |accepted, refused| Calls { accepted, refused };
        let mark = |hour| Mark {
            hour,
            text: Default::default(),
        };
        let by_hour = Bars {
            hours: 1,
            calls: vec![
                calls(1, 0),
                calls(2, 5),
                calls(4, 0),
                calls(8, 2),
                calls(16, 1),
            ],
            reasons: vec![Reason {
                label: "reason".to_owned(),
                hours: vec![0, 5, 0, 2, 1],
            }],
            width: 9,
            marks: vec![mark(0), mark(4)],
            // 2026-03-31T00:00:00Z.
            start: Timestamp(1_774_915_200_000),
        };
        let together = by_hour.together(4);
        assert_eq!(together.calls, [calls(15, 7), calls(16, 1)]);
        assert_eq!(together.reasons[0].hours, [7, 1]);
        assert_eq!(together.width, 3);
        assert_eq!(together.marks, [mark(0), mark(1)]);
        let zone = ReaderZone::of(&HeaderMap::new());
        assert_eq!(by_hour.time(1, &zone), "Tue 31 Mar, 01:00");
        assert_eq!(together.time(1, &zone), "Tue 31 Mar, 04:00 to 08:00");
    }
}
