//! The reasons of refused calls, as the chart tells them apart: by patterns, so not by colour alone.

use std::fmt::Write as _;

use leptos::prelude::*;
use model::usage::HourlyRefusals;

use crate::developer_zone::charts::grouped;

/// How many patterns there are. If a token was refused for more reasons, the last pattern is that of all others.
const PATTERNS: usize = 4;

/// A reason, or several rare ones together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    /// `rate limited`.
    pub(super) label: String,
    /// Its calls in each hour.
    pub(super) hours: Vec<u64>,
}

/// The reasons that the chart shows, in the order of their patterns.
pub(super) fn reasons(refusals: &[HourlyRefusals]) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = Vec::new();
    for (n, refusal) in refusals.iter().enumerate() {
        match reasons.get_mut(pattern_of(n)) {
            Some(others) => {
                others.label = "other reasons".to_owned();
                for (calls, more) in others.hours.iter_mut().zip(&refusal.hours) {
                    *calls += more;
                }
            }
            None => reasons.push(Reason {
                label: refusal.total.code.replace('_', " "),
                hours: refusal.hours.clone(),
            }),
        }
    }
    reasons
}

/// The pattern of the `n`th of all reasons.
pub(super) fn pattern_of(n: usize) -> usize {
    n.min(PATTERNS - 1)
}

/// `3 refused (2 token inactive, 1 rate limited)` for the calls of an hour; `0 refused` if there are none.
pub(super) fn refused_in_words(refused: u64, reasons: &[Reason], hour: usize) -> String {
    let total = format!("{} refused", grouped(refused));
    match reasons_in_words(reasons, hour) {
        Some(reasons) => format!("{total} ({reasons})"),
        None => total,
    }
}

/// `2 token inactive, 1 rate limited`. None without refused calls.
pub(super) fn reasons_in_words(reasons: &[Reason], hour: usize) -> Option<String> {
    let calls = |reason: &Reason| reason.hours.get(hour).copied().unwrap_or_default();
    let parts: Vec<_> = reasons
        .iter()
        .filter(|reason| calls(reason) > 0)
        .map(|reason| format!("{} {}", grouped(calls(reason)), reason.label))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The patterns, which bars and [`Swatch`]es fill themselves with. They have horizontal lines only, because the page
/// stretches the chart to its width.
fn patterns() -> String {
    // From dark to light: the height of a repetition, and of its line.
    let patterns: [(u8, u8); PATTERNS] = [(4, 4), (4, 2), (5, 1), (4, 0)];
    let mut svg = "<defs>".to_owned();
    for (n, (height, line)) in patterns.into_iter().enumerate() {
        let _ = write!(
            svg,
            "<pattern id=\"refused-{n}\" width=\"12\" height=\"{height}\" patternUnits=\"userSpaceOnUse\">\
             <path class=\"pattern-ground\" d=\"M0 0h12v{height}H0z\"/>\
             <path class=\"pattern-line\" d=\"M0 0h12v{line}H0z\"/></pattern>"
        );
    }
    svg.push_str("</defs>");
    svg
}

/// The patterns, for all charts and samples of the page. It has no size.
#[component]
pub(super) fn PatternSource() -> impl IntoView {
    view! { <svg class="calls-patterns" aria-hidden="true" inner_html=patterns()></svg> }
}

/// A bar of the nth pattern.
pub(super) fn bar(pattern: usize, x: usize, y: f64, width: usize, height: f64) -> String {
    format!(
        "<rect class=\"calls-reason\" fill=\"url(#refused-{pattern})\" x=\"{x}\" y=\"{y:.1}\" width=\"{width}\" \
         height=\"{height:.1}\"/>"
    )
}

/// A sample of a pattern, beside the words for it. Decoration for those who see the chart.
#[component]
pub(super) fn Swatch(pattern: usize) -> impl IntoView {
    view! {
        <svg
            class="swatch"
            viewBox="0 0 12 12"
            aria-hidden="true"
            inner_html=bar(pattern, 0, 0.0, 12, 12.0)
        ></svg>
    }
}

#[cfg(test)]
mod tests {
    use model::{timestamp::Timestamp, usage::RefusalCount};

    use super::*;

    fn refusals(hours: &[[u64; 2]]) -> Vec<HourlyRefusals> {
        let refusals = hours.iter().enumerate().map(|(n, hours)| HourlyRefusals {
            total: RefusalCount {
                code: format!("reason_{n}"),
                calls: hours.iter().sum(),
                last_hour: Timestamp(0),
            },
            hours: hours.to_vec(),
        });
        refusals.collect()
    }

    #[test]
    fn each_reason_has_its_pattern_and_the_rarest_share_the_last_one() {
        let four = refusals(&[[4, 0], [3, 0], [2, 0], [1, 0]]);
        let labels = |refusals| -> Vec<_> {
            let reasons = reasons(refusals).into_iter();
            reasons.map(|reason| reason.label).collect()
        };
        assert_eq!(
            labels(&four),
            ["reason 0", "reason 1", "reason 2", "reason 3"]
        );
        let six = refusals(&[[6, 0], [5, 0], [4, 0], [3, 1], [0, 3], [1, 1]]);
        assert_eq!(
            labels(&six),
            ["reason 0", "reason 1", "reason 2", "other reasons"]
        );
        assert_eq!(reasons(&six)[3].hours, [4, 5]);
        assert_eq!([0, 3, 5].map(pattern_of), [0, 3, 3]);
        for pattern in 0..PATTERNS {
            assert!(patterns().contains(&format!("id=\"refused-{pattern}\"")));
        }
    }

    #[test]
    fn the_words_for_an_hour_name_each_reason_with_its_calls() {
        let reasons = reasons(&refusals(&[[1_200, 0], [1, 2]]));
        assert_eq!(
            refused_in_words(1_201, &reasons, 0),
            "1,201 refused (1,200 reason 0, 1 reason 1)"
        );
        assert_eq!(refused_in_words(2, &reasons, 1), "2 refused (2 reason 1)");
        assert_eq!(refused_in_words(0, &reasons, 2), "0 refused");
    }
}
