//! A copy of a SQLite database that is in use, and what to do once one was put back.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    str::FromStr,
};

use model::{
    audit::{Kind, RecordedToken},
    organisation::OrganisationId,
    token::{TokenId, TokenPreview},
    user::UserId,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::task::spawn_blocking;

use crate::{
    Store, TokenAuthority,
    audit::{Record, append_in, email_in},
    database::{PATIENCE, names_a_file, names_a_postgres, on_engine, without_password},
    error::StoreError,
    schema,
    tokens::stored_name,
};

/// Copies the SQLite database at `url` to `file`, which must not exist, while servers and commands go on
/// reading and writing. The copy is the database as it was at one moment after the call: every change that
/// was reported as done before the call is in it. Gives its size in bytes.
///
/// The file appears under its name once it is whole, checked and on the disk; only its owner may read it.
/// The schema is copied as it is, so that there is a copy from before an upgrade.
///
/// # Errors
/// [`StoreError::BackupOfPostgres`], [`StoreError::Url`], [`StoreError::BackupExists`], [`StoreError::Backup`] when the copy
/// cannot be written, [`StoreError::BackupDamaged`] when it does not pass SQLite's checks,
/// [`StoreError::NewerSchema`], and those of opening the database.
pub async fn back_up(url: &str, file: &Path) -> Result<u64, StoreError> {
    if names_a_postgres(url) {
        return Err(StoreError::BackupOfPostgres);
    }
    if !names_a_file(url) {
        return Err(StoreError::Url(without_password(url)));
    }
    let source =
        SqliteConnectOptions::from_str(url).map_err(|_| StoreError::Url(url.to_owned()))?;
    // A database that is not there is not made.
    let mut source = open(source).await?;
    require_ours(&mut source).await?;
    if file.try_exists().map_err(cannot(file))? {
        return Err(StoreError::BackupExists(file.to_owned()));
    }
    let partial = Partial::beside(file)?;
    copy(&mut source, &partial).await?;
    source.close().await?;
    check(&partial).await?;
    let file = file.to_owned();
    let published = spawn_blocking(move || partial.publish(&file)).await;
    published.map_err(|failure| StoreError::Backup(PathBuf::new(), failure.into()))?
}

async fn open(options: SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    let file = options.get_filename().to_owned();
    // A copy takes its time: that is no slow statement to be warned of.
    let options = options.read_only(true).busy_timeout(PATIENCE);
    let options = options.disable_statement_logging();
    let opened = options.connect().await;
    opened.map_err(|error| StoreError::File(file, error.into()))
}

/// Whether this is a database of the Developer Zone that this program can judge, up to date or older.
async fn require_ours(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    match schema::require_exactly(&schema::SQLITE, connection).await {
        Err(StoreError::OlderSchema { .. }) => Ok(()),
        outcome => outcome,
    }
}

/// `VACUUM INTO` reads from one snapshot. In a write-ahead log readers and writers do not wait for each
/// other; the log only grows until the copy is done.
async fn copy(source: &mut SqliteConnection, partial: &Partial) -> Result<(), StoreError> {
    let Some(target) = partial.path.to_str() else {
        let problem = "the name is no UTF-8, which SQLite asks for";
        return Err(StoreError::Backup(partial.path.clone(), problem.into()));
    };
    let copied = sqlx::query("VACUUM INTO $1").bind(target).execute(source);
    let copied = copied.await.map(|_| ());
    copied.map_err(|error| StoreError::Backup(partial.path.clone(), error.into()))
}

async fn check(partial: &Partial) -> Result<(), StoreError> {
    let mut copy = open(SqliteConnectOptions::new().filename(&partial.path)).await?;
    require_ours(&mut copy).await?;
    let found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_all(&mut copy)
        .await?;
    if found != ["ok"] {
        return Err(StoreError::BackupDamaged(found.join("; ")));
    }
    let orphans = sqlx::query("PRAGMA foreign_key_check")
        .fetch_optional(&mut copy)
        .await?;
    if orphans.is_some() {
        let what = "a row refers to one that is not there".to_owned();
        return Err(StoreError::BackupDamaged(what));
    }
    Ok(copy.close().await?)
}

/// A copy that is not ready; removed when it is dropped.
struct Partial {
    path: PathBuf,
}

impl Partial {
    /// An empty file beside `file`, which SQLite takes to write into.
    fn beside(file: &Path) -> Result<Self, StoreError> {
        let mut path = file.as_os_str().to_owned();
        path.push(format!(".{}.partial", std::process::id()));
        let path = PathBuf::from(path);
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path).map_err(cannot(&path))?;
        Ok(Self { path })
    }

    /// Gives the copy its name, in such a way that it is there whole or not at all, also after a power cut,
    /// and that nothing is overwritten. Gives its size.
    fn publish(self, file: &Path) -> Result<u64, StoreError> {
        let copy = File::open(&self.path).map_err(cannot(file))?;
        copy.sync_all().map_err(cannot(file))?;
        match fs::hard_link(&self.path, file) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(StoreError::BackupExists(file.to_owned()));
            }
            // A file system without second names.
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
        // Gone already where it was renamed.
        let _ = fs::remove_file(&self.path);
    }
}

fn cannot(file: &Path) -> impl Fn(io::Error) -> StoreError {
    let file = file.to_owned();
    move |cause| StoreError::Backup(file.clone(), cause.into())
}

/// What was done by [`Store::distrust_restored`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distrusted {
    /// How many tokens were paused.
    pub tokens: u64,
    /// How many sessions were ended.
    pub sessions: u64,
}

#[derive(sqlx::FromRow)]
struct PausedRow {
    id: i64,
    organisation_id: i64,
    preview: String,
    name: Option<String>,
}

impl PausedRow {
    fn record(&self) -> Record {
        let operator = TokenAuthority::Operator(OrganisationId(self.organisation_id));
        let token = RecordedToken {
            id: TokenId(self.id),
            preview: TokenPreview::of(&self.preview),
            name: self.name.as_deref().and_then(stored_name),
            renamed_to: None,
        };
        Record::of_token(Kind::TokenDeactivated, operator, token)
    }
}

const PAUSE_ALL: &str = "UPDATE tokens SET active = FALSE WHERE active = TRUE
    RETURNING id, organisation_id, preview, name";
const END_ALL_SESSIONS: &str = "DELETE FROM sessions RETURNING user_id";

impl Store {
    /// Pauses every token of every organisation and ends every session: for a database that was restored
    /// from a backup, which brings back what was deleted, paused or signed out after it was made. Once this
    /// has returned, no server takes any of the tokens. The audit trail tells of each token, and of each account
    /// that was signed in.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn distrust_restored(&self) -> Result<Distrusted, StoreError> {
        let distrusted = on_engine!(transaction self.database(), |tx| {
            let tokens: Vec<PausedRow> = sqlx::query_as(PAUSE_ALL).fetch_all(&mut *tx).await?;
            for token in &tokens {
                append_in!(tx, self, token.record())?;
            }
            let sessions: Vec<i64> = sqlx::query_scalar(END_ALL_SESSIONS)
                .fetch_all(&mut *tx)
                .await?;
            for user in sessions.iter().copied().map(UserId).collect::<BTreeSet<_>>() {
                let email = email_in!(tx, user);
                append_in!(tx, self, Record::of_account(Kind::SessionsEnded, user, &email))?;
            }
            Ok(Distrusted {
                tokens: tokens.len() as u64,
                sessions: sessions.len() as u64,
            })
        })?;
        self.grants().settle().await;
        Ok(distrusted)
    }
}
