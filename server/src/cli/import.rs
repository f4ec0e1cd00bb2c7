//! `developer-zone event import`: photos from a file into an event, a batch at a time.

mod fields;
mod records;

use std::{
    fs::File,
    io::{self, BufReader, IsTerminal},
    path::{Path, PathBuf},
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use model::{event::EventId, organisation::OrganisationId};
use store::{
    EventsPermission, Store,
    photos::{Imported, NewPhoto},
};

use self::records::{Format, Records, Unreadable};
use super::{arguments, output};
use crate::{error::Error, telemetry};

/// The number of photos in one transaction: large enough to be fast, small enough that other writers hardly wait.
const BATCH: usize = 1_000;

/// The number of bad lines that are reported one by one. Further ones are only counted.
const MAX_REPORTED: u64 = 20;

#[derive(Args)]
#[command(after_help = "Example:
  developer-zone event import --organisation 903 --event 456 photos.csv

  image_id,img_url,thumbnail_url,original_path,captured_at,bibs
  IMG_1,https://images.example.com/1.jpg,/t/1.jpg,456/1.jpg,2026-01-19T08:30:00+01:00,1234 A17

The file is UTF-8, with commas between the columns and line feeds (LF or CRLF) at the ends of lines.
The columns of a .csv file (named in its first line), or the fields of the objects in a .jsonl file (one
object on each line):
  image_id       required; the photo's name, unique within the event
  img_url        required; https://…, http://… or a path from the root, as are all addresses
  thumbnail_url  required
  original_url   address of the original, where it is public
  original_path  the original's name in the storage of originals, like 456/IMG_0001.jpg
  width, height  in pixels
  captured_at    RFC 3339 with the time zone: 2026-01-19T08:30:00+01:00
  bibs           bib numbers of letters, digits, - and _; in .csv separated by commas (then in quotation
                 marks), semicolons or spaces, in .jsonl a list

A photo whose image_id the event already has is updated. Bad lines are reported on standard error, and all
others are loaded; the command then exits with 1.

If the command is interrupted, the photos loaded so far remain. Run it again: the result is the same as
without the interruption.")]
pub(super) struct Import {
    /// The organisation's number
    #[arg(long, env = "DEVELOPER_ZONE_ORGANISATION", value_parser = arguments::organisation_id)]
    organisation: OrganisationId,
    /// The event's number
    #[arg(long, env = "DEVELOPER_ZONE_EVENT", value_parser = arguments::event_id)]
    event: EventId,
    /// The photos: a file whose name ends in .csv or .jsonl
    #[arg(value_name = "FILE", value_parser = source)]
    file: Source,
}

/// A file, and its format, which the end of its name decides.
#[derive(Clone, Debug)]
struct Source {
    path: PathBuf,
    format: Format,
}

fn source(text: &str) -> Result<Source, &'static str> {
    let path = PathBuf::from(text);
    let extension = path.extension().and_then(|it| it.to_str());
    let format = match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("csv") => Format::Csv,
        Some("jsonl") => Format::JsonLines,
        _ => return Err("use a file whose name ends in .csv or .jsonl"),
    };
    Ok(Source { path, format })
}

impl Import {
    /// Runs the import and prints the result.
    ///
    /// # Errors
    /// [`Error::ImportFile`], [`Error::ImportHeader`], [`Error::ImportInterrupted`], [`Error::LinesRefused`], those
    /// of the store, and [`Error::Output`].
    pub(super) async fn perform(self, store: &Store) -> Result<(), Error> {
        let path = &self.file.path;
        let scope = EventsPermission::operator(self.organisation);
        store.events().find(scope, self.event).await?;
        let unreadable = |cause| Error::ImportFile {
            file: path.clone(),
            cause,
        };
        let file = File::open(path).map_err(unreadable)?;
        let bar = progress_bar(&file);
        let mut records =
            Records::open(self.file.format, BufReader::new(file)).map_err(|error| match error {
                Unreadable::Input(cause) => unreadable(cause),
                Unreadable::Header(problem) => Error::ImportHeader {
                    file: path.clone(),
                    problem: printable(&problem),
                },
            })?;

        let mut tally = Tally::new(path, bar);
        let mut batch = Vec::with_capacity(BATCH);
        while let Some((line, found)) = records.next().map_err(unreadable)? {
            match found {
                Ok(photo) => batch.push(photo),
                Err(fault) => tally.refuse(line, &fault),
            }
            if batch.len() == BATCH {
                self.load(store, &mut batch, &mut tally).await?;
                tally.bar.set_position(records.bytes());
            }
        }
        self.load(store, &mut batch, &mut tally).await?;
        tally.finish(self.event)
    }

    /// Loads the photos in `batch`, and empties it.
    async fn load(
        &self,
        store: &Store,
        batch: &mut Vec<NewPhoto>,
        tally: &mut Tally<'_>,
    ) -> Result<(), Error> {
        let scope = EventsPermission::operator(self.organisation);
        match store.photos().import(scope, self.event, batch).await {
            Ok(imported) => tally.add(imported),
            Err(cause) => {
                return Err(Error::ImportInterrupted {
                    file: self.file.path.clone(),
                    loaded: tally.loaded(),
                    cause,
                });
            }
        }
        batch.clear();
        Ok(())
    }
}

/// The outcome so far.
struct Tally<'a> {
    file: &'a Path,
    bar: ProgressBar,
    imported: Imported,
    refused: u64,
}

impl<'a> Tally<'a> {
    fn new(file: &'a Path, bar: ProgressBar) -> Self {
        Self {
            file,
            bar,
            imported: Imported::default(),
            refused: 0,
        }
    }

    fn add(&mut self, batch: Imported) {
        self.imported.added += batch.added;
        self.imported.updated += batch.updated;
        self.imported.unchanged += batch.unchanged;
    }

    const fn loaded(&self) -> u64 {
        self.imported.added + self.imported.updated + self.imported.unchanged
    }

    fn refuse(&mut self, line: u64, fault: &str) {
        self.refused += 1;
        if self.refused <= MAX_REPORTED {
            let (file, fault) = (self.file.display(), printable(fault));
            let text = format!("{file}:{line}: {fault}");
            if self.bar.is_hidden() {
                telemetry::print(&text);
            } else {
                self.bar.println(text);
            }
        }
    }

    fn finish(self, event: EventId) -> Result<(), Error> {
        self.bar.finish_and_clear();
        if self.refused > MAX_REPORTED {
            telemetry::print(&format!("… and {} more", self.refused - MAX_REPORTED));
        }
        let Imported {
            added,
            updated,
            unchanged,
        } = self.imported;
        let (file, refused) = (self.file.display(), self.refused);
        output::line(format!(
            "Loaded {file} into event {event}: {added} added, {updated} updated, {unchanged} unchanged, {refused} refused."
        ))?;
        if refused > 0 {
            return Err(Error::LinesRefused {
                file: self.file.to_owned(),
                refused,
            });
        }
        Ok(())
    }
}

/// Progress by bytes, since the number of lines is unknown. Only shown at a terminal.
fn progress_bar(file: &File) -> ProgressBar {
    const TEMPLATE: &str = "{bar:40} {bytes} of {total_bytes}, {eta} left";
    let length = file.metadata().map(|data| data.len()).unwrap_or_default();
    if length == 0 || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(TEMPLATE);
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Makes text from a file safe for a terminal: one line, limited length, no control characters.
fn printable(text: &str) -> String {
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
    fn the_name_of_a_file_tells_its_format() {
        let format = |text| source(text).ok().map(|it| it.format);
        assert_eq!(format("a/photos.csv"), Some(Format::Csv));
        assert_eq!(format("PHOTOS.CSV"), Some(Format::Csv));
        assert_eq!(format("photos.csv.jsonl"), Some(Format::JsonLines));
        for bad in ["-", "photos", "photos.json", ".csv", "photos.csv.gz", ""] {
            assert_eq!(format(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn text_from_a_file_cannot_control_the_terminal() {
        assert_eq!(printable("a\u{1b}[2J\nb"), "a\u{FFFD}[2J\u{FFFD}b");
        assert_eq!(printable(&"ä".repeat(301)).chars().count(), 301);
    }
}
