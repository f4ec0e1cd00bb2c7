//! Events and their settings.

use model::{
    event::{EventId, EventSettings, EventStatus, EventSummary},
    organisation::OrganisationId,
    page::{Page, PageRequest, Pagination},
};
use time::{
    Date, PrimitiveDateTime, Time, format_description::BorrowedFormatItem,
    macros::format_description,
};

use crate::{
    Store, database::on_engine, error::StoreError, organisations::organisation_in,
    scope::OrganisationScope,
};

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const DATE_TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

/// An event to be made.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its number; next after the highest if none is given.
    pub id: Option<EventId>,
    /// Its name.
    pub name: String,
    /// When it takes place: `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM:SS`.
    pub date: Option<String>,
    /// Whether it is published.
    pub status: EventStatus,
    /// Its configuration; none leaves it unconfigured.
    pub settings: Option<EventSettings>,
}

/// Events and their settings; see [`Store::events`].
pub struct Events<'a> {
    store: &'a Store,
}

#[derive(sqlx::FromRow)]
struct EventRow {
    id: i64,
    name: Option<String>,
    slug: Option<String>,
    date: Option<String>,
    status: String,
    cover_image: Option<String>,
}

impl From<EventRow> for EventSummary {
    fn from(row: EventRow) -> Self {
        Self {
            event_id: EventId(row.id),
            event_name: row.name,
            event_slug: row.slug,
            event_date: row.date,
            status: if row.status == "active" {
                EventStatus::Active
            } else {
                EventStatus::Draft
            },
            cover_image: row.cover_image,
        }
    }
}

const COUNT: &str = "SELECT COUNT(*) FROM events WHERE organisation_id = $1";

/// The contract's order: newest date first, events without one last, then by number.
const LIST: &str = "SELECT id, name, slug, date, status, cover_image FROM events
    WHERE organisation_id = $1
    ORDER BY date DESC NULLS LAST, id
    LIMIT $2 OFFSET $3";

const FIND: &str = "SELECT id, name, slug, date, status, cover_image FROM events
    WHERE organisation_id = $1 AND id = $2";

/// Published ones before drafts; among them, the list's order.
const EXAMPLE: &str = "SELECT events.id FROM events
    JOIN event_settings ON event_settings.event_id = events.id
    WHERE events.organisation_id = $1
    ORDER BY CASE events.status WHEN 'active' THEN 0 ELSE 1 END, events.date DESC NULLS LAST, events.id
    LIMIT 1";

const NEXT_ID: &str = "SELECT COALESCE(MAX(id), 0) + 1 FROM events";

pub(crate) const INSERT_EVENT: &str =
    "INSERT INTO events (id, organisation_id, name, slug, date, status)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";

pub(crate) const INSERT_SETTINGS: &str =
    "INSERT INTO event_settings (event_id, event_enabled, bib_search,
        selfie_search, name_search, video_search, video_selfie_search, timeline_search)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// An event's row with its settings, for [`insert_event!`].
pub(crate) struct InsertedEvent<'a> {
    pub(crate) id: i64,
    pub(crate) organisation_id: i64,
    pub(crate) name: &'a str,
    pub(crate) date: Option<&'a str>,
    pub(crate) status: EventStatus,
    pub(crate) settings: Option<EventSettings>,
}

/// Writes an [`InsertedEvent`] in the running transaction `tx`; gives whether its number was free.
macro_rules! insert_event {
    ($tx:ident, $event:expr) => {{
        let event: $crate::events::InsertedEvent<'_> = $event;
        let inserted = sqlx::query($crate::events::INSERT_EVENT)
            .bind(event.id)
            .bind(event.organisation_id)
            .bind(event.name)
            .bind($crate::events::slug(event.name))
            .bind(event.date)
            .bind($crate::events::status_code(event.status))
            .execute(&mut *$tx)
            .await?
            .rows_affected()
            == 1;
        if let Some(settings) = event.settings.filter(|_| inserted) {
            let settings = settings.normalised();
            sqlx::query($crate::events::INSERT_SETTINGS)
                .bind(event.id)
                .bind(settings.event_enabled)
                .bind(settings.bib_search)
                .bind(settings.selfie_search)
                .bind(settings.name_search)
                .bind(settings.video_search)
                .bind(settings.video_selfie_search)
                .bind(settings.timeline_search)
                .execute(&mut *$tx)
                .await?;
        }
        inserted
    }};
}
pub(crate) use insert_event;

impl<'a> Events<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// One page of the organisation's events: newest date first, undated ones last, then by number.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(
        &self,
        scope: impl Into<OrganisationScope>,
        request: PageRequest,
    ) -> Result<Page<EventSummary>, StoreError> {
        let organisation = scope.into().organisation_id();
        let total: i64 = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_scalar(COUNT)
                .bind(organisation.0)
                .fetch_one(pool)
                .await
        })?;
        let rows: Vec<EventRow> = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_as(LIST)
                .bind(organisation.0)
                .bind(request.page_size())
                .bind(request.offset())
                .fetch_all(pool)
                .await
        })?;
        Ok(Page {
            rows: rows.into_iter().map(Into::into).collect(),
            pagination: Pagination::new(request, total),
        })
    }

    /// One event of the organisation.
    ///
    /// # Errors
    /// [`StoreError::NoSuchEvent`], also for another organisation's event, and those of the database.
    pub async fn find(
        &self,
        scope: impl Into<OrganisationScope>,
        event: EventId,
    ) -> Result<EventSummary, StoreError> {
        let organisation = scope.into().organisation_id();
        let row: Option<EventRow> = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_as(FIND)
                .bind(organisation.0)
                .bind(event.0)
                .fetch_optional(pool)
                .await
        })?;
        row.map(Into::into).ok_or(StoreError::NoSuchEvent(event))
    }

    /// An event to show the API with: the first in the list's order that is configured, a published one if
    /// there is one. None if no event is configured.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn example(
        &self,
        scope: impl Into<OrganisationScope>,
    ) -> Result<Option<EventId>, StoreError> {
        let organisation = scope.into().organisation_id();
        let id: Option<i64> = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_scalar(EXAMPLE)
                .bind(organisation.0)
                .fetch_optional(pool)
                .await
        })?;
        Ok(id.map(EventId))
    }

    /// Makes an event, and returns its number once every server goes by it: one may have been asked for that
    /// number before.
    ///
    /// # Errors
    /// [`StoreError::EventDate`], [`StoreError::EventExists`], [`StoreError::NoSuchOrganisation`], and those of
    /// the database.
    pub async fn create(
        &self,
        scope: OrganisationScope,
        event: &NewEvent,
    ) -> Result<EventId, StoreError> {
        let organisation = scope.organisation_id();
        let date = event.date.as_deref().map(normalised_date).transpose()?;
        let made = loop {
            let made = self.try_create(organisation, event, date.as_deref()).await;
            match (made, event.id) {
                // Somebody else took the next number between reading and writing it.
                (Err(StoreError::EventExists(_)), None) => {}
                (outcome, _) => break outcome?,
            }
        };
        self.store.grants().settle().await;
        Ok(made)
    }

    async fn try_create(
        &self,
        organisation: OrganisationId,
        event: &NewEvent,
        date: Option<&str>,
    ) -> Result<EventId, StoreError> {
        on_engine!(transaction self.store.database(), |tx| {
            organisation_in!(tx, organisation)?;
            let id = match event.id {
                Some(id) => id.0,
                None => sqlx::query_scalar(NEXT_ID).fetch_one(&mut *tx).await?,
            };
            let row = InsertedEvent {
                id,
                organisation_id: organisation.0,
                name: &event.name,
                date,
                status: event.status,
                settings: event.settings,
            };
            if !insert_event!(tx, row) {
                return Err(StoreError::EventExists(EventId(id)));
            }
            Ok(EventId(id))
        })
    }
}

pub(crate) const fn status_code(status: EventStatus) -> &'static str {
    match status {
        EventStatus::Active => "active",
        EventStatus::Draft => "draft",
    }
}

/// A date as the `date` column keeps it: a day alone starts at midnight. A year with a sign, which the
/// parser would take, does not sort as text.
fn normalised_date(text: &str) -> Result<String, StoreError> {
    let parsed = PrimitiveDateTime::parse(text, DATE_TIME)
        .or_else(|_| Date::parse(text, DATE).map(|day| day.with_time(Time::MIDNIGHT)));
    parsed
        .ok()
        .filter(|_| text.starts_with(|c: char| c.is_ascii_digit()))
        .and_then(|date| date.format(DATE_TIME).ok())
        .ok_or_else(|| StoreError::EventDate(text.to_owned()))
}

/// `Summit Trail 2026!` → `summit-trail-2026`.
pub(crate) fn slug(name: &str) -> String {
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
        let kept = |text| normalised_date(text).ok();
        assert_eq!(kept("2026-01-19").as_deref(), Some("2026-01-19T00:00:00"));
        assert_eq!(
            kept("2026-01-19T06:00:00").as_deref(),
            Some("2026-01-19T06:00:00")
        );
        for bad in [
            "",
            "tomorrow",
            "2026-02-30",
            "19/01/2026",
            "2026-01-19T06:00:00Z",
        ] {
            assert!(
                matches!(normalised_date(bad), Err(StoreError::EventDate(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_slug_has_no_character_that_an_address_would_escape() {
        assert_eq!(slug("Summit Trail, 2026!"), "summit-trail-2026");
    }
}
