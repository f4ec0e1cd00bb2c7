//! Events and their settings.

use model::{
    event::{EventId, EventSettings, EventStatus, EventSummary},
    organisation::OrganisationId,
    page::{ListRequest, Page, Pagination},
    timestamp::Timestamp,
};
use time::{
    Date, OffsetDateTime, PrimitiveDateTime, Time, format_description::BorrowedFormatItem,
    macros::format_description,
};

use crate::{
    Store,
    cursors::{CursorList, Position, last_of_page, rows_in_all},
    database::{LoggedChange, Transaction, row, values},
    error::{DatabaseError, EventError, ListError, NewEventError},
    organisations::organisation_of,
    permission::EventsPermission,
};

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const DATE_TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

/// An event to be created.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its number; the next after the highest if none is given.
    pub id: Option<EventId>,
    /// Its name.
    pub name: String,
    /// When it takes place: `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM:SS`.
    pub date: Option<String>,
    /// The time zone of the date, by its IANA name.
    pub time_zone: Option<String>,
    /// Whether it is published.
    pub status: EventStatus,
    /// Its settings; without them the event is unconfigured.
    pub settings: Option<EventSettings>,
}

/// Events and their settings; see [`Store::events`].
pub struct Events<'a> {
    store: &'a Store,
}

row! {
    struct EventRow {
        id: i64,
        name: Option<String>,
        slug: Option<String>,
        date: Option<String>,
        time_zone: Option<String>,
        status: String,
        cover_image: Option<String>,
    }
}

impl From<EventRow> for EventSummary {
    fn from(row: EventRow) -> Self {
        Self {
            event_id: EventId(row.id),
            event_name: row.name,
            event_slug: row.slug,
            event_date: row.date,
            time_zone: row.time_zone,
            status: if row.status == "active" {
                EventStatus::Active
            } else {
                EventStatus::Draft
            },
            cover_image: row.cover_image,
        }
    }
}

/// A position in the list of events.
struct EventPosition {
    id: i64,
    /// Empty for an event without a date.
    date: String,
}

impl EventPosition {
    fn of(row: &EventRow) -> Self {
        Self {
            id: row.id,
            date: row.date.clone().unwrap_or_default(),
        }
    }
}

impl Position for EventPosition {
    fn to_bytes(&self) -> Vec<u8> {
        [&self.id.to_be_bytes(), self.date.as_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (id, date) = bytes.split_first_chunk()?;
        Some(Self {
            id: i64::from_be_bytes(*id),
            date: String::from_utf8(date.to_vec()).ok()?,
        })
    }
}

const COUNT: &str = "SELECT COUNT(*) FROM events WHERE organisation_id = $1";

/// In the contract's order: newest date first, events without a date last, then by number.
const LIST: &str = "SELECT id, name, slug, date, time_zone, status, cover_image FROM events
    WHERE organisation_id = $1
    ORDER BY date DESC NULLS LAST, id
    LIMIT $2 OFFSET $3";

/// The number of events up to a position. An event without a date is at the date '', which comes last.
const COUNT_UP_TO: &str = "SELECT COUNT(*) FROM events WHERE organisation_id = $1
    AND (COALESCE(date, '') > $2 OR (COALESCE(date, '') = $2 AND id <= $3))";

const LIST_AFTER: &str = "SELECT id, name, slug, date, time_zone, status, cover_image FROM events
    WHERE organisation_id = $1
        AND (COALESCE(date, '') < $2 OR (COALESCE(date, '') = $2 AND id > $3))
    ORDER BY date DESC NULLS LAST, id
    LIMIT $4";

const FIND: &str = "SELECT id, name, slug, date, time_zone, status, cover_image FROM events
    WHERE organisation_id = $1 AND id = $2";

/// Along the index of the list. A date with a time comes after its day without one, so an event of the day counts.
const NEXT: &str = "SELECT id, name, slug, date, time_zone, status, cover_image FROM events
    WHERE organisation_id = $1 AND date >= $2
    ORDER BY date, id LIMIT 1";

/// Published events before drafts, each in the list's order.
const EXAMPLE: &str = "SELECT events.id FROM events
    JOIN event_settings ON event_settings.event_id = events.id
    WHERE events.organisation_id = $1
    ORDER BY CASE events.status WHEN 'active' THEN 0 ELSE 1 END, events.date DESC NULLS LAST, events.id
    LIMIT 1";

const NEXT_ID: &str = "SELECT COALESCE(MAX(id), 0) + 1 FROM events";

const INSERT_EVENT: &str =
    "INSERT INTO events (id, organisation_id, name, slug, date, time_zone, status)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";

const SET_TIME_ZONE: &str =
    "UPDATE events SET time_zone = $3 WHERE id = $1 AND organisation_id = $2";

const INSERT_SETTINGS: &str = "INSERT INTO event_settings (event_id, event_enabled, bib_search,
        selfie_search, name_search, video_search, video_selfie_search, timeline_search)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// An event's row with its settings, for [`insert_event`].
pub(crate) struct InsertedEvent<'a> {
    pub(crate) id: i64,
    pub(crate) organisation_id: i64,
    pub(crate) name: &'a str,
    pub(crate) date: Option<&'a str>,
    pub(crate) time_zone: Option<&'a str>,
    pub(crate) status: EventStatus,
    pub(crate) settings: Option<EventSettings>,
}

/// Inserts an event, and returns whether its number was free.
pub(crate) async fn insert_event(
    transaction: &mut Transaction,
    event: InsertedEvent<'_>,
) -> Result<bool, DatabaseError> {
    let inserted = transaction
        .execute(
            INSERT_EVENT,
            values![
                event.id,
                event.organisation_id,
                event.name,
                &slug(event.name),
                event.date,
                event.time_zone,
                status_code(event.status),
            ],
        )
        .await?
        == 1;
    if let Some(settings) = event.settings.filter(|_| inserted) {
        insert_settings(transaction, event.id, settings).await?;
    }
    Ok(inserted)
}

async fn insert_settings(
    transaction: &mut Transaction,
    event: i64,
    settings: EventSettings,
) -> Result<(), DatabaseError> {
    let settings = settings.normalised();
    transaction
        .execute(
            INSERT_SETTINGS,
            values![
                event,
                settings.event_enabled,
                settings.bib_search,
                settings.selfie_search,
                settings.name_search,
                settings.video_search,
                settings.video_selfie_search,
                settings.timeline_search,
            ],
        )
        .await?;
    Ok(())
}

impl<'a> Events<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// One page of the organisation's events: newest date first, events without a date last, then by number.
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn list(
        &self,
        permission: impl Into<EventsPermission>,
        request: impl Into<ListRequest>,
    ) -> Result<Page<EventSummary>, ListError> {
        let organisation = permission.into().organisation_id();
        let request = request.into();
        let database = self.store.database();
        let (total,): (i64,) = database.fetch_one(COUNT, values![organisation.0]).await?;
        let size = request.page().page_size();
        let (before, mut rows): (i64, Vec<EventRow>) = match request.cursor() {
            None => {
                let offset = request.page().offset();
                let values = values![organisation.0, size + 1, offset];
                (offset, database.fetch_all(LIST, values).await?)
            }
            Some(cursor) => {
                let list = CursorList::Events;
                let EventPosition { date, id } =
                    self.store.position(organisation, list, cursor).await?;
                let values = values![organisation.0, &date, id];
                let (before,): (i64,) = database.fetch_one(COUNT_UP_TO, values).await?;
                let values = values![organisation.0, &date, id, size + 1];
                (before, database.fetch_all(LIST_AFTER, values).await?)
            }
        };
        let total = rows_in_all(total, before, size, rows.len());
        let next = match last_of_page(&mut rows, size) {
            None => None,
            Some(last) => {
                let position = EventPosition::of(last);
                let cursor = self
                    .store
                    .cursor(organisation, CursorList::Events, &position);
                Some(cursor.await?)
            }
        };
        Ok(Page {
            rows: rows.into_iter().map(Into::into).collect(),
            pagination: Pagination::at(before, size, total, next),
        })
    }

    /// One event of the organisation.
    ///
    /// # Errors
    /// [`EventError::NoSuchEvent`], also for another organisation's event, and those of the database.
    pub async fn find(
        &self,
        permission: impl Into<EventsPermission>,
        event: EventId,
    ) -> Result<EventSummary, EventError> {
        let organisation = permission.into().organisation_id();
        let database = self.store.database();
        let row: Option<EventRow> = database
            .fetch_optional(FIND, values![organisation.0, event.0])
            .await?;
        row.map(Into::into).ok_or(EventError::NoSuchEvent(event))
    }

    /// The organisation's next event: the first on the present UTC day or later, published or not. None if no event has
    /// such a date. Event dates have no time zone, so the result may be a day off around midnight.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn next(
        &self,
        permission: impl Into<EventsPermission>,
    ) -> Result<Option<EventSummary>, DatabaseError> {
        let organisation = permission.into().organisation_id();
        let today = day_of(self.store.clock().now());
        let database = self.store.database();
        let row: Option<EventRow> = database
            .fetch_optional(NEXT, values![organisation.0, &today])
            .await?;
        Ok(row.map(Into::into))
    }

    /// An event to show the API with: the first configured one in the list's order, published ones before drafts.
    /// None if no event is configured.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn example(
        &self,
        permission: impl Into<EventsPermission>,
    ) -> Result<Option<EventId>, DatabaseError> {
        let organisation = permission.into().organisation_id();
        let database = self.store.database();
        let id: Option<(i64,)> = database
            .fetch_optional(EXAMPLE, values![organisation.0])
            .await?;
        Ok(id.map(|(id,)| EventId(id)))
    }

    /// Sets or clears the event's time zone, by its IANA name.
    ///
    /// # Errors
    /// [`EventError::NoSuchEvent`], also for another organisation's event, and those of the database.
    pub async fn set_time_zone(
        &self,
        permission: EventsPermission,
        event: EventId,
        time_zone: Option<&str>,
    ) -> Result<(), EventError> {
        let organisation = permission.organisation_id();
        let values = values![event.0, organisation.0, time_zone];
        let changed = self.store.database().execute(SET_TIME_ZONE, values).await?;
        if changed == 0 {
            return Err(EventError::NoSuchEvent(event));
        }
        Ok(())
    }

    /// Creates an event, and returns its number once every server knows it: a server may have cached that there was no
    /// event with that number.
    ///
    /// # Errors
    /// [`NewEventError`].
    pub async fn create(
        &self,
        permission: EventsPermission,
        event: &NewEvent,
    ) -> Result<EventId, NewEventError> {
        let organisation = permission.organisation_id();
        let date = event.date.as_deref().map(normalised_date).transpose()?;
        let (created, change) = loop {
            let created = self.try_create(organisation, event, date.as_deref()).await;
            match (created, event.id) {
                // Another process took the next number between the read and the write.
                (Err(NewEventError::Exists(_)), None) => {}
                (outcome, _) => break outcome?,
            }
        };
        let key_cache = self.store.key_cache();
        key_cache.wait_for_servers(Some(change)).await;
        Ok(created)
    }

    async fn try_create(
        &self,
        organisation: OrganisationId,
        event: &NewEvent,
        date: Option<&str>,
    ) -> Result<(EventId, LoggedChange), NewEventError> {
        let mut transaction = self.store.database().begin().await?;
        let found = organisation_of(&mut transaction, organisation).await?;
        found.ok_or(NewEventError::NoSuchOrganisation(organisation))?;
        let id = match event.id {
            Some(id) => id.0,
            None => transaction.fetch_one::<(i64,)>(NEXT_ID, &[]).await?.0,
        };
        let row = InsertedEvent {
            id,
            organisation_id: organisation.0,
            name: &event.name,
            date,
            time_zone: event.time_zone.as_deref(),
            status: event.status,
            settings: event.settings,
        };
        if !insert_event(&mut transaction, row).await? {
            return Err(NewEventError::Exists(EventId(id)));
        }
        Ok((EventId(id), transaction.commit_logged().await?))
    }
}

const fn status_code(status: EventStatus) -> &'static str {
    match status {
        EventStatus::Active => "active",
        EventStatus::Draft => "draft",
    }
}

/// The UTC day, such as `2026-01-19`. A clock beyond the year 9999 has no day, and finds every event.
fn day_of(now: Timestamp) -> String {
    let day = OffsetDateTime::from_unix_timestamp(now.epoch_millis() / 1_000);
    day.ok()
        .and_then(|day| day.format(DATE).ok())
        .unwrap_or_default()
}

/// A date as the `date` column keeps it; a day without a time starts at midnight. The parser accepts a year with a
/// sign, but such a date would not sort as text, so it is refused. So is the year 0, which many programs cannot read.
fn normalised_date(text: &str) -> Result<String, NewEventError> {
    let parsed = PrimitiveDateTime::parse(text, DATE_TIME)
        .or_else(|_| Date::parse(text, DATE).map(|day| day.with_time(Time::MIDNIGHT)));
    parsed
        .ok()
        .filter(|date| text.starts_with(|c: char| c.is_ascii_digit()) && date.year() > 0)
        .and_then(|date| date.format(DATE_TIME).ok())
        .ok_or_else(|| NewEventError::Date(text.to_owned()))
}

/// `Summit Trail 2026!` → `summit-trail-2026`.
fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let words = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_date_is_kept_as_a_local_date_time() {
        let normalised = |text| normalised_date(text).ok();
        assert_eq!(
            normalised("2026-01-19").as_deref(),
            Some("2026-01-19T00:00:00")
        );
        assert_eq!(
            normalised("2026-01-19T06:00:00").as_deref(),
            Some("2026-01-19T06:00:00")
        );
        for bad in [
            "",
            "tomorrow",
            "2026-02-30",
            "19/01/2026",
            "0000-01-01",
            "2026-01-19T06:00:00Z",
        ] {
            assert!(
                matches!(normalised_date(bad), Err(NewEventError::Date(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_slug_needs_no_escaping_in_a_url() {
        assert_eq!(slug("Summit Trail, 2026!"), "summit-trail-2026");
    }
}
