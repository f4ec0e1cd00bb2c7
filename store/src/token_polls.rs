//! Polls of an organisation's list of tokens that read nothing while nothing changes.
//!
//! Each open tab polls. Once a poll has read the list, this server remembers what it has shown, and to which session.
//! A later poll of that session with the same list is answered without a read if the following hold:
//!
//! - The change log has no change of the list ([`KeyCache::list_version`](crate::key_cache::KeyCache)). Without a lease the
//!   server cannot know that.
//! - A *check* in the last [`CHECK_INTERVAL`] has found the session open, and its user still a member. One statement
//!   checks all sessions that poll the organisation, and reads how much its tokens were used.
//!
//! Otherwise the poll reads everything anew. So an ended session can for three seconds be told that nothing has changed,
//! and gets no data.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use model::{organisation::OrganisationId, timestamp::Timestamp, usage::HOUR_MILLIS};
use quick_cache::sync::Cache;
use tokio::{sync::Mutex, time::Instant};

use crate::{
    Store,
    database::{Sql, Value, parameters, row},
    error::DatabaseError,
    sessions::{SessionKey, session::ended},
};

/// How long the result of a check is used.
const CHECK_INTERVAL: Duration = Duration::from_secs(3);

/// A session that has not polled for this long is no longer checked.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);

/// How many organisations are remembered, and how many sessions of each. Others read at each poll.
const MAX_ORGANISATIONS: usize = 10_000;
const MAX_SESSIONS: usize = 4_096;

/// Which of these sessions are open and belong to a member of organisation $1, and how many calls its tokens had since
/// $2. By $3 to $5, a session has ended ([`ended`]).
fn check(sessions: usize) -> Sql {
    Sql::built(format!(
        "SELECT sessions.digest, (
            SELECT CAST(COALESCE(SUM(token_usage.calls), 0) AS BIGINT)
            FROM tokens JOIN token_usage ON token_usage.token_id = tokens.id
            WHERE tokens.organisation_id = $1 AND token_usage.hour >= $2
        ) AS calls
        FROM sessions JOIN members
            ON members.user_id = sessions.user_id AND members.organisation_id = $1
        WHERE sessions.last_used_at > $3 AND sessions.created_at > $4 AND sessions.last_used_at <= $5
            AND sessions.digest IN {}",
        parameters(1, sessions, 6)
    ))
}

row! {
    struct CheckRow {
        digest: Vec<u8>,
        calls: i64,
    }
}

/// The digest of a session's key.
type Digest = [u8; 32];

/// What this server has shown to the sessions that poll.
pub(crate) struct PolledLists(Cache<OrganisationId, Arc<Mutex<PolledList>>>);

impl PolledLists {
    pub(crate) fn new() -> Self {
        Self(Cache::new(MAX_ORGANISATIONS))
    }
}

/// One organisation's list.
struct PolledList {
    shown: Option<Shown>,
    /// As of the last check. None before that.
    usage: Option<Usage>,
    checked_at: Instant,
    /// The sessions that were open in the last check, or to which the list was shown since. With their last poll.
    sessions: HashMap<Digest, Instant>,
}

/// The list that was last read.
struct Shown {
    list: String,
    before: BeforeRead,
}

/// How many calls the organisation's tokens had in an hour and the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Usage {
    hour: i64,
    calls: i64,
}

/// What was known about a list before it was read: the read has seen at least that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeforeRead {
    version: Option<u64>,
    usage: Option<Usage>,
}

/// Polls of lists of tokens; see [`Store::token_polls`].
pub struct TokenPolls<'a> {
    store: &'a Store,
}

impl<'a> TokenPolls<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// Whether the session with this key has been shown `list` as the organisation's list, and nothing has changed since.
    /// If not, the list must be read. `list` is any text that differs for different lists.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn is_unchanged(
        &self,
        key: &SessionKey,
        organisation: OrganisationId,
        list: &str,
    ) -> Result<bool, DatabaseError> {
        let Some(polled) = self.store.polled_lists().0.get(&organisation) else {
            return Ok(false);
        };
        let digest = key.digest();
        let mut polled = polled.lock().await;
        match polled.sessions.get_mut(&digest) {
            Some(last_poll) => *last_poll = Instant::now(),
            None => return Ok(false),
        }
        if polled.checked_at.elapsed() >= CHECK_INTERVAL {
            self.check(organisation, &mut polled).await?;
        }
        let version = self.store.key_cache().list_version(organisation);
        Ok(polled.sessions.contains_key(&digest) && polled.is_last_shown(list, version))
    }

    /// Call it before a poll reads the list.
    pub async fn before_read(&self, organisation: OrganisationId) -> BeforeRead {
        let version = self.store.key_cache().list_version(organisation);
        let usage = match self.store.polled_lists().0.get(&organisation) {
            Some(polled) => polled.lock().await.usage,
            None => None,
        };
        BeforeRead { version, usage }
    }

    /// Remembers that `list`, which was read after `before`, is shown to the session with this key. The session must be
    /// open, and of a member.
    pub async fn remember(
        &self,
        key: &SessionKey,
        organisation: OrganisationId,
        list: String,
        before: BeforeRead,
    ) {
        let lists = &self.store.polled_lists().0;
        let new = || Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(PolledList::new())));
        let Ok(polled) = lists.get_or_insert_with(&organisation, new);
        let mut polled = polled.lock().await;
        let is_latest = |shown: &Shown| shown.before.version <= before.version;
        if polled.shown.as_ref().is_none_or(is_latest) {
            polled.shown = Some(Shown { list, before });
        }
        if polled.sessions.len() < MAX_SESSIONS {
            polled.sessions.insert(key.digest(), Instant::now());
        }
    }

    /// Checks the sessions that poll the list, and reads the usage of its tokens.
    async fn check(
        &self,
        organisation: OrganisationId,
        polled: &mut PolledList,
    ) -> Result<(), DatabaseError> {
        // After a failure, each poll reads, and finds the error itself.
        let mut sessions = std::mem::take(&mut polled.sessions);
        sessions.retain(|_, last_poll| last_poll.elapsed() < FORGOTTEN_AFTER);
        let now = self.store.clock().now();
        let hour = hour_of(now);
        let (used, created, latest) = ended(now);
        // Few different texts: the statement stays prepared.
        let places = sessions.len().next_power_of_two();
        let digests = sessions.keys().cycle().take(places);
        let first = [organisation.0, hour - HOUR_MILLIS, used, created, latest];
        let values: Vec<Value<'_>> = first
            .into_iter()
            .map(Value::from)
            .chain(digests.map(|digest| Value::from(&digest[..])))
            .collect();
        let database = self.store.database();
        let rows: Vec<CheckRow> = database.fetch_all(check(places), &values).await?;
        let open: HashSet<&[u8]> = rows.iter().map(|row| &row.digest[..]).collect();
        sessions.retain(|digest, _| open.contains(&digest[..]));
        polled.sessions = sessions;
        polled.usage = rows.first().map(|row| Usage {
            hour,
            calls: row.calls,
        });
        polled.checked_at = Instant::now();
        Ok(())
    }
}

impl PolledList {
    fn new() -> Self {
        Self {
            shown: None,
            usage: None,
            checked_at: Instant::now(),
            sessions: HashMap::new(),
        }
    }

    fn is_last_shown(&self, list: &str, version: Option<u64>) -> bool {
        let usage = self.usage;
        let now = BeforeRead { version, usage };
        version.is_some()
            && self
                .shown
                .as_ref()
                .is_some_and(|shown| shown.list == list && shown.before == now)
    }
}

/// The start of the hour, in milliseconds since the epoch.
fn hour_of(now: Timestamp) -> i64 {
    let millis = now.epoch_millis();
    millis - millis.rem_euclid(HOUR_MILLIS)
}
