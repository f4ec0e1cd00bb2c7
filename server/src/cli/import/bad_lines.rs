//! Reports the bad lines of a file on standard error.

use std::path::Path;

use indicatif::ProgressBar;

use crate::telemetry;

/// The number of bad lines that are reported one by one. Further ones are only counted.
const MAX_REPORTED: u64 = 20;

/// The bad lines of a file so far.
pub(super) struct BadLines<'a> {
    file: &'a Path,
    /// Shown below the reports.
    pub(super) bar: ProgressBar,
    count: u64,
}

impl<'a> BadLines<'a> {
    pub(super) const fn new(file: &'a Path, bar: ProgressBar) -> Self {
        Self {
            file,
            bar,
            count: 0,
        }
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn refuse(&mut self, line: u64, fault: &str) {
        self.count += 1;
        if self.count <= MAX_REPORTED {
            let (file, fault) = (self.file.display(), printable(fault));
            let text = format!("{file}:{line}: {fault}");
            if self.bar.is_hidden() {
                telemetry::print(&text);
            } else {
                self.bar.println(text);
            }
        }
    }

    /// Reports how many others there were.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
        if self.count > MAX_REPORTED {
            telemetry::print(&format!("… and {} more", self.count - MAX_REPORTED));
        }
    }
}

/// Makes text from a file safe for a terminal: one line, limited length, no control characters.
pub(super) fn printable(text: &str) -> String {
    const LONGEST: usize = 300;
    let clean = |c: char| if c.is_control() { '\u{FFFD}' } else { c };
    let mut shown: String = text.chars().take(LONGEST).map(clean).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_a_file_cannot_control_the_terminal() {
        assert_eq!(printable("a\u{1b}[2J\nb"), "a\u{FFFD}[2J\u{FFFD}b");
        assert_eq!(printable(&"ä".repeat(301)).chars().count(), 301);
    }
}
