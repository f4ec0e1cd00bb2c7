//! What a key may do, as the guard asks on every call.
//!
//! The promise: once a change has been reported as done (a token switched or deleted, a plan changed),
//! no server answers by what was true before it. It is kept here in the plainest way: every question is
//! one indexed read of the database, which is the truth, so a committed change is in force with the
//! next question and nobody has to be waited for. When the database cannot be asked there is no answer
//! ([`StoreError::is_unavailable`]), and the guard refuses.

use model::{
    access::{EventRecord, TokenRecord},
    event::{EventId, EventSettings},
    organisation::OrganisationId,
    timestamp::Timestamp,
    token::TokenId,
};

use crate::{
    database::{Database, on_engine},
    error::StoreError,
    secret::TokenDigest,
};

/// What keys may do; see [`crate::Store::grants`].
#[derive(Debug)]
pub struct Grants {
    database: Database,
}

#[derive(sqlx::FromRow)]
struct TokenGrantRow {
    id: i64,
    organisation_id: i64,
    plan: String,
    active: bool,
    expires_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct EventGrantRow {
    organisation_id: i64,
    #[sqlx(flatten)]
    settings: SettingsRow,
}

/// An event's settings as a left join gives them: all there, or all missing.
#[derive(sqlx::FromRow)]
struct SettingsRow {
    event_enabled: Option<bool>,
    bib_search: Option<bool>,
    selfie_search: Option<bool>,
    name_search: Option<bool>,
    video_search: Option<bool>,
    video_selfie_search: Option<bool>,
    timeline_search: Option<bool>,
}

impl SettingsRow {
    fn settings(&self) -> Option<EventSettings> {
        Some(EventSettings {
            event_enabled: self.event_enabled?,
            bib_search: self.bib_search?,
            selfie_search: self.selfie_search?,
            name_search: self.name_search?,
            video_search: self.video_search?,
            video_selfie_search: self.video_selfie_search?,
            timeline_search: self.timeline_search?,
        })
    }
}

const TOKEN: &str = "SELECT tokens.id, tokens.organisation_id, organisations.plan, tokens.active,
        tokens.expires_at
    FROM tokens JOIN organisations ON organisations.id = tokens.organisation_id
    WHERE tokens.digest = $1";

const EVENT: &str = "SELECT events.organisation_id, s.event_enabled, s.bib_search, s.selfie_search,
        s.name_search, s.video_search, s.video_selfie_search, s.timeline_search
    FROM events LEFT JOIN event_settings AS s ON s.event_id = events.id
    WHERE events.id = $1";

impl Grants {
    pub(crate) const fn new(database: Database) -> Self {
        Self { database }
    }

    /// What is known of the token with this digest; nothing if there is none.
    ///
    /// # Errors
    /// Those of the database: there is no answer then, and the caller refuses.
    pub async fn token(&self, digest: &TokenDigest) -> Result<Option<TokenRecord>, StoreError> {
        let row: Option<TokenGrantRow> = on_engine!(self.database.reader(), |pool| {
            sqlx::query_as(TOKEN)
                .bind(digest.as_bytes())
                .fetch_optional(pool)
                .await
        })?;
        row.map(|row| {
            Ok(TokenRecord {
                token_id: TokenId(row.id),
                organisation_id: OrganisationId(row.organisation_id),
                plan: row.plan.parse()?,
                active: row.active,
                expires_at: row.expires_at.map(Timestamp),
            })
        })
        .transpose()
    }

    /// What is known of the event with this number; nothing if there is none.
    ///
    /// # Errors
    /// As [`Grants::token`].
    pub async fn event(&self, event: EventId) -> Result<Option<EventRecord>, StoreError> {
        let row: Option<EventGrantRow> = on_engine!(self.database.reader(), |pool| {
            sqlx::query_as(EVENT)
                .bind(event.0)
                .fetch_optional(pool)
                .await
        })?;
        Ok(row.map(|row| EventRecord {
            event_id: event,
            organisation_id: OrganisationId(row.organisation_id),
            settings: row.settings.settings(),
        }))
    }

    /// Called between the commit of a change and its report as done: returns once no server goes by
    /// what was true before. As long as every question reads the database, that is at once.
    pub(crate) async fn settle(&self) {}
}
