//! Permissions: a call on an organisation's rows takes one of these types, which proves that the caller may make it.

use model::{
    organisation::{Organisation, OrganisationId},
    permission::{EventPermission, OrganisationPermission},
};

use crate::{error::TokenError, members::Member};

/// Permission to read an organisation's events: for its members, its API keys, and operators.
#[derive(Clone, Copy, Debug)]
pub struct EventsPermission(OrganisationId);

impl EventsPermission {
    /// An operator's permission, for the command line only: an operator can open the database anyway.
    pub const fn operator(organisation: OrganisationId) -> Self {
        Self(organisation)
    }

    pub(crate) const fn organisation_id(self) -> OrganisationId {
        self.0
    }
}

impl From<&Member> for EventsPermission {
    fn from(member: &Member) -> Self {
        Self(member.organisation().id)
    }
}

impl From<OrganisationPermission> for EventsPermission {
    fn from(permission: OrganisationPermission) -> Self {
        Self(permission.organisation_id())
    }
}

impl From<EventPermission> for EventsPermission {
    fn from(permission: EventPermission) -> Self {
        permission.organisation().into()
    }
}

/// Permission to manage an organisation's tokens. An API key never has it: a leaked key cannot create more keys.
#[derive(Clone, Copy, Debug)]
pub enum TokenPermission<'a> {
    /// A signed-in member, if the organisation's plan allows it.
    Member(&'a Member),
    /// The command line. The plan does not matter, so that a token can be deactivated after a downgrade.
    Operator(OrganisationId),
}

impl TokenPermission<'_> {
    pub(crate) fn organisation_id(&self) -> OrganisationId {
        match self {
            Self::Member(member) => member.organisation().id,
            Self::Operator(organisation) => *organisation,
        }
    }

    /// Requires the plan that this permission needs, of the organisation as it was just read. A [`Member`] carries a
    /// plan too, but that one can be as old as the request.
    pub(crate) fn require_plan_of(&self, found: Option<Organisation>) -> Result<(), TokenError> {
        let missing = TokenError::NoSuchOrganisation(self.organisation_id());
        let organisation = found.ok_or(missing)?;
        match self {
            Self::Member(member) => Ok(member.require_plan_of(&organisation)?),
            Self::Operator(_) => Ok(()),
        }
    }
}

/// Permission to read the audit trail.
#[derive(Clone, Copy, Debug)]
pub enum AuditPermission<'a> {
    /// A signed-in member, if the organisation's plan allows it: records that its members may read.
    Member(&'a Member),
    /// The command line: one organisation's records, or all.
    Operator(Option<OrganisationId>),
}

impl AuditPermission<'_> {
    pub(crate) fn organisation_id(&self) -> Option<OrganisationId> {
        match self {
            Self::Member(member) => Some(member.organisation().id),
            Self::Operator(organisation) => *organisation,
        }
    }

    /// Whether records show the names of operators.
    pub(crate) const fn sees_operators(&self) -> bool {
        matches!(self, Self::Operator(_))
    }
}

impl<'a> From<&'a Member> for AuditPermission<'a> {
    fn from(member: &'a Member) -> Self {
        Self::Member(member)
    }
}

impl<'a> From<&'a Member> for TokenPermission<'a> {
    fn from(member: &'a Member) -> Self {
        Self::Member(member)
    }
}
