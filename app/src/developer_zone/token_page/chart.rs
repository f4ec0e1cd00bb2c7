//! The chart of calls by hour, as SVG elements that the server writes. It contains no text by users.
//!
//! Accepted calls are bars above the line, refused calls are bars below it: readers can tell them apart without colour.
//! Both have the same scale, unless refused calls would be too low to read. Below the line, reasons are stacked, the most
//! frequent of the period nearest to the line.

use std::fmt::Write as _;

use model::usage::Calls;

use super::{
    bars::Bars,
    reasons::{Reason, bar},
};
use crate::developer_zone::charts::short;

/// The height of the chart, and of half a line of the axis's text above and below it, in SVG units.
const HEIGHT: f64 = 160.0;
const MARGIN: f64 = 8.0;

/// The width of an hour and of its bar. The page stretches the chart to its own width.
const HOUR_WIDTH: usize = 4;
const BAR_WIDTH: usize = 3;

/// The lowest bar, so that a single call is visible.
const LOWEST_BAR: f64 = 2.0;

/// The height that the most refused calls of an hour have at least, if there are any.
const LEAST_BELOW: f64 = 32.0;

/// From numbers of calls to positions.
struct Scale {
    /// The distance between two lines of the axis, in calls.
    step: u64,
    above: u64,
    /// The most refused calls of an hour, rounded up if they have a scale of their own.
    below: u64,
    /// The position of the line between accepted and refused calls.
    line: f64,
    pixels_a_call: f64,
    pixels_a_refusal: f64,
}

impl Scale {
    fn of(hours: &[Calls]) -> Self {
        let most = |of: fn(&Calls) -> u64| hours.iter().map(of).max().unwrap_or(0);
        let (accepted, refused) = (most(|calls| calls.accepted), most(|calls| calls.refused));
        let rounded = |calls: u64, step: u64| calls.div_ceil(step).saturating_mul(step);
        let step_above = step(accepted.max(refused));
        let above = rounded(accepted, step_above);
        let height = HEIGHT - 2.0 * MARGIN;
        let shared = height / (above as f64 + refused as f64).max(1.0);
        let mut scale = Self {
            step: step_above,
            above,
            below: refused,
            line: MARGIN + above as f64 * shared,
            pixels_a_call: shared,
            pixels_a_refusal: shared,
        };
        if refused > 0 && refused as f64 * shared < LEAST_BELOW {
            scale.below = rounded(refused, step(refused));
            scale.line = MARGIN + height - LEAST_BELOW;
            scale.pixels_a_call = (height - LEAST_BELOW) / (above as f64).max(1.0);
            scale.pixels_a_refusal = LEAST_BELOW / scale.below as f64;
        }
        scale
    }

    /// Whether refused calls are drawn higher than as many accepted ones.
    fn is_split(&self) -> bool {
        self.pixels_a_refusal > self.pixels_a_call
    }

    fn accepted(&self, calls: u64) -> f64 {
        height_of(calls, self.pixels_a_call)
    }

    fn refused(&self, calls: u64) -> f64 {
        height_of(calls, self.pixels_a_refusal)
    }

    /// The bars of an hour's refused calls: pattern, position and height.
    fn stack(&self, reasons: &[Reason], hour: usize) -> impl Iterator<Item = (usize, f64, f64)> {
        let mut y = self.line;
        let heights = reasons
            .iter()
            .enumerate()
            .filter_map(move |(pattern, reason)| {
                let height = self.refused(*reason.hours.get(hour)?);
                (height > 0.0).then_some((pattern, height))
            });
        heights.map(move |(pattern, height)| {
            let top = y;
            y += height;
            (pattern, top, height)
        })
    }

    /// The lines of the axis: their position, and the number of calls there.
    fn ticks(&self) -> impl Iterator<Item = (f64, u64)> {
        let above = (0..=self.above / self.step).map(|n| n * self.step);
        let above = above.map(|calls| (self.line - calls as f64 * self.pixels_a_call, calls));
        let step = if self.is_split() {
            self.below
        } else {
            self.step
        };
        let below = (1..=10).map(move |n: u64| n.saturating_mul(step));
        let below = below.map(|calls| (self.line + calls as f64 * self.pixels_a_refusal, calls));
        above.chain(below.take_while(|(y, _)| *y <= HEIGHT - MARGIN + 0.1))
    }
}

/// The height of a bar. Even a single call is visible.
fn height_of(calls: u64, pixels_a_call: f64) -> f64 {
    match calls {
        0 => 0.0,
        calls => (calls as f64 * pixels_a_call).max(LOWEST_BAR),
    }
}

/// Whether refused calls have a scale of their own, because they would be too low to read.
pub(super) fn has_two_scales(hours: &[Calls]) -> bool {
    Scale::of(hours).is_split()
}

/// 1, 2 or 5 times a power of ten, so that at most three steps reach `most` calls or pass it.
fn step(most: u64) -> u64 {
    let wanted = most.div_ceil(3).max(1);
    let mut power = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            let step = power.saturating_mul(factor);
            if step >= wanted {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// The axis: the numbers of calls beside the chart.
pub(super) fn axis(hours: &[Calls]) -> String {
    let mut svg =
        format!("<svg class=\"calls-axis\" viewBox=\"0 0 40 {HEIGHT}\" aria-hidden=\"true\">");
    for (y, calls) in Scale::of(hours).ticks() {
        let _ = write!(
            svg,
            "<text x=\"34\" y=\"{y:.1}\" dy=\".35em\">{}</text>",
            short(calls)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// The chart, with its accessible name.
pub(super) fn chart(bars: &Bars, name: &str) -> String {
    let Bars {
        calls,
        reasons,
        width,
        marks,
        ..
    } = bars;
    let scale = Scale::of(calls);
    let line = scale.line;
    let total = width * HOUR_WIDTH;
    let mut svg = format!(
        "<svg class=\"calls-bars\" role=\"img\" viewBox=\"0 0 {total} {HEIGHT}\" preserveAspectRatio=\"none\">\
         <title>{name}</title>"
    );
    for (y, _) in scale.ticks().filter(|(_, calls)| *calls > 0) {
        let _ = write!(svg, "<path class=\"week-day\" d=\"M0 {y:.1}h{total}\"/>");
    }
    for mark in marks.iter().filter(|mark| mark.hour > 0) {
        let x = mark.hour * HOUR_WIDTH;
        let _ = write!(svg, "<path class=\"week-day\" d=\"M{x} 0v{HEIGHT}\"/>");
    }
    for (hour, calls) in calls.iter().enumerate() {
        let x = hour * HOUR_WIDTH;
        let accepted = scale.accepted(calls.accepted);
        if accepted > 0.0 {
            let y = line - accepted;
            let _ = write!(
                svg,
                "<rect class=\"calls-accepted\" x=\"{x}\" y=\"{y:.1}\" width=\"{BAR_WIDTH}\" height=\"{accepted:.1}\"/>"
            );
        }
        for (pattern, y, height) in scale.stack(reasons, hour) {
            svg.push_str(&bar(pattern, x, y, BAR_WIDTH, height));
        }
    }
    let _ = write!(
        svg,
        "<path class=\"calls-line\" d=\"M0 {line:.1}h{total}\"/></svg>"
    );
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(accepted: u64, refused: u64) -> Calls {
        Calls { accepted, refused }
    }

    #[test]
    fn every_call_is_visible_and_no_bar_leaves_the_chart() {
        let highest = u64::MAX / 4;
        for accepted in [0, 1, 7, 1_000, highest] {
            for refused in [0, 1, 7, 1_000, highest] {
                let scale = Scale::of(&[calls(accepted, refused)]);
                let (above, below) = (scale.accepted(accepted), scale.refused(refused));
                assert_eq!(above > 0.0, accepted > 0);
                assert_eq!(below >= 8.0, refused > 0);
                assert!(
                    scale.line - above >= MARGIN - LOWEST_BAR,
                    "{accepted} {refused}"
                );
                assert!(scale.line + below <= HEIGHT - MARGIN + LOWEST_BAR + 0.1);
                let ticks = scale.ticks().collect::<Vec<_>>();
                assert!((1..=8).contains(&ticks.len()), "{ticks:?}");
                assert!(ticks.iter().all(|(y, _)| (0.0..=HEIGHT).contains(y)));
            }
        }
    }

    #[test]
    fn reasons_are_stacked_below_the_line_and_the_rarest_is_visible() {
        let reason = |calls| Reason {
            label: String::new(),
            hours: vec![calls],
        };
        for refused in [[0, 1, 1, 1], [1_000, 0, 1, 1], [9, 3, 2, 1]] {
            let hours = [calls(5, refused.iter().sum())];
            let scale = Scale::of(&hours);
            let stack: Vec<_> = scale.stack(&refused.map(reason), 0).collect();
            let patterns: Vec<_> = stack.iter().map(|(pattern, ..)| *pattern).collect();
            let expected: Vec<_> = (0..4).filter(|n| refused[*n] > 0).collect();
            assert_eq!(patterns, expected);
            let mut end = scale.line;
            for (_, y, height) in stack {
                assert!(
                    (y - end).abs() < 0.001 && height >= LOWEST_BAR,
                    "{refused:?}"
                );
                end = y + height;
            }
            assert!(end <= HEIGHT, "{refused:?}");
        }
    }

    #[test]
    fn lines_of_the_axis_are_at_round_numbers() {
        for (most, expected) in [
            (0, 1),
            (1, 1),
            (3, 1),
            (4, 2),
            (12, 5),
            (1_204, 500),
            (30_000, 10_000),
        ] {
            assert_eq!(step(most), expected, "{most}");
        }
    }
}
