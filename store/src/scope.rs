//! Who may touch an organisation's rows: types that are hard to come by.

use model::{
    organisation::OrganisationId,
    permission::{EventPermission, OrganisationPermission},
};

use crate::members::Member;

/// Leave to read an organisation's events: held by its members, by its API keys, and by the operator.
#[derive(Clone, Copy, Debug)]
pub struct OrganisationScope(OrganisationId);

impl OrganisationScope {
    /// The operator's leave. For the command line alone: who can open the database needs no other.
    pub const fn operator(organisation: OrganisationId) -> Self {
        Self(organisation)
    }

    pub(crate) const fn organisation_id(self) -> OrganisationId {
        self.0
    }
}

impl From<&Member> for OrganisationScope {
    fn from(member: &Member) -> Self {
        Self(member.organisation().id)
    }
}

impl From<OrganisationPermission> for OrganisationScope {
    fn from(access: OrganisationPermission) -> Self {
        Self(access.organisation_id())
    }
}

impl From<EventPermission> for OrganisationScope {
    fn from(access: EventPermission) -> Self {
        access.organisation().into()
    }
}

/// Leave to manage an organisation's tokens. An API key never has it: a leaked key cannot make more.
#[derive(Clone, Copy, Debug)]
pub enum TokenAuthority<'a> {
    /// A signed-in member; held to the organisation's plan.
    Member(&'a Member),
    /// The command line. Not held to the plan, so that a token can be shut off after a downgrade.
    Operator(OrganisationId),
}

impl TokenAuthority<'_> {
    pub(crate) fn organisation_id(&self) -> OrganisationId {
        match self {
            Self::Member(member) => member.organisation().id,
            Self::Operator(organisation) => *organisation,
        }
    }
}

/// Leave to read the audit trail.
#[derive(Clone, Copy, Debug)]
pub enum AuditAuthority<'a> {
    /// A signed-in member; held to the organisation's plan, and to what its members may read.
    Member(&'a Member),
    /// The command line: one organisation's part, or all there is.
    Operator(Option<OrganisationId>),
}

impl AuditAuthority<'_> {
    pub(crate) fn organisation_id(&self) -> Option<OrganisationId> {
        match self {
            Self::Member(member) => Some(member.organisation().id),
            Self::Operator(organisation) => *organisation,
        }
    }

    /// Whether operators are told by their names.
    pub(crate) const fn sees_operators(&self) -> bool {
        matches!(self, Self::Operator(_))
    }
}

impl<'a> From<&'a Member> for AuditAuthority<'a> {
    fn from(member: &'a Member) -> Self {
        Self::Member(member)
    }
}

impl<'a> From<&'a Member> for TokenAuthority<'a> {
    fn from(member: &'a Member) -> Self {
        Self::Member(member)
    }
}
