//! `developer-zone event remove-photos`: removes photos from an event, a batch at a time.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use indicatif::ProgressBar;
use model::{event::EventId, organisation::OrganisationId, photo::ImageId};
use store::{EventsPermission, Store, photos::Removed};

use super::{
    bad_lines::BadLines,
    fields,
    records::{BATCH, Ids},
};
use crate::{
    cli::{arguments, output},
    error::Error,
};

/// Standard input, in place of a file.
const STANDARD_INPUT: &str = "-";

#[derive(Args)]
#[command(after_help = "Examples:
  developer-zone event remove-photos --organisation 903 --event 456 IMG_1 IMG_2
  developer-zone event remove-photos --organisation 903 --event 456 --ids-from ids.txt

The file has one image_id on each line, in UTF-8. Bad lines are reported on standard error, and the photos of
all others are removed; the command then exits with 1.

The API shows removed photos no longer, and its list of changes reports them. Originals stay in storage. If
the command is interrupted, run it again: photos that are removed already only count as missing.")]
pub(in crate::cli) struct RemovePhotos {
    /// The organisation's number
    #[arg(long, env = "DEVELOPER_ZONE_ORGANISATION", value_parser = arguments::organisation_id)]
    organisation: OrganisationId,
    /// The event's number
    #[arg(long, env = "DEVELOPER_ZONE_EVENT", value_parser = arguments::event_id)]
    event: EventId,
    /// A file with one image_id on each line; - is standard input
    #[arg(long, env = "DEVELOPER_ZONE_IDS_FROM", value_name = "FILE")]
    ids_from: Option<PathBuf>,
    /// The photos
    #[arg(
        value_name = "IMAGE_ID",
        value_parser = fields::name,
        required_unless_present = "ids_from",
        conflicts_with = "ids_from"
    )]
    ids: Vec<ImageId>,
}

impl RemovePhotos {
    /// Removes the photos and prints the result.
    ///
    /// # Errors
    /// [`Error::ImportFile`], [`Error::IdsRefused`], those of the store, and [`Error::Output`].
    pub(in crate::cli) async fn perform(self, store: &Store) -> Result<(), Error> {
        let scope = EventsPermission::operator(self.organisation);
        store.events().find(scope, self.event).await?;
        let Some(file) = &self.ids_from else {
            let mut sum = Removed::default();
            for batch in self.ids.chunks(BATCH) {
                self.remove(store, batch, &mut sum).await?;
            }
            return self.report(sum);
        };
        let unreadable = |cause| Error::ImportFile {
            file: file.clone(),
            cause,
        };
        let input: Box<dyn Read + Send> = if file == Path::new(STANDARD_INPUT) {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(file).map_err(unreadable)?)
        };
        let ids = Ids::new(BufReader::new(input));
        self.remove_named_in(store, ids, file).await
    }

    async fn remove_named_in(
        &self,
        store: &Store,
        mut ids: Ids<impl BufRead>,
        file: &Path,
    ) -> Result<(), Error> {
        let unreadable = |cause| Error::ImportFile {
            file: file.to_owned(),
            cause,
        };
        let mut bad_lines = BadLines::new(file, ProgressBar::hidden());
        let mut sum = Removed::default();
        let mut batch = Vec::with_capacity(BATCH);
        while let Some((line, found)) = ids.next().map_err(unreadable)? {
            match found {
                Ok(id) => batch.push(id),
                Err(fault) => bad_lines.refuse(line, &fault),
            }
            if batch.len() == BATCH {
                self.remove(store, &batch, &mut sum).await?;
                batch.clear();
            }
        }
        self.remove(store, &batch, &mut sum).await?;
        bad_lines.finish();
        self.report(sum)?;
        match bad_lines.count() {
            0 => Ok(()),
            refused => Err(Error::IdsRefused {
                file: file.to_owned(),
                refused,
            }),
        }
    }

    async fn remove(
        &self,
        store: &Store,
        batch: &[ImageId],
        sum: &mut Removed,
    ) -> Result<(), Error> {
        let scope = EventsPermission::operator(self.organisation);
        let removed = store.photos().remove(scope, self.event, batch).await?;
        sum.removed += removed.removed;
        sum.missing += removed.missing;
        Ok(())
    }

    fn report(&self, Removed { removed, missing }: Removed) -> Result<(), Error> {
        let event = self.event;
        output::line(format!(
            "Removed photos from event {event}: {removed} removed, {missing} missing. Originals stay in storage."
        ))
    }
}
