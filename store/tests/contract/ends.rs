//! Ended means ended: once the end of a session or a membership is reported, no request in its name changes anything.
//! This includes requests that began before.

use std::time::Duration;

use model::{
    organisation::{OrganisationId, Plan},
    token::{TokenId, TokenName},
};
use sqlx::{Connection, PgConnection};
use store::{
    Member, Store, TokenPermission,
    error::{MemberError, PlanRequired, SessionError, SignInError, TokenError},
    sessions::{ABSOLUTE_TIMEOUT, IDLE_TIMEOUT, Session, SessionKey},
};

use crate::harness::{PASSWORD, TestStore};

on_both_engines!(
    a_request_whose_session_ends_before_its_change_changes_nothing,
    a_request_whose_membership_ends_before_its_change_changes_nothing,
    an_operator_creates_no_token_in_the_name_of_a_user_who_has_left,
);

on_postgres_alone!(an_end_waits_for_a_change_that_has_begun);

const ORGANISATION: OrganisationId = OrganisationId(903);

/// Ways to end a session. Not among them: the limit on a user's sessions, another sign-in in the same browser, and
/// `after-restore`. They delete the same row as [`End::FromAnotherSession`].
#[derive(Clone, Copy, Debug)]
enum End {
    PasswordSetByAnOperator,
    PasswordSetByAResetLink,
    SignOut,
    FromAnotherSession,
    EverywhereFromAnotherSession,
    PasswordChangedInAnotherSession,
    /// The session continues with another key. The request has the old one.
    PasswordChangedInTheSameSession,
    MemberRemoved,
    AccountDisabled,
    AccountDeleted,
    IdleTime,
    AbsoluteTime,
}

const ENDS: [End; 12] = [
    End::PasswordSetByAnOperator,
    End::PasswordSetByAResetLink,
    End::SignOut,
    End::FromAnotherSession,
    End::EverywhereFromAnotherSession,
    End::PasswordChangedInAnotherSession,
    End::PasswordChangedInTheSameSession,
    End::MemberRemoved,
    End::AccountDisabled,
    End::AccountDeleted,
    End::IdleTime,
    End::AbsoluteTime,
];

/// A request that has read its session and its member, and has changed nothing yet.
struct Begun {
    key: SessionKey,
    session: Session,
    member: Member,
    /// Another session of the user.
    elsewhere: Session,
    /// A token of the organisation, and the number of an open form of the session.
    token: TokenId,
    form: String,
}

impl Begun {
    async fn new(store: &TestStore, address: &str) -> Self {
        let user = store.member(address, ORGANISATION.0).await;
        let signed_in = store.sign_in();
        let signed_in = signed_in.with_password(user.email(), PASSWORD, None, None);
        let key = signed_in.await.expect("signed in").session;
        let session = store.sessions().find(&key).await.expect("an answer");
        let session = session.expect("a session");
        let member = store.members().find(&session, ORGANISATION).await;
        let member = member.expect("a member");
        let token = store.tokens().create(&member, None).await;
        Self {
            elsewhere: store.session(&user).await,
            token: token.expect("created").summary.id,
            form: store.sessions().open_form(&session).await.expect("opened"),
            key,
            session,
            member,
        }
    }

    async fn end(&self, store: &TestStore, end: End) {
        let (sessions, sign_in) = (store.sessions(), store.sign_in());
        match end {
            End::PasswordSetByAnOperator => {
                let set = sign_in.set_password(self.member.email(), PASSWORD).await;
                assert_eq!(set.expect("set"), 2);
            }
            End::PasswordSetByAResetLink => {
                let links = store.reset_links();
                let link = links.create(self.member.email()).await.expect("created");
                let set = links.set_password(&link, PASSWORD).await;
                assert_eq!(&set.expect("set"), self.member.email());
            }
            End::SignOut => sessions.end_by_key(&self.key).await.expect("ended"),
            End::FromAnotherSession => {
                let ended = sessions.end(&self.elsewhere, self.session.id()).await;
                ended.expect("ended");
            }
            End::EverywhereFromAnotherSession => {
                let ended = sessions.end_all(&self.elsewhere).await;
                assert_eq!(ended.expect("ended"), 2);
            }
            End::PasswordChangedInAnotherSession => {
                self.change_password(store, &self.elsewhere).await
            }
            End::PasswordChangedInTheSameSession => {
                self.change_password(store, &self.session).await
            }
            End::MemberRemoved => {
                let members = store.members();
                let removed = members.remove(self.member.email(), ORGANISATION).await;
                assert_eq!(removed.expect("removed").sessions, 2);
            }
            End::AccountDisabled => {
                let disabled = store.users().disable(self.member.email()).await;
                assert_eq!(disabled.expect("disabled").sessions, 2);
            }
            End::AccountDeleted => {
                let deleted = store.users().delete(self.member.email()).await;
                assert_eq!(deleted.expect("deleted").sessions, 2);
            }
            End::IdleTime => store.clock.advance(millis(IDLE_TIMEOUT)),
            End::AbsoluteTime => store.clock.advance(millis(ABSOLUTE_TIMEOUT)),
        }
    }

    async fn change_password(&self, store: &TestStore, session: &Session) {
        let sign_in = store.sign_in();
        let changed = sign_in
            .change_password(session, PASSWORD, PASSWORD, None)
            .await;
        changed.expect("changed");
    }

    /// Deletes the token: an organisation can have ten.
    async fn make_room(&self, store: &TestStore) {
        let operator = TokenPermission::Operator(ORGANISATION);
        let deleted = store.tokens().delete(operator, self.token).await;
        deleted.expect("deleted");
    }

    /// Tries every change that a member can make.
    async fn try_changes_of_the_member(&self, store: &Store) -> [Result<(), TokenError>; 6] {
        let tokens = store.tokens();
        let permission = (&self.member).into();
        let name = TokenName::parse("Kiosk").ok();
        [
            tokens.create(&self.member, None).await.map(drop),
            tokens
                .set_active(permission, self.token, false)
                .await
                .map(drop),
            tokens.rename(permission, self.token, name).await.map(drop),
            tokens.note_copy(&self.member, self.token).await,
            tokens.delete(permission, self.token).await.map(drop),
            store
                .users()
                .select_organisation(&self.member)
                .await
                .map_err(TokenError::from),
        ]
    }

    /// Tries every change that needs only a session.
    async fn try_changes_of_the_session(&self, store: &Store) -> [Result<(), SessionError>; 4] {
        let (sessions, session) = (store.sessions(), &self.session);
        [
            sessions.open_form(session).await.map(drop),
            sessions.use_form(session, &self.form).await.map(drop),
            sessions.end(session, self.elsewhere.id()).await,
            sessions.end_all(session).await.map(drop),
        ]
    }

    /// Tries every change that needs a session and its password.
    async fn try_changes_with_the_password(&self, store: &Store) -> [Result<(), SignInError>; 2] {
        let (sign_in, session) = (store.sign_in(), &self.session);
        [
            sign_in.confirm(session, PASSWORD).await,
            sign_in
                .change_password(session, PASSWORD, "another password", None)
                .await
                .map(drop),
        ]
    }
}

const fn millis(duration: Duration) -> i64 {
    duration.as_secs() as i64 * 1_000
}

async fn a_request_whose_session_ends_before_its_change_changes_nothing(store: TestStore) {
    store.organisation(ORGANISATION.0, Plan::Enterprise).await;
    let other_server = store.another_server().await;
    for end in ENDS {
        let begun = Begun::new(&store, &format!("{end:?}@example.com")).await;
        begun.end(&store, end).await;
        let before = store.raw().dump().await;
        for server in [&store.server(), &other_server] {
            for outcome in begun.try_changes_of_the_member(server).await {
                assert_refused!(outcome, TokenError::SessionEnded);
            }
            for outcome in begun.try_changes_of_the_session(server).await {
                assert_refused!(outcome, SessionError::Ended);
            }
            for outcome in begun.try_changes_with_the_password(server).await {
                assert_refused!(outcome, SignInError::SessionEnded);
            }
        }
        assert_eq!(store.raw().dump().await, before, "{end:?}");
        begun.make_room(&store).await;
    }
}

async fn a_request_whose_membership_ends_before_its_change_changes_nothing(store: TestStore) {
    store.organisation(ORGANISATION.0, Plan::Enterprise).await;
    let begun = Begun::new(&store, "ada@example.com").await;
    store.raw().execute("DELETE FROM members").await;
    let before = store.raw().dump().await;
    for outcome in begun.try_changes_of_the_member(&store).await {
        assert_refused!(outcome, TokenError::NotAMember(ORGANISATION));
    }
    assert_eq!(store.raw().dump().await, before);
    for outcome in begun.try_changes_of_the_session(&store).await {
        outcome.expect("the account and its session go on");
    }
}

async fn an_operator_creates_no_token_in_the_name_of_a_user_who_has_left(store: TestStore) {
    let ada = store.enterprise(ORGANISATION.0).await;
    store.raw().execute("DELETE FROM members").await;
    let before = store.raw().dump().await;
    let created = store.tokens().create(&ada, None).await;
    assert_refused!(created, TokenError::NotAMember(ORGANISATION));
    let selected = store.users().select_organisation(&ada).await;
    assert_refused!(selected, MemberError::NotAMember(ORGANISATION));
    assert_eq!(store.raw().dump().await, before);
}

/// A lock on the table of tokens makes the change wait between its check and its commit.
async fn an_end_waits_for_a_change_that_has_begun(store: TestStore) {
    store.organisation(ORGANISATION.0, Plan::Enterprise).await;
    let mut locking = PgConnection::connect(&store.database.url)
        .await
        .expect("open");
    // The last two are timeouts, which no transaction makes.
    for end in &ENDS[..10] {
        let begun = Begun::new(&store, &format!("{end:?}@example.com")).await;
        assert_end_waits(&store, &mut locking, &begun, begun.end(&store, *end)).await;
        begun.make_room(&store).await;
    }
    let begun = Begun::new(&store, "ada@example.com").await;
    let downgrade = store.set_plan(ORGANISATION.0, Plan::Pro);
    assert_end_waits(&store, &mut locking, &begun, downgrade).await;
    let late = store.tokens().create(&begun.member, None).await;
    assert_refused!(late, TokenError::PlanRequired(PlanRequired(Plan::Pro)));
    locking.close().await.expect("closed");
}

async fn assert_end_waits(
    store: &TestStore,
    locking: &mut PgConnection,
    begun: &Begun,
    end: impl Future<Output = ()>,
) {
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let mut lock = locking.begin().await.expect("begun");
    let writes = sqlx::raw_sql("LOCK TABLE tokens IN EXCLUSIVE MODE");
    writes.execute(&mut *lock).await.expect("locked");
    let (server, member, token) = (store.server(), begun.member.clone(), begun.token);
    let change = tokio::spawn(async move {
        let tokens = server.tokens();
        tokens.set_active((&member).into(), token, false).await
    });
    while store.raw().number(waiting).await < 1 {}
    let mut end = std::pin::pin!(end);
    let both_wait = async { while store.raw().number(waiting).await < 2 {} };
    tokio::select! {
        () = &mut end => panic!("the end was reported while a change could still succeed"),
        () = both_wait => {}
    }
    lock.rollback().await.expect("released");
    change.await.expect("no panic").expect("it came first");
    end.await;
}
