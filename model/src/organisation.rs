//! Organisations, their plans, and the roles of their members.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An organisation's ID. API paths contain it, and the dashboard shows it beside the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(minimum = 1))]
pub struct OrganisationId(pub i64);

impl fmt::Display for OrganisationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The plan that an organisation is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plan {
    /// Free trial.
    Trial,
    /// Payment for each event.
    PayAsYouGo,
    /// Subscription for studios.
    Pro,
    /// The plan that includes the Developer Zone and the external API.
    Enterprise,
}

impl Plan {
    /// Every plan, smallest first.
    pub const ALL: [Self; 4] = all_variants![Trial, PayAsYouGo, Pro, Enterprise];

    /// Whether the plan includes the Developer Zone and the external API.
    ///
    /// The locked pages, the server functions and the API's guard all call this function, so that they agree.
    pub const fn includes_developer_zone(self) -> bool {
        matches!(self, Self::Enterprise)
    }

    /// The name on pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Trial => "Trial",
            Self::PayAsYouGo => "Pay As You Go",
            Self::Pro => "Pro",
            Self::Enterprise => "Enterprise",
        }
    }

    /// The code in the database, on the command line and in CSS class names.
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

/// The role of a member in one organisation.
///
/// The role is stored and shown, but gives no permission. In the Developer Zone all members have the same
/// permissions, and only the plan decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Administers the organisation's account.
    Admin,
    /// Works for the organisation.
    User,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 2] = all_variants![Admin, User];

    /// The name on pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Admin => "Admin",
            Self::User => "User",
        }
    }

    /// The code in the database and on the command line.
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

/// A text that is not the code of any known value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not one of {known}")]
pub struct UnknownCode {
    given: String,
    known: String,
}

/// Finds the value in `all` that has this `code`.
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
    /// The organisation's ID.
    pub id: OrganisationId,
    /// The name. Several organisations can have the same one.
    pub name: String,
    /// The plan.
    pub plan: Plan,
}

impl fmt::Display for Organisation {
    /// `Summit Races (903)`. The ID is included, because names are not unique.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_enterprise_includes_the_developer_zone() {
        let including: Vec<_> = Plan::ALL
            .into_iter()
            .filter(|plan| plan.includes_developer_zone())
            .collect();
        assert_eq!(including, [Plan::Enterprise]);
    }

    #[test]
    fn plans_and_roles_are_parsed_from_their_codes_only() {
        for plan in Plan::ALL {
            assert_eq!(plan.code().parse(), Ok(plan));
        }
        for role in Role::ALL {
            assert_eq!(role.code().parse(), Ok(role));
        }
        let unknown = "gold".parse::<Plan>().expect_err("no such plan");
        assert_eq!(
            unknown.to_string(),
            "`gold` is not one of trial, pay-as-you-go, pro, enterprise"
        );
    }

    #[test]
    fn a_plan_is_serialised_as_its_code() {
        for plan in Plan::ALL {
            let json = serde_json::to_string(&plan).expect("JSON");
            assert_eq!(json, format!("\"{}\"", plan.code()));
        }
    }
}
