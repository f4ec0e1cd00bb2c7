//! What can go wrong in the store. The texts are for operators; pages choose their own words.

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use model::{
    organisation::{OrganisationId, Plan, UnknownCode},
    token::{TOKEN_LIMIT, TokenId},
    user::{Email, MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH},
};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The address names neither engine.
    #[error(
        "`{0}` is no database address: use sqlite:FILE, for example sqlite:developer-zone.db, or postgres://USER@HOST/NAME"
    )]
    Url(String),
    /// The SQLite file cannot be opened or made.
    #[error(
        "the database file {} cannot be opened (is there such a folder, and may this user write in it?)",
        .0.display()
    )]
    File(PathBuf, #[source] Cause),
    /// The database does not answer, or has no connection to spare. Trying again later can help.
    #[error("the database cannot be reached")]
    Unavailable(#[source] Cause),
    /// The database answered with an error.
    #[error("the database refused a statement")]
    Database(#[source] Cause),
    /// The SQLite file is not as SQLite wrote it. Trying again does not help.
    #[error(
        "the database file is damaged: stop the server, restore the last backup, and check the disk"
    )]
    Damaged(#[source] Cause),
    /// A stored value breaks a rule that the schema should have kept.
    #[error("the database holds a value that it should not: {0}")]
    Corrupt(String),
    /// The schema cannot be brought up to date.
    #[error("the database schema cannot be brought up to date")]
    Migration(#[source] Cause),
    /// A newer version of the program has brought the schema further than this one knows.
    #[error(
        "the database has schema {found} and this program knows schemas up to {known}: a newer version of it was used here. Run that version or a later one, or restore a backup that was made before the upgrade"
    )]
    NewerSchema {
        /// The number of the last migration that the database has had.
        found: i64,
        /// The number of the last migration of this program.
        known: i64,
    },
    /// The schema lacks migrations of this program.
    #[error(
        "the database has schema {found} and this program needs schema {known}; `developer-zone migrate` brings it up to date"
    )]
    OlderSchema {
        /// The number of the last migration that the database has had; 0 for none.
        found: i64,
        /// The number of the last migration of this program.
        known: i64,
    },
    /// SQLite is not set up to keep what it confirms: a revoked key could come back after a crash.
    #[error(
        "SQLite's {pragma} is `{found}` and must be `{required}`, or a confirmed change could be lost"
    )]
    Durability {
        /// The setting.
        pragma: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        required: &'static str,
    },
    /// Another server has the SQLite file.
    #[error(
        "another server is running on {}, and SQLite takes one: stop that one, or give both a PostgreSQL with --database-url postgres://USER@HOST/NAME",
        .0.display()
    )]
    AlreadyServed(PathBuf),
    /// The lock by which a server is the only one of its SQLite file cannot be had.
    #[error(
        "the lock {}.lock cannot be taken (may this user write in that folder, and does its file system have locks?)",
        .0.display()
    )]
    Lock(PathBuf, #[source] io::Error),
    /// PostgreSQL has its own tools for copies.
    #[error(
        "`backup` copies SQLite files; a PostgreSQL database is copied, while servers run, by `pg_dump --format=custom --file=FILE NAME`, and restored by `pg_restore`"
    )]
    BackupOfPostgres,
    /// There is a file where the copy was to be.
    #[error("{} exists already, and a backup overwrites nothing: choose another name", .0.display())]
    BackupExists(PathBuf),
    /// The copy cannot be written.
    #[error("the backup {} cannot be written", .0.display())]
    Backup(PathBuf, #[source] Cause),
    /// The copy is not sound, and most likely neither is the database.
    #[error(
        "the copy does not pass SQLite's checks and was removed; the database itself is probably damaged: {0}"
    )]
    BackupDamaged(String),
    /// The password hasher failed.
    #[error("a password could not be hashed or checked: {0}")]
    Password(String),

    /// No organisation has that number.
    #[error(
        "there is no organisation {0}; `developer-zone organisation list` shows those that exist"
    )]
    NoSuchOrganisation(OrganisationId),
    /// The number is taken by another organisation.
    #[error("organisation {0} exists already")]
    OrganisationExists(OrganisationId),
    /// The user does not belong to the organisation (which may not exist at all).
    #[error("the user is not a member of organisation {0}")]
    NotAMember(OrganisationId),
    /// The organisation's plan has no Developer Zone.
    #[error("the Developer Zone needs the Enterprise plan; the organisation is on {}", .0.label())]
    PlanRequired(Plan),
    /// The organisation has as many tokens as it can have.
    #[error(
        "the organisation has reached the limit of {TOKEN_LIMIT} tokens; delete one to create a new one"
    )]
    TokenLimitReached,
    /// The organisation has no such token (any more).
    #[error("the organisation has no token {0}; it may have been deleted")]
    NoSuchToken(TokenId),
    /// Nobody has that address.
    #[error("there is no user {0}")]
    NoSuchUser(Email),
    /// The address belongs to somebody who is in the organisation already.
    #[error("{0} is a member of that organisation already")]
    AlreadyAMember(Email),
    /// The address has an account, and a new password was given for it.
    #[error(
        "{0} has an account already; change its password with `developer-zone user set-password`"
    )]
    UserExists(Email),
    /// The password is too short.
    #[error("a password needs at least {} characters", MIN_PASSWORD_LENGTH)]
    PasswordTooShort,
    /// The password is too long.
    #[error("a password can have at most {} characters", MAX_PASSWORD_LENGTH)]
    PasswordTooLong,
    /// The password is among those that are tried first.
    #[error(
        "this password is among the first that anybody would try; take one that nobody else would think of"
    )]
    PasswordTooCommon,
    /// The password is not the account's, or there is no such account.
    #[error("the email or the password is wrong")]
    WrongPassword,
    /// So many wrong passwords were given that the next one is not looked at yet.
    #[error("too many wrong passwords; the next one is looked at in {:.1} s", .0.as_secs_f64())]
    TooManyTries(Duration),
    /// More passwords wait to be looked at than can be soon.
    #[error("too many passwords are being checked at once")]
    Busy,
    /// There is no such session (any more).
    #[error("the session has ended")]
    SessionEnded,
    /// The number is taken by another event.
    #[error("event {0} exists already")]
    EventExists(model::event::EventId),
    /// The organisation has no such event (any more).
    #[error("there is no event {0}")]
    NoSuchEvent(model::event::EventId),
    /// The text is no event date.
    #[error("`{0}` is no event date: use YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS")]
    EventDate(String),
    /// Records of the audit trail were to be removed that are not written yet.
    #[error("the audit trail can only be pruned up to now, not up to a time that is still to come")]
    PruneAhead,
    /// Demo data would mix with data that is not demo data.
    #[error("{0} exists and is not demo data; load the demo into an empty database")]
    DemoCollision(String),
}

impl StoreError {
    /// Whether the database was out of reach, so that the same call can succeed later.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// The same once more, for another who waited for the same answer of the database.
    pub(crate) fn shared(error: &Arc<Self>) -> Self {
        match &**error {
            Self::Unavailable(_) => Self::Unavailable(SharedCause(error.clone()).into()),
            Self::Damaged(_) => Self::Damaged(SharedCause(error.clone()).into()),
            Self::Corrupt(what) => Self::Corrupt(what.clone()),
            _ => Self::Database(SharedCause(error.clone()).into()),
        }
    }
}

/// The cause of an error that several get.
#[derive(Debug)]
struct SharedCause(Arc<StoreError>);

impl SharedCause {
    fn cause(&self) -> &(dyn std::error::Error + 'static) {
        let error: &(dyn std::error::Error + 'static) = &*self.0;
        error.source().unwrap_or(error)
    }
}

impl fmt::Display for SharedCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.cause(), f)
    }
}

impl std::error::Error for SharedCause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause().source()
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if is_damage(&error) {
            return Self::Damaged(error.into());
        }
        let out_of_reach = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            // What answers is no database: a proxy, say, that hangs up because it has none behind it.
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            // PostgreSQL classes 08 (connection), 53 (no resources), 57P (shut down), and what took too long:
            // 57014 (a statement), 55P03 (the wait for a lock), 25P03 (a transaction). SQLite 5 (busy),
            // 10 (I/O), 13 (disk full), 14 (cannot open), with their extended codes.
            sqlx::Error::Database(refusal) => {
                refusal
                    .code()
                    .is_some_and(|code| match code.parse::<u32>() {
                        Ok(number) if code.len() != 5 => matches!(number & 0xff, 5 | 10 | 13 | 14),
                        _ => ["08", "53", "57P", "57014", "55P03", "25P03"]
                            .iter()
                            .any(|class| code.starts_with(class)),
                    })
            }
            _ => false,
        };
        if out_of_reach {
            Self::Unavailable(error.into())
        } else {
            Self::Database(error.into())
        }
    }
}

/// SQLite 11 (a page makes no sense) and 26 (the file is no database), with their extended codes. PostgreSQL's
/// codes have five characters.
fn is_damage(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|refusal| refusal.code());
    code.filter(|code| code.len() != 5)
        .and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|number| matches!(number & 0xff, 11 | 26))
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Migration(error.into())
    }
}

impl From<UnknownCode> for StoreError {
    fn from(error: UnknownCode) -> Self {
        Self::Corrupt(error.to_string())
    }
}
