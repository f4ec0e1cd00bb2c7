//! Memberships: which users belong to which organisations.

use std::sync::Arc;

use model::{
    client::Client,
    natural_order,
    organisation::{Organisation, OrganisationId, Role},
    security::SecurityEvent,
    timestamp::Timestamp,
    user::{Email, UserId},
};

use crate::{
    Store,
    actor::Origin,
    database::{row, values},
    error::{DatabaseError, MemberError, PlanRequired},
    organisation_row::OrganisationRow,
    sessions::session::Session,
};

/// Proof that a user belongs to an organisation, with the organisation at the time of the read. Only
/// [`Members`] makes it, from a fresh read.
#[derive(Clone, Debug)]
pub struct Member {
    user_id: UserId,
    email: Email,
    organisation: Organisation,
    role: Role,
    /// The session of the request. None at the command line, where an operator acts for the member.
    session: Option<Session>,
    /// The origin of the request that looked the member up.
    origin: Option<Arc<Origin>>,
}

/// A user's membership of an organisation, as it is shown. Unlike a [`Member`] it allows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The organisation.
    pub organisation: Organisation,
    /// The user's role in it.
    pub role: Role,
    /// When the user last selected it. `None` if never, or before this was recorded.
    pub selected_at: Option<Timestamp>,
}

impl Member {
    /// The user.
    pub const fn user_id(&self) -> UserId {
        self.user_id
    }

    /// The user's address.
    pub const fn email(&self) -> &Email {
        &self.email
    }

    /// The organisation.
    pub const fn organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// The user's role in the organisation.
    pub const fn role(&self) -> Role {
        self.role
    }

    pub(crate) const fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// Requires the plan that opens the Developer Zone, as it was when the member was looked up. For code that
    /// neither reads nor changes tokens; [`crate::tokens`] checks the plan itself.
    ///
    /// # Errors
    /// [`PlanRequired`].
    pub fn require_developer_zone(&self) -> Result<(), PlanRequired> {
        self.require_plan_of(&self.organisation)
    }

    /// Like [`Member::require_developer_zone`], but for the organisation as a transaction has read it.
    ///
    /// No page offers a refused action, so the request may be an attack. It is logged as a security event. (An operator
    /// at the command line only gets the error.)
    pub(crate) fn require_plan_of(&self, organisation: &Organisation) -> Result<(), PlanRequired> {
        if organisation.plan.includes_developer_zone() {
            return Ok(());
        }
        if let Some(client) = self.origin.as_deref().and_then(Origin::client) {
            tracing::info!(
                target: SecurityEvent::TARGET,
                event = SecurityEvent::Unauthorised.name(),
                reason = "plan_required",
                user = self.user_id.0,
                organisation = organisation.id.0,
                address = client.address_text(),
                "refused"
            );
        }
        Err(PlanRequired(organisation.plan))
    }
}

impl Store {
    /// Logs that the user is not a member, and returns the error. No page offers other organisations, so this may
    /// be an attack.
    pub(crate) fn not_a_member(&self, user: UserId, organisation: OrganisationId) -> MemberError {
        let client = self.origin().and_then(Origin::client);
        tracing::info!(
            target: SecurityEvent::TARGET,
            event = SecurityEvent::Unauthorised.name(),
            reason = "not_a_member",
            user = user.0,
            organisation = organisation.0,
            address = client.and_then(Client::address_text),
            "refused"
        );
        MemberError::NotAMember(organisation)
    }
}

/// Memberships; see [`Store::members`].
pub struct Members<'a> {
    store: &'a Store,
}

row! {
    struct MemberRow {
        user_id: i64,
        email: String,
        role: String,
        ..organisation: OrganisationRow,
    }
}

impl MemberRow {
    fn for_store(self, store: &Store, session: Option<&Session>) -> Result<Member, DatabaseError> {
        Ok(Member {
            user_id: UserId(self.user_id),
            email: Email::parse(&self.email)
                .map_err(|error| DatabaseError::Corrupt(error.to_string()))?,
            organisation: self.organisation.try_into()?,
            role: self.role.parse()?,
            session: session.cloned(),
            origin: store.shared_origin(),
        })
    }
}

row! {
    struct MembershipRow {
        role: String,
        selected_at: Option<i64>,
        ..organisation: OrganisationRow,
    }
}

impl TryFrom<MembershipRow> for Membership {
    type Error = DatabaseError;

    fn try_from(row: MembershipRow) -> Result<Self, DatabaseError> {
        Ok(Self {
            organisation: row.organisation.try_into()?,
            role: row.role.parse()?,
            selected_at: row.selected_at.map(Timestamp),
        })
    }
}

/// A text that reads memberships with their user and organisation, followed by its conditions.
macro_rules! select_member {
    ($conditions:literal) => {
        concat!(
            "SELECT members.user_id, users.email, members.role, members.selected_at,
                organisations.id, organisations.name, organisations.plan
            FROM members
            JOIN users ON users.id = members.user_id
            JOIN organisations ON organisations.id = members.organisation_id ",
            $conditions
        )
    };
}

const FIND: &str = select_member!("WHERE members.user_id = $1 AND members.organisation_id = $2");
const FIND_BY_EMAIL: &str = select_member!(
    "WHERE users.email = $1 AND members.organisation_id = $2 AND users.state = 'enabled'"
);
const OF_USER: &str = select_member!("WHERE members.user_id = $1");

impl<'a> Members<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    pub(crate) const fn store(&self) -> &'a Store {
        self.store
    }

    /// The user of the session as a member of the organisation.
    ///
    /// # Errors
    /// [`MemberError`]. An organisation that does not exist gives the same error as one that the user does not
    /// belong to.
    pub async fn find(
        &self,
        session: &Session,
        organisation: OrganisationId,
    ) -> Result<Member, MemberError> {
        let user = session.user_id();
        let database = self.store.database();
        let row: Option<MemberRow> = database
            .fetch_optional(FIND, values![user.0, organisation.0])
            .await?;
        let row = row.ok_or_else(|| self.store.not_a_member(user, organisation))?;
        Ok(row.for_store(self.store, Some(session))?)
    }

    /// The user with this address, as a member of the organisation. For the command line, where an operator acts for
    /// the member.
    ///
    /// # Errors
    /// [`MemberError`].
    pub async fn find_by_email(
        &self,
        email: &Email,
        organisation: OrganisationId,
    ) -> Result<Member, MemberError> {
        let database = self.store.database();
        let row: Option<MemberRow> = database
            .fetch_optional(FIND_BY_EMAIL, values![email.as_str(), organisation.0])
            .await?;
        let row = row.ok_or(MemberError::NotAMember(organisation))?;
        Ok(row.for_store(self.store, None)?)
    }

    /// All memberships of the user, in the natural order of the organisations' names.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of_user(&self, user: UserId) -> Result<Vec<Membership>, DatabaseError> {
        let database = self.store.database();
        let rows: Vec<MembershipRow> = database.fetch_all(OF_USER, values![user.0]).await?;
        let memberships: Result<Vec<_>, _> = rows.into_iter().map(Membership::try_from).collect();
        let mut memberships = memberships?;
        memberships.sort_by(|one, other| {
            let (one, other) = (&one.organisation, &other.organisation);
            natural_order(&one.name, &other.name).then(one.id.cmp(&other.id))
        });
        Ok(memberships)
    }
}
