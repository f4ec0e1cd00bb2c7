//! The audit trail: which changes are recorded, who may read the records, and that records cannot be changed.

use model::{
    audit::{Account, Actor, Cursor, Entry, EntryKey, EntryPage, Filter, Kind},
    client::{Client, ClientAddress, UserAgent},
    organisation::{OrganisationId, Plan, Role},
    token::{TokenId, TokenName},
    user::Email,
};
use sqlx::AssertSqlSafe;
use store::{
    AuditPermission, Member, Origin, Store, TokenPermission,
    error::{
        AccountError, AuditError, PlanRequired, PruneError, SessionError, SignInError, TokenError,
    },
    sessions::{IDLE_TIMEOUT, SessionKey},
};
use tokio::task::JoinSet;

use crate::{
    failures::assert_refused_by_database,
    harness::{Engine, PASSWORD, Raw, START, TestStore, email},
};

on_both_engines!(
    every_change_of_a_token_records_who_what_when_and_from_where,
    a_rename_records_both_names_and_later_records_show_the_new_one,
    changes_at_the_command_line_are_recorded_as_the_operators,
    what_changes_nothing_leaves_no_record,
    a_change_whose_record_cannot_be_written_is_not_made,
    a_change_whose_commit_fails_leaves_no_record,
    of_concurrent_deactivations_one_is_recorded,
    concurrent_renames_form_a_chain_in_the_trail,
    concurrent_changes_of_a_plan_form_a_chain_in_the_trail,
    a_sign_in_is_shown_to_the_accounts_organisations_at_that_time_and_to_no_other,
    an_address_without_an_account_is_not_kept,
    the_end_of_a_session_is_recorded_once,
    an_expired_session_leaves_no_record_of_a_sign_out,
    each_change_of_an_account_by_its_owner_is_recorded_once,
    a_sign_in_that_is_refused_unchecked_leaves_no_record,
    distrust_after_a_restore_is_recorded_for_each_token_and_account,
    members_of_other_organisations_or_on_other_plans_read_nothing,
    members_never_see_the_name_of_an_operator,
    records_of_a_deleted_token_keep_its_number_and_preview,
    the_schema_refuses_to_change_replace_or_remove_a_record,
    pruning_is_recorded_and_no_record_is_removed_without_that,
    paging_shows_every_record_once_in_both_directions,
    a_filter_shows_exactly_the_records_it_names,
    every_statement_that_reads_the_trail_uses_an_index,
);

const ALL: Filter = Filter {
    kind: None,
    token: None,
    since: None,
    until: None,
};

fn from_browser(store: &Store) -> Store {
    let address = ClientAddress::new("203.0.113.7".parse().expect("an address"));
    store.on_behalf_of(Origin::Request(Client {
        address: Some(address),
        user_agent: UserAgent::from_header(b"Mozilla/5.0 (X11)"),
    }))
}

fn operator(organisation: i64) -> TokenPermission<'static> {
    TokenPermission::Operator(OrganisationId(organisation))
}

async fn page(store: &Store, permission: AuditPermission<'_>, filter: Filter) -> EntryPage {
    let audit = store.audit();
    let page = audit.list(permission, filter, Cursor::Newest, 100).await;
    page.expect("listed")
}

/// All records, as an operator sees them, newest first.
async fn everything(store: &Store) -> Vec<Entry> {
    page(store, AuditPermission::Operator(None), ALL)
        .await
        .entries
}

async fn kinds(store: &Store, permission: AuditPermission<'_>) -> Vec<Kind> {
    let entries = page(store, permission, ALL).await.entries;
    entries.into_iter().map(|entry| entry.kind).collect()
}

async fn create(store: &Store, member: &Member) -> TokenId {
    let created = store.tokens().create(member, None).await.expect("created");
    created.summary.id
}

async fn set_active(store: &Store, member: &Member, token: TokenId, active: bool) {
    let switched = store
        .tokens()
        .set_active(member.into(), token, active)
        .await;
    switched.expect("switched");
}

fn account(member: &Member) -> Account {
    Account {
        id: member.user_id(),
        email: member.email().to_string(),
    }
}

async fn every_change_of_a_token_records_who_what_when_and_from_where(store: TestStore) {
    let member = store.enterprise(903).await;
    let browser = from_browser(&store);
    let created = browser
        .tokens()
        .create(&member, None)
        .await
        .expect("created");
    let token = created.summary.id;
    store.clock.advance(1_000);
    set_active(&browser, &member, token, false).await;
    store.clock.advance(1_000);
    set_active(&browser, &member, token, true).await;
    store.clock.advance(1_000);
    let gone = browser.tokens().delete((&member).into(), token).await;
    gone.expect("deleted");

    let entries = page(&store, (&member).into(), ALL).await.entries;
    let expected = [
        (Kind::TokenDeleted, 3_000),
        (Kind::TokenActivated, 2_000),
        (Kind::TokenDeactivated, 1_000),
        (Kind::TokenCreated, 0),
    ];
    // The last record is that of the new member.
    assert_eq!(entries.len(), expected.len() + 1);
    for (entry, (kind, after)) in entries.iter().zip(expected) {
        assert_eq!((entry.kind, entry.key.at), (kind, START.plus_millis(after)));
        assert_eq!(entry.actor, Actor::User(account(&member)));
        assert_eq!(entry.organisation, Some(OrganisationId(903)));
        let named = entry.token.as_ref().expect("a token");
        assert_eq!(
            (named.id, &named.preview),
            (token, &created.summary.preview)
        );
        assert_eq!(entry.address.as_deref(), Some("203.0.113.7"));
        assert_eq!(entry.user_agent.as_deref(), Some("Mozilla/5.0 (X11)"));
    }
}

async fn a_rename_records_both_names_and_later_records_show_the_new_one(store: TestStore) {
    let member = store.enterprise(903).await;
    let name = |text: &str| Some(TokenName::parse(text).expect("a name"));
    let browser = from_browser(&store);
    let created = browser.tokens().create(&member, name("Kiosk")).await;
    let token = created.expect("created").summary.id;
    for new in [name("Gallery"), name("Gallery"), None, None, name("=1+1")] {
        store.clock.advance(1_000);
        let renamed = browser.tokens().rename((&member).into(), token, new).await;
        renamed.expect("renamed");
    }
    store.clock.advance(1_000);
    set_active(&browser, &member, token, false).await;
    store.clock.advance(1_000);
    store.distrust_restored().await.expect("paused");

    let entries = page(&store, (&member).into(), ALL).await.entries;
    let found: Vec<_> = entries
        .iter()
        .filter_map(|entry| {
            let token = entry.token.clone()?;
            Some((entry.kind, token.name, token.renamed_to))
        })
        .collect();
    assert_eq!(
        found,
        [
            (Kind::TokenDeactivated, name("=1+1"), None),
            (Kind::TokenRenamed, None, name("=1+1")),
            (Kind::TokenRenamed, name("Gallery"), None),
            (Kind::TokenRenamed, name("Kiosk"), name("Gallery")),
            (Kind::TokenCreated, name("Kiosk"), None),
        ]
    );
    let renamed = &entries[1];
    assert_eq!(renamed.actor, Actor::User(account(&member)));
    assert_eq!(renamed.address.as_deref(), Some("203.0.113.7"));
}

async fn changes_at_the_command_line_are_recorded_as_the_operators(store: TestStore) {
    let command_line = store.on_behalf_of(Origin::operator(Some("root")));
    let ada = store.enterprise(903).await;
    let token = create(&command_line, &ada).await;
    let tokens = command_line.tokens();
    let off = tokens.set_active(operator(903), token, false).await;
    off.expect("switched");
    let organisations = command_line.organisations();
    let plan = organisations.set_plan(OrganisationId(903), Plan::Pro).await;
    plan.expect("changed");
    let sign_in = command_line.sign_in();
    let password = sign_in.set_password(ada.email(), "another password").await;
    password.expect("changed");

    let entries = everything(&store).await;
    let found: Vec<_> = entries.iter().map(|entry| entry.kind).collect();
    let expected = [
        Kind::PasswordChanged,
        Kind::PlanChanged,
        Kind::TokenDeactivated,
        Kind::TokenCreated,
    ];
    assert_eq!(found[..4], expected);
    for entry in &entries[..4] {
        assert_eq!(entry.actor, Actor::Operator(Some("root".to_owned())));
        assert_eq!((&entry.address, &entry.user_agent), (&None, &None));
    }
    assert_eq!(entries[0].account, Some(account(&ada)));
    assert_eq!(entries[1].plans, Some((Plan::Enterprise, Plan::Pro)));
    assert_eq!(
        entries[3].account,
        Some(account(&ada)),
        "in whose name it was made"
    );
}

async fn what_changes_nothing_leaves_no_record(store: TestStore) {
    let member = store.enterprise(903).await;
    let token = create(&store, &member).await;
    set_active(&store, &member, token, false).await;
    for _ in 1..10 {
        create(&store, &member).await;
    }
    let before = store.raw().dump().await;
    set_active(&store, &member, token, false).await;
    store.set_plan(903, Plan::Enterprise).await;
    let full = store.tokens().create(&member, None).await;
    assert_refused!(full, TokenError::LimitReached);
    let nowhere = store.tokens().delete(operator(903), TokenId(4_711)).await;
    assert_refused!(nowhere, TokenError::NoSuchToken(_));
    let users = store.users();
    let again = users
        .join(member.email(), OrganisationId(903), Role::User)
        .await;
    assert_refused!(again, AccountError::AlreadyAMember(_));
    let nobody = email("nobody@example.com");
    let unknown = store.sign_in().set_password(&nobody, PASSWORD).await;
    assert_refused!(unknown, AccountError::NoSuchUser(_));
    assert_eq!(
        store.audit().prune(START).await.expect("nothing to prune"),
        0
    );
    assert_eq!(store.raw().dump().await, before);
}

/// Makes the database refuse writes to a table: immediately, or only at the commit.
async fn break_table(store: &TestStore, table: &str, on_commit: bool) {
    let sql = match (store.raw().engine(), on_commit) {
        (Engine::Sqlite, false) => format!(
            "CREATE TRIGGER broken BEFORE INSERT ON {table}
                BEGIN SELECT RAISE(ABORT, 'broken'); END;"
        ),
        (Engine::Sqlite, true) => format!(
            "CREATE TABLE probe (id INTEGER REFERENCES organisations (id) DEFERRABLE INITIALLY DEFERRED);
            CREATE TRIGGER broken AFTER INSERT ON {table} BEGIN INSERT INTO probe VALUES (-1); END;"
        ),
        (Engine::Postgres, on_commit) => format!(
            "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN RAISE EXCEPTION ''broken''; END';
            CREATE {} TRIGGER broken {} INSERT ON {table} {} FOR EACH ROW EXECUTE FUNCTION broken();",
            if on_commit { "CONSTRAINT" } else { "" },
            if on_commit { "AFTER" } else { "BEFORE" },
            if on_commit { "DEFERRABLE INITIALLY DEFERRED" } else { "" },
        ),
    };
    store.raw().execute(&sql).await;
}

async fn sign_in(store: &Store, somebody: &Member) -> SessionKey {
    let sign_in = store.sign_in();
    let signed_in = sign_in.with_password(somebody.email(), PASSWORD, None, None);
    signed_in.await.expect("signed in").session
}

/// Signs in with this address and a wrong password.
async fn fail_to_sign_in(store: &Store, address: &Email) {
    let sign_in = store.sign_in();
    let wrong = sign_in.with_password(address, "not the password", None, None);
    assert_refused!(wrong.await, SignInError::WrongPassword);
}

async fn a_change_whose_record_cannot_be_written_is_not_made(store: TestStore) {
    let member = store.enterprise(903).await;
    store.organisation(904, Plan::Pro).await;
    let token = create(&store, &member).await;
    let paused = create(&store, &member).await;
    set_active(&store, &member, paused, false).await;
    let key = sign_in(&store, &member).await;
    let session = store.sessions().find(&key).await;
    let session = session.expect("an answer").expect("a session");
    let before = store.raw().dump().await;
    for table in ["audit_entries", "audit_audience"] {
        break_table(&store, table, false).await;
        let (tokens, users) = (store.tokens(), store.users());
        let new = email("new@example.com");
        assert_refused_by_database(tokens.create(&member, None).await);
        let off = tokens.set_active((&member).into(), token, false).await;
        assert_refused_by_database(off);
        let on = tokens.set_active((&member).into(), paused, true).await;
        assert_refused_by_database(on);
        let name = TokenName::parse("Kiosk").ok();
        let renamed = tokens.rename((&member).into(), token, name).await;
        assert_refused_by_database(renamed);
        let gone = tokens.delete((&member).into(), token).await;
        assert_refused_by_database(gone);
        let plan = store
            .organisations()
            .set_plan(OrganisationId(903), Plan::Trial)
            .await;
        assert_refused_by_database(plan);
        let made = users
            .create(&new, PASSWORD, OrganisationId(903), Role::User)
            .await;
        assert_refused_by_database(made);
        let joined = users
            .join(member.email(), OrganisationId(904), Role::User)
            .await;
        assert_refused_by_database(joined);
        let changed = store
            .sign_in()
            .set_password(member.email(), "another password")
            .await;
        assert_refused_by_database(changed);
        let own = store.sign_in();
        let own = own
            .change_password(&session, PASSWORD, "another password", None)
            .await;
        assert_refused_by_database(own);
        let sessions = store.sessions();
        let signed_out = sessions.end_by_key(&key).await;
        assert_refused_by_database(signed_out);
        let ended = sessions.end(&session, session.id()).await;
        assert_refused_by_database(ended);
        let all = sessions.end_all(&session).await;
        assert_refused_by_database(all);
        assert_refused_by_database(store.distrust_restored().await);
        for password in [PASSWORD, "not the password"] {
            let sign_in = store.sign_in();
            let signed_in = sign_in
                .with_password(member.email(), password, None, None)
                .await;
            assert_refused_by_database(signed_in);
        }
        store
            .raw()
            .execute(
                match store.raw().engine() {
                    Engine::Sqlite => "DROP TRIGGER broken".to_owned(),
                    Engine::Postgres => {
                        format!("DROP TRIGGER broken ON {table}; DROP FUNCTION broken")
                    }
                }
                .as_str(),
            )
            .await;
        assert_eq!(store.raw().dump().await, before, "{table}");
    }
}

async fn a_change_whose_commit_fails_leaves_no_record(store: TestStore) {
    let member = store.enterprise(903).await;
    let before = everything(&store).await;
    break_table(&store, "tokens", true).await;
    let refused = store.tokens().create(&member, None).await;
    assert_refused_by_database(refused);
    assert_eq!(everything(&store).await, before);
}

async fn of_concurrent_deactivations_one_is_recorded(store: TestStore) {
    let member = store.enterprise(903).await;
    let token = create(&store, &member).await;
    let servers = [store.server(), store.another_server().await];
    let mut pauses = JoinSet::new();
    for n in 0..12 {
        let (server, member) = (servers[n % 2].clone(), member.clone());
        pauses.spawn(async move {
            let paused = server
                .tokens()
                .set_active((&member).into(), token, false)
                .await;
            paused.expect("switched").token.status.is_active()
        });
    }
    assert_eq!(pauses.join_all().await, [false; 12]);
    let filter = Filter {
        kind: Some(Kind::TokenDeactivated),
        ..ALL
    };
    let found = page(&store, AuditPermission::Operator(None), filter).await;
    assert_eq!(found.entries.len(), 1);
}

/// The old name in each record is the new name in the record before.
async fn concurrent_renames_form_a_chain_in_the_trail(store: TestStore) {
    let member = store.enterprise(903).await;
    let token = create(&store, &member).await;
    let servers = [store.server(), store.another_server().await];
    let mut renamings = JoinSet::new();
    for n in 0..12 {
        let (server, member) = (servers[n % 2].clone(), member.clone());
        renamings.spawn(async move {
            let name = TokenName::parse(&format!("Name {n}")).ok();
            let renamed = server.tokens().rename((&member).into(), token, name).await;
            renamed.expect("renamed")
        });
    }
    assert_eq!(renamings.join_all().await.len(), 12);
    let filter = Filter {
        kind: Some(Kind::TokenRenamed),
        ..ALL
    };
    let mut entries = page(&store, (&member).into(), filter).await.entries;
    entries.reverse();
    let renamed = entries.into_iter().filter_map(|entry| entry.token);
    let last = renamed.fold((0, None), |(count, name), token| {
        assert_eq!(token.name, name);
        (count + 1, token.renamed_to)
    });
    let listed = store.tokens().list((&member).into()).await.expect("listed");
    assert_eq!(last, (12, listed[0].name.clone()));
}

async fn concurrent_changes_of_a_plan_form_a_chain_in_the_trail(store: TestStore) {
    store.organisation(903, Plan::Trial).await;
    let servers = [store.server(), store.another_server().await];
    let mut changes = JoinSet::new();
    for n in 0..16 {
        let server = servers[n % 2].clone();
        let plan = Plan::ALL[n % 4];
        changes.spawn(async move {
            let changed = server
                .organisations()
                .set_plan(OrganisationId(903), plan)
                .await;
            assert_eq!(changed.expect("changed").organisation.plan, plan);
        });
    }
    changes.join_all().await;
    let mut entries = everything(&store).await;
    // All records have the same time, and PostgreSQL assigns numbers before it orders the changes.
    let mut plan = Plan::Trial;
    while !entries.is_empty() {
        let next = entries
            .iter()
            .rposition(|entry| entry.plans.is_some_and(|it| it.0 == plan));
        let (_, after) = entries
            .remove(next.expect("one that follows"))
            .plans
            .expect("plans");
        assert_ne!(after, plan);
        plan = after;
    }
    assert_eq!(
        store.organisations().list().await.expect("listed")[0].plan,
        plan
    );
}

async fn a_sign_in_is_shown_to_the_accounts_organisations_at_that_time_and_to_no_other(
    store: TestStore,
) {
    let ada = store.enterprise(903).await;
    let harbour = store.enterprise(904).await;
    let city = store.enterprise(905).await;
    let browser = from_browser(&store);
    sign_in(&browser, &ada).await;
    store.join(&ada, 904, Role::User).await;
    fail_to_sign_in(&browser, ada.email()).await;

    let added = Kind::MemberAdded;
    assert_eq!(
        kinds(&store, (&ada).into()).await,
        [Kind::SignInFailed, Kind::SignedIn, added]
    );
    assert_eq!(
        kinds(&store, (&harbour).into()).await,
        [Kind::SignInFailed, added, added],
        "joining brings no earlier sign-in along"
    );
    assert_eq!(kinds(&store, (&city).into()).await, [added]);
    assert_eq!(
        kinds(&store, AuditPermission::Operator(None)).await.len(),
        6,
        "each once"
    );

    let entries = page(&store, (&ada).into(), ALL).await.entries;
    assert_eq!(entries[0].actor, Actor::Unknown, "the actor is unknown");
    assert_eq!(entries[0].account, Some(account(&ada)));
    assert_eq!(entries[1].actor, Actor::User(account(&ada)));
    assert_eq!(entries[1].organisation, None);
    assert_eq!(entries[1].address.as_deref(), Some("203.0.113.7"));
}

async fn an_address_without_an_account_is_not_kept(store: TestStore) {
    let ada = store.enterprise(903).await;
    let typed = email("my-p@ssword-by-mistake");
    fail_to_sign_in(&from_browser(&store), &typed).await;
    let newest = everything(&store).await.remove(0);
    assert_eq!(
        (newest.kind, newest.actor),
        (Kind::SignInFailed, Actor::Unknown)
    );
    assert_eq!((newest.account, newest.organisation), (None, None));
    assert_eq!(newest.address.as_deref(), Some("203.0.113.7"));
    assert!(!store.raw().dump().await.contains("by-mistake"));
    assert_eq!(kinds(&store, (&ada).into()).await, [Kind::MemberAdded]);
    let mine = AuditPermission::Operator(Some(OrganisationId(903)));
    assert_eq!(kinds(&store, mine).await, [Kind::MemberAdded]);
}

async fn the_end_of_a_session_is_recorded_once(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    for _ in 0..2 {
        let signed_out = store.sessions().end_by_key(&key).await;
        signed_out.expect("signed out");
        let found = store.sessions().find(&key).await;
        assert_eq!(found.expect("an answer"), None);
    }
    assert_eq!(
        kinds(&store, (&ada).into()).await,
        [Kind::SignedOut, Kind::SignedIn, Kind::MemberAdded]
    );
}

async fn an_expired_session_leaves_no_record_of_a_sign_out(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    let idle = i64::try_from(IDLE_TIMEOUT.as_millis()).expect("hours");
    store.clock.advance(idle);
    store
        .sessions()
        .end_by_key(&key)
        .await
        .expect("nothing to end");
    assert_eq!(
        kinds(&store, (&ada).into()).await,
        [Kind::SignedIn, Kind::MemberAdded]
    );
}

async fn each_change_of_an_account_by_its_owner_is_recorded_once(store: TestStore) {
    let ada = store.enterprise(903).await;
    let browser = from_browser(&store);
    let here = sign_in(&browser, &ada).await;
    let here = store.sessions().find(&here).await.expect("an answer");
    let here = here.expect("a session");
    let changed = browser.sign_in();
    let changed = changed
        .change_password(&here, PASSWORD, "another password", None)
        .await;
    let key = changed.expect("changed").session;
    let here = store.sessions().find(&key).await.expect("an answer");
    let here = here.expect("a session");
    let ended = browser.sessions().end(&here, here.id()).await;
    ended.expect("ended");
    for _ in 0..2 {
        let again = browser.sessions().end(&here, here.id()).await;
        assert_refused!(again, SessionError::Ended);
        let all = browser.sessions().end_all(&here).await;
        assert_refused!(all, SessionError::Ended);
    }
    let entries = page(&store, (&ada).into(), ALL).await.entries;
    let found: Vec<_> = entries.iter().map(|entry| entry.kind).collect();
    let expected = [
        Kind::SessionsEnded,
        Kind::PasswordChanged,
        Kind::SignedIn,
        Kind::MemberAdded,
    ];
    assert_eq!(found, expected);
    for entry in &entries[..3] {
        assert_eq!(entry.actor, Actor::User(account(&ada)));
        assert_eq!(entry.address.as_deref(), Some("203.0.113.7"));
    }
}

async fn a_sign_in_that_is_refused_unchecked_leaves_no_record(store: TestStore) {
    let ada = store.enterprise(903).await;
    let browser = from_browser(&store);
    for _ in 0..5 {
        fail_to_sign_in(&browser, ada.email()).await;
    }
    let before = everything(&store).await;
    let sign_in = browser.sign_in();
    let refused = sign_in
        .with_password(ada.email(), PASSWORD, None, None)
        .await;
    assert_refused!(refused, SignInError::TooManyTries(_));
    assert_eq!(everything(&store).await, before);
}

async fn distrust_after_a_restore_is_recorded_for_each_token_and_account(store: TestStore) {
    let (ada, bob) = (store.enterprise(903).await, store.enterprise(904).await);
    let tokens = [create(&store, &ada).await, create(&store, &bob).await];
    let paused = create(&store, &ada).await;
    set_active(&store, &ada, paused, false).await;
    for _ in 0..2 {
        sign_in(&store, &ada).await;
    }
    let before = everything(&store).await;
    let command_line = store.on_behalf_of(Origin::operator(Some("root")));
    for _ in 0..2 {
        command_line.distrust_restored().await.expect("done");
    }
    let entries = everything(&store).await;
    let new = &entries[..entries.len() - before.len()];
    assert_eq!(new.len(), 3, "{new:?}");
    for entry in new {
        assert_eq!(entry.actor, Actor::Operator(Some("root".to_owned())));
    }
    assert_eq!(new[0].kind, Kind::SessionsEnded);
    assert_eq!(new[0].account, Some(account(&ada)));
    for (token, organisation) in tokens.into_iter().zip([903, 904]) {
        let record = new.iter().find(|entry| {
            entry.kind == Kind::TokenDeactivated
                && entry.token.as_ref().map(|it| it.id) == Some(token)
        });
        let record = record.expect("a record").organisation;
        assert_eq!(record, Some(OrganisationId(organisation)));
    }
}

async fn members_of_other_organisations_or_on_other_plans_read_nothing(store: TestStore) {
    let ada = store.enterprise(903).await;
    let stranger = store.enterprise(904).await;
    let token = create(&store, &ada).await;
    let filter = Filter {
        token: Some(token),
        ..ALL
    };
    assert_eq!(page(&store, (&ada).into(), filter).await.entries.len(), 1);
    assert_eq!(page(&store, (&stranger).into(), filter).await.entries, []);
    assert_eq!(kinds(&store, (&stranger).into()).await, [Kind::MemberAdded]);
    for plan in [Plan::Trial, Plan::PayAsYouGo, Plan::Pro] {
        store.set_plan(903, plan).await;
        let ada = store.member_of(ada.email(), OrganisationId(903)).await;
        let refused = store
            .audit()
            .list((&ada).into(), ALL, Cursor::Newest, 10)
            .await;
        assert_refused!(refused, AuditError::PlanRequired(PlanRequired(on)) if on == plan);
    }
    let nowhere = AuditPermission::Operator(Some(OrganisationId(1)));
    let refused = store.audit().list(nowhere, ALL, Cursor::Newest, 10).await;
    assert_refused!(refused, AuditError::NoSuchOrganisation(_));
}

async fn members_never_see_the_name_of_an_operator(store: TestStore) {
    let ada = store.enterprise(903).await;
    let token = create(&store, &ada).await;
    let command_line = store.on_behalf_of(Origin::operator(Some("root")));
    let gone = command_line.tokens().delete(operator(903), token).await;
    gone.expect("deleted");
    let newest = page(&store, (&ada).into(), ALL).await.entries.remove(0);
    assert_eq!(
        (newest.kind, newest.actor),
        (Kind::TokenDeleted, Actor::Operator(None))
    );
}

async fn records_of_a_deleted_token_keep_its_number_and_preview(store: TestStore) {
    let ada = store.enterprise(903).await;
    let created = store.tokens().create(&ada, None).await.expect("created");
    let token = created.summary.id;
    store
        .tokens()
        .delete((&ada).into(), token)
        .await
        .expect("deleted");
    let filter = Filter {
        token: Some(token),
        ..ALL
    };
    let entries = page(&store, (&ada).into(), filter).await.entries;
    assert_eq!(entries.len(), 2);
    for entry in entries {
        let named = entry.token.expect("a token");
        assert_eq!(
            (named.id, named.preview),
            (token, created.summary.preview.clone())
        );
    }
}

async fn the_schema_refuses_to_change_replace_or_remove_a_record(store: TestStore) {
    let ada = store.enterprise(903).await;
    create(&store, &ada).await;
    let before = store.raw().dump().await;
    let mut attempts = vec![
        "UPDATE audit_entries SET actor_name = 'somebody else'",
        "UPDATE audit_entries SET recorded_at = recorded_at WHERE id = 1",
        "DELETE FROM audit_entries",
        "DELETE FROM audit_entries WHERE id = 1",
        "UPDATE audit_audience SET organisation_id = 904",
        "DELETE FROM audit_audience",
        "INSERT INTO audit_audience (entry_id, organisation_id, recorded_at, kind)
            SELECT entry_id, organisation_id, 0, kind FROM audit_audience WHERE TRUE
            ON CONFLICT (entry_id, organisation_id) DO UPDATE SET recorded_at = 0",
    ];
    attempts.extend_from_slice(match store.raw().engine() {
        Engine::Sqlite => &[
            "INSERT OR REPLACE INTO audit_entries (id, recorded_at, kind, actor)
                VALUES (1, 0, 'signed-in', 'nobody')",
            "REPLACE INTO audit_audience (entry_id, organisation_id, recorded_at, kind)
                VALUES (1, 903, 0, 'signed-in')",
        ][..],
        Engine::Postgres => &["TRUNCATE audit_entries CASCADE", "TRUNCATE audit_audience"],
    });
    for attempt in attempts {
        let refused = store.raw().try_execute(attempt).await;
        let refused = refused.expect_err(attempt).to_string();
        assert!(refused.contains("append-only"), "{attempt}: {refused}");
    }
    assert_eq!(store.raw().dump().await, before);
}

async fn pruning_is_recorded_and_no_record_is_removed_without_that(store: TestStore) {
    let ada = store.enterprise(903).await;
    let token = create(&store, &ada).await;
    store.clock.advance(10_000);
    set_active(&store, &ada, token, false).await;
    store.clock.advance(10_000);
    let ahead = store.audit().prune(START.plus_millis(20_001)).await;
    assert_refused!(ahead, PruneError::Future);

    let command_line = store.on_behalf_of(Origin::operator(Some("root")));
    let before = START.plus_millis(10_000);
    let pruned = command_line.audit().prune(before).await;
    assert_eq!(pruned.expect("pruned"), 2);
    let entries = everything(&store).await;
    let found: Vec<_> = entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(found, [Kind::AuditPruned, Kind::TokenDeactivated]);
    assert_eq!(entries[0].pruned_before, Some(before));
    assert_eq!(entries[0].actor, Actor::Operator(Some("root".to_owned())));
    assert_eq!(kinds(&store, (&ada).into()).await, [Kind::TokenDeactivated]);
    assert_eq!(
        store
            .raw()
            .number("SELECT COUNT(*) FROM audit_audience")
            .await,
        1
    );

    let refused = store.raw().try_execute("DELETE FROM audit_entries").await;
    refused.expect_err("what is left is as safe as before");
    assert_eq!(command_line.audit().prune(before).await.expect("pruned"), 0);
    assert_eq!(everything(&store).await, entries);
}

/// Inserts `count` records, three per millisecond, of two tokens in turn.
async fn many_records(store: &TestStore, count: i64) {
    let numbers = match store.raw().engine() {
        Engine::Sqlite => format!(
            "(WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})
            SELECT n FROM n) AS numbers"
        ),
        Engine::Postgres => format!("(SELECT n FROM generate_series(1, {count}) AS n) AS numbers"),
    };
    let start = START.epoch_millis();
    store
        .raw()
        .execute(&format!(
            "INSERT INTO audit_entries (recorded_at, kind, actor, organisation_id, token_id, token_preview)
            SELECT {start} + numbers.n / 3,
                CASE WHEN numbers.n % 40 = 0 THEN 'token-paused' ELSE 'token-resumed' END,
                'nobody', 903 + numbers.n % 2, numbers.n % 50, 'abcde'
            FROM {numbers};
            INSERT INTO audit_audience (entry_id, organisation_id, recorded_at, kind, token_id)
            SELECT id, organisation_id, recorded_at, kind, token_id FROM audit_entries
            WHERE kind LIKE 'token-%'"
        ))
        .await;
}

async fn paging_shows_every_record_once_in_both_directions(store: TestStore) {
    let ada = store.enterprise(904).await;
    many_records(&store, 61).await;
    let all: Vec<_> = keys(&page(&store, (&ada).into(), ALL).await);
    assert_eq!(all.len(), 32);
    assert!(all.is_sorted_by(|a, b| a > b));

    let list = async |place| {
        let page = store.audit().list((&ada).into(), ALL, place, 7).await;
        page.expect("listed")
    };
    let (mut walked, mut place) = (Vec::new(), Cursor::Newest);
    let oldest = loop {
        let page = list(place).await;
        assert_eq!(page.has_newer, !walked.is_empty());
        walked.extend(keys(&page));
        if !page.has_older {
            break keys(&page);
        }
        place = Cursor::Before(*walked.last().expect("a record"));
        // A record that is added meanwhile changes nothing.
        store.clock.advance(100_000);
        sign_in(&store, &ada).await;
    };
    assert_eq!(walked, all);

    let mut found = oldest.clone();
    let mut newest_found = oldest[0];
    loop {
        let page = list(Cursor::After(newest_found)).await;
        let newer = keys(&page);
        if !page.has_newer {
            assert_eq!(newer, keys(&list(Cursor::Newest).await), "a full page");
            found.extend(newer);
            break;
        }
        assert!(page.has_older && newer.last() > Some(&newest_found));
        newest_found = newer[0];
        found.extend(newer);
    }
    assert!(all.iter().all(|key| found.contains(key)));
}

fn keys(page: &EntryPage) -> Vec<EntryKey> {
    page.entries.iter().map(|entry| entry.key).collect()
}

async fn a_filter_shows_exactly_the_records_it_names(store: TestStore) {
    store.organisation(904, Plan::Enterprise).await;
    many_records(&store, 61).await;
    let (since, until) = (START.plus_millis(10), START.plus_millis(40));
    for organisation in [None, Some(OrganisationId(904))] {
        for kind in [
            None,
            Some(Kind::TokenDeactivated),
            Some(Kind::TokenActivated),
        ] {
            for token in [None, Some(TokenId(11))] {
                for (since, until) in [
                    (None, None),
                    (Some(since), None),
                    (None, Some(until)),
                    (Some(since), Some(until)),
                ] {
                    let filter = Filter {
                        kind,
                        token,
                        since,
                        until,
                    };
                    let permission = AuditPermission::Operator(organisation);
                    let found = page(&store, permission, filter).await.entries;
                    let wanted = everything(&store).await.into_iter().filter(|entry| {
                        organisation.is_none_or(|id| entry.organisation == Some(id))
                            && kind.is_none_or(|kind| entry.kind == kind)
                            && token
                                .is_none_or(|id| entry.token.as_ref().map(|it| it.id) == Some(id))
                            && since.is_none_or(|since| entry.key.at >= since)
                            && until.is_none_or(|until| entry.key.at < until)
                    });
                    let wanted: Vec<_> = wanted.collect();
                    assert_eq!(found, wanted, "{organisation:?} {filter:?}");
                }
            }
        }
    }
}

async fn every_statement_that_reads_the_trail_uses_an_index(store: TestStore) {
    many_records(&store, 20_000).await;
    for analysed in [false, true] {
        if analysed {
            store.raw().execute("ANALYZE").await;
        }
        for sql in store::audit::reads() {
            let plan = plan(store.raw(), &sql).await;
            assert!(plan.iter().any(|step| step.contains("audit_")), "{plan:#?}");
            for step in &plan {
                let costly = ["SCAN ", "Seq Scan", "TEMP B-TREE"];
                let reads_all = costly.iter().any(|word| step.contains(word))
                    // The few records of one token may be sorted after they are found. Before PostgreSQL has statistics
                    // of the table, it also assumes few records of each kind.
                    || analysed
                        && step.contains("Sort")
                        && !sql.contains("token_id = ");
                // For all records in order, the first page is the beginning of an index.
                let beginning = step.contains("USING INDEX audit_entries_by_time");
                assert!(!reads_all || beginning, "{step}\n{sql}: {plan:#?}");
            }
        }
    }
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
