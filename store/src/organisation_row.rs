//! The row of an organisation, which several reads share.

use model::organisation::{Organisation, OrganisationId};

use crate::{database::row, error::DatabaseError};

row! {
    /// An organisation's row.
    pub(crate) struct OrganisationRow {
        id: i64,
        name: String,
        plan: String,
    }
}

impl TryFrom<OrganisationRow> for Organisation {
    type Error = DatabaseError;

    fn try_from(row: OrganisationRow) -> Result<Self, DatabaseError> {
        Ok(Self {
            id: OrganisationId(row.id),
            name: row.name,
            plan: row.plan.parse()?,
        })
    }
}
