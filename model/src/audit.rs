//! The audit trail: who did what, when and from where.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    organisation::{OrganisationId, Plan, UnknownCode, find_by_code},
    timestamp::Timestamp,
    token::{TokenId, TokenName, TokenPreview, TokenSummary},
    user::UserId,
};

/// What a record tells of. The one vocabulary: of the database, the page's filter, the command line and the
/// files that are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Somebody signed in.
    SignedIn,
    /// A sign-in was refused: a wrong password, or an address without an account.
    SignInFailed,
    /// Somebody signed out.
    SignedOut,
    /// An account was given another password, which ended its other sessions.
    PasswordChanged,
    /// Sessions of an account were ended by their number, or all of them.
    SessionsEnded,
    /// A token was made.
    TokenCreated,
    /// A token was switched off.
    TokenPaused,
    /// A token was switched on again.
    TokenResumed,
    /// A token was given a name or another one, or lost the one that it had.
    TokenRenamed,
    /// A token was deleted.
    TokenDeleted,
    /// An organisation was put on another plan.
    PlanChanged,
    /// Somebody became a member of an organisation.
    MemberAdded,
    /// Old records were removed.
    AuditPruned,
}

impl Kind {
    /// Every kind, in the order in which they are offered.
    pub const ALL: [Self; 13] = [
        Self::TokenCreated,
        Self::TokenPaused,
        Self::TokenResumed,
        Self::TokenRenamed,
        Self::TokenDeleted,
        Self::SignedIn,
        Self::SignInFailed,
        Self::SignedOut,
        Self::PasswordChanged,
        Self::SessionsEnded,
        Self::MemberAdded,
        Self::PlanChanged,
        Self::AuditPruned,
    ];

    /// The name in the database, on the command line, in addresses and in exported files.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SignedIn => "signed-in",
            Self::SignInFailed => "sign-in-failed",
            Self::SignedOut => "signed-out",
            Self::PasswordChanged => "password-changed",
            Self::SessionsEnded => "sessions-ended",
            Self::TokenCreated => "token-created",
            Self::TokenPaused => "token-paused",
            Self::TokenResumed => "token-resumed",
            Self::TokenRenamed => "token-renamed",
            Self::TokenDeleted => "token-deleted",
            Self::PlanChanged => "plan-changed",
            Self::MemberAdded => "member-added",
            Self::AuditPruned => "audit-pruned",
        }
    }

    /// The name that people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::SignedIn => "Signed in",
            Self::SignInFailed => "Sign-in failed",
            Self::SignedOut => "Signed out",
            Self::PasswordChanged => "Password changed",
            Self::SessionsEnded => "Sessions ended",
            Self::TokenCreated => "Token created",
            Self::TokenPaused => "Token deactivated",
            Self::TokenResumed => "Token activated",
            Self::TokenRenamed => "Token renamed",
            Self::TokenDeleted => "Token deleted",
            Self::PlanChanged => "Plan changed",
            Self::MemberAdded => "Member added",
            Self::AuditPruned => "Old records removed",
        }
    }

    /// Whether members of an organisation can come across it. What is removed from the trail is the operator's
    /// business alone: it is of all organisations.
    pub const fn is_of_organisations(self) -> bool {
        !matches!(self, Self::AuditPruned)
    }
}

impl FromStr for Kind {
    type Err = UnknownCode;

    fn from_str(code: &str) -> Result<Self, UnknownCode> {
        find_by_code(&Self::ALL, Self::code, code)
    }
}

/// A user as a record names them: by the e-mail address of that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The user.
    pub id: UserId,
    /// The address.
    pub email: String,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A user of the dashboard.
    User(Account),
    /// Whoever runs the program, at the command line; with the name on the machine, for operators' eyes only.
    Operator(Option<String>),
    /// Not known: whose sign-in fails has not shown who they are.
    Nobody,
}

/// A token as a record names it, also when it is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedToken {
    /// Its number.
    pub id: TokenId,
    /// How it starts.
    pub preview: TokenPreview,
    /// What it was called then; of [`Kind::TokenRenamed`], before that.
    pub name: Option<TokenName>,
    /// Of [`Kind::TokenRenamed`]: what it was called from then on.
    pub renamed_to: Option<TokenName>,
}

impl From<&TokenSummary> for RecordedToken {
    /// The token as it is, and not renamed.
    fn from(token: &TokenSummary) -> Self {
        Self {
            id: token.id,
            preview: token.preview.clone(),
            name: token.name.clone(),
            renamed_to: None,
        }
    }
}

/// One record of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the trail.
    pub key: EntryKey,
    /// What it tells of.
    pub kind: Kind,
    /// Who did it.
    pub actor: Actor,
    /// In which organisation, if in one.
    pub organisation: Option<OrganisationId>,
    /// Whose account it is about, if about one.
    pub account: Option<Account>,
    /// Of [`Kind::TokenCreated`] and the like: the token.
    pub token: Option<RecordedToken>,
    /// Of [`Kind::PlanChanged`]: the plan before, and the plan after.
    pub plans: Option<(Plan, Plan)>,
    /// Of [`Kind::AuditPruned`]: records of earlier than this were removed.
    pub pruned_before: Option<Timestamp>,
    /// The address that the request came from.
    pub address: Option<String>,
    /// What the caller's program calls itself. Anybody can write anything there.
    pub user_agent: Option<String>,
}

/// Where a record stands in the trail: by the clock of the server that wrote it, then by number. Written as
/// `1768802400000-57`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryKey {
    /// When it was written.
    pub at: Timestamp,
    /// Its number.
    pub id: i64,
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at.epoch_millis(), self.id)
    }
}

/// A text that is no [`EntryKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the place of a record is written as two whole numbers with a hyphen between them")]
pub struct InvalidEntryKey;

impl FromStr for EntryKey {
    type Err = InvalidEntryKey;

    fn from_str(text: &str) -> Result<Self, InvalidEntryKey> {
        let (at, id) = text.rsplit_once('-').ok_or(InvalidEntryKey)?;
        Ok(Self {
            at: Timestamp(at.parse().map_err(|_| InvalidEntryKey)?),
            id: id.parse().map_err(|_| InvalidEntryKey)?,
        })
    }
}

/// Which records are asked for; every one, where nothing is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of this kind.
    pub kind: Option<Kind>,
    /// Those about this token.
    pub token: Option<TokenId>,
    /// Those of this instant and later.
    pub since: Option<Timestamp>,
}

/// From where in the trail a page is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// The newest records.
    #[default]
    Newest,
    /// The next ones before this record.
    Before(EntryKey),
    /// The next ones after this record.
    After(EntryKey),
}

/// A page of the trail, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPage {
    /// The records.
    pub entries: Vec<Entry>,
    /// Whether there are newer ones.
    pub has_newer: bool,
    /// Whether there are older ones.
    pub has_older: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_own_code_only() {
        for kind in Kind::ALL {
            assert_eq!(kind.code().parse(), Ok(kind));
            let wire = serde_json::to_string(&kind).expect("a kind is JSON");
            assert_eq!(wire, format!("\"{}\"", kind.code()));
        }
        assert!("token".parse::<Kind>().is_err());
    }

    #[test]
    fn a_place_in_the_trail_is_read_as_it_was_written() {
        for (at, id) in [(1_768_802_400_000, 57), (-5, 1), (0, 0)] {
            let key = EntryKey {
                at: Timestamp(at),
                id,
            };
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        for text in [
            "",
            "-",
            "5",
            "5-",
            "-5",
            "a-b",
            "5-6-",
            "5 -6",
            "5-99999999999999999999",
        ] {
            assert_eq!(text.parse::<EntryKey>(), Err(InvalidEntryKey), "{text:?}");
        }
    }
}
