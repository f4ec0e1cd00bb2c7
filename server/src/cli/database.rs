//! The database of a command.

use std::{
    env,
    pin::pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use clap::Args;
use store::{DatabaseUrl, Origin, Store, clock::SystemClock, error::SchemaError};
use tokio::time::timeout;

use crate::{
    error::Error,
    telemetry::{report_wait, report_warning},
};

/// The options for the database, of every command.
#[derive(Args)]
pub(super) struct DatabaseOptions {
    /// The database: sqlite:FILE (created if missing) or postgres://USER@HOST/NAME
    #[arg(
        long,
        global = true,
        env = "DEVELOPER_ZONE_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        default_value = "sqlite:developer-zone.db"
    )]
    pub(super) database_url: DatabaseUrl,
    /// How many MiB to keep free on the disk of a SQLite file for sign-ins and for changes that end access; other changes
    /// are refused below that. 0 keeps none
    #[arg(
        long,
        global = true,
        env = "DEVELOPER_ZONE_RESERVE_MIB",
        value_name = "NUMBER",
        default_value = "256"
    )]
    reserve_mib: u32,
}

impl DatabaseOptions {
    /// How many bytes to keep free.
    pub(super) fn kept_free(&self) -> u64 {
        u64::from(self.reserve_mib) * 1024 * 1024
    }
}

/// How long a command waits without a word.
const QUIET_WAIT: Duration = Duration::from_secs(2);

/// Runs `work` with the database, and closes the database in any case. Says what it waits for if that takes long: a
/// revocation that seems to hang would worry its operator.
pub(super) async fn with_store(
    database: &DatabaseOptions,
    work: impl AsyncFnOnce(&Store) -> Result<(), Error>,
) -> Result<(), Error> {
    run_announced(open(database), work).await
}

/// As [`with_store`], for work that only revokes, or finds what to revoke. It also uses a newer schema, if that keeps
/// revocations by older programs: an emergency must not wait for the right program.
pub(super) async fn with_store_to_revoke(
    database: &DatabaseOptions,
    work: impl AsyncFnOnce(&Store) -> Result<(), Error>,
) -> Result<(), Error> {
    run_announced(open_to_revoke(database), work).await
}

/// As [`with_store`], for work that takes long even if the database answers quickly.
pub(super) async fn with_store_for_long(
    database: &DatabaseOptions,
    work: impl AsyncFnOnce(&Store) -> Result<(), Error>,
) -> Result<(), Error> {
    let store = announced(open(database), || false).await?;
    run(store, work).await
}

async fn run_announced(
    opening: impl Future<Output = Result<Store, Error>>,
    work: impl AsyncFnOnce(&Store) -> Result<(), Error>,
) -> Result<(), Error> {
    let opened = OnceLock::new();
    let all = async {
        let store = opening.await?;
        opened.get_or_init(|| store.clone());
        run(store, work).await
    };
    // The store itself reports for which servers it waits.
    let waits_for_servers = || {
        let opened: Option<&Store> = opened.get();
        opened.is_some_and(|store| store.key_cache().has_waited())
    };
    announced(all, waits_for_servers).await
}

async fn run(
    store: Store,
    work: impl AsyncFnOnce(&Store) -> Result<(), Error>,
) -> Result<(), Error> {
    let store = store.on_behalf_of(operator());
    let report = |servers| report_wait(&format!("waiting for {servers} …"));
    store.key_cache().report_silence(report);
    let outcome = work(&store).await;
    store.close().await;
    outcome
}

/// Does the work. If it takes long, says that it waits for the database, unless `is_reported`.
async fn announced<T>(work: impl Future<Output = T>, is_reported: impl Fn() -> bool) -> T {
    let mut work = pin!(work);
    if let Ok(outcome) = timeout(QUIET_WAIT, &mut work).await {
        return outcome;
    }
    if !is_reported() {
        report_wait("waiting for the database to answer or to be migrated …");
    }
    work.await
}

/// The operator's user name on this machine, for the audit trail. It is a hint and no proof: everyone with access to
/// the database could write any name.
fn operator() -> Origin {
    let named = |name: &str| env::var(name).ok().filter(|name| !name.is_empty());
    let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(named);
    Origin::operator(name.as_deref())
}

/// Opens the database and brings its schema up to date.
pub(super) async fn open(database: &DatabaseOptions) -> Result<Store, Error> {
    let store = connect(database).await?;
    store.migrate().await?;
    Ok(store)
}

async fn open_to_revoke(database: &DatabaseOptions) -> Result<Store, Error> {
    let store = connect(database).await?;
    match store.migrate().await {
        Err(SchemaError::Newer {
            found,
            known,
            keeps_revocations: true,
        }) => report_warning(&format!(
            "the database has schema {found} and this program knows schemas up to {known}. Schema {found} allows \
             it to revoke, and nothing else."
        )),
        migrated => migrated?,
    }
    Ok(store)
}

async fn connect(database: &DatabaseOptions) -> Result<Store, Error> {
    let store = Store::open(database.database_url.reveal(), Arc::new(SystemClock))
        .await
        .map_err(Error::OpenDatabase)?;
    store.keep_free(database.kept_free());
    Ok(store)
}
