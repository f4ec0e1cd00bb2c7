//! The database of a command.

use std::{env, sync::Arc};

use store::{Origin, Store, clock::SystemClock};

use crate::error::Error;

/// Does `work` with the database, which is closed properly whatever becomes of it.
pub(super) async fn with_store(
    url: &str,
    work: impl AsyncFnOnce(&Store) -> Result<(), Error>,
) -> Result<(), Error> {
    let store = open(url).await?.on_behalf_of(operator());
    let outcome = work(&store).await;
    store.close().await;
    outcome
}

/// Whoever is at the command line, by the name that the machine gives: a help for those who read the audit trail,
/// and no proof. Who can open the database could write anything there.
fn operator() -> Origin {
    let named = |name: &str| env::var(name).ok().filter(|name| !name.is_empty());
    let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(named);
    Origin::operator(name.as_deref())
}

/// The database with its schema up to date.
pub(super) async fn open(url: &str) -> Result<Store, Error> {
    let store = Store::open(url, Arc::new(SystemClock))
        .await
        .map_err(Error::OpenDatabase)?;
    store.migrate().await?;
    Ok(store)
}
