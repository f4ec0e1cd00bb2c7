//! How much the engines read to find photos.

use std::time::Duration;

use model::{event::EventId, permission::EventPermission, photo::TimeWindow};
use sqlx::AssertSqlSafe;
use store::photos::reads;

use super::{List, another_event, bib, event, load, operator, page, remove, tagged};
use crate::harness::{Engine, Raw, TestStore};

on_both_engines!(every_statement_that_reads_photos_uses_an_index,);

on_postgres_alone!(every_read_visits_only_a_few_photos_of_an_event);

/// 12,000 photos in blocks of at most 64, of which 1,200 have the bib number 7; and the same in another event.
async fn many_photos(store: &TestStore) -> EventPermission {
    let permission = event(store).await;
    another_event(store, 903, 457).await;
    for event in [456, 457] {
        for first in (0..12_000).step_by(2_000) {
            let batch: Vec<_> = (first..first + 2_000)
                .map(|n| {
                    let time = n * 7_919 % 12_000 * 3_000;
                    tagged(
                        &n.to_string(),
                        Some(time),
                        if n % 10 == 0 { &["7"] } else { &["8"] },
                    )
                })
                .collect();
            let photos = store.photos().in_blocks_of(64);
            let loaded = photos.import(operator(903), EventId(event), &batch).await;
            loaded.expect("loaded");
        }
    }
    permission
}

/// The engine's plan for a statement, one step a line.
async fn plan(raw: &Raw, sql: &str) -> Vec<String> {
    match raw {
        Raw::Sqlite(pool) => {
            let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
            let steps: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(sql).fetch_all(pool).await.expect("a plan");
            steps.into_iter().map(|(.., step)| step).collect()
        }
        Raw::Postgres(_) => raw.texts(&format!("EXPLAIN {sql}")).await,
    }
}

async fn every_statement_that_reads_photos_uses_an_index(store: TestStore) {
    let permission = many_photos(&store).await;
    // PostgreSQL would scan a table that it knows to be nearly empty.
    let gone: Vec<_> = (0..2_000).map(|n| format!("gone {n}")).collect();
    let gone: Vec<_> = gone.iter().map(String::as_str).collect();
    let batch: Vec<_> = gone.iter().map(|name| tagged(name, None, &[])).collect();
    load(&store, permission, &batch).await;
    assert_eq!(remove(&store, permission, &gone).await.removed, 2_000);
    let raw = store.raw();
    for analysed in [false, true] {
        if analysed {
            raw.execute("ANALYZE").await;
        }
        for (text, values) in reads() {
            let numbered = values.iter().enumerate().rev();
            let sql = numbered.fold(text, |text, (n, value)| {
                text.replace(&format!("${}", n + 1), value)
            });
            let plan = plan(raw, &sql).await;
            // PostgreSQL scans the events of this test, which are few.
            let of_photos = |step: &&String| {
                step.contains("photo") || (step.contains(" on ") && !step.contains(" on events "))
            };
            let steps: Vec<_> = plan.iter().filter(of_photos).collect();
            assert!(!steps.is_empty(), "{sql}: {plan:#?}");
            for step in &steps {
                let by_index = match raw.engine() {
                    // An index by the event alone would visit all photos of the event.
                    Engine::Sqlite => {
                        (step.starts_with("SEARCH ") || step.starts_with("CO-ROUTINE"))
                            && (!step.ends_with("(event_id=?)") || step.contains("photo_blocks"))
                    }
                    Engine::Postgres => !step.contains("Seq Scan") || step.contains("photo_blocks"),
                };
                assert!(by_index, "{step}\n{sql}: {plan:#?}");
            }
        }
    }
}

/// PostgreSQL counts the rows that the store really visits. The test includes the time before there are statistics of
/// the tables, and the time after the switch to a generic plan.
async fn every_read_visits_only_a_few_photos_of_an_event(store: TestStore) {
    let permission = many_photos(&store).await;
    let connections = "SELECT COUNT(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'developer-zone'";
    // A connection reports its counts when it ends, or in a long pause. The connections that loaded the photos must
    // not report during the count.
    store.close().await;
    no_more(&store, connections).await;
    let visited = "SELECT CAST((SELECT SUM(idx_tup_read) FROM pg_stat_user_indexes
            WHERE relname LIKE 'photo%') + (SELECT SUM(seq_tup_read) FROM pg_stat_user_tables
            WHERE relname LIKE 'photo%') AS BIGINT)";
    let hour = TimeWindow::from_seconds(10_000, 13_600).expect("a window");
    let lists = [
        (List::All, 375),
        (List::Window(hour), 38),
        (List::Bib(bib("7")), 38),
    ];
    const RUNS: i64 = 8;
    for analysed in [false, true] {
        if analysed {
            store.raw().execute("ANALYZE").await;
        }
        for (list, last) in &lists {
            for number in [1, last / 2, *last] {
                let server = store.another_server().await;
                let before = store.raw().number(visited).await;
                for _ in 0..RUNS {
                    let page = list.page(&server, permission, page(number, 32)).await;
                    assert!(!page.rows.is_empty());
                }
                server.close().await;
                no_more(&store, connections).await;
                let rows = (store.raw().number(visited).await - before) / RUNS;
                // The photos of a bib number are counted one by one, in its index.
                assert!(
                    (32..=2_600).contains(&rows),
                    "{list:?}, page {number}: {rows}"
                );
            }
        }
    }
}

/// Waits until the query returns zero.
async fn no_more(store: &TestStore, query: &str) {
    while store.raw().number(query).await > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
