//! How an organisation's tokens were used in the last seven days, as the database has it. [`crate::usage`] says how
//! old that can be.

use std::collections::HashMap;

use model::{
    organisation::OrganisationId,
    timestamp::Timestamp,
    token::{TokenId, TokenSummary},
    usage::{
        Calls, DayStarts, HOUR_MILLIS, HourlyRefusals, RefusalCount, TokenUsage, TokenWeek, Week,
    },
};

use super::{FIND, TokenRow, Tokens};
use crate::{
    database::{Value, row, values},
    error::{DatabaseError, TokenError},
    permission::TokenPermission,
    usage::ACCEPTED,
};

row! {
    struct DayRow {
        token_id: i64,
        day: i64,
        accepted: i64,
        refused: i64,
    }
}

row! {
    struct HourRow {
        hour: i64,
        outcome: String,
        calls: i64,
    }
}

/// Up to the present hour: later ones would come from a server whose clock is ahead. Reads `token_usage` along its
/// primary key, for each token of the organisation.
const WEEK: &str = "SELECT token_usage.token_id,
        CAST(CASE WHEN token_usage.hour < $5 THEN 0 WHEN token_usage.hour < $6 THEN 1
            WHEN token_usage.hour < $7 THEN 2 WHEN token_usage.hour < $8 THEN 3
            WHEN token_usage.hour < $9 THEN 4 WHEN token_usage.hour < $10 THEN 5 ELSE 6 END AS BIGINT) AS day,
        CAST(SUM(CASE WHEN token_usage.outcome = $3 THEN token_usage.calls ELSE 0 END) AS BIGINT) AS accepted,
        CAST(SUM(CASE WHEN token_usage.outcome = $3 THEN 0 ELSE token_usage.calls END) AS BIGINT) AS refused
    FROM tokens JOIN token_usage ON token_usage.token_id = tokens.id
    WHERE tokens.organisation_id = $1 AND token_usage.hour BETWEEN $4 AND $2
    GROUP BY 1, 2";

const HOURS: &str = "SELECT hour, outcome, calls FROM token_usage
    WHERE token_id = $1 AND hour BETWEEN $2 AND $3 ORDER BY hour, outcome";

impl Tokens<'_> {
    /// The organisation's tokens, newest first, each with its calls in these days. Three reads, each by an index.
    ///
    /// # Errors
    /// As [`Tokens::list`].
    pub async fn list_with_week(
        &self,
        permission: TokenPermission<'_>,
        days: DayStarts,
    ) -> Result<Vec<TokenWeek>, TokenError> {
        self.admit(permission).await?;
        let organisation = permission.organisation_id();
        Ok(self.read_with_week(organisation, days).await?)
    }

    /// As [`Tokens::list_with_week`], for a caller that has checked the permission.
    pub(crate) async fn read_with_week(
        &self,
        organisation: OrganisationId,
        DayStarts(days): DayStarts,
    ) -> Result<Vec<TokenWeek>, DatabaseError> {
        let tokens = self.read_all(organisation).await?;
        let now = self.store.clock().now();
        let mut values = values![organisation.0, now.epoch_millis(), ACCEPTED].to_vec();
        values.extend(days.map(|day| Value::from(day.epoch_millis())));
        let rows: Vec<DayRow> = self.store.database().fetch_all(WEEK, &values).await?;
        let mut weeks = weeks(rows);
        let tokens = tokens.into_iter().map(|token| TokenWeek {
            week: weeks.remove(&token.id).unwrap_or_default(),
            is_idle: token.is_idle(now),
            token,
        });
        Ok(tokens.collect())
    }

    /// How one of the organisation's tokens was used since `start`, which is the start of an hour. Three reads, each by
    /// an index.
    ///
    /// # Errors
    /// [`TokenError::NoSuchToken`], also for another organisation's token, and those of [`Tokens::list`].
    pub async fn usage(
        &self,
        permission: TokenPermission<'_>,
        token: TokenId,
        start: Timestamp,
    ) -> Result<TokenUsage, TokenError> {
        self.admit(permission).await?;
        let database = self.store.database();
        let values = values![permission.organisation_id().0, token.0];
        let row: Option<TokenRow> = database.fetch_optional(FIND, values).await?;
        let found = row.ok_or(TokenError::NoSuchToken(token))?;
        let found = self.with_last_use(TokenSummary::from(found));
        let now = self.store.clock().now();
        let rows = self.hours_of(token, start, now).await?;
        Ok(TokenUsage {
            is_idle: found.is_idle(now),
            token: found,
            start,
            hours: hours(start, now, &rows),
            refusals: refusals(start, now, &rows),
        })
    }

    async fn hours_of(
        &self,
        token: TokenId,
        start: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<HourRow>, DatabaseError> {
        let values = values![token.0, start.epoch_millis(), now.epoch_millis()];
        self.store.database().fetch_all(HOURS, values).await
    }
}

fn weeks(rows: Vec<DayRow>) -> HashMap<TokenId, Week> {
    let mut weeks = HashMap::<_, Week>::new();
    for row in rows {
        let week = weeks.entry(TokenId(row.token_id)).or_default();
        let day = usize::try_from(row.day).ok();
        if let Some(calls) = day.and_then(|day| week.0.get_mut(day)) {
            *calls = Calls {
                accepted: row.accepted.unsigned_abs(),
                refused: row.refused.unsigned_abs(),
            };
        }
    }
    weeks
}

/// The calls of each hour, from that of `start` to that of `now`.
fn hours(start: Timestamp, now: Timestamp, rows: &[HourRow]) -> Vec<Calls> {
    let mut hours = vec![Calls::default(); hours_until(start, now)];
    for row in rows {
        if let Some(calls) = hours.get_mut(hours_between(start, Timestamp(row.hour))) {
            *calls = calls.plus(row.calls());
        }
    }
    hours
}

/// By reason, the most frequent first.
fn refusals(start: Timestamp, now: Timestamp, rows: &[HourRow]) -> Vec<HourlyRefusals> {
    let mut reasons: Vec<HourlyRefusals> = Vec::new();
    for row in rows.iter().filter(|row| row.outcome != ACCEPTED) {
        let known = reasons
            .iter()
            .position(|reason| reason.total.code == row.outcome);
        let known = known.unwrap_or_else(|| {
            reasons.push(HourlyRefusals {
                total: RefusalCount {
                    code: row.outcome.clone(),
                    calls: 0,
                    last_hour: start,
                },
                hours: vec![0; hours_until(start, now)],
            });
            reasons.len() - 1
        });
        let HourlyRefusals { total, hours } = &mut reasons[known];
        let calls = row.calls.unsigned_abs();
        total.calls += calls;
        // The rows come by hour.
        total.last_hour = Timestamp(row.hour);
        if let Some(hour) = hours.get_mut(hours_between(start, total.last_hour)) {
            *hour = calls;
        }
    }
    reasons.sort_by(|one, other| {
        let (one, other) = (&one.total, &other.total);
        let most = other.calls.cmp(&one.calls);
        most.then_with(|| one.code.cmp(&other.code))
    });
    reasons
}

/// The number of hours from that of `start` to that of `now`, both included.
fn hours_until(start: Timestamp, now: Timestamp) -> usize {
    match now < start {
        true => 0,
        false => hours_between(start, now) + 1,
    }
}

/// The number of full hours from `start` to `at`, which is not earlier.
fn hours_between(start: Timestamp, at: Timestamp) -> usize {
    let hours = (at.epoch_millis() - start.epoch_millis()) / HOUR_MILLIS;
    usize::try_from(hours).unwrap_or_default()
}

impl HourRow {
    fn calls(&self) -> Calls {
        let calls = self.calls.unsigned_abs();
        if self.outcome == ACCEPTED {
            Calls {
                accepted: calls,
                refused: 0,
            }
        } else {
            Calls {
                accepted: 0,
                refused: calls,
            }
        }
    }
}
