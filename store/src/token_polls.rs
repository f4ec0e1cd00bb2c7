//! Polls of an organisation's list of tokens, which read nothing while nothing changes.
//!
//! Each open tab polls. After its first poll, a session is *known*. For each organisation, the server keeps the list
//! that it last read: one for all readers whose days begin at the same times. It answers polls of known sessions from
//! that list, under these conditions:
//!
//! - The change log has no later change of the list ([`KeyCache::list_version`](crate::key_cache::KeyCache)). Otherwise
//!   the server reads the list again, once for all its polls. Without a lease it may lack changes, and each poll reads.
//! - A *check* in the last [`CHECK_INTERVAL`] has found the session open, and its user still a member. One statement
//!   checks all known sessions of an organisation. It also reads how much the tokens were used.
//! - If the tab does not show this list yet, the server checks the session again before it sends the list. So an ended
//!   session gets no data. For up to three seconds, it may be told that nothing has changed.

pub(crate) mod lists;

use std::{collections::HashSet, sync::Arc, time::Duration};

use model::{
    organisation::OrganisationId,
    usage::{DayStarts, HOUR_MILLIS},
};
use tokio::{sync::Mutex, time::Instant};

pub use self::lists::ListedTokens;
use self::lists::{CallCount, Digest, LastRead, PolledList};
use crate::{
    Store,
    database::{Sql, Value, parameters, row},
    error::DatabaseError,
    sessions::{SessionKey, session::ended},
    usage::Hour,
};

/// How long the result of a check is used.
const CHECK_INTERVAL: Duration = Duration::from_secs(3);

/// A list is read again after this long. It bounds what no check finds: calls that a server could write only hours later, or
/// a list from a primary that was replaced.
const MAX_AGE: Duration = Duration::from_secs(60);

/// A session that has not polled for this long is no longer known.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30);

/// How many lists of an organisation are kept. Readers whose days begin at different times have different ones.
const MAX_LISTS: usize = 4;

/// How many sessions of an organisation are known. Others read at each poll.
const MAX_SESSIONS: usize = 4_096;

/// Which of these sessions are open and belong to a member of organisation $1, and how many calls its tokens had since
/// $2. [`ended`] gives $3 to $5, which exclude ended sessions.
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

/// The answer to a poll.
#[derive(Debug)]
pub enum Poll {
    /// The list is the one that the tab shows.
    Unchanged,
    /// The list is another one.
    Changed(Arc<ListedTokens>),
    /// The caller must check the session and read the list itself.
    Unknown,
}

/// Polls of lists of tokens; see [`Store::token_polls`].
pub struct TokenPolls<'a> {
    store: &'a Store,
}

impl<'a> TokenPolls<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// Answers a poll of the session with this key, with calls in these days. `seen` is the
    /// [`ListedTokens::fingerprint`] of the list that its tab shows.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn poll(
        &self,
        key: &SessionKey,
        organisation: OrganisationId,
        days: DayStarts,
        seen: &str,
    ) -> Result<Poll, DatabaseError> {
        let digest = key.digest();
        match self.known(&digest, organisation, days).await? {
            None => Ok(Poll::Unknown),
            Some(list) if list.fingerprint == seen => Ok(Poll::Unchanged),
            Some(list) => {
                let open = self.open_sessions(organisation, &[digest]).await?;
                Ok(match open.is_empty() {
                    true => Poll::Unknown,
                    false => Poll::Changed(list),
                })
            }
        }
    }

    /// Makes the session with this key known. It must be open, and belong to a member of the organisation.
    pub async fn know(&self, key: &SessionKey, organisation: OrganisationId) {
        let new = || Ok::<_, std::convert::Infallible>(Arc::new(Mutex::new(PolledList::new())));
        let lists = &self.store.polled_lists().0;
        let Ok(polled) = lists.get_or_insert_with(&organisation, new);
        // While it is in use, the next poll tries again.
        if let Ok(mut polled) = polled.try_lock()
            && polled.sessions.len() < MAX_SESSIONS
        {
            polled.sessions.insert(key.digest(), Instant::now());
        }
    }

    /// The present list, if the session is known.
    async fn known(
        &self,
        session: &Digest,
        organisation: OrganisationId,
        days: DayStarts,
    ) -> Result<Option<Arc<ListedTokens>>, DatabaseError> {
        let Some(polled) = self.store.polled_lists().0.get(&organisation) else {
            return Ok(None);
        };
        let mut polled = polled.lock().await;
        match polled.sessions.get_mut(session) {
            Some(last_poll) => *last_poll = Instant::now(),
            None => return Ok(None),
        }
        let list = self
            .checked_list(session, organisation, days, &mut polled)
            .await;
        if list.is_err() {
            // Then each poll reads, and finds the error itself. None waits here for others to fail.
            polled.sessions.clear();
        }
        list
    }

    async fn checked_list(
        &self,
        session: &Digest,
        organisation: OrganisationId,
        days: DayStarts,
        polled: &mut PolledList,
    ) -> Result<Option<Arc<ListedTokens>>, DatabaseError> {
        if polled.checked_at.elapsed() >= CHECK_INTERVAL {
            self.check(organisation, polled).await?;
        }
        if !polled.sessions.contains_key(session) {
            return Ok(None);
        }
        self.present_list(organisation, days, polled).await
    }

    /// Checks all known sessions, and reads the usage of the tokens.
    async fn check(
        &self,
        organisation: OrganisationId,
        polled: &mut PolledList,
    ) -> Result<(), DatabaseError> {
        let begun = Instant::now();
        let is_polling = |last_poll: &Instant| last_poll.elapsed() < FORGOTTEN_AFTER;
        polled.sessions.retain(|_, last_poll| is_polling(last_poll));
        let digests: Vec<Digest> = polled.sessions.keys().copied().collect();
        let rows = self.open_sessions(organisation, &digests).await?;
        let open: HashSet<&[u8]> = rows.iter().map(|row| &row.digest[..]).collect();
        polled
            .sessions
            .retain(|digest, _| open.contains(&digest[..]));
        polled.calls = rows.first().map(|row| CallCount {
            hour: Hour::of(self.store.clock().now()),
            calls: row.calls,
        });
        polled.checked_at = begun;
        Ok(())
    }

    /// There must be at least one digest.
    async fn open_sessions(
        &self,
        organisation: OrganisationId,
        digests: &[Digest],
    ) -> Result<Vec<CheckRow>, DatabaseError> {
        let now = self.store.clock().now();
        let (used, created, latest) = ended(now);
        let since = Hour::of(now).0 - HOUR_MILLIS;
        // Few different texts: the statement stays prepared.
        let places = digests.len().next_power_of_two();
        let digests = digests.iter().cycle().take(places);
        let first = [organisation.0, since, used, created, latest].map(Value::from);
        let values: Vec<Value<'_>> = first
            .into_iter()
            .chain(digests.map(|digest| Value::from(&digest[..])))
            .collect();
        let database = self.store.database();
        database.fetch_all(check(places), &values).await
    }

    /// The present list: the last one if nothing has changed. None without a lease, or without the plan.
    async fn present_list(
        &self,
        organisation: OrganisationId,
        days: DayStarts,
        polled: &mut PolledList,
    ) -> Result<Option<Arc<ListedTokens>>, DatabaseError> {
        let Some(version) = self.store.key_cache().list_version(organisation) else {
            return Ok(None);
        };
        let calls = polled.calls;
        polled.last_reads.retain(|last| {
            (last.version, last.calls) == (version, calls) && last.read_at.elapsed() < MAX_AGE
        });
        if let Some(last) = polled.last_reads.iter().find(|last| last.days == days) {
            return Ok(Some(Arc::clone(&last.list)));
        }
        let found = self.store.organisations().find(organisation).await?;
        if !found.is_some_and(|found| found.plan.includes_developer_zone()) {
            return Ok(None);
        }
        // One list for all known sessions: each belongs to a member.
        let tokens = self
            .store
            .tokens()
            .read_with_week(organisation, days)
            .await?;
        let list = Arc::new(ListedTokens::new(tokens));
        polled.last_reads.truncate(MAX_LISTS - 1);
        polled.last_reads.insert(
            0,
            LastRead {
                days,
                list: Arc::clone(&list),
                read_at: Instant::now(),
                version,
                calls,
            },
        );
        Ok(Some(list))
    }
}
