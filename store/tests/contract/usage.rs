//! How tokens are used: counted in memory and added to the database; counts never fall.

use model::{
    organisation::Plan,
    permission::Refusal,
    timestamp::Timestamp,
    token::{FirstCall, TokenId, TokenSummary},
    usage::{Calls, DayStarts, HourlyRefusals, TokenUsage, Week},
};
use store::{
    Member, Store,
    error::{PlanRequired, TokenError},
};

use crate::{
    failures::assert_unavailable,
    harness::{Engine, START, TestStore},
};

on_both_engines!(
    counts_are_kept_by_token_hour_and_outcome,
    an_accepted_call_moves_the_last_use_and_a_refused_one_does_not,
    the_last_use_only_moves_forward_whichever_server_writes_last,
    the_first_accepted_call_is_kept_with_its_response,
    counts_of_two_servers_add_up_in_any_order,
    lists_and_receipts_include_uses_that_this_server_has_not_written_yet,
    a_receipt_says_since_when_the_change_is_in_force,
    a_last_use_in_the_future_gives_way_to_a_present_one,
    deleting_a_token_removes_its_usage_and_no_other,
    an_outage_of_the_database_loses_no_counts,
    more_tokens_than_one_batch_are_all_written,
    a_flush_of_many_tokens_writes_each_and_no_deleted_one,
    servers_that_flush_the_same_many_tokens_do_not_deadlock,
    usage_older_than_90_days_is_purged_and_the_last_use_stays,
    usage_left_behind_by_a_deletion_is_purged,
    a_week_has_the_days_that_the_reader_wants_and_ends_today,
    the_hours_and_refusals_of_a_token_cover_its_week,
    a_week_shows_exactly_the_flushed_counts_of_every_server,
    usage_is_refused_to_other_organisations_and_on_other_plans,
    a_flush_and_a_revocation_do_not_wait_for_each_other,
);

on_sqlite_alone!(counts_are_written_later_if_another_process_holds_the_file);

on_postgres_alone!(
    counts_are_added_once_after_the_server_closed_every_connection,
    a_flush_is_one_transaction_of_two_statements_however_many_tokens_are_in_use,
);

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

async fn create(store: &Store, member: &Member) -> TokenId {
    let created = store.tokens().create(member, None).await.expect("created");
    created.summary.id
}

async fn flush(store: &Store) {
    store.usage().flush().await.expect("flushed");
}

/// Every count in the database, as `token hour outcome calls`, hours from the clock's start.
async fn counts(store: &TestStore) -> Vec<String> {
    let sql = format!(
        "SELECT CAST(token_id AS TEXT) || ' ' || CAST((hour - {}) / {HOUR} AS TEXT) || ' ' || outcome
            || ' ' || CAST(calls AS TEXT)
        FROM token_usage ORDER BY token_id, hour, outcome",
        START.0
    );
    store.raw().texts(&sql).await
}

async fn stored_last_use(store: &TestStore, token: TokenId) -> Vec<i64> {
    let sql = format!("SELECT last_used_at FROM token_last_use WHERE token_id = {token}");
    store.raw().numbers(&sql).await
}

async fn listed(store: &Store, member: &Member, token: TokenId) -> TokenSummary {
    let tokens = store.tokens().list(member.into()).await.expect("listed");
    let mut tokens = tokens.into_iter();
    tokens.find(|listed| listed.id == token).expect("a token")
}

async fn counts_are_kept_by_token_hour_and_outcome(store: TestStore) {
    let member = store.enterprise(903).await;
    let (one, two) = (create(&store, &member).await, create(&store, &member).await);
    let usage = store.usage();
    for _ in 0..3 {
        usage.count(one, START, None);
    }
    usage.count(one, START.plus_millis(HOUR - 1), Some(Refusal::RateLimited));
    usage.count(one, START.plus_millis(HOUR), None);
    usage.count(two, START, Some(Refusal::EventMismatch));
    usage.count(two, START, Some(Refusal::TokenInactive));
    assert_eq!(
        counts(&store).await,
        Vec::<String>::new(),
        "nothing is written by counting"
    );
    let expected = [
        format!("{one} 0 accepted 3"),
        format!("{one} 0 rate_limited 1"),
        format!("{one} 1 accepted 1"),
        format!("{two} 0 event_mismatch 1"),
        format!("{two} 0 token_inactive 1"),
    ];
    for _ in 0..2 {
        flush(&store).await;
        assert_eq!(counts(&store).await, expected);
    }
    usage.count(one, START, None);
    flush(&store).await;
    assert_eq!(counts(&store).await[0], format!("{one} 0 accepted 4"));
}

async fn an_accepted_call_moves_the_last_use_and_a_refused_one_does_not(store: TestStore) {
    let member = store.enterprise(903).await;
    let token = create(&store, &member).await;
    for refusal in Refusal::ALL {
        store.usage().count(token, START, Some(refusal));
    }
    flush(&store).await;
    assert_eq!(listed(&store, &member, token).await.last_used, None);
    store.usage().count(token, START.plus_millis(1), None);
    flush(&store).await;
    let used = listed(&store, &member, token).await.last_used;
    assert_eq!(used, Some(START.plus_millis(1)));
}

async fn the_last_use_only_moves_forward_whichever_server_writes_last(store: TestStore) {
    let member = store.enterprise(903).await;
    let token = create(&store, &member).await;
    let other = store.another_server().await;
    let (early, late) = (START.plus_millis(10), START.plus_millis(2 * HOUR));
    store.clock.advance(2 * HOUR);
    store.usage().count(token, early, None);
    other.usage().count(token, late, None);
    flush(&other).await;
    flush(&store).await;
    assert_eq!(stored_last_use(&store, token).await, [late.0]);
    // The memory of a server cannot move the last use back either.
    let known = listed(&store, &member, token).await.last_used;
    assert_eq!(known, Some(late));
}

async fn the_first_accepted_call_is_kept_with_its_response(store: TestStore) {
    let member = store.enterprise(903).await;
    let token = create(&store, &member).await;
    let other = store.another_server().await;
    let call = |micros| FirstCall {
        status: 200,
        micros,
    };
    let count = |store: &Store, at, refused, micros| {
        let usage = store.usage();
        usage.count_with_response(token, at, refused, || Some(call(micros)));
    };
    count(&store, START, Some(Refusal::TokenInactive), 1);
    flush(&store).await;
    assert_eq!(listed(&store, &member, token).await.first_call, None);
    count(&store, START, None, 12_000);
    count(&store, START.plus_millis(1), None, 13_000);
    for _ in 0..2 {
        let found = listed(&store, &member, token).await.first_call;
        assert_eq!(found, Some(call(12_000)), "in memory, then in the database");
        flush(&store).await;
    }
    // Not the first call for the database, whatever a server knows.
    count(&other, START.plus_millis(2), None, 14_000);
    flush(&other).await;
    for server in [&*store, &other] {
        let found = listed(server, &member, token).await.first_call;
        assert_eq!(found, Some(call(12_000)));
    }
    let tokens = store.tokens();
    let deactivated = tokens.set_active((&member).into(), token, false);
    let changed = deactivated.await.expect("deactivated").token;
    assert_eq!(changed.first_call, Some(call(12_000)));

    let unknown = create(&store, &member).await;
    store.usage().count(unknown, START, None);
    flush(&store).await;
    let found = listed(&store, &member, unknown).await;
    assert_eq!((found.last_used, found.first_call), (Some(START), None));
}

async fn counts_of_two_servers_add_up_in_any_order(store: TestStore) {
    let member = store.enterprise(903).await;
    let mut tokens = Vec::new();
    for _ in 0..5 {
        tokens.push(create(&store, &member).await);
    }
    let servers = [store.server(), store.another_server().await];
    let mut working = Vec::new();
    for (number, server) in servers.into_iter().enumerate() {
        let mut tokens = tokens.clone();
        if number == 1 {
            tokens.reverse();
        }
        working.push(tokio::spawn(async move {
            for round in 0..40 {
                for token in &tokens {
                    let refused = (round % 4 == 0).then_some(Refusal::EventMismatch);
                    server.usage().count(*token, START, refused);
                }
                server.usage().flush().await.expect("flushed");
            }
        }));
    }
    for server in working {
        server.await.expect("no panic");
    }
    let expected: Vec<_> = tokens
        .iter()
        .flat_map(|token| {
            [
                format!("{token} 0 accepted 60"),
                format!("{token} 0 event_mismatch 20"),
            ]
        })
        .collect();
    assert_eq!(counts(&store).await, expected);
}

async fn lists_and_receipts_include_uses_that_this_server_has_not_written_yet(store: TestStore) {
    let member = store.enterprise(903).await;
    let token = create(&store, &member).await;
    let other = store.another_server().await;
    let (first, second) = (START.plus_millis(5), START.plus_millis(9));
    store.usage().count(token, first, None);
    assert_eq!(listed(&store, &member, token).await.last_used, Some(first));
    assert_eq!(listed(&other, &member, token).await.last_used, None);
    flush(&store).await;
    assert_eq!(listed(&other, &member, token).await.last_used, Some(first));
    store.usage().count(token, second, None);
    let receipt = store
        .tokens()
        .set_active((&member).into(), token, false)
        .await;
    assert_eq!(receipt.expect("switched").token.last_used, Some(second));
    let receipt = other.tokens().delete((&member).into(), token).await;
    assert_eq!(receipt.expect("deleted").token.last_used, Some(first));
}

/// The clock was ahead when the token was used, and is right again.
async fn a_last_use_in_the_future_gives_way_to_a_present_one(store: TestStore) {
    let member = store.enterprise(903).await;
    let token = create(&store, &member).await;
    let day = 24 * 60 * 60 * 1_000;
    for (ahead, kept) in [(5 * 60 * 1_000, true), (400 * day, false)] {
        let future = START.plus_millis(ahead);
        store.clock.advance(ahead);
        store.usage().count(token, future, None);
        flush(&store).await;
        store.clock.advance(-ahead);
        store.usage().count(token, START, None);
        flush(&store).await;
        let last = if kept { future } else { START };
        assert_eq!(listed(&store, &member, token).await.last_used, Some(last));
    }
}

async fn a_receipt_says_since_when_the_change_is_in_force(store: TestStore) {
    let member = store.enterprise(903).await;
    let token = create(&store, &member).await;
    store.clock.advance(1_234);
    let off = store
        .tokens()
        .set_active((&member).into(), token, false)
        .await;
    let off = off.expect("switched");
    assert!(off.in_force_since >= START.plus_millis(1_234), "{off:?}");
    assert!(!off.token.status.is_active());
    assert_eq!(off.token.last_used, None);
    store.clock.advance(1_000);
    let gone = store.tokens().delete((&member).into(), token).await;
    let gone = gone.expect("deleted");
    assert!(gone.in_force_since >= START.plus_millis(2_234), "{gone:?}");
}

async fn deleting_a_token_removes_its_usage_and_no_other(store: TestStore) {
    let member = store.enterprise(903).await;
    let (remaining, deleted) = (create(&store, &member).await, create(&store, &member).await);
    let other = store.another_server().await;
    for token in [remaining, deleted] {
        store.usage().count(token, START, None);
        other.usage().count(token, START, None);
    }
    flush(&store).await;
    let gone = store.tokens().delete((&member).into(), deleted).await;
    gone.expect("deleted");
    assert_eq!(counts(&store).await, [format!("{remaining} 0 accepted 1")]);
    assert_eq!(stored_last_use(&store, deleted).await, [0; 0]);
    // The other server does not know of the deletion yet.
    flush(&other).await;
    assert_eq!(counts(&store).await, [format!("{remaining} 0 accepted 2")]);
    assert_eq!(stored_last_use(&store, deleted).await, [0; 0]);
}

async fn an_outage_of_the_database_loses_no_counts(store: TestStore) {
    let member = store.enterprise(903).await;
    let token = create(&store, &member).await;
    let raw = store.raw();
    for round in 1..=3 {
        store.usage().count(token, START.plus_millis(round), None);
        raw.execute("ALTER TABLE token_last_use RENAME TO away")
            .await;
        assert!(store.usage().flush().await.is_err());
        assert!(store.usage().flush().await.is_err());
        raw.execute("ALTER TABLE away RENAME TO token_last_use")
            .await;
        let before: Vec<_> = ["accepted", "rate_limited"]
            .map(|outcome| format!("{token} 0 {outcome} {}", round - 1))
            .into();
        let before = if round == 1 { Vec::new() } else { before };
        assert_eq!(
            counts(&store).await,
            before,
            "a batch is written as a whole"
        );
        let known = listed(&store, &member, token).await.last_used;
        assert_eq!(known, Some(START.plus_millis(round)), "known from memory");
        store
            .usage()
            .count(token, START, Some(Refusal::RateLimited));
        flush(&store).await;
        assert_eq!(
            counts(&store).await,
            [
                format!("{token} 0 accepted {round}"),
                format!("{token} 0 rate_limited {round}")
            ]
        );
        assert_eq!(stored_last_use(&store, token).await, [START.0 + round]);
    }
    store.close().await;
    store.usage().count(token, START, None);
    let failed = store.usage().flush().await.expect_err("closed");
    assert_unavailable(&failed);
}

async fn more_tokens_than_one_batch_are_all_written(store: TestStore) {
    let member = store.enterprise(903).await;
    let token = create(&store, &member).await;
    let hours = 2_345;
    store.clock.advance(hours * HOUR);
    for hour in 0..hours {
        let at = Timestamp(START.0 + hour * HOUR);
        store.usage().count(token, at, None);
        store
            .usage()
            .count(token, at, Some(Refusal::FeatureDisabled));
    }
    flush(&store).await;
    let written = store
        .raw()
        .number("SELECT COUNT(*) FROM token_usage WHERE calls = 1")
        .await;
    assert_eq!(written, 2 * hours);
    let last = START.0 + (hours - 1) * HOUR;
    assert_eq!(stored_last_use(&store, token).await, [last]);
}

/// Tokens `1..=count` of organisations from 1,000, without the store: there are too many to be created one by one.
async fn insert_tokens(store: &TestStore, member: &Member, count: i64) {
    let organisations: Vec<_> = (0..=count / 10)
        .map(|number| format!("({}, 'One of many', 'enterprise', 0)", 1_000 + number))
        .collect();
    let tokens: Vec<_> = (1..=count)
        .map(|id| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&id.to_be_bytes());
            let (organisation, slot) = (1_000 + (id - 1) / 10, (id - 1) % 10 + 1);
            let (digest, user) = (store.raw().literal(&digest), member.user_id().0);
            format!("({id}, {organisation}, {slot}, {digest}, 'abcde', TRUE, {user}, 0)")
        })
        .collect();
    let override_identity = match store.raw().engine() {
        Engine::Sqlite => "",
        Engine::Postgres => "OVERRIDING SYSTEM VALUE",
    };
    let sql = format!(
        "INSERT INTO organisations (id, name, plan, created_at) VALUES {};
        INSERT INTO tokens (id, organisation_id, slot, key_digest, preview, active, created_by, created_at)
        {override_identity} VALUES {}",
        organisations.join(", "),
        tokens.join(", ")
    );
    store.raw().execute(&sql).await;
}

async fn a_flush_of_many_tokens_writes_each_and_no_deleted_one(store: TestStore) {
    let member = store.enterprise(903).await;
    insert_tokens(&store, &member, 3_000).await;
    for deleted in [1, 1_000, 1_500, 3_000] {
        let delete = format!("DELETE FROM tokens WHERE id = {deleted}");
        assert_eq!(store.raw().execute(&delete).await, 1);
    }
    for token in 1..=3_000 {
        store.usage().count(TokenId(token), START, None);
        let refused = (token % 2 == 0).then_some(Refusal::RateLimited);
        store.usage().count(TokenId(token), START, refused);
    }
    flush(&store).await;
    assert_eq!(store.usage().waiting(), 0);
    let expected = (1..=3_000).filter(|token| ![1, 1_000, 1_500, 3_000].contains(token));
    let expected: Vec<_> = expected
        .flat_map(|token| {
            let refused = format!("{token} 0 rate_limited 1");
            if token % 2 == 0 {
                vec![format!("{token} 0 accepted 1"), refused]
            } else {
                vec![format!("{token} 0 accepted 2")]
            }
        })
        .collect();
    assert_eq!(counts(&store).await, expected);
    let used = store
        .raw()
        .number("SELECT COUNT(*) FROM token_last_use")
        .await;
    assert_eq!(used, 2_996);
}

async fn servers_that_flush_the_same_many_tokens_do_not_deadlock(store: TestStore) {
    const ROUNDS: i64 = 4;
    let member = store.enterprise(903).await;
    insert_tokens(&store, &member, 1_200).await;
    let mut working = Vec::new();
    for server in [store.server(), store.another_server().await] {
        working.push(tokio::spawn(async move {
            for _ in 0..ROUNDS {
                for token in 1..=1_200 {
                    let refused = Some(Refusal::RateLimited);
                    server.usage().count(TokenId(token), START, None);
                    server.usage().count(TokenId(token), START, refused);
                }
                server.usage().flush().await.expect("never a deadlock");
            }
        }));
    }
    for server in working {
        server.await.expect("no panic");
    }
    let complete = format!(
        "SELECT COUNT(*) FROM token_usage WHERE calls = {}",
        2 * ROUNDS
    );
    assert_eq!(store.raw().number(&complete).await, 2 * 1_200);
}

/// PostgreSQL marks each row with the numbers of the transaction and of the statement that wrote it.
async fn a_flush_is_one_transaction_of_two_statements_however_many_tokens_are_in_use(
    store: TestStore,
) {
    let member = store.enterprise(903).await;
    insert_tokens(&store, &member, 3_000).await;
    for token in 1..=3_000 {
        store.usage().count(TokenId(token), START, None);
    }
    flush(&store).await;
    let written = "SELECT COUNT(*) FROM (
            SELECT xmin::text, cmin::text, 'counts' FROM token_usage
            UNION SELECT xmin::text, cmin::text, 'last use' FROM token_last_use
        ) AS statements";
    assert_eq!(store.raw().number(written).await, 2);
    let transactions = "SELECT COUNT(*) FROM (
            SELECT xmin::text FROM token_usage UNION SELECT xmin::text FROM token_last_use
        ) AS transactions";
    assert_eq!(store.raw().number(transactions).await, 1);
}

async fn usage_older_than_90_days_is_purged_and_the_last_use_stays(store: TestStore) {
    let member = store.enterprise(903).await;
    let token = create(&store, &member).await;
    store.usage().count(token, START, None);
    store
        .usage()
        .count(token, START, Some(Refusal::RateLimited));
    store
        .usage()
        .count(token, START.plus_millis(HOUR), Some(Refusal::RateLimited));
    flush(&store).await;
    store.clock.advance(90 * DAY);
    assert_eq!(store.usage().purge().await.expect("purged"), 0);
    store.clock.advance(HOUR);
    assert_eq!(store.usage().purge().await.expect("purged"), 2);
    assert_eq!(counts(&store).await, [format!("{token} 1 rate_limited 1")]);
    assert_eq!(listed(&store, &member, token).await.last_used, Some(START));
}

async fn usage_left_behind_by_a_deletion_is_purged(store: TestStore) {
    let member = store.enterprise(903).await;
    let (used, refused) = (create(&store, &member).await, create(&store, &member).await);
    let remaining = create(&store, &member).await;
    store.usage().count(used, START, None);
    store
        .usage()
        .count(refused, START, Some(Refusal::RateLimited));
    store.usage().count(remaining, START, None);
    flush(&store).await;
    // A server that is killed right after the deletion leaves this.
    let sql = format!("DELETE FROM tokens WHERE id <> {remaining}");
    assert_eq!(store.raw().execute(&sql).await, 2);
    store.usage().purge().await.expect("purged");
    assert_eq!(counts(&store).await, [format!("{remaining} 0 accepted 1")]);
    assert_eq!(stored_last_use(&store, used).await, [0; 0]);
}

async fn a_flush_and_a_revocation_do_not_wait_for_each_other(store: TestStore) {
    let member = store.enterprise(903).await;
    let mut tokens = Vec::new();
    for _ in 0..5 {
        tokens.push(create(&store, &member).await);
    }
    let mut flushing = Vec::new();
    for server in [store.server(), store.another_server().await] {
        let tokens = tokens.clone();
        flushing.push(tokio::spawn(async move {
            for hour in 0..40 {
                for token in &tokens {
                    server
                        .usage()
                        .count(*token, START.plus_millis(hour % 3 * HOUR), None);
                }
                server.usage().flush().await.expect("never a deadlock");
            }
        }));
    }
    for round in 0..10 {
        for token in &tokens {
            let (tokens, active) = (store.tokens(), round % 2 == 1);
            let changed = tokens.set_active((&member).into(), *token, active).await;
            changed.expect("switched");
        }
    }
    for token in tokens {
        let gone = store.tokens().delete((&member).into(), token).await;
        gone.expect("deleted");
    }
    for server in flushing {
        server.await.expect("no panic");
    }
    store.usage().purge().await.expect("purged");
    assert_eq!(counts(&store).await, Vec::<String>::new());
}

async fn counts_are_written_later_if_another_process_holds_the_file(store: TestStore) {
    let member = store.enterprise(903).await;
    let token = create(&store, &member).await;
    store.raw().execute("BEGIN IMMEDIATE").await;
    store.usage().count(token, START, None);
    let failed = store.usage().flush().await.expect_err("held");
    assert_unavailable(&failed);
    store.usage().count(token, START, None);
    store.raw().execute("ROLLBACK").await;
    flush(&store).await;
    assert_eq!(counts(&store).await, [format!("{token} 0 accepted 2")]);
}

async fn counts_are_added_once_after_the_server_closed_every_connection(store: TestStore) {
    let member = store.enterprise(903).await;
    let token = create(&store, &member).await;
    for round in 1..=3 {
        store.usage().count(token, START, None);
        let end = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'developer-zone'";
        assert!(store.raw().number(end).await > 0);
        // The first attempt may get a closed connection.
        if store.usage().flush().await.is_err() {
            flush(&store).await;
        }
        assert_eq!(
            counts(&store).await,
            [format!("{token} 0 accepted {round}")]
        );
    }
}

/// Midnight before the clock's start, which is at six in the morning.
const MIDNIGHT: Timestamp = START.plus_millis(-6 * HOUR);

/// The start of the week that ends with the clock's start.
const WEEK: Timestamp = MIDNIGHT.plus_millis(-6 * DAY);

/// The seven days in UTC that end with the day of `now`.
fn utc_days(now: Timestamp) -> DayStarts {
    let today = now.plus_millis(-now.epoch_millis().rem_euclid(DAY));
    DayStarts([6, 5, 4, 3, 2, 1, 0].map(|days| today.plus_millis(-days * DAY)))
}

async fn weeks(store: &Store, member: &Member) -> Vec<(TokenId, Vec<(u64, u64)>)> {
    let days = utc_days(store.clock().now());
    let listed = store.tokens().list_with_week(member.into(), days).await;
    let listed = listed.expect("listed").into_iter();
    let of_week = |week: Week| week.0.map(|day| (day.accepted, day.refused)).to_vec();
    listed
        .map(|row| (row.token.id, of_week(row.week)))
        .collect()
}

async fn usage_of(store: &Store, member: &Member, token: TokenId) -> TokenUsage {
    let usage = store.tokens().usage(member.into(), token, WEEK).await;
    usage.expect("read")
}

async fn a_week_has_the_days_that_the_reader_wants_and_ends_today(store: TestStore) {
    let member = store.enterprise(903).await;
    let (one, two) = (create(&store, &member).await, create(&store, &member).await);
    let usage = store.usage();
    for (at, refused, times) in [
        // Before the week.
        (MIDNIGHT.plus_millis(-6 * DAY - 1), None, 9),
        (MIDNIGHT.plus_millis(-6 * DAY), None, 4),
        (MIDNIGHT.plus_millis(-1), Some(Refusal::EventMismatch), 2),
        (MIDNIGHT.plus_millis(-1), Some(Refusal::RateLimited), 3),
        (MIDNIGHT, None, 5),
        (START, None, 6),
        // From a server whose clock is ahead.
        (START.plus_millis(2 * HOUR), None, 7),
        (START.plus_millis(DAY), None, 8),
    ] {
        for _ in 0..times {
            usage.count(one, at, refused);
        }
    }
    flush(&store).await;
    let none = (0, 0);
    let of_one = vec![(4, 0), none, none, none, none, (0, 5), (11, 0)];
    assert_eq!(
        weeks(&store, &member).await,
        [(two, vec![none; 7]), (one, of_one)]
    );
    store.clock.advance(DAY - 6 * HOUR - 1);
    assert_eq!(weeks(&store, &member).await[1].1[6], (18, 0));
    // At midnight the oldest day leaves the week, and the day of the fast clock enters it.
    store.clock.advance(1);
    let shifted = vec![none, none, none, none, (0, 5), (18, 0), none];
    assert_eq!(weeks(&store, &member).await[1].1, shifted);
    store.clock.advance(6 * HOUR);
    assert_eq!(weeks(&store, &member).await[1].1[6], (8, 0));
    // The days of another zone, of which one lasts 23 hours.
    let DayStarts(mut days) = utc_days(START);
    for day in &mut days[..6] {
        *day = day.plus_millis(HOUR);
    }
    let week = store
        .tokens()
        .list_with_week((&member).into(), DayStarts(days))
        .await;
    let week = week.expect("listed")[1].week;
    assert_eq!(week.0.map(|day| day.total()), [0, 0, 0, 0, 0, 5, 26]);
}

async fn the_hours_and_refusals_of_a_token_cover_its_week(store: TestStore) {
    let member = store.enterprise(903).await;
    let (token, other) = (create(&store, &member).await, create(&store, &member).await);
    let usage = store.usage();
    let start = MIDNIGHT.plus_millis(-6 * DAY);
    for (at, refused) in [
        (start.plus_millis(-1), Some(Refusal::RateLimited)),
        (start, None),
        (start.plus_millis(HOUR - 1), Some(Refusal::EventMismatch)),
        (start.plus_millis(HOUR), Some(Refusal::RateLimited)),
        (START, Some(Refusal::RateLimited)),
        (START, Some(Refusal::FeatureDisabled)),
        (START, None),
        (START.plus_millis(HOUR), Some(Refusal::TokenInactive)),
    ] {
        usage.count(token, at, refused);
    }
    usage.count(other, START, None);
    flush(&store).await;

    let found = usage_of(&store, &member, token).await;
    assert_eq!((found.token.id, found.start), (token, start));
    assert_eq!(found.hours.len(), 6 * 24 + 7, "up to the present hour");
    let calls: Vec<_> = found
        .hours
        .iter()
        .enumerate()
        .filter(|(_, calls)| calls.total() > 0)
        .map(|(hour, calls)| (hour, calls.accepted, calls.refused))
        .collect();
    assert_eq!(calls, [(0, 1, 1), (1, 0, 1), (6 * 24 + 6, 1, 2)]);
    let refusals: Vec<_> = found
        .refusals
        .iter()
        .map(|HourlyRefusals { total, hours }| {
            assert_eq!(hours.len(), found.hours.len());
            let hours = hours.iter().enumerate().filter(|(_, calls)| **calls > 0);
            let hours: Vec<_> = hours.map(|(hour, calls)| (hour, *calls)).collect();
            (total.code.as_str(), total.calls, total.last_hour, hours)
        })
        .collect();
    assert_eq!(
        refusals,
        [
            ("rate_limited", 2, START, vec![(1, 1), (6 * 24 + 6, 1)]),
            ("event_mismatch", 1, start, vec![(0, 1)]),
            ("feature_disabled", 1, START, vec![(6 * 24 + 6, 1)]),
        ]
    );
    let total = found
        .hours
        .iter()
        .fold(Calls::default(), |sum, hour| sum.plus(*hour));
    let days = utc_days(START);
    let week = store.tokens().list_with_week((&member).into(), days).await;
    let week = week
        .expect("listed")
        .into_iter()
        .find(|row| row.token.id == token);
    assert_eq!(week.expect("listed").week.total(), total);
}

async fn a_week_shows_exactly_the_flushed_counts_of_every_server(store: TestStore) {
    let member = store.enterprise(903).await;
    let token = create(&store, &member).await;
    let other = store.another_server().await;
    for server in [&store.server(), &other] {
        server.usage().count(token, START, None);
    }
    assert_eq!(weeks(&store, &member).await[0].1[6], (0, 0));
    flush(&other).await;
    assert_eq!(weeks(&store, &member).await[0].1[6], (1, 0));
    flush(&store).await;
    assert_eq!(weeks(&store, &member).await[0].1[6], (2, 0));
    assert_eq!(weeks(&other, &member).await[0].1[6], (2, 0));
}

async fn usage_is_refused_to_other_organisations_and_on_other_plans(store: TestStore) {
    let member = store.enterprise(903).await;
    let other = store.enterprise(904).await;
    let token = create(&store, &member).await;
    let theirs = create(&store, &other).await;
    for token in [token, theirs] {
        store.usage().count(token, START, None);
    }
    flush(&store).await;
    let listed: Vec<_> = weeks(&store, &other).await;
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].0, listed[0].1[6]), (theirs, (1, 0)));
    for (reader, token) in [
        (&other, token),
        (&member, theirs),
        (&member, TokenId(4_711)),
    ] {
        let refused = store.tokens().usage(reader.into(), token, WEEK).await;
        assert_refused!(refused, TokenError::NoSuchToken(_));
    }
    let gone = store.tokens().delete((&member).into(), token).await;
    gone.expect("deleted");
    let deleted = store.tokens().usage((&member).into(), token, WEEK).await;
    assert_refused!(deleted, TokenError::NoSuchToken(_));

    store.set_plan(904, Plan::Pro).await;
    let days = utc_days(START);
    let week = store.tokens().list_with_week((&other).into(), days).await;
    assert_refused!(week, TokenError::PlanRequired(PlanRequired(Plan::Pro)));
    let usage = store.tokens().usage((&other).into(), theirs, WEEK).await;
    assert_refused!(usage, TokenError::PlanRequired(PlanRequired(Plan::Pro)));
}
