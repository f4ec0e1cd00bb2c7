//! API tokens: list, create, switch, rename, delete. Each first asks for the organisation. Each change is one
//! transaction, and returns once every server goes by it (see [`crate::grants`]).

mod usage;

use model::{
    audit::{Kind, RecordedToken},
    organisation::Organisation,
    timestamp::Timestamp,
    token::{Receipt, TOKEN_LIMIT, TokenId, TokenName, TokenPreview, TokenStatus, TokenSummary},
};
use rand::{TryRngCore, rngs::OsRng};

use crate::{
    Store,
    audit::{Record, append_in},
    database::on_engine,
    error::StoreError,
    members::Member,
    organisations::organisation_in,
    scope::TokenAuthority,
    secret::PlainToken,
};

/// A token that has just been made: the only moment at which its secret is there to be shown.
#[derive(Debug)]
pub struct CreatedToken {
    /// The secret.
    pub secret: PlainToken,
    /// What stays.
    pub summary: TokenSummary,
}

/// API tokens; see [`Store::tokens`].
pub struct Tokens<'a> {
    store: &'a Store,
}

#[derive(sqlx::FromRow)]
struct TokenRow {
    id: i64,
    name: Option<String>,
    preview: String,
    active: bool,
    created_by: String,
    created_at: i64,
    last_used_at: Option<i64>,
}

impl From<TokenRow> for TokenSummary {
    fn from(row: TokenRow) -> Self {
        Self {
            id: TokenId(row.id),
            name: row.name.as_deref().and_then(stored_name),
            preview: TokenPreview::of(&row.preview),
            status: TokenStatus::from_active(row.active),
            created_by: row.created_by,
            created_at: Timestamp(row.created_at),
            last_used: row.last_used_at.map(Timestamp),
        }
    }
}

/// A name as the database has it. Nothing goes by names, and a pause must not fail for one: what cannot be read
/// is none.
pub(crate) fn stored_name(name: &str) -> Option<TokenName> {
    TokenName::parse(name).ok()
}

const LIST: &str =
    "SELECT tokens.id, tokens.name, tokens.preview, tokens.active, users.email AS created_by,
        tokens.created_at, token_last_use.last_used_at
    FROM tokens JOIN users ON users.id = tokens.created_by
        LEFT JOIN token_last_use ON token_last_use.token_id = tokens.id
    WHERE tokens.organisation_id = $1
    ORDER BY tokens.created_at DESC, tokens.id DESC";

/// Takes the lowest free slot; gives no row when there is none, or when somebody else took it first.
const CREATE: &str = "INSERT INTO tokens
        (organisation_id, slot, digest, preview, active, created_by, created_at, name)
    SELECT $1, slots.column1, $2, $3, TRUE, $4, $5, $6
    FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)) AS slots
    WHERE NOT EXISTS (
        SELECT 1 FROM tokens
        WHERE tokens.organisation_id = $1 AND tokens.slot = slots.column1
    )
    ORDER BY slots.column1 LIMIT 1
    ON CONFLICT (organisation_id, slot) DO NOTHING
    RETURNING id";

const COUNT: &str = "SELECT COUNT(*) FROM tokens WHERE organisation_id = $1";

/// What is told of the token that a statement has found or changed.
macro_rules! token_columns {
    () => {
        "id, name, preview, active, created_at,
            (SELECT users.email FROM users WHERE users.id = tokens.created_by) AS created_by,
            (SELECT token_last_use.last_used_at FROM token_last_use
                WHERE token_last_use.token_id = tokens.id) AS last_used_at"
    };
}

const FIND: &str = concat!(
    "SELECT ",
    token_columns!(),
    " FROM tokens WHERE organisation_id = $1 AND id = $2"
);
/// Gives no row where the token is in that state, and so nothing is changed.
const SET_ACTIVE: &str = concat!(
    "UPDATE tokens SET active = $3 WHERE organisation_id = $1 AND id = $2 AND active <> $3 RETURNING ",
    token_columns!()
);
/// Gives the token as it is, and keeps others from changing it while the transaction runs.
const HOLD: &str = concat!(
    "UPDATE tokens SET name = name WHERE organisation_id = $1 AND id = $2 RETURNING ",
    token_columns!()
);
const RENAME: &str = "UPDATE tokens SET name = $3 WHERE organisation_id = $1 AND id = $2";
const DELETE: &str = concat!(
    "DELETE FROM tokens WHERE organisation_id = $1 AND id = $2 RETURNING ",
    token_columns!()
);

impl<'a> Tokens<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// The organisation's tokens, newest first.
    ///
    /// # Errors
    /// [`StoreError::PlanRequired`], [`StoreError::NoSuchOrganisation`], and those of the database.
    pub async fn list(
        &self,
        authority: TokenAuthority<'_>,
    ) -> Result<Vec<TokenSummary>, StoreError> {
        let organisation = authority.organisation_id();
        // Two reads and no transaction: one that reads would wait for SQLite's only writer all the same.
        admit(
            authority,
            &self.store.organisations().find(organisation).await?,
        )?;
        let rows: Vec<TokenRow> = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_as(LIST)
                .bind(organisation.0)
                .fetch_all(pool)
                .await
        })?;
        let tokens = rows.into_iter().map(|row| self.with_last_use(row.into()));
        Ok(tokens.collect())
    }

    /// Makes an active token in the member's name, called `name`. Every server takes it at once: nobody has asked for it
    /// before, so none remembers that it was not there.
    ///
    /// # Errors
    /// [`StoreError::TokenLimitReached`], [`StoreError::PlanRequired`], and those of the database.
    pub async fn create(
        &self,
        member: &Member,
        name: Option<TokenName>,
    ) -> Result<CreatedToken, StoreError> {
        let secret = PlainToken::generate(&mut OsRng.unwrap_err());
        let now = self.store.clock().now();
        let id = loop {
            if let Some(id) = self.try_insert(member, name.as_ref(), &secret, now).await? {
                break id;
            }
        };
        Ok(CreatedToken {
            summary: TokenSummary {
                id,
                name,
                preview: secret.preview(),
                status: TokenStatus::Active,
                created_by: member.email().to_string(),
                created_at: now,
                last_used: None,
            },
            secret,
        })
    }

    /// One try at the lowest free slot; `None` when somebody else took that slot, or freed another one,
    /// in the same moment. Each lost try is another's success or deletion, so the caller's loop ends.
    async fn try_insert(
        &self,
        member: &Member,
        name: Option<&TokenName>,
        secret: &PlainToken,
        now: Timestamp,
    ) -> Result<Option<TokenId>, StoreError> {
        let authority = TokenAuthority::from(member);
        let organisation = authority.organisation_id();
        on_engine!(transaction self.store.database(), |tx| {
            admit(authority, &organisation_in!(tx, organisation)?)?;
            let id: Option<i64> = sqlx::query_scalar(CREATE)
                .bind(organisation.0)
                .bind(secret.digest().as_bytes())
                .bind(secret.preview().as_str())
                .bind(member.user_id().0)
                .bind(now.epoch_millis())
                .bind(name.map(TokenName::as_str))
                .fetch_optional(&mut *tx)
                .await?;
            if let Some(id) = id.map(TokenId) {
                let made = RecordedToken {
                    id,
                    preview: secret.preview(),
                    name: name.cloned(),
                    renamed_to: None,
                };
                let record = Record::of_token(Kind::TokenCreated, authority, made);
                append_in!(tx, self.store, record)?;
                return Ok(Some(id));
            }
            let count: i64 = sqlx::query_scalar(COUNT)
                .bind(organisation.0)
                .fetch_one(&mut *tx)
                .await?;
            if usize::try_from(count).is_ok_and(|count| count >= TOKEN_LIMIT) {
                return Err(StoreError::TokenLimitReached);
            }
            Ok(None)
        })
    }

    /// Switches a token on or off. Once this has returned, no server goes by the old state. Switching to
    /// the state that the token is in changes nothing and succeeds.
    ///
    /// # Errors
    /// [`StoreError::NoSuchToken`], also for another organisation's token; [`StoreError::PlanRequired`];
    /// and those of the database.
    pub async fn set_active(
        &self,
        authority: TokenAuthority<'_>,
        token: TokenId,
        active: bool,
    ) -> Result<Receipt, StoreError> {
        let organisation = authority.organisation_id();
        let changed = on_engine!(transaction self.store.database(), |tx| {
            admit(authority, &organisation_in!(tx, organisation)?)?;
            let row: Option<TokenRow> = sqlx::query_as(SET_ACTIVE)
                .bind(organisation.0)
                .bind(token.0)
                .bind(active)
                .fetch_optional(&mut *tx)
                .await?;
            if let Some(changed) = row.map(TokenSummary::from) {
                let kind = if active { Kind::TokenActivated } else { Kind::TokenDeactivated };
                let record = Record::of_token(kind, authority, (&changed).into());
                append_in!(tx, self.store, record)?;
                return Ok(changed);
            }
            let row: Option<TokenRow> = sqlx::query_as(FIND)
                .bind(organisation.0)
                .bind(token.0)
                .fetch_optional(&mut *tx)
                .await?;
            let found = row.map(TokenSummary::from).ok_or(StoreError::NoSuchToken(token))?;
            // As it was when nothing had to be changed: somebody else may have switched it since.
            let status = TokenStatus::from_active(active);
            Ok(TokenSummary { status, ..found })
        });
        Ok(self.receipt(self.settled(changed).await?))
    }

    /// Calls a token by `name`, or by none. The name that it has already changes nothing and succeeds. No server
    /// goes by names, so nothing is waited for.
    ///
    /// # Errors
    /// As [`Tokens::set_active`].
    pub async fn rename(
        &self,
        authority: TokenAuthority<'_>,
        token: TokenId,
        name: Option<TokenName>,
    ) -> Result<TokenSummary, StoreError> {
        let renamed = match self.try_rename(authority, token, name).await {
            // That it is deleted is said no earlier than by a switch.
            Err(error) => self.settled(Err(error)).await?,
            Ok(renamed) => renamed,
        };
        Ok(self.with_last_use(renamed))
    }

    async fn try_rename(
        &self,
        authority: TokenAuthority<'_>,
        token: TokenId,
        name: Option<TokenName>,
    ) -> Result<TokenSummary, StoreError> {
        let organisation = authority.organisation_id();
        on_engine!(transaction self.store.database(), |tx| {
            admit(authority, &organisation_in!(tx, organisation)?)?;
            let row: Option<TokenRow> = sqlx::query_as(HOLD)
                .bind(organisation.0)
                .bind(token.0)
                .fetch_optional(&mut *tx)
                .await?;
            let before = row.map(TokenSummary::from).ok_or(StoreError::NoSuchToken(token))?;
            if before.name == name {
                return Ok(before);
            }
            sqlx::query(RENAME)
                .bind(organisation.0)
                .bind(token.0)
                .bind(name.as_ref().map(TokenName::as_str))
                .execute(&mut *tx)
                .await?;
            let renamed = RecordedToken {
                renamed_to: name.clone(),
                ..RecordedToken::from(&before)
            };
            append_in!(tx, self.store, Record::of_token(Kind::TokenRenamed, authority, renamed))?;
            Ok(TokenSummary { name, ..before })
        })
    }

    /// Deletes a token for good. Once this has returned, no server takes it.
    ///
    /// # Errors
    /// As [`Tokens::set_active`].
    pub async fn delete(
        &self,
        authority: TokenAuthority<'_>,
        token: TokenId,
    ) -> Result<Receipt, StoreError> {
        let organisation = authority.organisation_id();
        let deleted = on_engine!(transaction self.store.database(), |tx| {
            admit(authority, &organisation_in!(tx, organisation)?)?;
            let row: Option<TokenRow> = sqlx::query_as(DELETE)
                .bind(organisation.0)
                .bind(token.0)
                .fetch_optional(&mut *tx)
                .await?;
            let gone = row.map(TokenSummary::from).ok_or(StoreError::NoSuchToken(token))?;
            let record = Record::of_token(Kind::TokenDeleted, authority, (&gone).into());
            append_in!(tx, self.store, record)?;
            Ok(gone)
        });
        let receipt = self.receipt(self.settled(deleted).await?);
        // The token is gone, whatever comes of this.
        if let Err(error) = self.store.usage().forget(token).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a deleted token's usage could not be removed; the next try is within an hour"
            );
        }
        Ok(receipt)
    }

    /// What came of a change, once every server goes by it. That the token is not there (any more) says that
    /// it is deleted, and somebody may have done that just now: so it is not said earlier either.
    async fn settled(
        &self,
        outcome: Result<TokenSummary, StoreError>,
    ) -> Result<TokenSummary, StoreError> {
        if let Ok(_) | Err(StoreError::NoSuchToken(_)) = &outcome {
            self.store.grants().settle().await;
        }
        outcome
    }

    /// For when a change has settled: from now on at the latest every server goes by it.
    fn receipt(&self, changed: TokenSummary) -> Receipt {
        Receipt {
            token: self.with_last_use(changed),
            in_force_since: self.store.clock().now(),
        }
    }

    /// The token as the database had it, with what this server has accepted and not written yet.
    fn with_last_use(&self, token: TokenSummary) -> TokenSummary {
        let last_used = token
            .last_used
            .max(self.store.usage().last_accepted(token.id));
        TokenSummary { last_used, ..token }
    }
}

/// Whether the organisation found in the transaction lets `authority` at its tokens. Asked again here,
/// although a [`Member`] carries a plan: that one may be as old as the request.
fn admit(authority: TokenAuthority<'_>, organisation: &Organisation) -> Result<(), StoreError> {
    match authority {
        TokenAuthority::Member(member) => member.require_plan_of(organisation),
        TokenAuthority::Operator(_) => Ok(()),
    }
}
