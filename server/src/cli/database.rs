//! The database of a command.

use std::{env, sync::Arc};

use store::{Origin, Store, clock::SystemClock};

use crate::error::Error;

/// Runs `work` with the database, and closes the database in any case.
pub(super) async fn with_store(
    url: &str,
    work: impl AsyncFnOnce(&Store) -> Result<(), Error>,
) -> Result<(), Error> {
    let store = open(url).await?.on_behalf_of(operator());
    let outcome = work(&store).await;
    store.close().await;
    outcome
}

/// The operator's user name on this machine, for the audit trail. It is a hint and no proof: everyone with access to
/// the database could write any name.
fn operator() -> Origin {
    let named = |name: &str| env::var(name).ok().filter(|name| !name.is_empty());
    let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(named);
    Origin::operator(name.as_deref())
}

/// Opens the database and brings its schema up to date.
pub(super) async fn open(url: &str) -> Result<Store, Error> {
    let store = Store::open(url, Arc::new(SystemClock))
        .await
        .map_err(Error::OpenDatabase)?;
    store.migrate().await?;
    Ok(store)
}
