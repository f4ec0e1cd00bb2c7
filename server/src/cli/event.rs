//! `developer-zone event`.

use clap::{Subcommand, builder::BoolishValueParser};
use model::{
    event::{EventId, EventSettings, EventStatus},
    organisation::OrganisationId,
};
use store::{EventsPermission, Store, events::NewEvent};

use super::{arguments, import::Import, output};
use crate::error::Error;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Create an event with every feature enabled
    #[command(after_help = "Example:
  developer-zone event create --organisation 903 --name \"Summit Marathon\" --id 456 \\
      --date 2026-01-19T06:00:00")]
    Create {
        /// The organisation's number
        #[arg(long, env = "DEVELOPER_ZONE_ORGANISATION", value_parser = arguments::organisation_id)]
        organisation: OrganisationId,
        /// Its name
        #[arg(long, env = "DEVELOPER_ZONE_NAME", value_parser = arguments::name)]
        name: String,
        /// Its number, of at most 15 digits [default: the highest number plus 1]
        #[arg(long, env = "DEVELOPER_ZONE_ID", value_parser = arguments::new_event_id)]
        id: Option<EventId>,
        /// Its date, in local time: YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS
        #[arg(long, env = "DEVELOPER_ZONE_DATE")]
        date: Option<String>,
        /// Whether it is published
        #[arg(long, env = "DEVELOPER_ZONE_STATUS", value_parser = arguments::event_status(), default_value = "active")]
        status: EventStatus,
        /// Create it without a configuration; the API then responds with event_not_configured
        #[arg(long, env = "DEVELOPER_ZONE_UNCONFIGURED", value_parser = BoolishValueParser::new())]
        unconfigured: bool,
    },
    /// Load photos from a file into an event
    Import(Import),
}

impl Command {
    /// Whether it is slow even with a quick database.
    pub(super) const fn takes_long(&self) -> bool {
        matches!(self, Self::Import(_))
    }

    /// Runs the command and prints the result.
    ///
    /// # Errors
    /// Those of the store and of an import, and [`Error::Output`].
    pub(super) async fn perform(self, store: &Store) -> Result<(), Error> {
        match self {
            Self::Create {
                organisation,
                name,
                id,
                date,
                status,
                unconfigured,
            } => {
                let event = NewEvent {
                    id,
                    name,
                    date,
                    status,
                    settings: (!unconfigured).then_some(EventSettings::ALL_ON),
                };
                let scope = EventsPermission::operator(organisation);
                let created = store.events().create(scope, &event).await?;
                output::line(format!(
                    "Created event {created}, {}, in organisation {organisation}.",
                    event.name
                ))
            }
            Self::Import(import) => import.perform(store).await,
        }
    }
}
