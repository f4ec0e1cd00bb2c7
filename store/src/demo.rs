//! Demo data: the same every time, and only on request.

use model::{
    event::{EventId, EventSettings, EventStatus},
    organisation::{OrganisationId, Plan, Role},
    photo::{Bib, ImageId, Photo},
    timestamp::Timestamp,
    user::UserId,
};
use time::{OffsetDateTime, macros::datetime};

use crate::{
    Store,
    database::{Transaction, Value, values},
    error::{DatabaseError, DemoError, EventError},
    events::{InsertedEvent, insert_event},
    password::Requester,
    permission::EventsPermission,
    photos::{NewPhoto, blocks::MAX_PHOTOS, loading},
    users::{NewUser, insert_member, insert_user},
};

/// The password of every demo account.
pub const DEMO_PASSWORD: &str = "developer-zone-demo";

/// A demo account, and what it shows.
#[derive(Clone, Copy, Debug)]
pub struct DemoUser {
    /// The address to sign in with.
    pub email: &'static str,
    /// What the account shows.
    pub purpose: &'static str,
    memberships: &'static [(i64, Role)],
}

/// Every demo account.
pub const DEMO_USERS: [DemoUser; 4] = [
    DemoUser {
        email: "admin@example.com",
        purpose: "all five organisations, none selected yet",
        memberships: &[
            (903, Role::Admin),
            (904, Role::Admin),
            (905, Role::Admin),
            (906, Role::Admin),
            (907, Role::Admin),
        ],
    },
    DemoUser {
        email: "member@example.com",
        purpose: "Summit Races (903), Enterprise, role user",
        memberships: &[(903, Role::User)],
    },
    DemoUser {
        email: "other@example.com",
        purpose: "Harbour Events (904), Enterprise",
        memberships: &[(904, Role::Admin)],
    },
    DemoUser {
        email: "trial@example.com",
        purpose: "First Steps (907), Trial: sees the lock",
        memberships: &[(907, Role::Admin)],
    },
];

const ORGANISATIONS: [(i64, &str, Plan); 5] = [
    (903, "Summit Races", Plan::Enterprise),
    (904, "Harbour Events", Plan::Enterprise),
    (905, "City Runners", Plan::Pro),
    (906, "Wedding Lens", Plan::PayAsYouGo),
    (907, "First Steps", Plan::Trial),
];

struct DemoEvent {
    id: i64,
    organisation: i64,
    name: String,
    date: String,
    time_zone: Option<&'static str>,
    status: EventStatus,
    settings: Option<EventSettings>,
}

impl DemoEvent {
    fn new(id: i64, organisation: i64, name: impl Into<String>, date: impl Into<String>) -> Self {
        Self {
            id,
            organisation,
            name: name.into(),
            date: date.into(),
            time_zone: Some("Europe/London"),
            status: EventStatus::Active,
            settings: Some(EventSettings::ALL_ON),
        }
    }
}

/// 87 events for 903 (three pages of 30) and one for 904. Each has its own date, so the order is clear.
fn events() -> Vec<DemoEvent> {
    let mut events = vec![
        DemoEvent::new(456, 903, "Summit Marathon 2026", "2026-01-19T06:00:00"),
        DemoEvent {
            settings: None,
            time_zone: None,
            ..DemoEvent::new(457, 903, "Ridge Run 2026", "2026-02-08T07:30:00")
        },
        DemoEvent {
            settings: Some(EventSettings::default()),
            ..DemoEvent::new(458, 903, "Valley Night Walk 2026", "2026-03-14T20:00:00")
        },
        DemoEvent {
            status: EventStatus::Draft,
            ..DemoEvent::new(789, 903, "Summit Marathon 2027", "2027-01-18T06:00:00")
        },
        DemoEvent::new(556, 904, "Harbour Regatta 2026", "2026-05-02T09:00:00"),
    ];
    let races = ["Hill Sprint", "Forest 10K", "Lake Relay", "Sunrise Trail"];
    events.extend((0..83).map(|n: i64| {
        let race = races[usize::try_from(n).unwrap_or_default() % races.len()];
        let (year, month, day) = (2018 + n / 12, 1 + n % 12, 3 + n % 25);
        DemoEvent::new(
            1001 + n,
            903,
            format!("{race} {year}-{month:02}"),
            format!("{year}-{month:02}-{day:02}T08:00:00"),
        )
    }));
    events
}

/// The photos of each demo event, with the numbers of the event and its organisation. The largest event comes last.
fn photos() -> [(i64, i64, Vec<NewPhoto>); 4] {
    let few = |event, start, count: i64| {
        let photos = (1..=count).map(|n| photo(event, n, Some((start, (n - 1) * 30_000))));
        photos.collect()
    };
    [
        (458, 903, few(458, datetime!(2026-03-14 20:00 UTC), 3)),
        (1001, 903, few(1001, datetime!(2018-01-03 08:00 UTC), 5)),
        (556, 904, few(556, datetime!(2026-05-02 09:00 UTC), 6)),
        (456, 903, marathon_photos()),
    ]
}

/// 96 photos (three pages of 32): most on one morning, eight on the next day, and four without a time. Bib number
/// 1234 is on five photos; one of these has no original.
fn marathon_photos() -> Vec<NewPhoto> {
    let start = datetime!(2026-01-19 06:00 UTC);
    let next_day = datetime!(2026-01-20 09:00 UTC);
    let photos = (1..=96).map(|n| {
        let taken = match n {
            1..=84 => Some((start, (n - 1) * 255_000)),
            85..=92 => Some((next_day, (n - 85) * 420_000)),
            _ => None,
        };
        let mut photo = photo(456, n, taken);
        if n == 40 || n == 96 {
            photo.original_path = None;
        }
        let others = format!("{}", 100 + n % 30);
        let bibs = [
            ("1234", [3, 21, 40, 66, 88].contains(&n)),
            ("A17", n % 24 == 5),
            (others.as_str(), n % 4 != 0),
        ];
        let bibs = bibs.into_iter().filter(|(_, seen)| *seen);
        photo.bibs = bibs.filter_map(|(text, _)| Bib::parse(text).ok()).collect();
        photo
    });
    photos.collect()
}

/// Photo `n` of an event, taken at an instant plus a number of milliseconds.
fn photo(event: i64, n: i64, taken: Option<(OffsetDateTime, i64)>) -> NewPhoto {
    let name = format!("IMG_{n:04}");
    let folder = format!("https://images.example.com/{event}");
    NewPhoto {
        photo: Photo {
            img_url: format!("{folder}/{name}.jpg"),
            height: taken.map(|_| 4_000),
            width: taken.map(|_| 6_000),
            thumbnail_url: format!("{folder}/thumbnails/{name}.jpg"),
            original_url: (n % 10 == 0).then(|| format!("{folder}/originals/{name}.jpg")),
            image_id: ImageId(name.clone()),
        },
        captured_at: taken
            .map(|(start, millis)| Timestamp(start.unix_timestamp() * 1_000).plus_millis(millis)),
        original_path: Some(format!("{event}/{name}.jpg")),
        bibs: Vec::new(),
    }
}

/// The names of all originals in the demo data.
pub fn originals() -> impl Iterator<Item = String> {
    let photos = photos().into_iter().flat_map(|(_, _, photos)| photos);
    photos.filter_map(|photo| photo.original_path)
}

const FOREIGN_ORGANISATION: &str = "SELECT name FROM organisations WHERE id BETWEEN 903 AND 907";
const ACCOUNTS: &str = "SELECT COUNT(*) FROM users WHERE email IN ($1, $2, $3, $4)";
const INSERT_ORGANISATION: &str =
    "INSERT INTO organisations (id, name, plan, created_at) VALUES ($1, $2, $3, $4)";

impl Store {
    /// Loads the demo data, all or nothing. Returns whether there was anything to load: demo data that is there
    /// already stays as users have changed it. (If a version without photos loaded it, the photos are added.)
    ///
    /// # Errors
    /// [`DemoError::Collision`] if other data has the number or address of demo data: it would be open to anyone
    /// who knows the published password. Also those of the database.
    pub async fn load_demo(&self) -> Result<bool, DemoError> {
        if self.demo_is_loaded().await? {
            return Ok(self.add_missing_photos().await?);
        }
        match self.insert_demo().await {
            // Another server loaded it meanwhile.
            Err(DemoError::Collision(_)) if self.demo_is_loaded().await? => Ok(false),
            outcome => outcome.map(|()| true),
        }
    }

    /// Looks for the accounts: they are never deleted, and keep their address when their password changes.
    async fn demo_is_loaded(&self) -> Result<bool, DatabaseError> {
        let emails = DEMO_USERS.map(|user| Value::from(user.email));
        let (accounts,): (i64,) = self.database().fetch_one(ACCOUNTS, &emails).await?;
        Ok(usize::try_from(accounts).is_ok_and(|accounts| accounts == emails.len()))
    }

    async fn add_missing_photos(&self) -> Result<bool, EventError> {
        let photos = photos();
        // The last event has photos only if all have.
        let last = photos.last().map(|(event, ..)| EventId(*event));
        if let Some(event) = last
            && self.photos().total(event).await? > 0
        {
            return Ok(false);
        }
        for (event, organisation, photos) in photos {
            let operator = EventsPermission::operator(OrganisationId(organisation));
            self.photos()
                .import(operator, EventId(event), &photos)
                .await?;
        }
        Ok(true)
    }

    async fn insert_demo(&self) -> Result<(), DemoError> {
        // One hash for all: separate salts would protect a password that everyone can read.
        let hash = self
            .passwords()
            .hash(Requester::Operator, DEMO_PASSWORD)
            .await?;
        let now = self.clock().now().epoch_millis();
        let mut transaction = self.database().begin().await?;
        let foreign: Option<(String,)> = transaction
            .fetch_optional(FOREIGN_ORGANISATION, &[])
            .await?;
        if let Some((name,)) = foreign {
            return Err(DemoError::Collision(format!("organisation `{name}`")));
        }
        // The users first: a second load at the same time waits there for this one, and then collides.
        let users = insert_users(&mut transaction, &hash, now).await?;
        insert_organisations(&mut transaction, now).await?;
        for (user, id) in DEMO_USERS.iter().zip(users) {
            for (organisation, role) in user.memberships {
                let organisation = OrganisationId(*organisation);
                insert_member(&mut transaction, id, organisation, *role).await?;
            }
        }
        insert_events(&mut transaction).await?;
        for (event, _, photos) in photos() {
            loading::load(&mut transaction, EventId(event), &photos, MAX_PHOTOS).await?;
        }
        let change = transaction.commit_logged().await?;
        // A server may have cached that some of the events did not exist.
        self.key_cache().wait_for_servers(Some(change)).await;
        Ok(())
    }
}

async fn insert_users(
    transaction: &mut Transaction,
    password_hash: &str,
    created_at: i64,
) -> Result<Vec<UserId>, DemoError> {
    let mut ids = Vec::with_capacity(DEMO_USERS.len());
    for DemoUser { email, .. } in DEMO_USERS {
        let user = NewUser {
            email,
            password_hash,
            demo: true,
            created_at,
        };
        let id = insert_user(transaction, user).await?;
        ids.push(id.ok_or_else(|| DemoError::Collision(format!("user {email}")))?);
    }
    Ok(ids)
}

async fn insert_organisations(transaction: &mut Transaction, now: i64) -> Result<(), DemoError> {
    for (id, name, plan) in ORGANISATIONS {
        let values = values![id, name, plan.code(), now];
        transaction.execute(INSERT_ORGANISATION, values).await?;
    }
    Ok(())
}

async fn insert_events(transaction: &mut Transaction) -> Result<(), DemoError> {
    for event in events() {
        let row = InsertedEvent {
            id: event.id,
            organisation_id: event.organisation,
            name: &event.name,
            date: Some(&event.date),
            time_zone: event.time_zone,
            status: event.status,
            settings: event.settings,
        };
        if !insert_event(transaction, row).await? {
            return Err(DemoError::Collision(format!("event {}", event.id)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_demo_has_three_pages_of_events_with_distinct_dates_and_numbers() {
        let events = events();
        let ids: BTreeSet<_> = events.iter().map(|event| event.id).collect();
        let dates: BTreeSet<_> = events.iter().map(|event| &event.date).collect();
        assert_eq!((ids.len(), dates.len()), (events.len(), events.len()));
        assert_eq!(
            events
                .iter()
                .filter(|event| event.organisation == 903)
                .count(),
            87
        );
    }

    #[test]
    fn the_demo_originals_have_distinct_names() {
        let names: Vec<_> = originals().collect();
        let distinct: BTreeSet<_> = names.iter().collect();
        assert_eq!((names.len(), distinct.len()), (108, 108));
        assert!(names.contains(&"456/IMG_0001.jpg".to_owned()));
        assert!(!names.contains(&"456/IMG_0040.jpg".to_owned()));
    }
}
