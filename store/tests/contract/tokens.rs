//! Creating, listing, changing and deleting tokens; the limit of ten; who may do it.

use std::{collections::BTreeSet, time::Duration};

use model::{
    organisation::{OrganisationId, Plan},
    token::{TOKEN_LIMIT, TokenId, TokenName, TokenStatus},
};
use sha2::{Digest, Sha256};
use store::{
    Member, Store, TokenPermission,
    error::{DatabaseError, PlanRequired, TokenError},
};
use tokio::task::JoinSet;

use crate::harness::{Engine, START, TestStore, hex};

on_both_engines!(
    the_database_keeps_only_the_digest_and_preview_of_a_token,
    a_new_token_is_active_and_has_its_owner_and_the_time,
    tokens_are_listed_newest_first,
    tokens_of_the_same_millisecond_are_listed_newest_first,
    a_new_token_takes_the_lowest_free_slot,
    the_number_of_a_deleted_token_is_never_reused,
    the_eleventh_token_is_refused_and_other_organisations_are_not_affected,
    of_twenty_concurrent_creations_ten_succeed_and_ten_hit_the_limit,
    concurrent_creations_and_deletions_never_exceed_the_limit_or_fail_otherwise,
    setting_the_present_state_succeeds_and_changes_nothing,
    a_call_that_changes_nothing_does_not_wait_for_other_writers,
    a_deleted_token_can_be_neither_activated_nor_deleted_again,
    a_token_has_its_last_name_and_two_tokens_may_share_one,
    a_deleted_token_or_one_of_another_organisation_cannot_be_renamed,
    the_schema_refuses_an_invalid_name,
    a_member_of_another_organisation_neither_sees_nor_changes_a_token,
    a_locked_plan_refuses_a_member_who_was_read_before_the_downgrade,
    on_a_locked_plan_the_operator_still_lists_deactivates_and_deletes,
    the_tokens_of_an_organisation_that_does_not_exist_are_refused,
    the_schema_refuses_an_eleventh_token,
    the_schema_refuses_a_digest_or_preview_of_another_length,
    a_cancelled_creation_leaves_the_store_consistent,
);

on_sqlite_alone!(
    no_file_of_the_database_ever_holds_a_plain_token,
    a_transaction_that_sqlite_itself_rolls_back_does_not_block_the_next_one,
);

fn operator(organisation: i64) -> TokenPermission<'static> {
    TokenPermission::Operator(OrganisationId(organisation))
}

/// Creates a token, and returns its number and secret.
async fn create(store: &Store, member: &Member) -> (TokenId, String) {
    let created = store.tokens().create(member, None).await.expect("created");
    (created.summary.id, created.secret.reveal())
}

async fn listed(store: &Store, member: &Member) -> Vec<TokenId> {
    let tokens = store.tokens().list(member.into()).await.expect("listed");
    tokens.into_iter().map(|token| token.id).collect()
}

fn name(text: &str) -> Option<TokenName> {
    Some(TokenName::parse(text).expect("a name"))
}

async fn names(store: &Store, member: &Member) -> Vec<Option<TokenName>> {
    let tokens = store.tokens().list(member.into()).await.expect("listed");
    tokens.into_iter().map(|token| token.name).collect()
}

/// Every run of eight characters: longer than a preview, and too long to occur by chance.
fn stretches(secret: &str) -> impl Iterator<Item = &str> {
    (0..=secret.len() - 8).map(|start| &secret[start..start + 8])
}

async fn the_database_keeps_only_the_digest_and_preview_of_a_token(store: TestStore) {
    let member = store.enterprise(903).await;
    let created = store.tokens().create(&member, None).await.expect("created");
    let summary = created.summary.clone();
    let printed = format!("{created:?}");
    let secret = created.secret.reveal();
    assert_eq!(summary.preview.as_str(), &secret[..5]);
    assert!(!printed.contains(&secret[..6]), "{printed}");

    let dump = store.raw().dump().await;
    let digest = hex(&Sha256::digest(secret.as_bytes()));
    assert!(
        dump.contains(&format!("digest={digest} preview={}", &secret[..5])),
        "{dump}"
    );
    for stretch in stretches(&secret) {
        for shape in [stretch.to_owned(), hex(stretch.as_bytes())] {
            assert!(!dump.contains(&shape), "`{shape}` of {secret} in {dump}");
        }
    }
    let listed = store.tokens().list((&member).into()).await.expect("listed");
    assert_eq!(listed, [summary]);
}

async fn no_file_of_the_database_ever_holds_a_plain_token(store: TestStore) {
    let member = store.enterprise(903).await;
    let mut secrets = Vec::new();
    for _ in 0..3 {
        let (id, secret) = create(&store, &member).await;
        let off = store.tokens().set_active((&member).into(), id, false).await;
        off.expect("switched");
        secrets.push(secret);
    }
    let deleted = listed(&store, &member).await[0];
    let gone = store.tokens().delete((&member).into(), deleted).await;
    gone.expect("deleted");

    let search = || {
        for (name, bytes) in store.database.files() {
            for secret in &secrets {
                for stretch in stretches(secret) {
                    let found = bytes.windows(8).any(|eight| eight == stretch.as_bytes());
                    assert!(!found, "`{stretch}` of {secret} in {name}");
                }
            }
        }
    };
    assert!(store.database.files().contains_key("zone.db-wal"));
    search();
    store.close().await;
    search();
}

async fn a_new_token_is_active_and_has_its_owner_and_the_time(store: TestStore) {
    store.enterprise(903).await;
    let maker = store.member("ada@example.com", 903).await;
    store.clock.advance(1_234);
    let created = store
        .tokens()
        .create(&maker, None)
        .await
        .expect("created")
        .summary;
    assert_eq!(created.status, TokenStatus::Active);
    assert_eq!(created.created_by, "ada@example.com");
    assert_eq!(created.created_at, START.plus_millis(1_234));
    let listed = store.tokens().list((&maker).into()).await.expect("listed");
    assert_eq!(listed, [created]);
}

async fn tokens_are_listed_newest_first(store: TestStore) {
    let member = store.enterprise(903).await;
    // The clock may be set back. The order follows the time that the page shows.
    store.clock.advance(5_000);
    let (second, _) = create(&store, &member).await;
    store.clock.advance(-4_000);
    let (first, _) = create(&store, &member).await;
    store.clock.advance(8_000);
    let (third, _) = create(&store, &member).await;
    assert_eq!(listed(&store, &member).await, [third, second, first]);
}

async fn tokens_of_the_same_millisecond_are_listed_newest_first(store: TestStore) {
    let member = store.enterprise(903).await;
    let (one, _) = create(&store, &member).await;
    let (two, _) = create(&store, &member).await;
    let (three, _) = create(&store, &member).await;
    assert_eq!(listed(&store, &member).await, [three, two, one]);
}

async fn a_new_token_takes_the_lowest_free_slot(store: TestStore) {
    let member = store.enterprise(903).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(create(&store, &member).await.0);
    }
    for freed in [made[3], made[1]] {
        let gone = store.tokens().delete((&member).into(), freed).await;
        gone.expect("deleted");
    }
    let mut slots = Vec::new();
    for _ in 0..3 {
        let (id, _) = create(&store, &member).await;
        let slot = format!("SELECT slot FROM tokens WHERE id = {id}");
        slots.push(store.raw().number(&slot).await);
    }
    assert_eq!(slots, [2, 4, 6]);
}

async fn the_number_of_a_deleted_token_is_never_reused(store: TestStore) {
    let member = store.enterprise(903).await;
    let mut given = BTreeSet::new();
    for _ in 0..3 {
        let (id, _) = create(&store, &member).await;
        assert!(given.insert(id), "{id} was given before");
        let gone = store.tokens().delete((&member).into(), id).await;
        assert_eq!(gone.expect("deleted").token.id, id);
    }
}

async fn the_eleventh_token_is_refused_and_other_organisations_are_not_affected(store: TestStore) {
    let member = store.enterprise(903).await;
    let neighbour = store.enterprise(904).await;
    for _ in 0..TOKEN_LIMIT {
        create(&store, &member).await;
    }
    let refused = store
        .tokens()
        .create(&member, None)
        .await
        .expect_err("full");
    assert!(matches!(refused, TokenError::LimitReached));
    assert_eq!(
        refused.to_string(),
        "the organisation has reached the limit of 10 tokens; delete one to create a new one"
    );
    create(&store, &neighbour).await;
    assert_eq!(listed(&store, &member).await.len(), TOKEN_LIMIT);
    assert_eq!(listed(&store, &neighbour).await.len(), 1);
}

async fn of_twenty_concurrent_creations_ten_succeed_and_ten_hit_the_limit(store: TestStore) {
    let member = store.enterprise(903).await;
    let servers = [store.server(), store.another_server().await];
    for round in 0..5 {
        let mut creations = JoinSet::new();
        for n in 0..20 {
            let (server, member) = (servers[n % servers.len()].clone(), member.clone());
            creations.spawn(async move { server.tokens().create(&member, None).await });
        }
        let (mut made, mut refused) = (BTreeSet::new(), 0);
        for outcome in creations.join_all().await {
            match outcome {
                Ok(created) => assert!(made.insert(created.summary.id)),
                Err(TokenError::LimitReached) => refused += 1,
                Err(error) => panic!("round {round}: {error:?}"),
            }
        }
        assert_eq!((made.len(), refused), (10, 10), "round {round}");
        let remaining: BTreeSet<_> = listed(&store, &member).await.into_iter().collect();
        assert_eq!(remaining, made, "round {round}");
        for id in remaining {
            let gone = store.tokens().delete((&member).into(), id).await;
            gone.expect("deleted");
        }
    }
}

async fn concurrent_creations_and_deletions_never_exceed_the_limit_or_fail_otherwise(
    store: TestStore,
) {
    let member = store.enterprise(903).await;
    let servers = [store.server(), store.another_server().await];
    for _ in 0..8 {
        create(&store, &member).await;
    }
    let mut tasks = JoinSet::new();
    for n in 0..12 {
        let (server, member) = (servers[n % 2].clone(), member.clone());
        tasks.spawn(async move {
            let mut balance = 0;
            for step in 0..8 {
                if (n + step) % 3 == 0 {
                    let ids = listed(&server, &member).await;
                    assert!(ids.len() <= TOKEN_LIMIT, "{} tokens", ids.len());
                    let Some(id) = ids.get(n % ids.len().max(1)) else {
                        continue;
                    };
                    match server.tokens().delete((&member).into(), *id).await {
                        Ok(_) => balance -= 1,
                        Err(TokenError::NoSuchToken(_)) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                } else {
                    match server.tokens().create(&member, None).await {
                        Ok(_) => balance += 1,
                        Err(TokenError::LimitReached) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
            balance
        });
    }
    let balance: i64 = tasks.join_all().await.into_iter().sum();
    let left = store.raw().number("SELECT COUNT(*) FROM tokens").await;
    assert_eq!(left, 8 + balance);
    assert!(left <= 10);
}

async fn setting_the_present_state_succeeds_and_changes_nothing(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, _) = create(&store, &member).await;
    create(&store, &member).await;
    for active in [true, false, false, true, true] {
        let switched = store
            .tokens()
            .set_active((&member).into(), id, active)
            .await;
        let switched = switched.expect("switched");
        assert_eq!(
            (switched.token.id, switched.token.status.is_active()),
            (id, active)
        );
        assert_eq!(switched.token.created_by, member.email().as_str());
        let once = store.raw().dump().await;
        let again = store
            .tokens()
            .set_active((&member).into(), id, active)
            .await;
        assert_eq!(again.expect("switched"), switched);
        assert_eq!(store.raw().dump().await, once);
    }
    let listed = store.tokens().list((&member).into()).await.expect("listed");
    assert!(listed.iter().all(|token| token.status.is_active()));
}

/// Another program holds the lock on writes, so a call that needs it fails after some seconds.
async fn a_call_that_changes_nothing_does_not_wait_for_other_writers(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, _) = create(&store, &member).await;
    let select = async || store.users().select_organisation(&member).await;
    select().await.expect("selected");
    let theirs = store.enterprise(904).await;
    let (inactive, _) = create(&store, &theirs).await;
    let all_off = async || store.tokens().deactivate_all((&theirs).into()).await;
    assert_eq!(
        all_off().await.expect("inactive").deactivated[0].id,
        inactive
    );
    let lock = match store.raw().engine() {
        Engine::Sqlite => "BEGIN IMMEDIATE",
        Engine::Postgres => "BEGIN; LOCK TABLE tokens, users IN SHARE ROW EXCLUSIVE MODE",
    };
    store.raw().execute(lock).await;
    let tokens = store.tokens();
    select().await.expect("selected already");
    let active = tokens.set_active((&member).into(), id, true).await;
    active.expect("active already");
    let unnamed = tokens.rename((&member).into(), id, None).await;
    unnamed.expect("without a name already");
    assert_eq!(
        all_off().await.expect("inactive already").deactivated.len(),
        0
    );
    let missing = TokenId(inactive.0 + 1);
    let refused = tokens.set_active((&member).into(), missing, false).await;
    assert_refused!(refused, TokenError::NoSuchToken(named) if named == missing);
    let refused = tokens.delete((&member).into(), missing).await;
    assert_refused!(refused, TokenError::NoSuchToken(named) if named == missing);
    store.raw().execute("ROLLBACK").await;
}

async fn a_deleted_token_can_be_neither_activated_nor_deleted_again(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, _) = create(&store, &member).await;
    let (remaining, _) = create(&store, &member).await;
    let gone = store.tokens().delete((&member).into(), id).await;
    assert_eq!(gone.expect("deleted").token.id, id);
    for permission in [(&member).into(), operator(903)] {
        for active in [true, false] {
            let refused = store.tokens().set_active(permission, id, active).await;
            assert_refused!(refused, TokenError::NoSuchToken(named) if named == id);
        }
        let refused = store.tokens().delete(permission, id).await;
        assert_refused!(refused, TokenError::NoSuchToken(named) if named == id);
    }
    assert_eq!(listed(&store, &member).await, [remaining]);
}

async fn a_token_has_its_last_name_and_two_tokens_may_share_one(store: TestStore) {
    let member = store.enterprise(903).await;
    let tokens = store.tokens();
    let gallery = tokens.create(&member, name("Website gallery")).await;
    let gallery = gallery.expect("created").summary;
    assert_eq!(gallery.name, name("Website gallery"));
    let (unnamed, _) = create(&store, &member).await;
    assert_eq!(names(&store, &member).await, [None, gallery.name.clone()]);

    for new in [
        name("<b>Kiosk</b> 写真"),
        name("Website gallery"),
        None,
        name("Website gallery"),
    ] {
        let renamed = tokens.rename((&member).into(), unnamed, new.clone()).await;
        let renamed = renamed.expect("renamed");
        assert_eq!((renamed.id, &renamed.name), (unnamed, &new));
        let listed = tokens.list((&member).into()).await.expect("listed");
        assert_eq!(listed, [renamed, gallery.clone()]);
    }
    let off = tokens.set_active((&member).into(), unnamed, false).await;
    assert_eq!(off.expect("switched").token.name, gallery.name);
    let gone = tokens.delete((&member).into(), unnamed).await;
    assert_eq!(gone.expect("deleted").token.name, gallery.name);
}

async fn a_deleted_token_or_one_of_another_organisation_cannot_be_renamed(store: TestStore) {
    let member = store.enterprise(903).await;
    let other = store.enterprise(904).await;
    let (token, _) = create(&store, &member).await;
    let foreign = store
        .tokens()
        .rename((&other).into(), token, name("Mine"))
        .await;
    assert_refused!(foreign, TokenError::NoSuchToken(_));
    let nowhere = store.tokens().rename(operator(905), token, None).await;
    assert_refused!(nowhere, TokenError::NoSuchOrganisation(_));
    store.set_plan(903, Plan::Pro).await;
    let locked = store
        .tokens()
        .rename((&member).into(), token, name("Late"))
        .await;
    assert_refused!(locked, TokenError::PlanRequired(PlanRequired(Plan::Pro)));
    store.set_plan(903, Plan::Enterprise).await;
    let after = store.raw().dump().await;
    assert!(
        !after.contains("Mine") && !after.contains("Late"),
        "{after}"
    );

    let gone = store.tokens().delete((&member).into(), token).await;
    gone.expect("deleted");
    let late = store
        .tokens()
        .rename((&member).into(), token, name("Late"))
        .await;
    assert_refused!(late, TokenError::NoSuchToken(_));
}

async fn the_schema_refuses_an_invalid_name(store: TestStore) {
    let member = store.enterprise(903).await;
    create(&store, &member).await;
    let rename = |name: &str| format!("UPDATE tokens SET name = '{name}'");
    for refused in [String::new(), "a".repeat(61)] {
        let outcome = store.raw().try_execute(&rename(&refused)).await;
        assert_eq!(broken_rule(outcome), sqlx::error::ErrorKind::CheckViolation);
    }
    store.raw().execute(&rename(&"写".repeat(60))).await;
}

async fn a_member_of_another_organisation_neither_sees_nor_changes_a_token(store: TestStore) {
    let member = store.enterprise(903).await;
    let stranger = store.enterprise(904).await;
    let (id, _) = create(&store, &member).await;
    let before = store.raw().dump().await;
    for permission in [(&stranger).into(), operator(904)] {
        assert!(
            store
                .tokens()
                .list(permission)
                .await
                .expect("listed")
                .is_empty()
        );
        for active in [true, false] {
            let refused = store.tokens().set_active(permission, id, active).await;
            assert_refused!(refused, TokenError::NoSuchToken(_));
        }
        let refused = store.tokens().delete(permission, id).await;
        assert_refused!(refused, TokenError::NoSuchToken(_));
    }
    assert_eq!(store.raw().dump().await, before);
}

async fn a_locked_plan_refuses_a_member_who_was_read_before_the_downgrade(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, _) = create(&store, &member).await;
    for plan in [Plan::Trial, Plan::PayAsYouGo, Plan::Pro] {
        store.set_plan(903, plan).await;
        assert!(member.organisation().plan.includes_developer_zone());
        let before = store.raw().dump().await;
        let tokens = store.tokens();
        assert_refused!(tokens.list((&member).into()).await, TokenError::PlanRequired(PlanRequired(on)) if on == plan);
        assert_refused!(tokens.create(&member, None).await, TokenError::PlanRequired(PlanRequired(on)) if on == plan);
        for active in [true, false] {
            let refused = tokens.set_active((&member).into(), id, active).await;
            assert_refused!(refused, TokenError::PlanRequired(PlanRequired(on)) if on == plan);
        }
        let refused = tokens.delete((&member).into(), id).await;
        assert_refused!(refused, TokenError::PlanRequired(PlanRequired(on)) if on == plan);
        assert_eq!(store.raw().dump().await, before);
    }
}

async fn on_a_locked_plan_the_operator_still_lists_deactivates_and_deletes(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, _) = create(&store, &member).await;
    store.set_plan(903, Plan::Trial).await;
    let tokens = store.tokens();
    assert_eq!(tokens.list(operator(903)).await.expect("listed").len(), 1);
    let off = tokens.set_active(operator(903), id, false).await;
    assert_eq!(off.expect("switched").token.status, TokenStatus::Inactive);
    let gone = tokens.delete(operator(903), id).await;
    assert_eq!(gone.expect("deleted").token.id, id);
    assert!(tokens.list(operator(903)).await.expect("listed").is_empty());
}

async fn the_tokens_of_an_organisation_that_does_not_exist_are_refused(store: TestStore) {
    let nowhere = operator(903);
    let tokens = store.tokens();
    assert_refused!(
        tokens.list(nowhere).await,
        TokenError::NoSuchOrganisation(_)
    );
    let refused = tokens.set_active(nowhere, TokenId(1), false).await;
    assert_refused!(refused, TokenError::NoSuchOrganisation(_));
    let refused = tokens.delete(nowhere, TokenId(1)).await;
    assert_refused!(refused, TokenError::NoSuchOrganisation(_));
}

/// Inserts a row without the store: only the schema can refuse it.
async fn insert(
    store: &TestStore,
    member: &Member,
    slot: i64,
    digest: &[u8],
    preview: &str,
) -> Result<u64, sqlx::Error> {
    let sql = format!(
        "INSERT INTO tokens (organisation_id, slot, key_digest, preview, active, created_by, created_at)
        VALUES ({}, {slot}, {}, '{preview}', TRUE, {}, 0)",
        member.organisation().id,
        store.raw().literal(digest),
        member.user_id().0
    );
    store.raw().try_execute(&sql).await
}

fn broken_rule(outcome: Result<u64, sqlx::Error>) -> sqlx::error::ErrorKind {
    match outcome {
        Err(sqlx::Error::Database(refusal)) => refusal.kind(),
        other => panic!("expected the schema to refuse, got {other:?}"),
    }
}

async fn the_schema_refuses_an_eleventh_token(store: TestStore) {
    let member = store.enterprise(903).await;
    for slot in 1..=10 {
        let digest = [u8::try_from(slot).expect("small"); 32];
        let row = insert(&store, &member, slot, &digest, "abcde").await;
        assert_eq!(row.expect("a free slot"), 1);
    }
    for slot in 1..=10 {
        let refused = insert(&store, &member, slot, &[99; 32], "abcde").await;
        assert_eq!(
            broken_rule(refused),
            sqlx::error::ErrorKind::UniqueViolation
        );
    }
    for slot in [-1, 0, 11, 12, i64::MAX] {
        let refused = insert(&store, &member, slot, &[99; 32], "abcde").await;
        assert_eq!(broken_rule(refused), sqlx::error::ErrorKind::CheckViolation);
    }
    let refused = store.tokens().create(&member, None).await;
    assert_refused!(refused, TokenError::LimitReached);
}

async fn the_schema_refuses_a_digest_or_preview_of_another_length(store: TestStore) {
    let member = store.enterprise(903).await;
    for (digest, preview) in [
        (vec![1; 31], "abcde"),
        (vec![1; 33], "abcde"),
        (vec![], "abcde"),
        (vec![1; 32], "abcd"),
        (vec![1; 32], "abcdef"),
        (vec![1; 32], ""),
    ] {
        let refused = insert(&store, &member, 1, &digest, preview).await;
        assert_eq!(broken_rule(refused), sqlx::error::ErrorKind::CheckViolation);
    }
    let first = insert(&store, &member, 1, &[1; 32], "abcde").await;
    assert_eq!(first.expect("a good row"), 1);
    let twice = insert(&store, &member, 2, &[1; 32], "abcde").await;
    assert_eq!(broken_rule(twice), sqlx::error::ErrorKind::UniqueViolation);
}

/// If a browser disconnects, the request's future is dropped at the await that it has reached.
async fn a_cancelled_creation_leaves_the_store_consistent(store: TestStore) {
    let member = store.enterprise(903).await;
    for step in 0..60 {
        let cancelled_after = Duration::from_micros(step * 60);
        let attempt =
            tokio::time::timeout(cancelled_after, store.tokens().create(&member, None)).await;
        if let Ok(outcome) = attempt {
            outcome.expect("created");
        }
        // An open transaction would hold its lock, and this would time out.
        for id in listed(&store, &member).await {
            let gone = store.tokens().delete((&member).into(), id).await;
            gone.expect("deleted");
        }
    }
    // A creation that was cancelled during its commit may still have succeeded, and show only now.
    let full = loop {
        if let Err(error) = store.tokens().create(&member, None).await {
            break error;
        }
    };
    assert!(matches!(full, TokenError::LimitReached), "{full}");
    assert_eq!(listed(&store, &member).await.len(), TOKEN_LIMIT);
}

/// SQLite itself rolls back in some cases, such as a full disk. Here a trigger makes it do so.
async fn a_transaction_that_sqlite_itself_rolls_back_does_not_block_the_next_one(store: TestStore) {
    let member = store.enterprise(903).await;
    let trigger = "CREATE TRIGGER full BEFORE INSERT ON tokens
        BEGIN SELECT RAISE(ROLLBACK, 'the disk is full'); END";
    store.raw().execute(trigger).await;
    for _ in 0..3 {
        match store.tokens().create(&member, None).await {
            Err(TokenError::Database(DatabaseError::Refused(cause))) => {
                assert!(cause.to_string().contains("the disk is full"), "{cause}");
            }
            other => panic!("expected the trigger's refusal, got {other:?}"),
        }
    }
    store.raw().execute("DROP TRIGGER full").await;
    create(&store, &member).await;
}
