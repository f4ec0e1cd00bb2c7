//! Charts of a token's calls, as SVG that the server writes.
//!
//! Bars of accepted calls are filled, bars of refused calls are hollow: readers can tell them apart without colour.

use std::fmt::Write as _;

use model::usage::{Calls, Week};

/// The chart in a table's row: the height of its bars, and the width of a day, in pixels.
const BAR_HEIGHT: u64 = 18;
const DAY_WIDTH: u64 = 6;

/// A chart of seven days, 42 by 20 pixels, and their total beside it. The chart's accessible name contains the figures.
/// Refused calls are stacked on accepted ones. Both are scaled to the busiest day. The SVG contains no text by users.
pub(super) fn week_bar(week: &Week) -> String {
    let highest = week.0.iter().map(|calls| calls.total()).max().unwrap_or(0);
    let mut svg = format!(
        "<svg class=\"week-bar\" role=\"img\" width=\"42\" height=\"20\" viewBox=\"0 0 42 20\"><title>{}</title>",
        calls_in_words("7 days", week.total())
    );
    for (day, calls) in (0_u64..).zip(week.0) {
        let x = day * DAY_WIDTH;
        let (accepted, refused) = heights(calls, highest, BAR_HEIGHT);
        let _ = write!(svg, "<path class=\"week-day\" d=\"M{x} 19.5h5\"/>");
        if accepted > 0 {
            let y = BAR_HEIGHT + 1 - accepted;
            let _ = write!(
                svg,
                "<rect class=\"calls-accepted\" x=\"{x}\" y=\"{y}\" width=\"5\" height=\"{accepted}\"/>"
            );
        }
        if refused > 0 {
            // Half a pixel inside, so that the outline does not extend beyond the bar.
            let y = BAR_HEIGHT + 1 - accepted - refused;
            let _ = write!(
                svg,
                "<rect class=\"calls-refused\" x=\"{x}.5\" y=\"{y}.5\" width=\"4\" height=\"{}\"/>",
                refused - 1
            );
        }
    }
    svg.push_str("</svg>");
    let total = week.total().total();
    if total > 0 {
        let _ = write!(
            svg,
            "<span class=\"week-total\" aria-hidden=\"true\">{}</span>",
            short(total)
        );
    }
    svg
}

/// `950`, `12k`, `2.5M`.
pub(super) fn short(calls: u64) -> String {
    let with = |unit: u64, letter: char| {
        let (whole, tenth) = (calls / unit, calls % unit * 10 / unit);
        match tenth {
            0 => format!("{whole}{letter}"),
            tenth => format!("{whole}.{tenth}{letter}"),
        }
    };
    match calls {
        ..1_000 => calls.to_string(),
        1_000..1_000_000 => with(1_000, 'k'),
        _ => with(1_000_000, 'M'),
    }
}

/// The heights of the bars for accepted and refused calls, in pixels. `highest` calls are `height` pixels high. Even a
/// single call is visible: an accepted bar has at least one pixel, a hollow refused bar at least three.
pub(super) fn heights(calls: Calls, highest: u64, height: u64) -> (u64, u64) {
    const LEAST_HOLLOW: u64 = 3;
    let part = |count: u64| {
        let rounded = (u128::from(count) * u128::from(height) + u128::from(highest) / 2)
            .checked_div(u128::from(highest));
        rounded.map_or(0, |part| u64::try_from(part).unwrap_or(height))
    };
    let refused = match calls.refused {
        0 => 0,
        count => part(count).max(LEAST_HOLLOW),
    };
    let accepted = match calls.accepted {
        0 => 0,
        count => part(count).clamp(1, height.saturating_sub(refused).max(1)),
    };
    (accepted, refused.min(height - accepted))
}

/// `Last 7 days: 1,204 calls accepted, 3 refused`, for the period `7 days`.
pub(super) fn calls_in_words(period: &str, calls: Calls) -> String {
    if calls.total() == 0 {
        return format!("No calls in the last {period}");
    }
    format!(
        "Last {period}: {} {} accepted, {} refused",
        grouped(calls.accepted),
        if calls.accepted == 1 { "call" } else { "calls" },
        grouped(calls.refused)
    )
}

/// `1,204`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(accepted: u64, refused: u64) -> Calls {
        Calls { accepted, refused }
    }

    #[test]
    fn the_accessible_name_of_a_chart_has_its_figures() {
        let mut week = Week::default();
        assert!(week_bar(&week).contains("<title>No calls in the last 7 days</title>"));
        week.0[0] = calls(1_203, 2);
        week.0[6] = calls(1, 1);
        let title = "<title>Last 7 days: 1,204 calls accepted, 3 refused</title>";
        assert!(week_bar(&week).contains(title));
        let total = ">1.2k</span>";
        assert!(week_bar(&week).contains(total));
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(count), text);
        }
        for (count, text) in [
            (0, "0"),
            (950, "950"),
            (1_500, "1.5k"),
            (20_000, "20k"),
            (2_500_000, "2.5M"),
        ] {
            assert_eq!(short(count), text);
        }
    }

    #[test]
    fn every_call_is_visible_and_no_bar_is_too_high() {
        let highest = u64::MAX / 2;
        for accepted in [0, 1, 5, 1_000, highest / 2, highest] {
            for refused in [0, 1, 7, highest / 2, highest] {
                let highest = highest.max(accepted + refused);
                let (low, high) = heights(calls(accepted, refused), highest, BAR_HEIGHT);
                assert_eq!(low > 0, accepted > 0, "{accepted} {refused}");
                assert_eq!(high > 0, refused > 0, "{accepted} {refused}");
                assert!(low + high <= BAR_HEIGHT, "{accepted} {refused}");
            }
        }
        assert_eq!(heights(calls(9, 0), 18, BAR_HEIGHT), (9, 0));
        assert_eq!(heights(calls(0, 0), 0, BAR_HEIGHT), (0, 0));
    }
}
