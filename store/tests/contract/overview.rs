//! An organisation's tokens in figures, and the steps to the first call.

use model::{
    organisation::Plan,
    permission::Refusal,
    timestamp::Timestamp,
    token::TokenId,
    usage::{DayOfCalls, FirstSteps, TokenOverview},
};
use store::{
    Member, Store,
    error::{PlanRequired, TokenError},
};

use crate::harness::{START, TestStore};

on_both_engines!(
    calls_are_those_of_today_and_yesterday_in_utc_with_the_main_reason_first,
    an_organisation_without_tokens_has_no_figures_and_took_no_step,
    each_step_is_taken_when_it_is_true_of_any_token,
    the_steps_are_long_done_once_a_call_is_older_than_yesterday,
    only_the_first_copy_of_a_members_own_token_counts,
    copying_and_figures_are_refused_on_other_plans,
);

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// Midnight before the clock's start, which is at six in the morning.
const MIDNIGHT: Timestamp = START.plus_millis(-6 * HOUR);

async fn create(store: &Store, member: &Member) -> TokenId {
    let created = store.tokens().create(member, None).await.expect("created");
    created.summary.id
}

async fn overview(store: &Store, member: &Member) -> TokenOverview {
    let overview = store.tokens().overview(member.into()).await;
    overview.expect("read")
}

fn reasons(day: &DayOfCalls) -> Vec<(&str, u64, Timestamp)> {
    let refusals = day.refusals.iter();
    refusals
        .map(|refusal| (refusal.code.as_str(), refusal.calls, refusal.last_hour))
        .collect()
}

async fn calls_are_those_of_today_and_yesterday_in_utc_with_the_main_reason_first(
    store: TestStore,
) {
    let member = store.enterprise(903).await;
    let foreign = store.enterprise(904).await;
    let (one, two) = (create(&store, &member).await, create(&store, &member).await);
    let theirs = create(&store, &foreign).await;
    let usage = store.usage();
    for (token, at, refused, times) in [
        (one, MIDNIGHT.plus_millis(-DAY - 1), None, 9),
        (one, MIDNIGHT.plus_millis(-DAY), None, 1),
        (two, MIDNIGHT.plus_millis(-1), None, 2),
        (two, MIDNIGHT.plus_millis(-1), Some(Refusal::RateLimited), 3),
        (one, MIDNIGHT, None, 4),
        (two, START, None, 5),
        (one, MIDNIGHT, Some(Refusal::TokenInactive), 1),
        (two, MIDNIGHT, Some(Refusal::EventMismatch), 1),
        (one, START, Some(Refusal::EventMismatch), 1),
        // From a server whose clock is ahead.
        (one, START.plus_millis(HOUR), None, 7),
        (theirs, START, None, 8),
    ] {
        for _ in 0..times {
            usage.count(token, at, refused);
        }
    }
    usage.flush().await.expect("flushed");
    let found = overview(&store, &member).await;
    assert_eq!((found.today.accepted, found.yesterday.accepted), (9, 3));
    assert_eq!((found.today.refused(), found.yesterday.refused()), (3, 3));
    let today = [
        ("event_mismatch", 2, START),
        ("token_inactive", 1, MIDNIGHT),
    ];
    assert_eq!(reasons(&found.today), today);
    assert_eq!(found.most_refused, Some(one));
    let before = MIDNIGHT.plus_millis(-HOUR);
    assert_eq!(reasons(&found.yesterday), [("rate_limited", 3, before)]);

    let tokens = store.tokens();
    let inactive = tokens.set_active((&member).into(), one, false).await;
    inactive.expect("deactivated");
    let found = overview(&store, &member).await;
    assert_eq!((found.tokens.len(), found.active), (2, 1));
}

async fn an_organisation_without_tokens_has_no_figures_and_took_no_step(store: TestStore) {
    let member = store.enterprise(903).await;
    let none = TokenOverview {
        tokens: Vec::new(),
        active: 0,
        most_refused: None,
        today: DayOfCalls::default(),
        yesterday: DayOfCalls::default(),
        steps: FirstSteps::default(),
    };
    assert_eq!(overview(&store, &member).await, none);
}

async fn each_step_is_taken_when_it_is_true_of_any_token(store: TestStore) {
    let member = store.enterprise(903).await;
    let created = FirstSteps {
        created: true,
        ..FirstSteps::default()
    };
    let copied = FirstSteps {
        copied: true,
        ..created
    };
    let called = FirstSteps {
        called: true,
        ..copied
    };
    let token = create(&store, &member).await;
    create(&store, &member).await;
    assert_eq!(overview(&store, &member).await.steps, created);
    store
        .usage()
        .count(token, START, Some(Refusal::EventMismatch));
    assert_eq!(overview(&store, &member).await.steps, created);
    let copy = store.tokens().note_copy(&member, token).await;
    copy.expect("noted");
    assert_eq!(overview(&store, &member).await.steps, copied);
    // Before it is written, as well.
    store.usage().count(token, START, None);
    assert_eq!(overview(&store, &member).await.steps, called);

    // A call proves that somebody has the token.
    let other = store.enterprise(904).await;
    let used = create(&store, &other).await;
    store.usage().count(used, START, None);
    assert_eq!(overview(&store, &other).await.steps, called);
}

async fn the_steps_are_long_done_once_a_call_is_older_than_yesterday(store: TestStore) {
    let member = store.enterprise(903).await;
    let token = create(&store, &member).await;
    let long_done = async || overview(&store, &member).await.steps.long_done;
    store.usage().count(token, START, None);
    store.usage().flush().await.expect("flushed");
    store.clock.advance(2 * DAY - 6 * HOUR - 1);
    assert!(!long_done().await);
    store.clock.advance(1);
    assert!(long_done().await);
    // Also if the token is in use now.
    store.usage().count(token, store.clock().now(), None);
    store.usage().flush().await.expect("flushed");
    assert!(long_done().await);
}

async fn only_the_first_copy_of_a_members_own_token_counts(store: TestStore) {
    let member = store.enterprise(903).await;
    let foreign = store.enterprise(904).await;
    let token = create(&store, &member).await;
    let refused = store.tokens().note_copy(&foreign, token).await;
    assert_refused!(refused, TokenError::NoSuchToken(id) if id == token);
    let copied_at = async || {
        let sql = "SELECT copied_at FROM tokens WHERE copied_at IS NOT NULL";
        store.raw().numbers(sql).await
    };
    assert_eq!(copied_at().await, [0; 0]);
    for _ in 0..2 {
        let copy = store.tokens().note_copy(&member, token).await;
        copy.expect("noted");
        assert_eq!(copied_at().await, [START.0]);
        store.clock.advance(1);
    }
}

async fn copying_and_figures_are_refused_on_other_plans(store: TestStore) {
    let member = store.enterprise(903).await;
    let token = create(&store, &member).await;
    store.set_plan(903, Plan::Pro).await;
    let refused = store.tokens().note_copy(&member, token).await;
    assert_refused!(refused, TokenError::PlanRequired(PlanRequired(Plan::Pro)));
    let refused = store.tokens().overview((&member).into()).await;
    assert_refused!(refused, TokenError::PlanRequired(PlanRequired(Plan::Pro)));
}
