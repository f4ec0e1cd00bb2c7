//! Signed-in browsers, through the interface by which tower-sessions uses the store.

use std::{collections::HashMap, time::Duration};

use model::timestamp::Timestamp;
use sha2::{Digest, Sha256};
use store::{
    Store,
    sessions::{ABSOLUTE_END, IDLE_END},
};
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
};

use crate::harness::{START, TestStore, hex};

on_both_engines!(
    a_session_comes_back_as_it_was_saved_on_every_server,
    the_id_in_the_cookie_is_kept_nowhere,
    an_id_that_is_taken_gives_way_to_another,
    a_session_ends_when_it_was_not_used_for_the_idle_time,
    a_session_in_use_lives_on_past_the_idle_time,
    a_session_never_outlives_its_last_use_by_more_than_the_idle_time,
    a_session_ends_at_its_absolute_end_although_it_is_used,
    a_session_says_when_it_will_end,
    saving_moves_the_idle_end_and_leaves_the_absolute_one,
    a_late_save_does_not_bring_a_deleted_session_back,
    a_late_save_does_not_bring_an_ended_session_back,
    deleting_one_session_leaves_the_others,
    purging_removes_ended_sessions_and_no_other,
    without_a_database_a_session_is_an_error_and_not_a_stranger,
);

fn record(user: i64) -> Record {
    Record {
        id: Id::default(),
        data: HashMap::from([("user".to_owned(), user.into())]),
        // What the layer asks for decides nothing: the ends are the store's.
        expiry_date: time::OffsetDateTime::UNIX_EPOCH,
    }
}

async fn create(store: &Store, user: i64) -> Record {
    let mut made = record(user);
    store.sessions().create(&mut made).await.expect("created");
    made
}

async fn load(store: &Store, id: &Id) -> Option<Record> {
    store.sessions().load(id).await.expect("an answer")
}

const fn millis(duration: Duration) -> i64 {
    duration.as_secs() as i64 * 1_000
}

async fn rows(store: &TestStore) -> i64 {
    store.raw().number("SELECT COUNT(*) FROM sessions").await
}

async fn a_session_comes_back_as_it_was_saved_on_every_server(store: TestStore) {
    let mut session = create(&store, 7).await;
    let other = store.another_server().await;
    let found = load(&other, &session.id).await.expect("a session");
    assert_eq!((found.id, &found.data), (session.id, &session.data));

    let odd = serde_json::json!({ "text": "ü \"quoted\" \u{1f3c3}", "list": [1, null, 2.5] });
    session.data.insert("odd".to_owned(), odd);
    store.sessions().save(&session).await.expect("saved");
    let found = load(&other, &session.id).await.expect("a session");
    assert_eq!(found.data, session.data);
    assert_eq!(load(&other, &Id::default()).await, None);
}

async fn the_id_in_the_cookie_is_kept_nowhere(store: TestStore) {
    let session = create(&store, 7).await;
    let dump = store.raw().dump().await;
    let digest = hex(&Sha256::digest(session.id.0.to_be_bytes()));
    assert!(dump.contains(&digest), "{dump}");
    for shape in [
        session.id.to_string(),
        session.id.0.to_string(),
        hex(&session.id.0.to_be_bytes()),
        hex(&session.id.0.to_le_bytes()),
    ] {
        assert!(!dump.contains(&shape), "{shape} in {dump}");
    }
}

async fn an_id_that_is_taken_gives_way_to_another(store: TestStore) {
    let first = create(&store, 7).await;
    let mut second = Record {
        id: first.id,
        ..record(8)
    };
    store.sessions().create(&mut second).await.expect("created");
    assert_ne!(second.id, first.id);
    let kept = load(&store, &first.id).await.expect("a session");
    assert_eq!(kept.data, first.data);
    let made = load(&store, &second.id).await.expect("a session");
    assert_eq!(made.data, second.data);
}

async fn a_session_ends_when_it_was_not_used_for_the_idle_time(store: TestStore) {
    let at_the_end = create(&store, 7).await;
    store.clock.advance(1);
    let just_before = create(&store, 8).await;
    store.clock.advance(millis(IDLE_END) - 1);
    assert_eq!(load(&store, &at_the_end.id).await, None);
    assert!(load(&store, &just_before.id).await.is_some());
}

async fn a_session_in_use_lives_on_past_the_idle_time(store: TestStore) {
    let session = create(&store, 7).await;
    for _ in 0..5 {
        store.clock.advance(millis(IDLE_END) / 2);
        assert!(load(&store, &session.id).await.is_some());
    }
    store.clock.advance(millis(IDLE_END));
    assert_eq!(load(&store, &session.id).await, None);
}

/// Not every use is written down, so that reading a page need not cost a write: a session may end those
/// minutes early, and never late.
async fn a_session_never_outlives_its_last_use_by_more_than_the_idle_time(store: TestStore) {
    let minutes = |n: i64| n * 60_000;
    for (used_after, lives_on) in [(4, 12 * 60 - 4), (5, 12 * 60), (300, 12 * 60)] {
        let (one, other) = (create(&store, 7).await, create(&store, 8).await);
        store.clock.advance(minutes(used_after));
        for session in [&one, &other] {
            assert!(load(&store, &session.id).await.is_some());
        }
        store.clock.advance(minutes(lives_on) - 1);
        assert!(load(&store, &one.id).await.is_some(), "{used_after}");
        store.clock.advance(1);
        assert_eq!(load(&store, &other.id).await, None, "{used_after}");
    }
}

async fn a_session_ends_at_its_absolute_end_although_it_is_used(store: TestStore) {
    let session = create(&store, 7).await;
    let step = millis(IDLE_END) / 3;
    let mut passed = 0;
    while passed + step < millis(ABSOLUTE_END) {
        store.clock.advance(step);
        passed += step;
        assert!(load(&store, &session.id).await.is_some());
        store.sessions().save(&session).await.expect("saved");
    }
    store.clock.advance(millis(ABSOLUTE_END) - passed - 1);
    assert!(load(&store, &session.id).await.is_some());
    store.clock.advance(1);
    assert_eq!(load(&store, &session.id).await, None);
}

async fn a_session_says_when_it_will_end(store: TestStore) {
    let end = |record: &Record| {
        let nanos = record.expiry_date.unix_timestamp_nanos() / 1_000_000;
        Timestamp(i64::try_from(nanos).expect("in range"))
    };
    let session = create(&store, 7).await;
    let fresh = load(&store, &session.id).await.expect("a session");
    assert_eq!(end(&fresh), START.plus_millis(millis(IDLE_END)));

    let mut passed = 0;
    while passed + millis(IDLE_END) / 2 < millis(ABSOLUTE_END) {
        store.clock.advance(millis(IDLE_END) / 2);
        passed += millis(IDLE_END) / 2;
        store.sessions().save(&session).await.expect("saved");
    }
    let old = load(&store, &session.id).await.expect("a session");
    assert_eq!(end(&old), START.plus_millis(millis(ABSOLUTE_END)));
}

async fn saving_moves_the_idle_end_and_leaves_the_absolute_one(store: TestStore) {
    let session = create(&store, 7).await;
    store.clock.advance(millis(IDLE_END) - 1);
    let late = Record {
        expiry_date: time::OffsetDateTime::UNIX_EPOCH + time::Duration::days(100_000),
        ..session.clone()
    };
    store.sessions().save(&late).await.expect("saved");
    store.clock.advance(millis(IDLE_END) - 1);
    assert!(load(&store, &session.id).await.is_some());
    let created = store.raw().number("SELECT created_at FROM sessions").await;
    assert_eq!(created, START.0);
}

async fn a_late_save_does_not_bring_a_deleted_session_back(store: TestStore) {
    let session = create(&store, 7).await;
    store.sessions().delete(&session.id).await.expect("deleted");
    store.sessions().save(&session).await.expect("no error");
    assert_eq!(load(&store, &session.id).await, None);
    assert_eq!(rows(&store).await, 0);
    store.sessions().delete(&session.id).await.expect("deleted");
}

async fn a_late_save_does_not_bring_an_ended_session_back(store: TestStore) {
    let session = create(&store, 7).await;
    store.clock.advance(millis(IDLE_END));
    store.sessions().save(&session).await.expect("no error");
    assert_eq!(load(&store, &session.id).await, None);
}

async fn deleting_one_session_leaves_the_others(store: TestStore) {
    let (one, other) = (create(&store, 7).await, create(&store, 7).await);
    store.sessions().delete(&one.id).await.expect("deleted");
    assert_eq!(load(&store, &one.id).await, None);
    assert!(load(&store, &other.id).await.is_some());
}

async fn purging_removes_ended_sessions_and_no_other(store: TestStore) {
    let idle = create(&store, 1).await;
    let used = create(&store, 2).await;
    store.clock.advance(millis(IDLE_END) - 1);
    assert!(load(&store, &used.id).await.is_some());
    assert_eq!(store.sessions().purge_ended().await.expect("purged"), 0);
    // The idle one is at its end now, and the purge agrees with the load on which instant that is.
    store.clock.advance(1);
    assert_eq!(store.sessions().purge_ended().await.expect("purged"), 1);
    assert_eq!(load(&store, &idle.id).await, None);

    let step = millis(IDLE_END) / 2;
    let mut passed = millis(IDLE_END);
    while passed + step < millis(ABSOLUTE_END) {
        store.clock.advance(step);
        passed += step;
        assert!(load(&store, &used.id).await.is_some());
        assert_eq!(store.sessions().purge_ended().await.expect("purged"), 0);
    }
    let fresh = create(&store, 3).await;
    store.clock.advance(millis(ABSOLUTE_END) - passed);
    assert_eq!(store.sessions().purge_ended().await.expect("purged"), 1);
    assert_eq!(load(&store, &used.id).await, None);
    assert!(load(&store, &fresh.id).await.is_some());
    assert_eq!(rows(&store).await, 1);
}

async fn without_a_database_a_session_is_an_error_and_not_a_stranger(store: TestStore) {
    let mut session = create(&store, 7).await;
    let sessions = store.sessions();
    store.close().await;
    assert!(sessions.load(&session.id).await.is_err());
    assert!(sessions.save(&session).await.is_err());
    assert!(sessions.delete(&session.id).await.is_err());
    assert!(sessions.create(&mut session).await.is_err());
    assert!(
        sessions
            .purge_ended()
            .await
            .expect_err("closed")
            .is_unavailable()
    );
}
