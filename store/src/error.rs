//! The errors of the store, one type for each subject. Their texts are for operators; pages choose their own
//! words, and the server adds which command or option helps.

use std::{borrow::Cow, fmt, io, path::PathBuf, sync::Arc, time::Duration};

use model::{
    event::EventId,
    organisation::{OrganisationId, Plan, UnknownCode},
    token::{TOKEN_LIMIT, TokenId},
    user::{Email, MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH},
};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A statement failed.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The database does not answer, or has no free connection. A retry can succeed.
    #[error("the database cannot be reached")]
    Unavailable(#[source] Cause),
    /// Another program or a slow change kept a lock for too long. A retry can succeed.
    #[error("another program or a slow change keeps the database locked")]
    Locked(#[source] Cause),
    /// The database did not confirm the commit of a change. The change may have been made, or be made later.
    #[error("the database did not confirm the change: it is not known whether it was made")]
    OutcomeUnknown(#[source] Cause),
    /// SQLite's disk is nearly full, and the change would need space.
    #[error("the disk of the database is nearly full")]
    StorageFull(#[source] Cause),
    /// A text contains U+0000, which cannot be stored. Nothing was sent to the database.
    #[error("a text contains the character U+0000")]
    NulCharacter,
    /// The database answered with an error.
    #[error("the database refused a statement")]
    Refused(#[source] Cause),
    /// The SQLite file is damaged. A retry does not help.
    #[error(
        "the database file is damaged: stop the server, restore the last backup, and check the disk"
    )]
    Damaged(#[source] Cause),
    /// A stored value breaks a rule of the schema.
    #[error("the database holds a value that it should not: {0}")]
    Corrupt(String),
}

/// The database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is neither SQLite's nor PostgreSQL's.
    #[error(
        "`{0}` is no database address: use sqlite:FILE, for example sqlite:developer-zone.db, or postgres://USER@HOST/NAME"
    )]
    Url(String),
    /// The URL is PostgreSQL's, and cannot be used.
    #[error("the database address `{url}` cannot be used: {problem}")]
    PostgresUrl {
        /// The URL, without its password.
        url: String,
        /// What to write instead.
        problem: String,
    },
    /// The password file was ignored, and PostgreSQL refused the connection.
    #[error("the password file {} was ignored, because {problem}", .file.display())]
    PasswordFile {
        /// The file.
        file: PathBuf,
        /// Why it was ignored, and what to do.
        problem: String,
        /// PostgreSQL's refusal.
        #[source]
        refusal: Cause,
    },
    /// The encoding of the PostgreSQL database cannot hold every text.
    #[error(
        "the encoding of the database is {0} and must be UTF8, or names in other languages cannot be stored: create a database with ENCODING 'UTF8' TEMPLATE template0, and restore the data into it"
    )]
    Encoding(String),
    /// The URL is SQLite's, and names no file, or one that SQLite would read as something else.
    #[error("`{url}` names no SQLite file: {problem}")]
    SqliteUrl {
        /// The URL.
        url: String,
        /// What to write instead.
        problem: &'static str,
    },
    /// The SQLite file cannot be opened or created.
    #[error(
        "the database file {} cannot be opened (is there such a folder, and may this user write in it?)",
        .0.display()
    )]
    File(PathBuf, #[source] Cause),
    /// The SQLite file is in a place where another program may not see its latest changes, or where they get lost.
    #[error("the database file {} cannot be used: {problem}", .file.display())]
    Place {
        /// The file.
        file: PathBuf,
        /// Why, and what to do.
        problem: &'static str,
    },
    /// SQLite is not set up to make confirmed commits durable: a revoked key could come back after a crash.
    #[error(
        "SQLite's {pragma} is `{found}` and must be `{required}`, or a confirmed change could be lost"
    )]
    Durability {
        /// The setting.
        pragma: &'static str,
        /// Its value.
        found: String,
        /// The value it must have.
        required: &'static str,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// The schema is not the one that this program needs, or cannot be migrated to it.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// A migration failed, or the database had a different migration under the same number.
    #[error("the database schema cannot be brought up to date")]
    Migration(#[source] Cause),
    /// A newer version of the program has migrated the database.
    #[error(
        "the database has schema {found} and this program knows schemas up to {known}: a newer version of it was used here. Run that version or a later one, or restore a backup that was made before the upgrade"
    )]
    Newer {
        /// The number of the database's last migration.
        found: i64,
        /// The number of this program's last migration.
        known: i64,
        /// Whether this program can still revoke: every newer migration says so in its name.
        keeps_revocations: bool,
    },
    /// Another program kept the schema or a table locked.
    #[error(
        "the database schema was not changed, because another program kept it locked for 10 s: perhaps a server of this version is migrating it"
    )]
    Locked(#[source] Cause),
    /// The database lacks migrations of this program.
    #[error("the database has schema {found} and this program needs schema {known}")]
    Older {
        /// The number of the database's last migration; 0 for none.
        found: i64,
        /// The number of this program's last migration.
        known: i64,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// This process cannot become the server of the database.
#[derive(Debug, thiserror::Error)]
pub enum ServerLockError {
    /// Another server holds the lock of the SQLite file.
    #[error("another server is running on {}, and SQLite takes one", .0.display())]
    AlreadyServed(PathBuf),
    /// The lock file cannot be opened or locked.
    #[error(
        "the lock {}.lock cannot be taken (may this user write in that folder, and does its file system have locks?)",
        .0.display()
    )]
    Lock(PathBuf, #[source] io::Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// No backup was made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database is a PostgreSQL, which has its own tools for backups.
    #[error("only a SQLite file can be copied")]
    Postgres,
    /// The target file exists.
    #[error("{} exists already, and a backup overwrites nothing: choose another name", .0.display())]
    Exists(PathBuf),
    /// The disk has too little room for the copy and for what is kept free.
    #[error(
        "there is no room for the backup {}: it and what is kept free need {needed} MiB, and {free} MiB are free",
        .file.display()
    )]
    NoRoom {
        /// The target file.
        file: PathBuf,
        /// The size of the database and of what is kept free, in MiB.
        needed: u64,
        /// The free space, in MiB.
        free: u64,
    },
    /// The copy cannot be written.
    #[error("the backup {} cannot be written", .0.display())]
    Write(PathBuf, #[source] Cause),
    /// The copy is damaged, and most likely the database is too.
    #[error(
        "the copy does not pass SQLite's checks and was removed; the database itself is probably damaged: {0}"
    )]
    Damaged(String),
    /// The database or its copy cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file holds no database of the Developer Zone, or one of a newer version.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// No demo data was loaded.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The database holds data that has the number or address of demo data.
    #[error("{0} exists and is not demo data; load the demo into an empty database")]
    Collision(String),
    /// The demo password could not be hashed.
    #[error(transparent)]
    Hash(#[from] PasswordHashError),
    /// The photos could not be loaded.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// The audit trail was not pruned, or only in part.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// The limit lies in the future.
    #[error("the audit trail can only be pruned up to now, not up to a time in the future")]
    Future,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// The organisation's plan has no Developer Zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Developer Zone needs the Enterprise plan; the organisation is on {}", .0.label())]
pub struct PlanRequired(pub Plan);

/// The user is not known as a member of the organisation.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// The user is not a member, or the organisation does not exist.
    #[error("the user is not a member of organisation {0}")]
    NotAMember(OrganisationId),
    /// The session has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// A session was not changed, or nothing in its name.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// An account or an organisation has recorded too many changes. The next one can be made after this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many changes were recorded; the next one can be made in {:.1} s", .0.as_secs_f64())]
pub struct TooManyRecords(pub Duration);

/// An organisation was not created or changed.
#[derive(Debug, thiserror::Error)]
pub enum OrganisationError {
    /// No organisation has this number.
    #[error("there is no organisation {0}")]
    NoSuchOrganisation(OrganisationId),
    /// Another organisation has this number.
    #[error("organisation {0} exists already")]
    Exists(OrganisationId),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// An account was not created or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// No organisation has this number.
    #[error("there is no organisation {0}")]
    NoSuchOrganisation(OrganisationId),
    /// No account has this address.
    #[error("there is no user {0}")]
    NoSuchUser(Email),
    /// The user is a member of the organisation already.
    #[error("{0} is a member of that organisation already")]
    AlreadyAMember(Email),
    /// The user is not a member of the organisation.
    #[error("{email} is not a member of organisation {organisation}")]
    NotAMember {
        /// The user.
        email: Email,
        /// The organisation.
        organisation: OrganisationId,
    },
    /// The address has an account already.
    #[error("{0} has an account already")]
    Exists(Email),
    /// The account is disabled.
    #[error("the account of {0} is disabled")]
    Disabled(Email),
    /// The new password breaks a rule.
    #[error(transparent)]
    NewPassword(#[from] NewPasswordError),
    /// The new password could not be hashed.
    #[error(transparent)]
    Hash(#[from] PasswordHashError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// A reset link set no password.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// The link was used or has expired, another one has replaced it, or its account has changed. Or there never was
    /// such a link.
    #[error("the link was used, has expired, or never existed")]
    LinkEnded,
    /// The new password breaks a rule.
    #[error(transparent)]
    NewPassword(#[from] NewPasswordError),
    /// The new password could not be hashed.
    #[error(transparent)]
    Hash(#[from] PasswordHashError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// A new password breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NewPasswordError {
    /// It is too short.
    #[error("a password needs at least {} characters", MIN_PASSWORD_LENGTH)]
    TooShort,
    /// It is too long.
    #[error("a password can have at most {} characters", MAX_PASSWORD_LENGTH)]
    TooLong,
    /// It is one of the passwords that attackers try first.
    #[error("this password is too common and easy to guess; choose another one")]
    TooCommon,
}

/// A password was not hashed or checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordHashError {
    /// Too many passwords wait to be hashed.
    #[error("too many passwords are being checked at once")]
    Busy,
    /// The password hasher failed.
    #[error("a password could not be hashed or checked: {0}")]
    Failed(String),
}

/// A password was not accepted: at sign-in, to confirm it, or to change it.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The password is wrong, or there is no such account.
    #[error("the email or the password is wrong")]
    WrongPassword,
    /// Too many wrong passwords came before. The password was not checked; wait this long.
    #[error("too many wrong passwords; the next one is checked in {:.1} s", .0.as_secs_f64())]
    TooManyTries(Duration),
    /// The account signed in, or changed its password, too often.
    #[error(transparent)]
    TooManyRecords(#[from] TooManyRecords),
    /// The session has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// The new password breaks a rule.
    #[error(transparent)]
    NewPassword(#[from] NewPasswordError),
    /// The password could not be hashed or checked.
    #[error(transparent)]
    Hash(#[from] PasswordHashError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Tokens were not listed or changed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// No organisation has this number.
    #[error("there is no organisation {0}")]
    NoSuchOrganisation(OrganisationId),
    /// The organisation's plan has no Developer Zone.
    #[error(transparent)]
    PlanRequired(#[from] PlanRequired),
    /// The user is no longer a member of the organisation.
    #[error("the user is not a member of organisation {0}")]
    NotAMember(OrganisationId),
    /// The session has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// The organisation has the maximum number of tokens.
    #[error(
        "the organisation has reached the limit of {TOKEN_LIMIT} tokens; delete one to create a new one"
    )]
    LimitReached,
    /// The user, or the organisation's members together, changed tokens too often.
    #[error(transparent)]
    TooManyRecords(#[from] TooManyRecords),
    /// The organisation has no such token, or it was deleted.
    #[error("the organisation has no token {0}; it may have been deleted")]
    NoSuchToken(TokenId),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// The audit trail was not read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// No organisation has this number.
    #[error("there is no organisation {0}")]
    NoSuchOrganisation(OrganisationId),
    /// The organisation's plan has no Developer Zone.
    #[error(transparent)]
    PlanRequired(#[from] PlanRequired),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// An event was not found, or photos were not loaded into it.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The organisation has no such event.
    #[error("there is no event {0}")]
    NoSuchEvent(EventId),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// A page of a list was not read.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The cursor was changed, or belongs to another list, filter, event or organisation.
    #[error("the cursor is not one of this list")]
    Cursor,
    /// The cursor is from changes that this database does not have: an older state of it was restored.
    #[error("the cursor is from changes that were lost")]
    LostChanges,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// An event was not created.
#[derive(Debug, thiserror::Error)]
pub enum NewEventError {
    /// No organisation has this number.
    #[error("there is no organisation {0}")]
    NoSuchOrganisation(OrganisationId),
    /// Another event has this number.
    #[error("event {0} exists already")]
    Exists(EventId),
    /// The text is no event date.
    #[error("`{0}` is no event date: use YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS")]
    Date(String),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl DatabaseError {
    /// Whether a retry of the same call can succeed.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Locked(_))
    }

    /// Whether other statements may succeed: the file is not damaged, and the statement is valid.
    pub(crate) const fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::Locked(_) | Self::OutcomeUnknown(_) | Self::StorageFull(_)
        )
    }

    /// A copy of `error` for each caller that waited for the same read.
    pub(crate) fn shared(error: &Arc<Self>) -> Self {
        match &**error {
            Self::Unavailable(_) => Self::Unavailable(SharedCause(error.clone()).into()),
            Self::Locked(_) => Self::Locked(SharedCause(error.clone()).into()),
            Self::OutcomeUnknown(_) => Self::OutcomeUnknown(SharedCause(error.clone()).into()),
            Self::StorageFull(_) => Self::StorageFull(SharedCause(error.clone()).into()),
            Self::Refused(_) => Self::Refused(SharedCause(error.clone()).into()),
            Self::Damaged(_) => Self::Damaged(SharedCause(error.clone()).into()),
            Self::NulCharacter => Self::NulCharacter,
            Self::Corrupt(what) => Self::Corrupt(what.clone()),
        }
    }
}

/// The cause of an error that several callers get.
#[derive(Debug)]
struct SharedCause(Arc<DatabaseError>);

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

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::Encode(_)) {
            Self::NulCharacter
        } else if is_damage(&error) {
            Self::Damaged(error.into())
        } else if is_locked(&error) {
            Self::Locked(error.into())
        } else if is_out_of_reach(&error) {
            Self::Unavailable(error.into())
        } else {
            Self::Refused(error.into())
        }
    }
}

fn is_out_of_reach(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        // Something else answers, such as a proxy that hangs up because it has no database behind it.
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(refusal) => refusal.code().is_some_and(|code| is_passing(&code)),
        _ => false,
    }
}

/// Whether a later try can succeed after this code.
///
/// - PostgreSQL: classes 08 (connection), 53 (no resources), 57P (shutdown), the timeouts 57014 (statement)
///   and 25P03 (transaction), and 25006 (read-only, as after a failover).
/// - SQLite: 10 (I/O), 13 (disk full) and 14 (cannot open), with their extended codes.
fn is_passing(code: &str) -> bool {
    match sqlite_code(code) {
        Some(number) => matches!(number, 10 | 13 | 14),
        None => ["08", "53", "57P", "57014", "25P03", "25006"]
            .iter()
            .any(|class| code.starts_with(class)),
    }
}

/// SQLite 11 (a page makes no sense) and 26 (the file is no database), with their extended codes.
fn is_damage(error: &sqlx::Error) -> bool {
    code(error)
        .and_then(|code| sqlite_code(&code))
        .is_some_and(|number| matches!(number, 11 | 26))
}

/// SQLite 5 (busy), with its extended codes, and PostgreSQL's timeout of a lock.
fn is_locked(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| sqlite_code(&code) == Some(5) || code == "55P03")
}

fn code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error()?.code()
}

/// The primary code of SQLite in `code`; none for a code of PostgreSQL, which has five characters.
fn sqlite_code(code: &str) -> Option<u32> {
    let number = (code.len() != 5)
        .then(|| code.parse::<u32>().ok())
        .flatten();
    number.map(|number| number & 0xff)
}

impl From<SessionError> for MemberError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Ended => Self::SessionEnded,
            SessionError::Database(error) => error.into(),
        }
    }
}

impl From<SessionError> for SignInError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Ended => Self::SessionEnded,
            SessionError::Database(error) => error.into(),
        }
    }
}

impl From<MemberError> for TokenError {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::NotAMember(organisation) => Self::NotAMember(organisation),
            MemberError::SessionEnded => Self::SessionEnded,
            MemberError::Database(error) => error.into(),
        }
    }
}

impl From<UnknownCode> for DatabaseError {
    fn from(error: UnknownCode) -> Self {
        Self::Corrupt(error.to_string())
    }
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<sqlx::Error> for SchemaError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<sqlx::migrate::MigrateError> for SchemaError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Migration(error.into())
    }
}
