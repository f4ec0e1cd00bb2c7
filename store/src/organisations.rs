//! Organisations and their plans.

use model::{
    organisation::{Organisation, OrganisationId, Plan},
    servers::Acknowledgements,
};

use crate::{
    Store,
    audit::Record,
    database::{LoggedChange, Purpose, Transaction, values},
    error::{DatabaseError, OrganisationError},
    organisation_row::OrganisationRow,
};

/// The result of changing an organisation's plan.
#[derive(Debug)]
pub struct PlanChange {
    /// The organisation on its new plan.
    pub organisation: Organisation,
    /// As in [`Receipt`](model::token::Receipt).
    pub acknowledged: Option<Acknowledgements>,
}

/// Organisations and their plans; see [`Store::organisations`].
pub struct Organisations<'a> {
    store: &'a Store,
}

const FIND: &str = "SELECT id, name, plan FROM organisations WHERE id = $1";

const LIST: &str = "SELECT id, name, plan FROM organisations ORDER BY id";

const CREATE_NUMBERED: &str = "INSERT INTO organisations (id, name, plan, created_at)
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING id";

const CREATE_NEXT: &str = "INSERT INTO organisations (id, name, plan, created_at)
    SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $3 FROM organisations WHERE TRUE
    ON CONFLICT DO NOTHING RETURNING id";

/// Returns no row if the plan is no longer the given one.
const SET_PLAN: &str = "UPDATE organisations SET plan = $2 WHERE id = $1 AND plan = $3
    RETURNING id, name, plan";

/// The organisation, as the transaction sees it.
pub(crate) async fn organisation_of(
    transaction: &mut Transaction,
    id: OrganisationId,
) -> Result<Option<Organisation>, DatabaseError> {
    let row: Option<OrganisationRow> = transaction.fetch_optional(FIND, values![id.0]).await?;
    row.map(Organisation::try_from).transpose()
}

impl<'a> Organisations<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// Every organisation, by number.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self) -> Result<Vec<Organisation>, DatabaseError> {
        let rows: Vec<OrganisationRow> = self.store.database().fetch_all(LIST, &[]).await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// The organisation with this number.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn find(
        &self,
        id: OrganisationId,
    ) -> Result<Option<Organisation>, DatabaseError> {
        let database = self.store.database();
        let row: Option<OrganisationRow> = database.fetch_optional(FIND, values![id.0]).await?;
        row.map(Organisation::try_from).transpose()
    }

    /// Creates an organisation with the number `id`, or with the next number after the highest.
    ///
    /// # Errors
    /// [`OrganisationError::Exists`] if the number is taken, and those of the database.
    pub async fn create(
        &self,
        id: Option<OrganisationId>,
        name: &str,
        plan: Plan,
    ) -> Result<Organisation, OrganisationError> {
        loop {
            match (self.try_create(id, name, plan).await?, id) {
                (Some(id), _) => {
                    return Ok(Organisation {
                        id,
                        name: name.to_owned(),
                        plan,
                    });
                }
                (None, Some(taken)) => return Err(OrganisationError::Exists(taken)),
                // Another process took the next number between the read and the write.
                (None, None) => {}
            }
        }
    }

    /// One attempt; none if the number is taken.
    async fn try_create(
        &self,
        id: Option<OrganisationId>,
        name: &str,
        plan: Plan,
    ) -> Result<Option<OrganisationId>, DatabaseError> {
        let now = self.store.clock().now().epoch_millis();
        let mut transaction = self.store.database().begin().await?;
        let created: Option<(i64,)> = match id {
            Some(id) => {
                let values = values![id.0, name, plan.code(), now];
                transaction.fetch_optional(CREATE_NUMBERED, values).await?
            }
            None => {
                let values = values![name, plan.code(), now];
                transaction.fetch_optional(CREATE_NEXT, values).await?
            }
        };
        transaction.commit().await?;
        Ok(created.map(|(id,)| OrganisationId(id)))
    }

    /// Puts an organisation on another plan. When this returns, no server answers by the old plan. Setting the
    /// present plan again changes nothing and succeeds.
    ///
    /// # Errors
    /// [`OrganisationError::NoSuchOrganisation`], and those of the database.
    pub async fn set_plan(
        &self,
        id: OrganisationId,
        plan: Plan,
    ) -> Result<PlanChange, OrganisationError> {
        let (organisation, change) = self.change_plan(id, plan).await?;
        let key_cache = self.store.key_cache();
        Ok(PlanChange {
            organisation,
            acknowledged: key_cache.wait_for_servers(Some(change)).await,
        })
    }

    async fn change_plan(
        &self,
        id: OrganisationId,
        plan: Plan,
    ) -> Result<(Organisation, LoggedChange), OrganisationError> {
        let mut transaction = self.store.database_for(Purpose::Revocation).begin().await?;
        let changed = loop {
            let before = organisation_of(&mut transaction, id).await?;
            let before = before.ok_or(OrganisationError::NoSuchOrganisation(id))?;
            if before.plan == plan {
                break before;
            }
            let values = values![id.0, plan.code(), before.plan.code()];
            let row: Option<OrganisationRow> = transaction.fetch_optional(SET_PLAN, values).await?;
            // There is no row if another server changed the plan in between. Then read it again.
            if let Some(row) = row {
                let record = Record::plan_changed(id, before.plan, plan);
                self.store.record(&mut transaction, record).await?;
                break Organisation::try_from(row)?;
            }
        };
        Ok((changed, transaction.commit_logged().await?))
    }
}
