//! Organisations and the plans that they are on.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The number of an organisation, as it stands in API paths and beside its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrganisationId(pub i64);

impl fmt::Display for OrganisationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an organisation pays for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plan {
    /// Trying the product out.
    Trial,
    /// Paying by event.
    PayAsYouGo,
    /// The subscription for studios.
    Pro,
    /// The plan that includes the Developer Zone and the external API.
    Enterprise,
}

impl Plan {
    /// Every plan, smallest first.
    pub const ALL: [Self; 4] = [Self::Trial, Self::PayAsYouGo, Self::Pro, Self::Enterprise];

    /// Whether an organisation on this plan has the Developer Zone and the external API.
    /// The one statement of that rule: the page's lock, the server functions and the guard all ask here.
    pub const fn opens_developer_zone(self) -> bool {
        matches!(self, Self::Enterprise)
    }

    /// The name that people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Trial => "Trial",
            Self::PayAsYouGo => "Pay As You Go",
            Self::Pro => "Pro",
            Self::Enterprise => "Enterprise",
        }
    }

    /// The name in the database, on the command line and in class names.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::PayAsYouGo => "pay-as-you-go",
            Self::Pro => "pro",
            Self::Enterprise => "enterprise",
        }
    }
}

impl FromStr for Plan {
    type Err = UnknownCode;

    fn from_str(code: &str) -> Result<Self, UnknownCode> {
        find_by_code(&Self::ALL, Self::code, code)
    }
}

/// What a person is within one organisation.
///
/// The role is recorded and shown; it opens and closes nothing in the Developer Zone, where the plan
/// alone decides (see `docs/architecture.md`, Roles).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Runs the organisation's account.
    Admin,
    /// Works in the organisation.
    User,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 2] = [Self::Admin, Self::User];

    /// The name that people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Admin => "Admin",
            Self::User => "User",
        }
    }

    /// The name in the database and on the command line.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::User => "user",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownCode;

    fn from_str(code: &str) -> Result<Self, UnknownCode> {
        find_by_code(&Self::ALL, Self::code, code)
    }
}

/// A code that names none of the values it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is none of {known}")]
pub struct UnknownCode {
    given: String,
    known: String,
}

pub(crate) fn find_by_code<T: Copy>(
    all: &[T],
    code_of: fn(T) -> &'static str,
    code: &str,
) -> Result<T, UnknownCode> {
    all.iter()
        .copied()
        .find(|&value| code_of(value) == code)
        .ok_or_else(|| UnknownCode {
            given: code.to_owned(),
            known: all
                .iter()
                .map(|&value| code_of(value))
                .collect::<Vec<_>>()
                .join(", "),
        })
}

/// An organisation as its members see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Its number.
    pub id: OrganisationId,
    /// Its name.
    pub name: String,
    /// What it pays for.
    pub plan: Plan,
}

impl fmt::Display for Organisation {
    /// `Summit Races (903)`: the name alone does not tell two organisations apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_enterprise_opens_the_developer_zone() {
        let open: Vec<_> = Plan::ALL
            .into_iter()
            .filter(|plan| plan.opens_developer_zone())
            .collect();
        assert_eq!(open, [Plan::Enterprise]);
    }

    #[test]
    fn a_plan_and_a_role_are_found_by_their_own_code_only() {
        for plan in Plan::ALL {
            assert_eq!(plan.code().parse(), Ok(plan));
        }
        for role in Role::ALL {
            assert_eq!(role.code().parse(), Ok(role));
        }
        let unknown = "gold".parse::<Plan>().expect_err("no such plan");
        assert_eq!(
            unknown.to_string(),
            "`gold` is none of trial, pay-as-you-go, pro, enterprise"
        );
    }

    #[test]
    fn the_wire_and_the_database_use_the_same_code_for_a_plan() {
        for plan in Plan::ALL {
            let wire = serde_json::to_string(&plan).expect("a plan is JSON");
            assert_eq!(wire, format!("\"{}\"", plan.code()));
        }
    }
}
