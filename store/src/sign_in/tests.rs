//! Sign-in while strangers flood it. Only here can a test hold the threads that hash passwords.

use std::{net::Ipv4Addr, sync::Arc};

use model::{
    audit::{Cursor, Filter},
    client::ClientAddress,
    organisation::{Plan, Role},
};
use tempfile::TempDir;

use super::*;
use crate::{
    clock::ManualClock,
    error::TooManyRecords,
    password::{PasswordLoad, Place},
    permission::AuditPermission,
};

const PASSWORD: &str = "correct horse battery";
const NEW: &str = "a wholly new one";

/// A store with one account, which has signed in on one device.
struct Fixture {
    store: Store,
    clock: Arc<ManualClock>,
    email: Email,
    known: SignedIn,
    _folder: TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let clock = Arc::new(ManualClock::new(Timestamp(1_768_802_400_000)));
        let store = Store::open(&url, clock.clone()).await.expect("opened");
        store.migrate().await.expect("migrated");
        let organisation = store.organisations().create(None, "One", Plan::Pro).await;
        let organisation = organisation.expect("created").id;
        let email = Email::parse("ada@example.com").expect("an address");
        let users = store.users();
        let created = users.create(&email, PASSWORD, organisation, Role::Admin);
        created.await.expect("created");
        let sign_in = store.sign_in();
        let known = sign_in.with_password(&email, PASSWORD, None, None).await;
        Self {
            known: known.expect("signed in"),
            store,
            clock,
            email,
            _folder: folder,
        }
    }

    /// Signs in from a network of which no other has been seen.
    async fn sign_in(&self, device_cookie: Option<&str>) -> Result<SignedIn, SignInError> {
        let store = self.store.on_behalf_of(Origin::Request(Client {
            address: Some(ClientAddress::new(Ipv4Addr::new(192, 0, 2, 7).into())),
            user_agent: None,
        }));
        let sign_in = store.sign_in();
        let signed_in = sign_in.with_password(&self.email, PASSWORD, device_cookie, None);
        signed_in.await
    }

    async fn session(&self) -> Session {
        let session = self.store.sessions().find(&self.known.session).await;
        session.expect("an answer").expect("a session")
    }
}

/// Takes every thread and place that strangers can have, each from another block of addresses, and holds them.
fn flood(store: &Store) -> Vec<Place> {
    let stranger = |number: u32| {
        let address = ClientAddress::new(Ipv4Addr::from_bits(0x0a00_0000 + (number << 8)).into());
        Requester::Stranger(Some(address.network()))
    };
    let places = (0..0xffff).map_while(|number| store.passwords().enter(stranger(number)).ok());
    places.collect()
}

#[tokio::test]
async fn a_flood_of_strangers_leaves_a_known_device_and_a_session_their_places() {
    let fixture = Fixture::new().await;
    let flood = flood(&fixture.store);
    let PasswordLoad { running, waiting } = fixture.store.password_load();
    assert_eq!(running + waiting, flood.len());
    assert!(running > 0 && waiting > 0);

    let stranger = fixture.sign_in(None).await;
    let busy = matches!(stranger, Err(SignInError::Hash(PasswordHashError::Busy)));
    assert!(busy, "{stranger:?}");
    let cookie = fixture.known.device_cookie.as_str();
    let known = fixture.sign_in(Some(cookie)).await;
    known.expect("signed in");
    let session = fixture.session().await;
    let sign_in = fixture.store.sign_in();
    let confirmed = sign_in.confirm(&session, PASSWORD).await;
    confirmed.expect("confirmed");
    let changed = sign_in.change_password(&session, PASSWORD, NEW, None).await;
    changed.expect("changed");
    assert_eq!(
        fixture.store.password_load(),
        PasswordLoad { running, waiting }
    );

    drop(flood);
    let stranger = fixture.sign_in(None).await;
    let wrong = matches!(stranger, Err(SignInError::WrongPassword));
    assert!(wrong, "the password was changed: {stranger:?}");
}

#[tokio::test]
async fn sign_ins_that_a_busy_server_turns_away_delay_their_network() {
    let fixture = Fixture::new().await;
    let flood = flood(&fixture.store);
    for _ in 0..50 {
        let turned_away = fixture.sign_in(None).await;
        let busy = matches!(turned_away, Err(SignInError::Hash(PasswordHashError::Busy)));
        assert!(busy, "{turned_away:?}");
    }
    drop(flood);
    let delayed = fixture.sign_in(None).await;
    let delayed = matches!(delayed, Err(SignInError::TooManyTries(wait)) if wait.as_secs() == 1);
    assert!(delayed);
    let cookie = fixture.known.device_cookie.as_str();
    let known = fixture.sign_in(Some(cookie)).await;
    known.expect("signed in");
}

#[tokio::test]
async fn an_account_cannot_take_the_places_of_other_accounts() {
    let fixture = Fixture::new().await;
    let passwords = fixture.store.passwords();
    let greedy = Requester::Account(UserId(1_000));
    let places = std::iter::from_fn(|| passwords.enter(greedy).ok());
    let places: Vec<_> = places.collect();
    assert!(places.len() < 10);
    let session = fixture.session().await;
    let sign_in = fixture.store.sign_in();
    // The greedy account may have every thread.
    let (confirmed, ()) = tokio::join!(sign_in.confirm(&session, PASSWORD), async {
        drop(places);
    });
    confirmed.expect("confirmed");
}

/// Uses up an account's allowance.
fn use_up(store: &Store, by: RecordedBy) {
    for _ in 0..300 {
        let _ = store.take_record(by);
    }
}

#[tokio::test]
async fn an_account_that_signed_in_too_often_waits_and_loses_no_session() {
    let fixture = Fixture::new().await;
    use_up(&fixture.store, RecordedBy::SignIns(fixture.known.user_id));
    let cookie = fixture.known.device_cookie.as_str();
    let refused = fixture.sign_in(Some(cookie)).await;
    let Err(SignInError::TooManyRecords(TooManyRecords(wait))) = refused else {
        panic!("{refused:?}");
    };
    let session = fixture.session().await;
    let sign_in = fixture.store.sign_in();
    let changed = sign_in.change_password(&session, PASSWORD, PASSWORD, None);
    changed.await.expect("it has an allowance of its own");
    fixture
        .clock
        .advance(i64::try_from(wait.as_millis()).expect("a short time"));
    fixture.sign_in(None).await.expect("signed in");
}

#[tokio::test]
async fn a_password_that_was_changed_too_often_stays_for_now() {
    let fixture = Fixture::new().await;
    use_up(&fixture.store, RecordedBy::Passwords(fixture.known.user_id));
    let session = fixture.session().await;
    let sign_in = fixture.store.sign_in();
    let refused = sign_in.change_password(&session, PASSWORD, NEW, None).await;
    assert!(
        matches!(refused, Err(SignInError::TooManyRecords(_))),
        "{refused:?}"
    );
    fixture
        .sign_in(None)
        .await
        .expect("the password is the same");
}

/// How many failed sign-ins the audit trail has.
async fn recorded_failures(store: &Store) -> usize {
    let filter = Filter {
        kind: Some(Kind::SignInFailed),
        ..Filter::default()
    };
    let all = AuditPermission::Operator(None);
    let page = store.audit().list(all, filter, Cursor::Newest, 100).await;
    page.expect("listed").entries.len()
}

#[tokio::test]
async fn beyond_an_allowance_wrong_passwords_get_the_same_answer_and_no_record() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    let user = fixture.known.user_id;
    let unknown = Email::parse("nobody@example.com").expect("an address");
    for (email, by) in [(&fixture.email, Some(user)), (&unknown, None)] {
        let before = recorded_failures(store).await;
        for recorded in [1, 1] {
            let wrong = store.sign_in().with_password(email, NEW, None, None).await;
            assert!(
                matches!(wrong, Err(SignInError::WrongPassword)),
                "{wrong:?}"
            );
            assert_eq!(recorded_failures(store).await, before + recorded, "{by:?}");
            use_up(store, RecordedBy::WrongPasswords(by));
        }
    }
}
