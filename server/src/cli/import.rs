//! `developer-zone event import`: photos from a file into an event, a batch at a time.

mod bad_lines;
mod fields;
mod records;
pub(super) mod removal;

use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufReader, IsTerminal},
    path::{Path, PathBuf},
};

use clap::{Args, builder::BoolishValueParser};
use indicatif::{ProgressBar, ProgressStyle};
use model::{event::EventId, organisation::OrganisationId, photo::ImageId};
use store::{
    EventsPermission, Store,
    error::EventError,
    photos::{Imported, NewPhoto},
};

use self::{
    bad_lines::{BadLines, printable},
    records::{BATCH, Format, Records, Unreadable},
};
use super::{arguments, output};
use crate::error::Error;

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
  width, height  of the original, in pixels
  captured_at    RFC 3339 with the time zone: 2026-01-19T08:30:00+01:00
  bibs           bib numbers of letters, digits, - and _; in .csv separated by commas (then in quotation
                 marks), semicolons or spaces, in .jsonl a list

A photo whose image_id the event already has is updated. Bad lines are reported on standard error, and all
others are loaded; the command then exits with 1.

With --replace, the event then has exactly the photos that the file names: all others are removed after the
import. Nothing is removed if a line is bad or the file names no photo. Originals stay in storage. Run no
other import into the event meanwhile.

If the command is interrupted, the photos loaded so far remain. Run it again: the result is the same as
without the interruption.")]
pub(super) struct Import {
    /// The organisation's number
    #[arg(long, env = "DEVELOPER_ZONE_ORGANISATION", value_parser = arguments::organisation_id)]
    organisation: OrganisationId,
    /// The event's number
    #[arg(long, env = "DEVELOPER_ZONE_EVENT", value_parser = arguments::event_id)]
    event: EventId,
    /// After the import, remove the event's photos that the file does not name
    #[arg(long, env = "DEVELOPER_ZONE_REPLACE", value_parser = BoolishValueParser::new())]
    replace: bool,
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
    /// [`Error::ImportFile`], [`Error::ImportHeader`], [`Error::ImportInterrupted`], [`Error::LinesRefused`],
    /// [`Error::NothingReplaced`], [`Error::NoPhotosToKeep`], those of the store, and [`Error::Output`].
    pub(super) async fn perform(self, store: &Store) -> Result<(), Error> {
        let path = &self.file.path;
        let scope = EventsPermission::operator(self.organisation);
        store.events().find(scope, self.event).await?;
        let file = File::open(path).map_err(|cause| self.unreadable(cause))?;
        let bar = progress_bar(&file);
        let mut records =
            Records::open(self.file.format, BufReader::new(file)).map_err(|error| match error {
                Unreadable::Input(cause) => self.unreadable(cause),
                Unreadable::Header(problem) => Error::ImportHeader {
                    file: path.clone(),
                    problem: printable(&problem),
                },
            })?;

        let mut tally = Tally::new(path, bar);
        let named = self.load_all(store, &mut records, &mut tally).await?;
        let refused = tally.bad_lines.count();
        if self.replace && refused == 0 {
            if named.is_empty() {
                return Err(Error::NoPhotosToKeep(path.clone()));
            }
            let removed = self.remove_others(store, &named).await;
            tally.removed = Some(removed.map_err(|cause| self.interrupted(&tally, cause))?);
        }
        tally.finish(self.event)?;
        let file = path.clone();
        match refused {
            0 => Ok(()),
            _ if self.replace => Err(Error::NothingReplaced { file, refused }),
            _ => Err(Error::LinesRefused { file, refused }),
        }
    }

    fn unreadable(&self, cause: io::Error) -> Error {
        Error::ImportFile {
            file: self.file.path.clone(),
            cause,
        }
    }

    /// Loads all photos of the file. With `--replace`, returns their names.
    async fn load_all(
        &self,
        store: &Store,
        records: &mut Records<BufReader<File>>,
        tally: &mut Tally<'_>,
    ) -> Result<HashSet<ImageId>, Error> {
        let mut named = HashSet::new();
        let mut batch = Vec::with_capacity(BATCH);
        while let Some((line, found)) = records.next().map_err(|cause| self.unreadable(cause))? {
            match found {
                Ok(photo) => {
                    if self.replace {
                        named.insert(photo.photo.image_id.clone());
                    }
                    batch.push(photo);
                }
                Err(fault) => tally.bad_lines.refuse(line, &fault),
            }
            if batch.len() == BATCH {
                self.load(store, &mut batch, tally).await?;
                tally.bad_lines.bar.set_position(records.bytes());
            }
        }
        self.load(store, &mut batch, tally).await?;
        Ok(named)
    }

    /// Removes the event's photos that are not `named`, and returns how many.
    async fn remove_others(
        &self,
        store: &Store,
        named: &HashSet<ImageId>,
    ) -> Result<u64, EventError> {
        let scope = EventsPermission::operator(self.organisation);
        let photos = store.photos();
        let mut removed = 0;
        let mut last = None;
        loop {
            let some = photos.names_after(scope, self.event, last.as_ref(), BATCH as i64);
            let some = some.await?;
            let others = some.iter().filter(|name| !named.contains(*name));
            let others: Vec<_> = others.cloned().collect();
            if !others.is_empty() {
                removed += photos.remove(scope, self.event, &others).await?.removed;
            }
            match some.into_iter().next_back() {
                Some(name) => last = Some(name),
                None => return Ok(removed),
            }
        }
    }

    fn interrupted(&self, tally: &Tally<'_>, cause: EventError) -> Error {
        Error::ImportInterrupted {
            file: self.file.path.clone(),
            loaded: tally.loaded(),
            cause,
        }
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
            Err(cause) => return Err(self.interrupted(tally, cause)),
        }
        batch.clear();
        Ok(())
    }
}

/// The outcome so far.
struct Tally<'a> {
    file: &'a Path,
    imported: Imported,
    bad_lines: BadLines<'a>,
    /// With `--replace`.
    removed: Option<u64>,
}

impl<'a> Tally<'a> {
    fn new(file: &'a Path, bar: ProgressBar) -> Self {
        Self {
            file,
            imported: Imported::default(),
            bad_lines: BadLines::new(file, bar),
            removed: None,
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

    /// Prints the outcome.
    fn finish(&self, event: EventId) -> Result<(), Error> {
        self.bad_lines.finish();
        let Imported {
            added,
            updated,
            unchanged,
        } = self.imported;
        let (file, refused) = (self.file.display(), self.bad_lines.count());
        let removed = self.removed.map(|removed| format!(", {removed} removed"));
        let removed = removed.unwrap_or_default();
        output::line(format!(
            "Loaded {file} into event {event}: {added} added, {updated} updated, {unchanged} unchanged, {refused} refused{removed}."
        ))
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
}
