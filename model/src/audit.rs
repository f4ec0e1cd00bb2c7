//! The audit trail: who did what, when, and from which address.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    organisation::{OrganisationId, Plan, UnknownCode, find_by_code},
    timestamp::Timestamp,
    token::{TokenId, TokenName, TokenPreview, TokenSummary},
    user::UserId,
};

/// The kind of action that a record describes.
///
/// The database, the page's filter, the command line and exported files all use these codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A user signed in.
    SignedIn,
    /// A sign-in was refused: the password was wrong, or the email has no account.
    SignInFailed,
    /// A user signed out.
    SignedOut,
    /// An account's password was changed. This also ended the account's other sessions.
    PasswordChanged,
    /// A link was created with which the owner of an account can set a new password.
    ResetLinkCreated,
    /// One session of an account was ended, or all of them.
    SessionsEnded,
    /// A token was created.
    TokenCreated,
    /// A token was deactivated. The code keeps its published name.
    #[serde(rename = "token-paused")]
    TokenDeactivated,
    /// A token was activated again. The code keeps its published name.
    #[serde(rename = "token-resumed")]
    TokenActivated,
    /// A token's name was set, changed or removed.
    TokenRenamed,
    /// A token was deleted.
    TokenDeleted,
    /// An organisation's plan was changed.
    PlanChanged,
    /// A user became a member of an organisation.
    MemberAdded,
    /// A user is no longer a member of an organisation. This also ended the user's sessions.
    MemberRemoved,
    /// An account can no longer sign in. This also ended its sessions.
    AccountDisabled,
    /// A disabled account can sign in again.
    AccountEnabled,
    /// An account was deleted, and its address erased, also from earlier records.
    AccountDeleted,
    /// Old records were removed from the trail.
    AuditPruned,
}

impl Kind {
    /// Every kind, in the order of the page's filter.
    pub const ALL: [Self; 18] = all_variants![
        TokenCreated,
        TokenDeactivated,
        TokenActivated,
        TokenRenamed,
        TokenDeleted,
        SignedIn,
        SignInFailed,
        SignedOut,
        PasswordChanged,
        ResetLinkCreated,
        SessionsEnded,
        MemberAdded,
        MemberRemoved,
        AccountDisabled,
        AccountEnabled,
        AccountDeleted,
        PlanChanged,
        AuditPruned
    ];

    /// The code in the database, on the command line, in URLs and in exported files.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SignedIn => "signed-in",
            Self::SignInFailed => "sign-in-failed",
            Self::SignedOut => "signed-out",
            Self::PasswordChanged => "password-changed",
            Self::ResetLinkCreated => "reset-link-created",
            Self::SessionsEnded => "sessions-ended",
            Self::TokenCreated => "token-created",
            Self::TokenDeactivated => "token-paused",
            Self::TokenActivated => "token-resumed",
            Self::TokenRenamed => "token-renamed",
            Self::TokenDeleted => "token-deleted",
            Self::PlanChanged => "plan-changed",
            Self::MemberAdded => "member-added",
            Self::MemberRemoved => "member-removed",
            Self::AccountDisabled => "account-disabled",
            Self::AccountEnabled => "account-enabled",
            Self::AccountDeleted => "account-deleted",
            Self::AuditPruned => "audit-pruned",
        }
    }

    /// The name on pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::SignedIn => "Signed in",
            Self::SignInFailed => "Sign-in failed",
            Self::SignedOut => "Signed out",
            Self::PasswordChanged => "Password changed",
            Self::ResetLinkCreated => "Reset link created",
            Self::SessionsEnded => "Sessions ended",
            Self::TokenCreated => "Token created",
            Self::TokenDeactivated => "Token deactivated",
            Self::TokenActivated => "Token activated",
            Self::TokenRenamed => "Token renamed",
            Self::TokenDeleted => "Token deleted",
            Self::PlanChanged => "Plan changed",
            Self::MemberAdded => "Member added",
            Self::MemberRemoved => "Member removed",
            Self::AccountDisabled => "Account disabled",
            Self::AccountEnabled => "Account enabled",
            Self::AccountDeleted => "Account deleted",
            Self::AuditPruned => "Old records removed",
        }
    }

    /// Whether the activity page of an organisation can show this kind.
    ///
    /// Removing old records affects all organisations, so only operators see it.
    pub const fn is_shown_to_members(self) -> bool {
        !matches!(self, Self::AuditPruned)
    }
}

impl FromStr for Kind {
    type Err = UnknownCode;

    fn from_str(code: &str) -> Result<Self, UnknownCode> {
        find_by_code(&Self::ALL, Self::code, code)
    }
}

/// An account in a record, with its email at that time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The user.
    pub id: UserId,
    /// The email at that time. It may have changed since.
    pub email: String,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A user of the dashboard.
    User(Account),
    /// An operator at the command line, with the user name on that machine. Only operators see the name.
    Operator(Option<String>),
    /// Unknown, because the sign-in failed.
    Unknown,
}

/// A token in a record. The record keeps it after the token is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedToken {
    /// The token's ID.
    pub id: TokenId,
    /// The token's first characters.
    pub preview: TokenPreview,
    /// The name at that time. For [`Kind::TokenRenamed`], the old name.
    pub name: Option<TokenName>,
    /// For [`Kind::TokenRenamed`], the new name.
    pub renamed_to: Option<TokenName>,
}

impl From<&TokenSummary> for RecordedToken {
    /// The token with its current name, not renamed.
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
    /// The record's position in the trail.
    pub key: EntryKey,
    /// The kind of action.
    pub kind: Kind,
    /// Who did it.
    pub actor: Actor,
    /// The organisation, if the action belongs to one.
    pub organisation: Option<OrganisationId>,
    /// The account that the action affected, if any.
    pub account: Option<Account>,
    /// The token, for kinds about tokens.
    pub token: Option<RecordedToken>,
    /// The old and the new plan, for [`Kind::PlanChanged`].
    pub plans: Option<(Plan, Plan)>,
    /// For [`Kind::AuditPruned`]: records older than this were removed.
    pub pruned_before: Option<Timestamp>,
    /// The IP address that the request came from.
    pub address: Option<String>,
    /// The request's `User-Agent` header. The sender can write anything there.
    pub user_agent: Option<String>,
}

/// The position of a record in the trail, by time and then by ID. Its text is `1768802400000-57`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryKey {
    /// When the record was written, by the writing server's clock.
    pub at: Timestamp,
    /// The record's ID.
    pub id: i64,
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at.epoch_millis(), self.id)
    }
}

/// A text that is not an [`EntryKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a record's position consists of two whole numbers with a hyphen between them")]
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

/// Selects records. An empty filter selects all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only records of this kind.
    pub kind: Option<Kind>,
    /// Only records about this token.
    pub token: Option<TokenId>,
    /// Only records from this instant on.
    pub since: Option<Timestamp>,
    /// Only records before this instant.
    pub until: Option<Timestamp>,
}

/// The part of the trail that a page shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cursor {
    /// The newest records.
    #[default]
    Newest,
    /// The records immediately before this one.
    Before(EntryKey),
    /// The records immediately after this one.
    After(EntryKey),
}

/// A page of the trail, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPage {
    /// The records.
    pub entries: Vec<Entry>,
    /// Whether newer records exist.
    pub has_newer: bool,
    /// Whether older records exist.
    pub has_older: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_parsed_from_its_code_and_serialised_as_its_code() {
        for kind in Kind::ALL {
            assert_eq!(kind.code().parse(), Ok(kind));
            let json = serde_json::to_string(&kind).expect("JSON");
            assert_eq!(json, format!("\"{}\"", kind.code()));
        }
        assert!("token".parse::<Kind>().is_err());
    }

    #[test]
    fn a_records_position_is_parsed_from_its_own_text_only() {
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
