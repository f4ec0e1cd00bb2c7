//! Standard output: the result of a command, and nothing else.

use std::io::{self, ErrorKind, Write};

use app::texts::servers::confirmed;
use model::servers::Acknowledgements;
use serde::Serialize;

use crate::error::Error;

/// Prints one line, or several joined ones. A reader that stops early (`… | head -1`) is not an error.
///
/// # Errors
/// [`Error::Output`].
pub(super) fn line(text: impl AsRef<str>) -> Result<(), Error> {
    match write_line(text.as_ref()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::Output(error)),
        _ => Ok(()),
    }
}

/// Prints a text that contains its own line breaks. A reader that stops early is not an error.
///
/// # Errors
/// [`Error::Output`].
pub(super) fn bytes(text: &[u8]) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error::Output(error)),
        _ => Ok(()),
    }
}

/// Prints one line. A reader that has stopped is an error.
///
/// # Errors
/// Those of standard output.
pub(super) fn write_line(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

/// Prints the result of a change, and on a line of its own how many servers confirmed it.
///
/// # Errors
/// [`Error::Output`].
pub(super) fn receipt(
    done: impl AsRef<str>,
    acknowledged: Option<Acknowledgements>,
) -> Result<(), Error> {
    let done = done.as_ref();
    let servers = about_servers(acknowledged);
    line(format!("{done}\n{servers}"))
}

fn about_servers(acknowledged: Option<Acknowledgements>) -> String {
    const NONE: Acknowledgements = Acknowledgements {
        servers: 0,
        ended_leases: 0,
    };
    match acknowledged {
        // Shows an operator that the command used the wrong database.
        Some(NONE) => "No server had to confirm it.".to_owned(),
        Some(by) => confirmed(by),
        None => "The servers could not be asked. The longest possible lease ran out.".to_owned(),
    }
}

/// A number of sessions in a sentence.
pub(super) fn sessions(count: u64) -> String {
    let sessions = if count == 1 { "session" } else { "sessions" };
    format!("{count} {sessions}")
}

/// Prints `rows` as a JSON array, or as a table for people.
///
/// # Errors
/// [`Error::Output`].
pub(super) fn list<R: Row<N>, const N: usize>(rows: &[R], json: bool) -> Result<(), Error> {
    if json {
        let text =
            serde_json::to_string_pretty(rows).map_err(|error| Error::Output(error.into()))?;
        line(text)
    } else {
        line(table(rows))
    }
}

/// A row of a list: its fields are the JSON's, its cells the table's.
pub(super) trait Row<const N: usize>: Serialize {
    /// The headings of the columns.
    const HEADINGS: [&'static str; N];

    /// The row's text in each column.
    fn cells(&self) -> [String; N];
}

fn table<R: Row<N>, const N: usize>(rows: &[R]) -> String {
    let headings = R::HEADINGS.map(str::to_owned);
    let lines: Vec<_> = [headings]
        .into_iter()
        .chain(rows.iter().map(Row::cells))
        .collect();
    let mut widths = [0; N];
    for cells in &lines {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = cell.chars().count().max(*width);
        }
    }
    let padded = lines.iter().map(|cells| {
        let cells = cells.iter().zip(widths);
        let line: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        line.join("  ").trim_end().to_owned()
    });
    padded.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Line(&'static str, &'static str);

    impl Row<2> for Line {
        const HEADINGS: [&'static str; 2] = ["ID", "NAME"];

        fn cells(&self) -> [String; 2] {
            [self.0.to_owned(), self.1.to_owned()]
        }
    }

    #[test]
    fn columns_align_with_their_headings_also_beyond_ascii() {
        let rows = [Line("903", "Züri"), Line("7", "Summit Races")];
        assert_eq!(table(&rows), "ID   NAME\n903  Züri\n7    Summit Races");
    }
}
