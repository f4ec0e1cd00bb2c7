//! What the page shows, read from the store.

use model::{
    audit::{Cursor, Entry, Filter, Kind},
    event::EventSummary,
    organisation::OrganisationId,
    timestamp::Timestamp,
    usage::TokenOverview,
};
use store::Member;

use crate::{
    error::RequestError,
    session::{member, store, with_error_status},
};

/// How many of the latest records are searched for changes: sign-ins are records too, but no changes.
const SEARCHED: u32 = 50;

/// How many changes the page shows.
const SHOWN: usize = 5;

/// What the page shows of an organisation.
pub(super) struct Overview {
    /// When it was read.
    pub(super) now: Timestamp,
    pub(super) next_event: Option<EventSummary>,
    /// None if the organisation's plan does not include the Developer Zone.
    pub(super) zone: Option<ZoneOverview>,
}

/// What the page shows of the Developer Zone.
pub(super) struct ZoneOverview {
    pub(super) tokens: TokenOverview,
    /// The latest changes, newest first.
    pub(super) changes: Vec<Entry>,
}

/// Reads what the page shows.
///
/// # Errors
/// [`RequestError::SessionEnded`], [`RequestError::NotAMember`], and those of the database.
pub(super) async fn load(organisation: OrganisationId) -> Result<Overview, RequestError> {
    with_error_status(async {
        let member = member(organisation).await?;
        let store = store();
        let zone = match member.organisation().plan.includes_developer_zone() {
            true => Some(load_zone(&member).await?),
            false => None,
        };
        Ok(Overview {
            now: store.clock().now(),
            next_event: store.events().next(&member).await?,
            zone,
        })
    })
    .await
}

async fn load_zone(member: &Member) -> Result<ZoneOverview, RequestError> {
    let store = store();
    let tokens = store.tokens().overview(member.into()).await?;
    let latest = store
        .audit()
        .list(member.into(), Filter::default(), Cursor::Newest, SEARCHED)
        .await?;
    let changes = latest.entries.into_iter().filter(is_change);
    Ok(ZoneOverview {
        tokens,
        changes: changes.take(SHOWN).collect(),
    })
}

fn is_change(entry: &Entry) -> bool {
    !matches!(
        entry.kind,
        Kind::SignedIn | Kind::SignInFailed | Kind::SignedOut
    )
}
