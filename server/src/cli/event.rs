//! `developer-zone event`.

use clap::{Subcommand, builder::BoolishValueParser};
use model::{
    event::{EventId, EventSettings, EventStatus},
    organisation::OrganisationId,
};
use store::{EventsPermission, Store, events::NewEvent};

use super::{
    arguments::{self, NewTimeZone},
    import::{Import, removal::RemovePhotos},
    output,
};
use crate::error::Error;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Create an event with every feature enabled
    #[command(after_help = "Example:
  developer-zone event create --organisation 903 --name \"Summit Marathon\" --id 456 \\
      --date 2026-01-19T06:00:00 --time-zone Europe/London")]
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
        /// The time zone of its date, by its IANA name, for example Europe/London
        #[arg(long, env = "DEVELOPER_ZONE_TIME_ZONE", value_name = "ZONE", value_parser = arguments::time_zone)]
        time_zone: Option<String>,
        /// Whether it is published
        #[arg(long, env = "DEVELOPER_ZONE_STATUS", value_parser = arguments::event_status(), default_value = "active")]
        status: EventStatus,
        /// Create it without a configuration; the API then responds with event_not_configured
        #[arg(long, env = "DEVELOPER_ZONE_UNCONFIGURED", value_parser = BoolishValueParser::new())]
        unconfigured: bool,
    },
    /// Set or clear the time zone of an event's date
    SetTimeZone {
        /// The organisation's number
        #[arg(long, env = "DEVELOPER_ZONE_ORGANISATION", value_parser = arguments::organisation_id)]
        organisation: OrganisationId,
        /// The event's number
        #[arg(long, env = "DEVELOPER_ZONE_EVENT", value_parser = arguments::event_id)]
        event: EventId,
        /// The IANA name, for example Europe/London; empty for no time zone
        #[arg(value_name = "ZONE", value_parser = arguments::time_zone_or_none)]
        time_zone: NewTimeZone,
    },
    /// Load photos from a file into an event
    Import(Import),
    /// Remove photos from an event; their originals stay in storage
    RemovePhotos(RemovePhotos),
}

impl Command {
    /// Whether it is slow even with a quick database.
    pub(super) const fn takes_long(&self) -> bool {
        matches!(self, Self::Import(_) | Self::RemovePhotos(_))
    }

    /// Runs the command and prints the result.
    ///
    /// # Errors
    /// Those of the store, of an import and of a removal, and [`Error::Output`].
    pub(super) async fn perform(self, store: &Store) -> Result<(), Error> {
        match self {
            Self::Create {
                organisation,
                name,
                id,
                date,
                time_zone,
                status,
                unconfigured,
            } => {
                let event = NewEvent {
                    id,
                    name,
                    date,
                    time_zone,
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
            Self::SetTimeZone {
                organisation,
                event,
                time_zone: NewTimeZone(time_zone),
            } => {
                let scope = EventsPermission::operator(organisation);
                let events = store.events();
                events
                    .set_time_zone(scope, event, time_zone.as_deref())
                    .await?;
                output::line(match time_zone {
                    Some(zone) => format!("The time zone of event {event} is {zone}."),
                    None => format!("Event {event} has no time zone."),
                })
            }
            Self::Import(import) => import.perform(store).await,
            Self::RemovePhotos(removal) => removal.perform(store).await,
        }
    }
}
