//! Errors of the store, with what an operator can do about them.

use store::error::{
    AccountError, AuditError, BackupError, DatabaseError, DemoError, EventError, MemberError,
    NewEventError, OpenError, OrganisationError, PasswordHashError, PruneError, SchemaError,
    ServerLockError, TokenError,
};

/// The store refused a command, or failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreFailure {
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The schema is not the one that this program needs.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// This process cannot become the server of the database.
    #[error(transparent)]
    ServerLock(#[from] ServerLockError),
    /// No backup was made.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// No demo data was loaded.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The audit trail was not pruned.
    #[error(transparent)]
    Prune(#[from] PruneError),
    /// The audit trail was not read.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The user is not a member.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// An organisation was not created or changed.
    #[error(transparent)]
    Organisation(#[from] OrganisationError),
    /// An account was not created or changed.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// Tokens were not listed or changed.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// An event was not found.
    #[error(transparent)]
    Event(#[from] EventError),
    /// An event was not created.
    #[error(transparent)]
    NewEvent(#[from] NewEventError),
}

const CHECK_DATABASE: &str = "check --database-url, and that the database can be reached from here";
const FIND_LOCK: &str = "try again; PostgreSQL's pg_locks shows who holds a lock, and `fuser FILE` who has a SQLite file open";
const MAKE_ROOM: &str = "make room on the disk, or lower --reserve-mib";
const LIST_ORGANISATIONS: &str = "`developer-zone organisation list` shows those that exist";
const SET_PLAN: &str = "`developer-zone organisation set-plan` changes the plan";

impl StoreFailure {
    /// Advice on how to fix the error, if its own text contains none.
    pub(super) const fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Database(error) => about_database(error),
            Self::Schema(error) => about_schema(error),
            Self::ServerLock(error) => about_server_lock(error),
            Self::Backup(error) => about_backup(error),
            Self::Demo(error) => about_demo(error),
            Self::Prune(error) => about_pruning(error),
            Self::Audit(error) => about_audit(error),
            Self::Member(error) => about_member(error),
            Self::Organisation(error) => about_organisation(error),
            Self::Account(error) => about_account(error),
            Self::Token(error) => about_token(error),
            Self::Event(error) => about_event(error),
            Self::NewEvent(error) => about_new_event(error),
        }
    }
}

/// Advice about a database that cannot be opened.
pub(super) const fn about_opening(error: &OpenError) -> Option<&'static str> {
    match error {
        OpenError::Database(DatabaseError::Unavailable(_) | DatabaseError::Refused(_)) => {
            Some(CHECK_DATABASE)
        }
        OpenError::Database(DatabaseError::Locked(_)) => Some(FIND_LOCK),
        OpenError::Database(
            DatabaseError::OutcomeUnknown(_)
            | DatabaseError::StorageFull(_)
            | DatabaseError::NulCharacter
            | DatabaseError::Damaged(_)
            | DatabaseError::Corrupt(_),
        )
        | OpenError::Url(_)
        | OpenError::PostgresUrl { .. }
        | OpenError::PasswordFile { .. }
        | OpenError::Encoding(_)
        | OpenError::SqliteUrl { .. }
        | OpenError::File(..)
        | OpenError::Place { .. }
        | OpenError::Durability { .. } => None,
    }
}

const fn about_database(error: &DatabaseError) -> Option<&'static str> {
    match error {
        DatabaseError::Unavailable(_) => Some(CHECK_DATABASE),
        DatabaseError::Locked(_) => Some(FIND_LOCK),
        DatabaseError::OutcomeUnknown(_) => {
            Some("run `developer-zone audit` to see: the change's record appears with the change")
        }
        DatabaseError::StorageFull(_) => Some(MAKE_ROOM),
        DatabaseError::Refused(_)
        | DatabaseError::NulCharacter
        | DatabaseError::Damaged(_)
        | DatabaseError::Corrupt(_) => None,
    }
}

const fn about_schema(error: &SchemaError) -> Option<&'static str> {
    match error {
        SchemaError::Older { .. } => Some("`developer-zone migrate` brings it up to date"),
        SchemaError::Database(error) => about_database(error),
        SchemaError::Locked(_) => {
            Some("try again; PostgreSQL's pg_stat_activity shows who holds the lock")
        }
        SchemaError::Newer { .. } | SchemaError::Migration(_) => None,
    }
}

const fn about_server_lock(error: &ServerLockError) -> Option<&'static str> {
    match error {
        ServerLockError::AlreadyServed(_) => Some(
            "stop that one, or give both a PostgreSQL with --database-url postgres://USER@HOST/NAME",
        ),
        ServerLockError::Database(error) => about_database(error),
        ServerLockError::Lock(..) => None,
    }
}

const fn about_backup(error: &BackupError) -> Option<&'static str> {
    match error {
        BackupError::Postgres => Some(
            "copy a PostgreSQL database with `pg_dump --format=custom --file=FILE NAME`, also while servers run, and restore it with `pg_restore`",
        ),
        BackupError::Schema(error) => about_schema(error),
        BackupError::Database(error) => about_database(error),
        BackupError::NoRoom { .. } => Some("make room, or choose another disk"),
        BackupError::Open(_)
        | BackupError::Exists(_)
        | BackupError::Write(..)
        | BackupError::Damaged(_) => None,
    }
}

const fn about_demo(error: &DemoError) -> Option<&'static str> {
    match error {
        DemoError::Hash(error) => about_hashing(error),
        DemoError::Event(error) => about_event(error),
        DemoError::Database(error) => about_database(error),
        DemoError::Collision(_) => None,
    }
}

const fn about_pruning(error: &PruneError) -> Option<&'static str> {
    match error {
        PruneError::Database(error) => about_database(error),
        PruneError::Future => None,
    }
}

const fn about_audit(error: &AuditError) -> Option<&'static str> {
    match error {
        AuditError::NoSuchOrganisation(_) => Some(LIST_ORGANISATIONS),
        AuditError::PlanRequired(_) => Some(SET_PLAN),
        AuditError::Database(error) => about_database(error),
    }
}

const fn about_member(error: &MemberError) -> Option<&'static str> {
    match error {
        MemberError::Database(error) => about_database(error),
        MemberError::NotAMember(_) | MemberError::SessionEnded => None,
    }
}

const fn about_organisation(error: &OrganisationError) -> Option<&'static str> {
    match error {
        OrganisationError::NoSuchOrganisation(_) => Some(LIST_ORGANISATIONS),
        OrganisationError::Exists(_) => {
            Some("choose another number; `developer-zone organisation list` shows those in use")
        }
        OrganisationError::Database(error) => about_database(error),
    }
}

const fn about_account(error: &AccountError) -> Option<&'static str> {
    match error {
        AccountError::NoSuchOrganisation(_) => Some(LIST_ORGANISATIONS),
        AccountError::NoSuchUser(_) => {
            Some("check the address; `developer-zone user create` makes accounts")
        }
        AccountError::Exists(_) => {
            Some("change its password with `developer-zone user set-password`")
        }
        AccountError::Disabled(_) => Some("`developer-zone user enable` lets it sign in again"),
        AccountError::Hash(error) => about_hashing(error),
        AccountError::Database(error) => about_database(error),
        AccountError::AlreadyAMember(_)
        | AccountError::NotAMember { .. }
        | AccountError::NewPassword(_) => None,
    }
}

const fn about_hashing(error: &PasswordHashError) -> Option<&'static str> {
    match error {
        PasswordHashError::Busy => Some("try again in a moment"),
        PasswordHashError::Failed(_) => None,
    }
}

const fn about_token(error: &TokenError) -> Option<&'static str> {
    match error {
        TokenError::NoSuchOrganisation(_) => Some(LIST_ORGANISATIONS),
        TokenError::PlanRequired(_) => Some(SET_PLAN),
        TokenError::NoSuchToken(_) => {
            Some("`developer-zone token list` shows the tokens that exist")
        }
        TokenError::Database(error) => about_database(error),
        TokenError::LimitReached
        | TokenError::TooManyRecords(_)
        | TokenError::NotAMember(_)
        | TokenError::SessionEnded => None,
    }
}

const fn about_event(error: &EventError) -> Option<&'static str> {
    match error {
        EventError::NoSuchEvent(_) => {
            Some("check the number; `developer-zone event create` makes events")
        }
        EventError::Database(error) => about_database(error),
    }
}

const fn about_new_event(error: &NewEventError) -> Option<&'static str> {
    match error {
        NewEventError::NoSuchOrganisation(_) => Some(LIST_ORGANISATIONS),
        NewEventError::Exists(_) => Some("choose another number"),
        NewEventError::Database(error) => about_database(error),
        NewEventError::Date(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn an_error_of_the_store_is_followed_by_the_command_or_option_that_helps() {
        let errors: [(Error, &str); 4] = [
            (
                ServerLockError::AlreadyServed("zone.db".into()).into(),
                "another server is running on zone.db, and SQLite takes one; stop that one, or give both a PostgreSQL with --database-url postgres://USER@HOST/NAME",
            ),
            (
                SchemaError::Older { found: 1, known: 2 }.into(),
                "the database has schema 1 and this program needs schema 2; `developer-zone migrate` brings it up to date",
            ),
            (
                BackupError::Postgres.into(),
                "only a SQLite file can be copied; copy a PostgreSQL database with `pg_dump --format=custom --file=FILE NAME`, also while servers run, and restore it with `pg_restore`",
            ),
            (
                OrganisationError::NoSuchOrganisation(model::organisation::OrganisationId(1))
                    .into(),
                "there is no organisation 1; `developer-zone organisation list` shows those that exist",
            ),
        ];
        for (error, line) in errors {
            assert_eq!(error.on_one_line(), line);
        }
    }
}
