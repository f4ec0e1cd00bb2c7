//! Transactions that lock several rows do not deadlock. One that locks several sessions locks their account first, and
//! one that locks several tokens their organisation. So the order of the rows themselves does not matter.

use std::future::Future;

use store::{Store, error::DatabaseError};

use crate::harness::TestStore;

on_postgres_alone!(
    removing_ended_sessions_does_not_deadlock_with_a_change_that_ends_them,
    distrusting_sessions_does_not_deadlock_with_a_change_that_ends_them,
    distrusting_tokens_does_not_deadlock_with_a_change_of_them,
);

const ACCOUNTS: &str = "users SET demo = demo";
const SESSIONS: &str = "sessions SET user_id = user_id";
const ORGANISATIONS: &str = "organisations SET plan = plan";
const TOKENS: &str = "tokens SET name = name";

/// A day in milliseconds. Every session ends within it.
const LONG: i64 = 24 * 60 * 60 * 1_000;

/// Runs `work` beside a transaction that locks `parent`, then the newer one of two `rows`, and then both. The update of
/// each changes nothing.
async fn beside_a_change<T: Send + 'static, F>(
    store: &TestStore,
    parent: &str,
    rows: &str,
    work: impl FnOnce(Store) -> F,
) -> T
where
    F: Future<Output = Result<T, DatabaseError>> + Send + 'static,
{
    let raw = store.raw();
    let table = rows.split(' ').next().expect("a table");
    let newer = format!("UPDATE {rows} WHERE id = (SELECT MAX(id) FROM {table})");
    raw.execute(&format!("BEGIN; UPDATE {parent}; {newer}"))
        .await;
    let working = tokio::spawn(work(store.server()));
    let waiting =
        "SELECT COUNT(*) FROM pg_locks AS waiting JOIN pg_locks AS held ON held.pid = waiting.pid
        WHERE NOT waiting.granted AND held.locktype = 'relation'
            AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while raw.number(waiting).await == 0 {
        tokio::task::yield_now().await;
    }
    raw.execute(&format!("UPDATE {rows}; COMMIT")).await;
    working.await.expect("no panic").expect("no deadlock")
}

async fn removing_ended_sessions_does_not_deadlock_with_a_change_that_ends_them(store: TestStore) {
    let member = store.enterprise(903).await;
    store.session(&member).await;
    store.session(&member).await;
    store.clock.advance(LONG);
    let purged = beside_a_change(&store, ACCOUNTS, SESSIONS, |store| async move {
        store.sessions().purge_ended().await
    });
    assert_eq!(purged.await, 2);
}

async fn distrusting_sessions_does_not_deadlock_with_a_change_that_ends_them(store: TestStore) {
    let member = store.enterprise(903).await;
    store.session(&member).await;
    store.session(&member).await;
    let distrusted = beside_a_change(&store, ACCOUNTS, SESSIONS, |store| async move {
        store.distrust_restored().await
    });
    assert_eq!(distrusted.await.sessions, 2);
}

async fn distrusting_tokens_does_not_deadlock_with_a_change_of_them(store: TestStore) {
    let member = store.enterprise(903).await;
    for _ in 0..2 {
        let created = store.tokens().create(&member, None).await;
        created.expect("created");
    }
    let distrusted = beside_a_change(&store, ORGANISATIONS, TOKENS, |store| async move {
        store.distrust_restored().await
    });
    assert_eq!(distrusted.await.tokens, 2);
}
