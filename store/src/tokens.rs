//! API tokens: list, create, activate and deactivate, rename, delete. Each change is a [`crate::change::Change`], and
//! returns once no server can answer from the old state (see [`crate::key_cache`]).

mod overview;
mod usage;

use model::{
    audit::{Kind, RecordedToken},
    organisation::OrganisationId,
    servers::Acknowledgements,
    timestamp::Timestamp,
    token::{
        FirstCall, Receipt, TOKEN_LIMIT, TokenId, TokenName, TokenPreview, TokenStatus,
        TokenSummary,
    },
};
use rand::{TryRngCore, rngs::OsRng};

use crate::{
    Store,
    audit::Record,
    database::{LoggedChange, Purpose, Transaction, row, values},
    error::{DatabaseError, TokenError},
    members::Member,
    permission::TokenPermission,
    secret::PlainToken,
    token_name::stored_name,
    usage::Usage,
};

/// A new token. Its secret can be shown now, and never again.
#[derive(Debug)]
pub struct CreatedToken {
    /// The secret.
    pub secret: PlainToken,
    /// The token without its secret.
    pub summary: TokenSummary,
}

/// The result of deactivating all tokens of an organisation.
#[derive(Debug)]
pub struct AllInactive {
    /// The tokens that were active until now.
    pub deactivated: Vec<TokenSummary>,
    /// From this instant on, no server accepts any token of the organisation. Measured by the store's clock.
    pub in_force_since: Timestamp,
    /// As in [`Receipt`].
    pub acknowledged: Option<Acknowledgements>,
}

/// API tokens; see [`Store::tokens`].
pub struct Tokens<'a> {
    store: &'a Store,
}

row! {
    struct TokenRow {
        id: i64,
        name: Option<String>,
        preview: String,
        active: bool,
        created_by: String,
        creator_left: bool,
        created_at: i64,
        last_used_at: Option<i64>,
        first_status: Option<i64>,
        first_micros: Option<i64>,
    }
}

impl From<TokenRow> for TokenSummary {
    fn from(row: TokenRow) -> Self {
        Self {
            id: TokenId(row.id),
            name: row.name.as_deref().and_then(stored_name),
            preview: TokenPreview::of(&row.preview),
            status: TokenStatus::from_active(row.active),
            created_by: row.created_by,
            creator_left: row.creator_left,
            created_at: Timestamp(row.created_at),
            last_used: row.last_used_at.map(Timestamp),
            first_call: row.first_status.zip(row.first_micros).and_then(first_call),
        }
    }
}

/// None if the database has other values than this program writes.
fn first_call((status, micros): (i64, i64)) -> Option<FirstCall> {
    Some(FirstCall {
        status: u16::try_from(status).ok()?,
        micros: u32::try_from(micros).ok()?,
    })
}

/// Whether the user who created a token is gone: no member of its organisation, or disabled, or deleted.
macro_rules! creator_left {
    () => {
        "NOT EXISTS (
            SELECT 1 FROM members JOIN users ON users.id = members.user_id
            WHERE members.user_id = tokens.created_by
                AND members.organisation_id = tokens.organisation_id AND users.state = 'enabled'
        ) AS creator_left"
    };
}

const LIST: &str = concat!(
    "SELECT tokens.id, tokens.name, tokens.preview, tokens.active, creators.email AS created_by, ",
    creator_left!(),
    ", tokens.created_at, token_last_use.last_used_at, token_last_use.first_status, token_last_use.first_micros
    FROM tokens JOIN users AS creators ON creators.id = tokens.created_by
        LEFT JOIN token_last_use ON token_last_use.token_id = tokens.id
    WHERE tokens.organisation_id = $1
    ORDER BY tokens.created_at DESC, tokens.id DESC"
);

/// Takes the lowest free slot; returns no row if there is none, or if another process took it first.
const CREATE: &str = "INSERT INTO tokens
        (organisation_id, slot, key_digest, preview, active, created_by, created_at, name)
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
const COUNT_ACTIVE: &str =
    "SELECT COUNT(*) FROM tokens WHERE organisation_id = $1 AND active = TRUE";

/// The columns of a [`TokenRow`], for the token that a statement finds or changes.
macro_rules! token_columns {
    () => {
        concat!(
            "id, name, preview, active, created_at,
            (SELECT users.email FROM users WHERE users.id = tokens.created_by) AS created_by,
            (SELECT token_last_use.last_used_at FROM token_last_use
                WHERE token_last_use.token_id = tokens.id) AS last_used_at,
            (SELECT token_last_use.first_status FROM token_last_use
                WHERE token_last_use.token_id = tokens.id) AS first_status,
            (SELECT token_last_use.first_micros FROM token_last_use
                WHERE token_last_use.token_id = tokens.id) AS first_micros, ",
            creator_left!()
        )
    };
}

const FIND: &str = concat!(
    "SELECT ",
    token_columns!(),
    " FROM tokens WHERE organisation_id = $1 AND id = $2"
);
/// Returns no row if the token is in that state already.
const SET_ACTIVE: &str = concat!(
    "UPDATE tokens SET active = $3 WHERE organisation_id = $1 AND id = $2 AND active <> $3 RETURNING ",
    token_columns!()
);
const DEACTIVATE_ALL: &str = concat!(
    "UPDATE tokens SET active = FALSE WHERE organisation_id = $1 AND active = TRUE RETURNING ",
    token_columns!()
);
/// Returns the token as it is, and locks it until the end of the transaction.
const LOCK: &str = concat!(
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
    /// [`TokenError::PlanRequired`], [`TokenError::NoSuchOrganisation`], and those of the database.
    pub async fn list(
        &self,
        permission: TokenPermission<'_>,
    ) -> Result<Vec<TokenSummary>, TokenError> {
        self.admit(permission).await?;
        Ok(self.read_all(permission.organisation_id()).await?)
    }

    /// As [`Tokens::list`], for a caller that has checked the permission.
    async fn read_all(
        &self,
        organisation: OrganisationId,
    ) -> Result<Vec<TokenSummary>, DatabaseError> {
        let database = self.store.database();
        let rows: Vec<TokenRow> = database.fetch_all(LIST, values![organisation.0]).await?;
        let tokens = rows.into_iter().map(|row| self.with_last_use(row.into()));
        Ok(tokens.collect())
    }

    /// Whether `permission` may read the organisation's tokens. The organisation and the tokens are two reads, not
    /// a transaction, which would wait for SQLite's only writer.
    async fn admit(&self, permission: TokenPermission<'_>) -> Result<(), TokenError> {
        let organisation = permission.organisation_id();
        let found = self.store.organisations().find(organisation).await?;
        permission.require_plan_of(found)
    }

    /// Creates an active token, owned by the member. Every server accepts it immediately: no call can have used it
    /// before, so no server has cached it as missing.
    ///
    /// # Errors
    /// [`TokenError::LimitReached`], [`TokenError::PlanRequired`], [`TokenError::TooManyRecords`], and those of the
    /// database.
    pub async fn create(
        &self,
        member: &Member,
        name: Option<TokenName>,
    ) -> Result<CreatedToken, TokenError> {
        let secret = PlainToken::generate(&mut OsRng.unwrap_err());
        let now = self.store.clock().now();
        let id = loop {
            if let Some(id) = self.try_create(member, name.as_ref(), &secret, now).await? {
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
                creator_left: false,
                created_at: now,
                last_used: None,
                first_call: None,
            },
            secret,
        })
    }

    /// One attempt at the lowest free slot. None if another process took or freed a slot at the same moment. Each
    /// lost attempt is another process's success, so the caller's loop ends.
    async fn try_create(
        &self,
        member: &Member,
        name: Option<&TokenName>,
        secret: &PlainToken,
        now: Timestamp,
    ) -> Result<Option<TokenId>, TokenError> {
        let permission = TokenPermission::from(member);
        let organisation = permission.organisation_id();
        let mut change = self
            .store
            .begin_for_tokens(permission, Purpose::General)
            .await?;
        let id = insert(&mut change, member, name, secret, now).await?;
        match id {
            Some(id) => {
                let created = RecordedToken {
                    id,
                    preview: secret.preview(),
                    name: name.cloned(),
                    renamed_to: None,
                };
                let record = Record::of_token(Kind::TokenCreated, &change, organisation, created);
                self.store.record(&mut change, record).await?;
            }
            None if is_full(&mut change, permission).await? => {
                return Err(TokenError::LimitReached);
            }
            None => {}
        }
        change.commit().await?;
        self.store.key_cache().note_list_change(organisation);
        Ok(id)
    }

    /// Activates or deactivates a token. When this returns, no server answers by the old state. Setting the
    /// current state again changes nothing and succeeds.
    ///
    /// # Errors
    /// [`TokenError::NoSuchToken`], also for another organisation's token; [`TokenError::PlanRequired`];
    /// [`TokenError::TooManyRecords`] when it activates; and those of the database.
    pub async fn set_active(
        &self,
        permission: TokenPermission<'_>,
        token: TokenId,
        active: bool,
    ) -> Result<Receipt, TokenError> {
        // Only deactivating is a revocation.
        let store = if active {
            self.store.clone()
        } else {
            self.store.for_revocation()
        };
        let tokens = Tokens::new(&store);
        let changed = tokens.change_active(permission, token, active).await;
        Ok(self.receipt(self.once_in_force(changed).await?))
    }

    async fn change_active(
        &self,
        permission: TokenPermission<'_>,
        token: TokenId,
        active: bool,
    ) -> Result<(TokenSummary, Option<LoggedChange>), TokenError> {
        let status = TokenStatus::from_active(active);
        let present = self.read(permission, token).await?;
        if present.status == status {
            let (present, change) = self.confirmed(permission, present).await?;
            if present.status == status {
                return Ok((present, change));
            }
        }
        let organisation = permission.organisation_id();
        let purpose = match active {
            true => Purpose::General,
            false => Purpose::Revocation,
        };
        let mut change = self.store.begin_for_tokens(permission, purpose).await?;
        let values = values![organisation.0, token.0, active];
        let row: Option<TokenRow> = change.fetch_optional(SET_ACTIVE, values).await?;
        let changed = match row.map(TokenSummary::from) {
            Some(changed) => {
                let kind = if active {
                    Kind::TokenActivated
                } else {
                    Kind::TokenDeactivated
                };
                let record = Record::of_token(kind, &change, organisation, (&changed).into());
                self.store.record(&mut change, record).await?;
                changed
            }
            None => {
                let found = find(&mut change, FIND, permission, token).await?;
                // Report the state that this call found: another server may have changed it since.
                TokenSummary { status, ..found }
            }
        };
        let logged = change.commit_logged().await?;
        Ok((changed, Some(logged)))
    }

    /// The token as it is now. A call that would change nothing neither changes rows nor waits for other writers. So
    /// repeating it does not slow down other changes.
    async fn read(
        &self,
        permission: TokenPermission<'_>,
        token: TokenId,
    ) -> Result<TokenSummary, TokenError> {
        self.admit(permission).await?;
        let database = self.store.database();
        let values = values![permission.organisation_id().0, token.0];
        let row: Option<TokenRow> = database.fetch_optional(FIND, values).await?;
        match row.map(TokenSummary::from) {
            Some(found) => Ok(found),
            None if database.file().is_some() => Err(TokenError::NoSuchToken(token)),
            None => Ok(self.read_confirmed(permission, token).await?.0),
        }
    }

    /// Confirms what a read has found, for a call that changes nothing. On PostgreSQL the read may have come from a
    /// primary that was replaced but still runs.
    async fn confirmed(
        &self,
        permission: TokenPermission<'_>,
        found: TokenSummary,
    ) -> Result<(TokenSummary, Option<LoggedChange>), TokenError> {
        if self.store.database().file().is_some() {
            return Ok((found, None));
        }
        let (found, change) = self.read_confirmed(permission, found.id).await?;
        Ok((found, Some(change)))
    }

    /// Reads the token in a transaction that PostgreSQL confirms like a change.
    async fn read_confirmed(
        &self,
        permission: TokenPermission<'_>,
        token: TokenId,
    ) -> Result<(TokenSummary, LoggedChange), TokenError> {
        let mut transaction = self.store.database().begin_confirmation().await?;
        let found = find(&mut transaction, FIND, permission, token).await;
        match found {
            // A missing token must be confirmed too.
            Ok(_) | Err(TokenError::NoSuchToken(_)) => {
                let change = transaction.commit_logged().await?;
                Ok((found?, change))
            }
            Err(error) => Err(error),
        }
    }

    /// Deactivates every active token of the organisation. When this returns, no server accepts any of them.
    ///
    /// # Errors
    /// [`TokenError::NoSuchOrganisation`], [`TokenError::PlanRequired`], and those of the database.
    pub async fn deactivate_all(
        &self,
        permission: TokenPermission<'_>,
    ) -> Result<AllInactive, TokenError> {
        let store = self.store.for_revocation();
        let tokens = Tokens::new(&store);
        let (deactivated, change) = tokens.try_deactivate_all(permission).await?;
        let acknowledged = self.store.key_cache().wait_for_servers(change).await;
        let deactivated = deactivated.into_iter();
        Ok(AllInactive {
            deactivated: deactivated.map(|token| self.with_last_use(token)).collect(),
            in_force_since: self.store.clock().now(),
            acknowledged,
        })
    }

    async fn try_deactivate_all(
        &self,
        permission: TokenPermission<'_>,
    ) -> Result<(Vec<TokenSummary>, Option<LoggedChange>), TokenError> {
        // As in `read`: a call that would change nothing does not wait for other writers.
        let present = self.list(permission).await?;
        let organisation = permission.organisation_id();
        if !present.iter().any(|token| token.status.is_active()) {
            let database = self.store.database();
            if database.file().is_some() {
                return Ok((Vec::new(), None));
            }
            // As in `confirmed`.
            let mut transaction = database.begin_confirmation().await?;
            let (active,): (i64,) = transaction
                .fetch_one(COUNT_ACTIVE, values![organisation.0])
                .await?;
            let change = transaction.commit_logged().await?;
            if active == 0 {
                return Ok((Vec::new(), Some(change)));
            }
        }
        let mut change = self
            .store
            .begin_for_tokens(permission, Purpose::Revocation)
            .await?;
        let values = values![organisation.0];
        let rows: Vec<TokenRow> = change.fetch_all(DEACTIVATE_ALL, values).await?;
        let deactivated: Vec<_> = rows.into_iter().map(TokenSummary::from).collect();
        for token in &deactivated {
            let kind = Kind::TokenDeactivated;
            let record = Record::of_token(kind, &change, organisation, token.into());
            self.store.record(&mut change, record).await?;
        }
        let logged = change.commit_logged().await?;
        Ok((deactivated, Some(logged)))
    }

    /// Renames a token, or removes its name. Setting the current name again changes nothing and succeeds. No server
    /// authorizes by names, so this waits for none.
    ///
    /// # Errors
    /// As [`Tokens::set_active`].
    pub async fn rename(
        &self,
        permission: TokenPermission<'_>,
        token: TokenId,
        name: Option<TokenName>,
    ) -> Result<TokenSummary, TokenError> {
        let renamed = match self.try_rename(permission, token, name).await {
            // Like any call, it reports a deletion only once every server knows of it.
            Err(error) => self.once_in_force(Err(error)).await?.0,
            Ok(renamed) => renamed,
        };
        Ok(self.with_last_use(renamed))
    }

    async fn try_rename(
        &self,
        permission: TokenPermission<'_>,
        token: TokenId,
        name: Option<TokenName>,
    ) -> Result<TokenSummary, TokenError> {
        let present = self.read(permission, token).await?;
        if present.name == name {
            return Ok(present);
        }
        let organisation = permission.organisation_id();
        let mut change = self
            .store
            .begin_for_tokens(permission, Purpose::General)
            .await?;
        let before = find(&mut change, LOCK, permission, token).await?;
        if before.name != name {
            let new = name.as_ref().map(TokenName::as_str);
            change
                .execute(RENAME, values![organisation.0, token.0, new])
                .await?;
            let renamed = RecordedToken {
                renamed_to: name.clone(),
                ..RecordedToken::from(&before)
            };
            let record = Record::of_token(Kind::TokenRenamed, &change, organisation, renamed);
            self.store.record(&mut change, record).await?;
        }
        change.commit().await?;
        self.store.key_cache().note_list_change(organisation);
        Ok(TokenSummary { name, ..before })
    }

    /// Deletes a token permanently. When this returns, no server accepts it.
    ///
    /// # Errors
    /// As [`Tokens::set_active`].
    pub async fn delete(
        &self,
        permission: TokenPermission<'_>,
        token: TokenId,
    ) -> Result<Receipt, TokenError> {
        let store = self.store.for_revocation();
        let deleted = Tokens::new(&store).try_delete(permission, token).await;
        let receipt = self.receipt(self.once_in_force(deleted).await?);
        // The token is deleted even if this fails.
        if let Err(error) = Usage::forget(store.database(), token).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot remove a deleted token's usage; retrying within an hour"
            );
        }
        Ok(receipt)
    }

    async fn try_delete(
        &self,
        permission: TokenPermission<'_>,
        token: TokenId,
    ) -> Result<(TokenSummary, Option<LoggedChange>), TokenError> {
        self.read(permission, token).await?;
        let organisation = permission.organisation_id();
        let mut change = self
            .store
            .begin_for_tokens(permission, Purpose::Revocation)
            .await?;
        let deleted = find(&mut change, DELETE, permission, token).await?;
        let record = Record::of_token(Kind::TokenDeleted, &change, organisation, (&deleted).into());
        self.store.record(&mut change, record).await?;
        let logged = change.commit_logged().await?;
        Ok((deleted, Some(logged)))
    }

    /// The outcome of a change, once every server knows of it. A missing token may have been deleted just now by
    /// another call, so that outcome waits too.
    async fn once_in_force(
        &self,
        outcome: Result<(TokenSummary, Option<LoggedChange>), TokenError>,
    ) -> Result<(TokenSummary, Option<Acknowledgements>), TokenError> {
        let key_cache = self.store.key_cache();
        match outcome {
            Ok((token, change)) => Ok((token, key_cache.wait_for_servers(change).await)),
            Err(missing @ TokenError::NoSuchToken(_)) => {
                key_cache.wait_for_servers(None).await;
                Err(missing)
            }
            Err(error) => Err(error),
        }
    }

    /// The receipt of a change. Call it after the wait for other servers, because it says that the change is in force
    /// from now on.
    fn receipt(
        &self,
        (changed, acknowledged): (TokenSummary, Option<Acknowledgements>),
    ) -> Receipt {
        Receipt {
            token: self.with_last_use(changed),
            in_force_since: self.store.clock().now(),
            acknowledged,
            links_until: None,
        }
    }

    /// The token as read, with uses that this server has accepted and not written yet.
    fn with_last_use(&self, token: TokenSummary) -> TokenSummary {
        let usage = self.store.usage();
        let first_call = match token.last_used {
            Some(_) => token.first_call,
            None => usage.first_accepted(token.id),
        };
        TokenSummary {
            last_used: token.last_used.max(usage.last_accepted(token.id)),
            first_call,
            ..token
        }
    }
}

/// The token that a statement of the organisation and the token finds or changes.
async fn find(
    transaction: &mut Transaction,
    sql: &'static str,
    permission: TokenPermission<'_>,
    token: TokenId,
) -> Result<TokenSummary, TokenError> {
    let values = values![permission.organisation_id().0, token.0];
    let row: Option<TokenRow> = transaction.fetch_optional(sql, values).await?;
    let found = row.map(TokenSummary::from);
    found.ok_or(TokenError::NoSuchToken(token))
}

async fn insert(
    transaction: &mut Transaction,
    member: &Member,
    name: Option<&TokenName>,
    secret: &PlainToken,
    now: Timestamp,
) -> Result<Option<TokenId>, TokenError> {
    let id: Option<(i64,)> = transaction
        .fetch_optional(
            CREATE,
            values![
                member.organisation().id.0,
                secret.digest().as_bytes(),
                secret.preview().as_str(),
                member.user_id().0,
                now.epoch_millis(),
                name.map(TokenName::as_str),
            ],
        )
        .await?;
    Ok(id.map(|(id,)| TokenId(id)))
}

/// Whether the organisation has the maximum number of tokens.
async fn is_full(
    transaction: &mut Transaction,
    permission: TokenPermission<'_>,
) -> Result<bool, TokenError> {
    let values = values![permission.organisation_id().0];
    let (count,): (i64,) = transaction.fetch_one(COUNT, values).await?;
    Ok(usize::try_from(count).is_ok_and(|count| count >= TOKEN_LIMIT))
}
