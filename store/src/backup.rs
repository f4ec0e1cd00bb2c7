//! Backups of a SQLite database that is in use, and what to do after restoring one.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use model::{
    audit::{Kind, RecordedToken},
    organisation::OrganisationId,
    servers::Acknowledgements,
    token::{TokenId, TokenPreview},
    user::UserId,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{
    Store,
    audit::{Record, email_of},
    change::{lock_any_account, lock_organisation},
    database::{DATABASE_TIMEOUT, DatabaseUrl, NamedDatabase, Purpose, free_beside, row, values},
    error::{BackupError, DatabaseError, OpenError, SchemaError},
    schema,
    sessions::end_sessions_of,
    signing::FORGET_CURSOR_KEY,
    task::spawn_blocking,
    token_name::stored_name,
};

const MIB: u64 = 1024 * 1024;

/// Copies the SQLite database at `url` to `file`, which must not exist, while servers and commands go on reading
/// and writing. The copy shows the database at one moment after the call, so it has every change that was reported
/// as done before the call. Returns its size in bytes.
///
/// The file gets its name once it is whole, checked and on the disk. Only its owner may read it. The schema is
/// copied as it is, so that a backup can be made before an upgrade. At least `kept_free` bytes of the disk stay free.
///
/// # Errors
/// [`BackupError`].
pub async fn back_up(url: &str, file: &Path, kept_free: u64) -> Result<u64, BackupError> {
    let NamedDatabase::Sqlite(source) = DatabaseUrl::from(url).named()? else {
        return Err(BackupError::Postgres);
    };
    // This creates no database that does not exist.
    let mut source = open(&source).await?;
    require_ours(&mut source).await?;
    if file.try_exists().map_err(cannot(file))? {
        return Err(BackupError::Exists(file.to_owned()));
    }
    require_room(&mut source, file, kept_free).await?;
    let partial = Partial::beside(file)?;
    copy(&mut source, &partial).await?;
    source.close().await?;
    check(&partial).await?;
    let file = file.to_owned();
    let published = spawn_blocking(move || partial.publish(&file)).await;
    published.map_err(|failure| BackupError::Write(PathBuf::new(), failure.into()))?
}

async fn open(file: &Path) -> Result<SqliteConnection, OpenError> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .busy_timeout(DATABASE_TIMEOUT)
        // A copy takes long. That is no reason to warn of a slow statement.
        .disable_statement_logging();
    let opened = options.connect().await;
    opened.map_err(|error| OpenError::File(file.to_owned(), error.into()))
}

/// Checks that this is a database of the Developer Zone with a schema that this program knows, old or new.
async fn require_ours(connection: &mut SqliteConnection) -> Result<(), SchemaError> {
    match schema::require_exactly(connection).await {
        Err(SchemaError::Older { .. }) => Ok(()),
        outcome => outcome,
    }
}

/// Checks that the disk of `file` has room for a copy, and for what must stay free. SQLite would only find out after it
/// has filled the disk.
async fn require_room(
    source: &mut SqliteConnection,
    file: &Path,
    kept_free: u64,
) -> Result<(), BackupError> {
    let pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    let size: i64 = sqlx::query_scalar(pages).fetch_one(source).await?;
    let needed = u64::try_from(size)
        .unwrap_or_default()
        .saturating_add(kept_free);
    let free = free_beside(file).map_err(cannot(file))?;
    if free < needed {
        return Err(BackupError::NoRoom {
            file: file.to_owned(),
            needed: needed / MIB,
            free: free / MIB,
        });
    }
    Ok(())
}

/// Reads from one snapshot (`VACUUM INTO`). With a write-ahead log, readers and writers do not wait for each other.
/// The log only grows until the copy is done.
async fn copy(source: &mut SqliteConnection, partial: &Partial) -> Result<(), BackupError> {
    let Some(target) = partial.path.to_str() else {
        let problem = "the name is not UTF-8, as SQLite requires";
        return Err(BackupError::Write(partial.path.clone(), problem.into()));
    };
    let copied = sqlx::query("VACUUM INTO $1").bind(target).execute(source);
    let copied = copied.await.map(|_| ());
    copied.map_err(|error| BackupError::Write(partial.path.clone(), error.into()))
}

async fn check(partial: &Partial) -> Result<(), BackupError> {
    let mut copy = open(&partial.path).await?;
    require_ours(&mut copy).await?;
    let found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_all(&mut copy)
        .await?;
    if found != ["ok"] {
        return Err(BackupError::Damaged(found.join("; ")));
    }
    let orphans = sqlx::query("PRAGMA foreign_key_check")
        .fetch_optional(&mut copy)
        .await?;
    if orphans.is_some() {
        let what = "a row refers to a row that does not exist".to_owned();
        return Err(BackupError::Damaged(what));
    }
    Ok(copy.close().await?)
}

/// An unfinished copy; removed when it is dropped.
struct Partial {
    path: PathBuf,
}

impl Partial {
    /// An empty file beside `file`, into which SQLite can write.
    fn beside(file: &Path) -> Result<Self, BackupError> {
        // SQLite would read a name that begins with `file:` as a URI, and write another file.
        let mut path = Path::new(".").join(file).into_os_string();
        path.push(format!(".{}.partial", std::process::id()));
        let path = PathBuf::from(path);
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path).map_err(cannot(&path))?;
        Ok(Self { path })
    }

    /// Gives the copy its name and returns its size. The file is there whole or not at all, also after a power cut,
    /// and no file is overwritten.
    fn publish(self, file: &Path) -> Result<u64, BackupError> {
        let copy = File::open(&self.path).map_err(cannot(file))?;
        copy.sync_all().map_err(cannot(file))?;
        match fs::hard_link(&self.path, file) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(BackupError::Exists(file.to_owned()));
            }
            // The file system has no hard links.
            Err(_) if !file.try_exists().map_err(cannot(file))? => {
                fs::rename(&self.path, file).map_err(cannot(file))?;
            }
            linked => linked.map_err(cannot(file))?,
        }
        drop(self);
        let folder = file.parent().filter(|folder| *folder != Path::new(""));
        let folder = File::open(folder.unwrap_or(Path::new("."))).map_err(cannot(file))?;
        folder.sync_all().map_err(cannot(file))?;
        Ok(copy.metadata().map_err(cannot(file))?.len())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Fails if the file was renamed: then there is nothing to remove.
        let _ = fs::remove_file(&self.path);
    }
}

fn cannot(file: &Path) -> impl Fn(io::Error) -> BackupError {
    let file = file.to_owned();
    move |cause| BackupError::Write(file.clone(), cause.into())
}

/// The outcome of [`Store::distrust_restored`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distrusted {
    /// How many tokens were deactivated.
    pub tokens: u64,
    /// How many sessions were ended.
    pub sessions: u64,
    /// As in [`Receipt`](model::token::Receipt).
    pub acknowledged: Option<Acknowledgements>,
}

row! {
    struct DeactivatedRow {
        id: i64,
        organisation_id: i64,
        preview: String,
        name: Option<String>,
    }
}

impl DeactivatedRow {
    fn record(&self) -> Record {
        let token = RecordedToken {
            id: TokenId(self.id),
            preview: TokenPreview::of(&self.preview),
            name: self.name.as_deref().and_then(stored_name),
            renamed_to: None,
        };
        Record::token_distrusted(OrganisationId(self.organisation_id), token)
    }
}

/// How many accounts and how many organisations one transaction distrusts. A transaction has a limit of time.
const DISTRUSTED_AT_ONCE: i64 = 50;

const SIGNED_IN: &str = "SELECT DISTINCT user_id FROM sessions ORDER BY user_id LIMIT $1";
const WITH_ACTIVE_TOKENS: &str = "SELECT DISTINCT organisation_id FROM tokens
    WHERE active = TRUE ORDER BY organisation_id LIMIT $1";
const DEACTIVATE: &str = "UPDATE tokens SET active = FALSE
    WHERE organisation_id = $1 AND active = TRUE
    RETURNING id, organisation_id, preview, name";

/// A link that was used after the backup would work again.
const END_RESET_LINKS: &str = "DELETE FROM reset_links";
/// Servers that had seen lost changes answer again.
const ACCEPT_LOSS: &str = "UPDATE change_counter
    SET accepted_at = CASE WHEN $1 > accepted_at THEN $1 ELSE accepted_at + 1 END";

impl Store {
    /// Deactivates every token of every organisation, and ends every session and reset link: for a database that was
    /// restored from a backup. A backup brings back tokens and sessions that were deleted, deactivated or ended after it
    /// was made. Cursors end too: a server that starts afterwards refuses them.
    /// When this returns, no server accepts any of the tokens. The audit trail has a record of each token, and of
    /// each account that was signed in.
    ///
    /// # Errors
    /// Those of the database. Call it again: it continues where it stopped.
    pub async fn distrust_restored(&self) -> Result<Distrusted, DatabaseError> {
        let (mut tokens, mut sessions) = (0, 0);
        loop {
            let some = self.distrust_some().await?;
            tokens += some.0;
            sessions += some.1;
            if some == (0, 0) {
                break;
            }
        }
        let now = self.clock().now().epoch_millis();
        let mut transaction = self.database_for(Purpose::Revocation).begin().await?;
        transaction.execute(END_RESET_LINKS, &[]).await?;
        // They can be from changes after the backup, which are lost.
        transaction.execute(FORGET_CURSOR_KEY, &[]).await?;
        transaction.execute(ACCEPT_LOSS, values![now]).await?;
        let change = transaction.commit_logged().await?;
        let acknowledged = self.key_cache().wait_for_servers(Some(change)).await;
        Ok(Distrusted {
            tokens,
            sessions,
            acknowledged,
        })
    }

    /// Returns how many tokens were deactivated, and how many sessions were ended.
    async fn distrust_some(&self) -> Result<(u64, u64), DatabaseError> {
        let revocations = self.database_for(Purpose::Revocation);
        let mut transaction = revocations.begin().await?;
        let limit = values![DISTRUSTED_AT_ONCE];
        // In the order of locks of `crate::change`.
        let users: Vec<(i64,)> = transaction.fetch_all(SIGNED_IN, limit).await?;
        let mut sessions = 0;
        for (user,) in &users {
            lock_any_account(&mut transaction, UserId(*user)).await?;
            sessions += end_sessions_of(&mut transaction, UserId(*user)).await?;
        }
        let organisations: Vec<(i64,)> = transaction.fetch_all(WITH_ACTIVE_TOKENS, limit).await?;
        let mut tokens: Vec<DeactivatedRow> = Vec::new();
        for (organisation,) in organisations {
            lock_organisation(&mut transaction, OrganisationId(organisation)).await?;
            let values = values![organisation];
            tokens.extend(transaction.fetch_all(DEACTIVATE, values).await?);
        }
        for token in &tokens {
            self.record(&mut transaction, token.record()).await?;
        }
        for (user,) in users {
            let user = UserId(user);
            let email = email_of(&mut transaction, user).await?;
            let record = Record::of_account(Kind::SessionsEnded, user, &email);
            self.record(&mut transaction, record).await?;
        }
        transaction.commit().await?;
        Ok((tokens.len() as u64, sessions))
    }
}
