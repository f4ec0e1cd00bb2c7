//! What Home shows of an organisation's tokens: the calls of two days, and the steps to the first call.

use std::collections::BTreeMap;

use model::{
    organisation::OrganisationId,
    timestamp::Timestamp,
    token::{TokenId, TokenSummary},
    usage::{DAY_MILLIS, DayOfCalls, FirstSteps, RefusalCount, TokenOverview},
};

use super::Tokens;
use crate::{
    Member,
    database::{Purpose, row, values},
    error::{DatabaseError, TokenError},
    permission::TokenPermission,
    usage::ACCEPTED,
};

row! {
    struct OutcomeRow {
        is_today: bool,
        token_id: i64,
        outcome: String,
        calls: i64,
        last_hour: i64,
    }
}

row! {
    struct StepsRow {
        copied: i64,
        called_before: i64,
    }
}

/// From $2 to the present hour: later ones would come from a server whose clock is ahead. Reads `token_usage` along its
/// primary key, for each token of the organisation.
const TWO_DAYS: &str =
    "SELECT token_usage.hour >= $3 AS is_today, token_usage.token_id, token_usage.outcome,
        CAST(SUM(token_usage.calls) AS BIGINT) AS calls, MAX(token_usage.hour) AS last_hour
    FROM tokens JOIN token_usage ON token_usage.token_id = tokens.id
    WHERE tokens.organisation_id = $1 AND token_usage.hour BETWEEN $2 AND $4
    GROUP BY 1, 2, 3";

/// How many tokens were copied, and how many had an accepted call before $2.
const STEPS: &str = "SELECT COUNT(tokens.copied_at) AS copied,
        COUNT(CASE WHEN EXISTS (
            SELECT 1 FROM token_usage
            WHERE token_usage.token_id = tokens.id AND token_usage.hour < $2
                AND token_usage.outcome = $3
        ) THEN 1 END) AS called_before
    FROM tokens WHERE tokens.organisation_id = $1";

const COPIED_AT: &str = "SELECT copied_at FROM tokens WHERE organisation_id = $1 AND id = $2";
const NOTE_COPY: &str = "UPDATE tokens SET copied_at = $3
    WHERE organisation_id = $1 AND id = $2 AND copied_at IS NULL";

impl Tokens<'_> {
    /// The organisation's tokens in figures. Four reads, each by an index. Calls with deleted tokens are not in it.
    ///
    /// # Errors
    /// As [`Tokens::list`].
    pub async fn overview(
        &self,
        permission: TokenPermission<'_>,
    ) -> Result<TokenOverview, TokenError> {
        let tokens = self.list(permission).await?;
        let organisation = permission.organisation_id();
        let now = self.store.clock().now();
        let today = Timestamp(now.epoch_millis() - now.epoch_millis().rem_euclid(DAY_MILLIS));
        let yesterday = today.plus_millis(-DAY_MILLIS);
        let steps = self.first_steps(organisation, &tokens, yesterday).await?;
        let values = values![
            organisation.0,
            yesterday.epoch_millis(),
            today.epoch_millis(),
            now.epoch_millis()
        ];
        let database = self.store.database();
        let rows: Vec<OutcomeRow> = database.fetch_all(TWO_DAYS, values).await?;
        let (today, yesterday): (Vec<_>, _) = rows.into_iter().partition(|row| row.is_today);
        Ok(TokenOverview {
            active: tokens.iter().filter(|it| it.status.is_active()).count(),
            tokens,
            most_refused: most_refused(&today),
            today: day(today),
            yesterday: day(yesterday),
            steps,
        })
    }

    async fn first_steps(
        &self,
        organisation: OrganisationId,
        tokens: &[TokenSummary],
        yesterday: Timestamp,
    ) -> Result<FirstSteps, DatabaseError> {
        let values = values![organisation.0, yesterday.epoch_millis(), ACCEPTED];
        let row: StepsRow = self.store.database().fetch_one(STEPS, values).await?;
        let last_uses = || tokens.iter().filter_map(|token| token.last_used);
        let called = last_uses().next().is_some();
        Ok(FirstSteps {
            created: !tokens.is_empty(),
            copied: row.copied > 0 || called,
            called,
            // Counts are kept for 90 days, the last use for as long as the token.
            long_done: row.called_before > 0 || last_uses().any(|at| at < yesterday),
        })
    }

    /// Notes that a browser has copied a new token to its clipboard. Only the first time counts. No list shows it and
    /// no server authorizes by it, so there is no audit record, and no server to wait for.
    ///
    /// # Errors
    /// [`TokenError::NoSuchToken`], [`TokenError::SessionEnded`], [`TokenError::NotAMember`], and those of
    /// [`Tokens::list`].
    pub async fn note_copy(&self, member: &Member, token: TokenId) -> Result<(), TokenError> {
        let permission = TokenPermission::from(member);
        self.admit(permission).await?;
        let organisation = permission.organisation_id();
        let values = values![organisation.0, token.0];
        let database = self.store.database();
        let found: Option<(Option<i64>,)> = database.fetch_optional(COPIED_AT, values).await?;
        let (copied_at,) = found.ok_or(TokenError::NoSuchToken(token))?;
        if copied_at.is_some() {
            // Nothing to write, so the call does not wait for other writers.
            return Ok(());
        }
        let mut change = self
            .store
            .begin_for_member(member, Purpose::General)
            .await?;
        let now = self.store.clock().now().epoch_millis();
        let values = values![organisation.0, token.0, now];
        change.execute(NOTE_COPY, values).await?;
        Ok(change.commit().await?)
    }
}

/// The token with most refused calls. Of several, the oldest.
fn most_refused(rows: &[OutcomeRow]) -> Option<TokenId> {
    let mut refused = BTreeMap::new();
    for row in rows.iter().filter(|row| row.outcome != ACCEPTED) {
        *refused.entry(row.token_id).or_insert(0) += row.calls;
    }
    let most = refused.into_iter().rev().max_by_key(|(_, calls)| *calls);
    most.map(|(token, _)| TokenId(token))
}

/// The calls of one day. The most frequent reason comes first.
fn day(rows: Vec<OutcomeRow>) -> DayOfCalls {
    let mut day = DayOfCalls::default();
    for row in rows {
        let calls = row.calls.unsigned_abs();
        let last_hour = Timestamp(row.last_hour);
        let mut refusals = day.refusals.iter_mut();
        if row.outcome == ACCEPTED {
            day.accepted += calls;
        } else if let Some(refusal) = refusals.find(|it| it.code == row.outcome) {
            refusal.calls += calls;
            refusal.last_hour = refusal.last_hour.max(last_hour);
        } else {
            day.refusals.push(RefusalCount {
                code: row.outcome,
                calls,
                last_hour,
            });
        }
    }
    day.refusals.sort_by(|one, other| {
        let most = other.calls.cmp(&one.calls);
        most.then_with(|| one.code.cmp(&other.code))
    });
    day
}
