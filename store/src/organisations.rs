//! Organisations and their plans.

use model::organisation::{Organisation, OrganisationId, Plan};

use crate::{
    Store,
    audit::{Record, append_in},
    database::on_engine,
    error::StoreError,
};

/// Organisations and their plans; see [`Store::organisations`].
pub struct Organisations<'a> {
    store: &'a Store,
}

/// An organisation's row.
#[derive(sqlx::FromRow)]
pub(crate) struct OrganisationRow {
    id: i64,
    name: String,
    plan: String,
}

impl TryFrom<OrganisationRow> for Organisation {
    type Error = StoreError;

    fn try_from(row: OrganisationRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: OrganisationId(row.id),
            name: row.name,
            plan: row.plan.parse()?,
        })
    }
}

/// The organisation as it is inside the running transaction `tx`; gives `Result<Organisation, StoreError>`.
macro_rules! organisation_in {
    ($tx:ident, $id:expr) => {{
        let row: Option<$crate::organisations::OrganisationRow> =
            sqlx::query_as($crate::organisations::SELECT_ORGANISATION)
                .bind($id.0)
                .fetch_optional(&mut *$tx)
                .await?;
        row.ok_or($crate::error::StoreError::NoSuchOrganisation($id))
            .and_then(model::organisation::Organisation::try_from)
    }};
}
pub(crate) use organisation_in;

pub(crate) const SELECT_ORGANISATION: &str =
    "SELECT id, name, plan FROM organisations WHERE id = $1";

const LIST: &str = "SELECT id, name, plan FROM organisations ORDER BY id";

const CREATE_NUMBERED: &str = "INSERT INTO organisations (id, name, plan, created_at)
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING id";

const CREATE_NEXT: &str = "INSERT INTO organisations (id, name, plan, created_at)
    SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $3 FROM organisations WHERE TRUE
    ON CONFLICT DO NOTHING RETURNING id";

/// Gives no row where the plan is no longer the one that it was found to be.
const SET_PLAN: &str = "UPDATE organisations SET plan = $2 WHERE id = $1 AND plan = $3
    RETURNING id, name, plan";

impl<'a> Organisations<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// Every organisation, by number.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self) -> Result<Vec<Organisation>, StoreError> {
        let rows: Vec<OrganisationRow> = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_as(LIST).fetch_all(pool).await
        })?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The organisation with this number.
    ///
    /// # Errors
    /// [`StoreError::NoSuchOrganisation`], and those of the database.
    pub(crate) async fn find(&self, id: OrganisationId) -> Result<Organisation, StoreError> {
        let row: Option<OrganisationRow> = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_as(SELECT_ORGANISATION)
                .bind(id.0)
                .fetch_optional(pool)
                .await
        })?;
        row.ok_or(StoreError::NoSuchOrganisation(id))?.try_into()
    }

    /// Makes an organisation, numbered `id` or next after the highest number.
    ///
    /// # Errors
    /// [`StoreError::OrganisationExists`] if the number is taken, and those of the database.
    pub async fn create(
        &self,
        id: Option<OrganisationId>,
        name: &str,
        plan: Plan,
    ) -> Result<Organisation, StoreError> {
        let now = self.store.clock().now().epoch_millis();
        loop {
            let created: Option<i64> = on_engine!(transaction self.store.database(), |tx| {
                let query = match id {
                    Some(id) => sqlx::query_scalar(CREATE_NUMBERED).bind(id.0),
                    None => sqlx::query_scalar(CREATE_NEXT),
                };
                Ok(query
                    .bind(name)
                    .bind(plan.code())
                    .bind(now)
                    .fetch_optional(&mut *tx)
                    .await?)
            })?;
            match (created, id) {
                (Some(id), _) => {
                    return Ok(Organisation {
                        id: OrganisationId(id),
                        name: name.to_owned(),
                        plan,
                    });
                }
                (None, Some(taken)) => return Err(StoreError::OrganisationExists(taken)),
                // Somebody else took the next number between reading and writing it.
                (None, None) => {}
            }
        }
    }

    /// Puts an organisation on another plan. Returns once no server goes by the old one. Putting it on the plan
    /// that it is on changes nothing and succeeds.
    ///
    /// # Errors
    /// [`StoreError::NoSuchOrganisation`], and those of the database.
    pub async fn set_plan(
        &self,
        id: OrganisationId,
        plan: Plan,
    ) -> Result<Organisation, StoreError> {
        let changed = on_engine!(transaction self.store.database(), |tx| {
            loop {
                let before: Organisation = organisation_in!(tx, id)?;
                if before.plan == plan {
                    return Ok(before);
                }
                let row: Option<OrganisationRow> = sqlx::query_as(SET_PLAN)
                    .bind(id.0)
                    .bind(plan.code())
                    .bind(before.plan.code())
                    .fetch_optional(&mut *tx)
                    .await?;
                // None when somebody else has changed it between the two: then it is looked at again.
                if let Some(row) = row {
                    let record = Record::plan_changed(id, before.plan, plan);
                    append_in!(tx, self.store, record)?;
                    return Organisation::try_from(row);
                }
            }
        })?;
        self.store.grants().settle().await;
        Ok(changed)
    }
}
