//! Measures the cost of pages of an event with a million photos:
//!
//! `cargo xtask with-postgres -- cargo run -p store --example million_photos`
//!
//! An argument sets another number of photos. The SQLite database is in the folder for temporary files, and the
//! PostgreSQL database on the server at `TEST_POSTGRES_URL`. Both are removed afterwards.
#![expect(clippy::print_stdout, reason = "what it measures is what it is for")]

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use model::{
    event::{EventId, EventSettings, EventStatus},
    organisation::{OrganisationId, Plan},
    page::{ListRequest, PageRequest},
    permission::{EventPermission, TokenRecord},
    photo::{Bib, ImageId, Photo, TimeWindow},
    timestamp::Timestamp,
    token::TokenId,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::{EventsPermission, Store, clock::SystemClock, events::NewEvent, photos::NewPhoto};

type Outcome<T> = Result<T, Box<dyn Error>>;

const BATCH: i64 = 1_000;
const PAGE_SIZE: i64 = 32;
const CHANGES_SIZE: i64 = 500;
const RUNS: usize = 101;
/// 2026-01-19T06:00:00Z, and twelve hours from there in milliseconds.
const START: i64 = 1_768_802_400_000;
const LENGTH: i64 = 12 * 3_600_000;
const BIBS: i64 = 20_000;

#[tokio::main]
async fn main() -> Outcome<()> {
    let count = std::env::args()
        .nth(1)
        .map(|text| text.parse())
        .transpose()?;
    let count = count.unwrap_or(1_000_000);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("million.db");
    measure("SQLite", &format!("sqlite:{}", file.display()), count).await?;
    println!(
        "SQLite's file: {} MB",
        std::fs::metadata(file)?.len() / 1_000_000
    );

    let Ok(server) = std::env::var("TEST_POSTGRES_URL") else {
        println!("PostgreSQL: none at TEST_POSTGRES_URL");
        return Ok(());
    };
    let name = format!("million_photos_{}", std::process::id());
    on_postgres(&server, &format!("CREATE DATABASE {name}")).await?;
    let (address, _) = server.rsplit_once('/').ok_or("an address with a path")?;
    let url = format!("{address}/{name}");
    let outcome = measure("PostgreSQL", &url, count).await;
    on_postgres(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await?;
    outcome
}

async fn on_postgres(url: &str, sql: &str) -> Outcome<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await?;
    Ok(connection.close().await?)
}

async fn measure(engine: &str, url: &str, count: i64) -> Outcome<()> {
    let store = Store::open(url, Arc::new(SystemClock)).await?;
    store.migrate().await?;
    let permission = event(&store).await?;
    let start = Instant::now();
    for first in (0..count).step_by(BATCH.unsigned_abs() as usize) {
        let batch: Vec<_> = (first..count.min(first + BATCH)).map(photo).collect();
        store
            .photos()
            .import(permission.into(), permission.event_id(), &batch)
            .await?;
    }
    println!("{engine}: {count} photos loaded in {:.0?}", start.elapsed());
    read(&format!("{engine}, as loaded"), &store, permission, count).await?;
    if url.starts_with("postgres") {
        on_postgres(url, "VACUUM ANALYZE").await?;
        read(
            &format!("{engine}, after VACUUM ANALYZE"),
            &store,
            permission,
            count,
        )
        .await?;
    }
    store.close().await;
    Ok(())
}

async fn event(store: &Store) -> Outcome<EventPermission> {
    let organisation = OrganisationId(903);
    let plan = Plan::Enterprise;
    store
        .organisations()
        .create(Some(organisation), "Summit Races", plan)
        .await?;
    let event = NewEvent {
        id: Some(EventId(456)),
        name: "Summit Marathon".to_owned(),
        date: None,
        time_zone: None,
        status: EventStatus::Active,
        settings: Some(EventSettings::ALL_ON),
    };
    let operator = EventsPermission::operator(organisation);
    let event = store.events().create(operator, &event).await?;
    let record = store.key_cache().event(event).await?;
    let token = TokenRecord {
        token_id: TokenId(1),
        organisation_id: organisation,
        plan,
        active: true,
        expires_at: None,
    };
    token
        .admit(store.clock().now())
        .and_then(|caller| caller.organisation(organisation))
        .and_then(|permission| permission.event(record.as_ref()))
        .map_err(|refusal| refusal.code().into())
}

/// Photos are loaded in random order of time, as from many cameras: the worst case for paging by time.
fn photo(n: i64) -> NewPhoto {
    let name = format!("IMG_{n:07}");
    let bibs = [n % BIBS, n * 31 % BIBS].map(|bib| bib.to_string());
    NewPhoto {
        photo: Photo {
            img_url: format!("https://images.example.com/456/{name}.jpg"),
            height: Some(4_000),
            width: Some(6_000),
            thumbnail_url: format!("https://images.example.com/456/thumbnails/{name}.jpg"),
            original_url: None,
            image_id: ImageId(name.clone()),
        },
        captured_at: Some(Timestamp(START + n * 27_644_437 % LENGTH)),
        original_path: Some(format!("456/{name}.jpg")),
        bibs: bibs
            .iter()
            .filter_map(|text| Bib::parse(text).ok())
            .collect(),
    }
}

async fn read(title: &str, store: &Store, permission: EventPermission, count: i64) -> Outcome<()> {
    let photos = store.photos();
    let page = |number: i64| PageRequest::new(number.max(1), PAGE_SIZE, 100);
    let last = (count + PAGE_SIZE - 1) / PAGE_SIZE;
    let middle = (START + LENGTH / 2) / 1_000;
    let window = TimeWindow::from_seconds(middle, middle + 3_600)?;
    let bib = Bib::parse("777")?;
    let ids: Vec<_> = (0..60).map(|n| photo(n * 997).photo.image_id).collect();
    macro_rules! median {
        ($what:expr, $call:expr) => {{
            let mut times = Vec::with_capacity(RUNS);
            for _ in 0..RUNS {
                let start = Instant::now();
                $call.await?;
                times.push(start.elapsed());
            }
            times.sort_unstable();
            let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
            println!(
                "{title}: {:<44} median {:6.2} ms, worst {:7.2} ms",
                $what,
                ms(times[RUNS / 2]),
                ms(times[RUNS - 1])
            );
        }};
    }
    median!("images, page 1", photos.all(permission, page(1)?));
    median!("images, page 40", photos.all(permission, page(40)?));
    median!(
        "images, middle page",
        photos.all(permission, page(last / 2)?)
    );
    median!("images, last page", photos.all(permission, page(last)?));
    let cursor_of = async |number: i64| -> Outcome<ListRequest> {
        let page = photos.all(permission, page(number)?).await?;
        let cursor = page.pagination.next_cursor.ok_or("a page follows")?;
        Ok(ListRequest::after(cursor, PAGE_SIZE, 100)?)
    };
    for (what, number) in [("second", 1), ("middle", last / 2), ("last", last - 1)] {
        let request = cursor_of(number).await?;
        median!(
            format!("images, {what} page by cursor"),
            photos.all(permission, request.clone())
        );
    }
    median!(
        "timeline/images, an hour of twelve, page 1",
        photos.taken_within(permission, window, page(1)?)
    );
    median!(
        "timeline/images, an hour of twelve, last page",
        photos.taken_within(permission, window, page(last / 12)?)
    );
    median!("timeline/days", photos.days(permission));
    let start = Instant::now();
    let (mut cursor, mut read) = (None, 0);
    let before_last = loop {
        let changes = photos
            .changes(permission, cursor.as_deref(), CHANGES_SIZE)
            .await?;
        read += changes.changes.len();
        if !changes.has_next_page {
            break cursor;
        }
        cursor = Some(changes.next_cursor);
    };
    println!(
        "{title}: {read} changes read, {CHANGES_SIZE} a page, in {:.1?}",
        start.elapsed()
    );
    median!(
        "changes, first page",
        photos.changes(permission, None, CHANGES_SIZE)
    );
    median!(
        "changes, last page",
        photos.changes(permission, before_last.as_deref(), CHANGES_SIZE)
    );
    median!("bibs, page 1", photos.with_bib(permission, &bib, page(1)?));
    median!("originals by 60 names", photos.originals(permission, &ids));
    Ok(())
}
