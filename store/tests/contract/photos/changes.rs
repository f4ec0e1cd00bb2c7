//! The changes of an event's photos: a reader that applies them has exactly the event's photos.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    organisation::Plan,
    permission::EventPermission,
    photo::{ChangeKind, ImageId, ListedPhoto, PhotoChange},
};
use proptest::prelude::*;
use store::{
    Store,
    error::ListError,
    photos::{Changes, NewPhoto},
};
use tokio::{
    runtime::Handle,
    task::{JoinSet, block_in_place},
};

use super::{HOUR, another_event, event, listed, load, operator, photo, remove, runner, tagged};
use crate::harness::TestStore;

on_both_engines!(
    the_first_read_lists_all_photos_and_later_ones_what_happened_since,
    loading_the_same_again_is_no_change,
    a_photo_that_is_removed_and_loaded_again_is_added,
    photos_from_before_the_migration_come_first,
    a_program_that_does_not_number_photos_cannot_load_any,
    a_reader_that_replays_the_changes_has_exactly_the_events_photos,
    nothing_appears_behind_a_cursor_while_several_imports_commit,
    a_cursor_from_lost_changes_is_refused,
    a_restored_database_refuses_the_cursors_from_before,
);

async fn read(
    store: &Store,
    permission: EventPermission,
    after: Option<&str>,
    size: i64,
) -> Changes {
    let changes = store.photos().changes(permission, after, size).await;
    changes.expect("a page")
}

/// A reader that applies what it reads.
#[derive(Default)]
struct Reader {
    photos: BTreeMap<String, ListedPhoto>,
    /// The names that it had when it last reached the end.
    had: BTreeSet<String>,
    cursor: Option<String>,
}

impl Reader {
    /// Reads one page, and returns its changes and whether more follow.
    async fn page(
        &mut self,
        store: &Store,
        permission: EventPermission,
        size: i64,
    ) -> (Vec<PhotoChange>, bool) {
        let page = read(store, permission, self.cursor.as_deref(), size).await;
        self.cursor = Some(page.next_cursor);
        for change in &page.changes {
            let name = change.image_id.0.clone();
            match (change.kind, &change.image) {
                (ChangeKind::Removed, None) => {
                    self.photos.remove(&name);
                }
                (ChangeKind::Added, Some(image)) => {
                    self.photos.insert(name, image.clone());
                }
                (ChangeKind::Changed, Some(image)) => {
                    assert!(self.had.contains(&name), "{name} is new");
                    self.photos.insert(name, image.clone());
                }
                _ => panic!("{change:?}"),
            }
        }
        if !page.has_next_page {
            self.had = self.photos.keys().cloned().collect();
        }
        (page.changes, page.has_next_page)
    }

    /// Reads to the end, and returns each kind with its name.
    async fn run(
        &mut self,
        store: &Store,
        permission: EventPermission,
        size: i64,
    ) -> Vec<(ChangeKind, String)> {
        let mut all = Vec::new();
        loop {
            let (changes, more) = self.page(store, permission, size).await;
            all.extend(changes.into_iter().map(|it| (it.kind, it.image_id.0)));
            if !more {
                return all;
            }
        }
    }
}

fn changes(kind: ChangeKind, names: &[&str]) -> Vec<(ChangeKind, String)> {
    names
        .iter()
        .map(|name| (kind, (*name).to_owned()))
        .collect()
}

async fn the_first_read_lists_all_photos_and_later_ones_what_happened_since(store: TestStore) {
    use ChangeKind::{Added, Changed, Removed};
    let permission = event(&store).await;
    let mut reader = Reader::default();
    let mut early = Reader::default();
    assert_eq!(early.run(&store, permission, 2).await, []);
    let batch = [
        tagged("c", Some(3 * HOUR), &["7"]),
        photo("a", None),
        photo("b", Some(1)),
    ];
    load(&store, permission, &batch).await;
    remove(&store, permission, &["b"]).await;
    load(&store, permission, &[photo("0", None)]).await;
    let first = reader.run(&store, permission, 2).await;
    assert_eq!(first, changes(Added, &["a", "c", "0"]));
    let kept = [&batch[1], &batch[0]].map(listed);
    assert_eq!(reader.photos["a"], kept[0]);
    assert_eq!(reader.photos["c"], kept[1]);
    // This reader was there before, and applies a removal of a photo that it never had.
    let both = [
        changes(Added, &["a", "c"]),
        changes(Removed, &["b"]),
        changes(Added, &["0"]),
    ];
    assert_eq!(early.run(&store, permission, 2).await, both.concat());
    assert_eq!(early.photos, reader.photos);

    assert_eq!(reader.run(&store, permission, 2).await, []);
    let mut moved = photo("a", None);
    moved.original_path = Some("456/a.jpg".to_owned());
    load(&store, permission, &[moved, photo("d", None)]).await;
    remove(&store, permission, &["c", "0"]).await;
    let expected = [
        changes(Changed, &["a"]),
        changes(Added, &["d"]),
        changes(Removed, &["0", "c"]),
    ];
    assert_eq!(reader.run(&store, permission, 1).await, expected.concat());
}

async fn loading_the_same_again_is_no_change(store: TestStore) {
    let permission = event(&store).await;
    let batch = [tagged("a", Some(1), &["7"]), photo("b", None)];
    load(&store, permission, &batch).await;
    let mut reader = Reader::default();
    reader.run(&store, permission, 10).await;
    let cursor = reader.cursor.clone();
    load(&store, permission, &batch).await;
    remove(&store, permission, &["none"]).await;
    assert_eq!(reader.run(&store, permission, 10).await, []);
    assert_eq!(reader.cursor, cursor);
}

async fn a_photo_that_is_removed_and_loaded_again_is_added(store: TestStore) {
    let permission = event(&store).await;
    load(&store, permission, &[photo("a", Some(1))]).await;
    let mut reader = Reader::default();
    reader.run(&store, permission, 10).await;
    remove(&store, permission, &["a"]).await;
    load(&store, permission, &[photo("a", Some(2))]).await;
    let expected = [
        (ChangeKind::Removed, "a".to_owned()),
        (ChangeKind::Added, "a".to_owned()),
    ];
    assert_eq!(reader.run(&store, permission, 10).await, expected);
    remove(&store, permission, &["a"]).await;
    let expected = changes(ChangeKind::Removed, &["a"]);
    assert_eq!(reader.run(&store, permission, 10).await, expected);
    let first = Reader::default().run(&store, permission, 10).await;
    assert_eq!(first, []);
}

async fn photos_from_before_the_migration_come_first(store: TestStore) {
    let permission = event(&store).await;
    load(&store, permission, &[photo("b", None), photo("c", None)]).await;
    for sql in [
        "UPDATE photos SET added_in = 0, changed_in = 0",
        "UPDATE events SET photo_changes = 0",
    ] {
        store.raw().execute(sql).await;
    }
    load(&store, permission, &[photo("a", None)]).await;
    let mut reader = Reader::default();
    let first = reader.run(&store, permission, 1).await;
    assert_eq!(first, changes(ChangeKind::Added, &["b", "c", "a"]));
}

async fn a_program_that_does_not_number_photos_cannot_load_any(store: TestStore) {
    let permission = event(&store).await;
    load(&store, permission, &[photo("a", None)]).await;
    let before = store.raw().dump().await;
    for name in ["a", "b"] {
        let sql = format!(
            "INSERT INTO photos (event_id, image_id, ordered_at, img_url, thumbnail_url, bibs)
            VALUES (456, '{name}', 1, '/x', '/x', '')
            ON CONFLICT (event_id, image_id) DO UPDATE SET ordered_at = excluded.ordered_at"
        );
        store.raw().try_execute(&sql).await.expect_err("refused");
    }
    assert_eq!(store.raw().dump().await, before);
}

/// A batch of photos to load, names to remove, or a page to read.
#[derive(Clone, Debug)]
enum Step {
    Load(Vec<NewPhoto>),
    Remove(Vec<String>),
    Read,
}

fn any_step() -> impl Strategy<Value = Step> {
    let photo = ("[a-c][0-9]", 0..3_i64).prop_map(|(name, time)| photo(&name, Some(time)));
    prop_oneof![
        2 => prop::collection::vec(photo, 1..8).prop_map(Step::Load),
        1 => prop::collection::vec("[a-c][0-9]", 1..8).prop_map(Step::Remove),
        3 => Just(Step::Read),
    ]
}

async fn a_reader_that_replays_the_changes_has_exactly_the_events_photos(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    let ids = std::sync::atomic::AtomicI64::new(1);
    let mut runner = runner(32);
    let outcome = block_in_place(|| {
        runner.run(
            &(prop::collection::vec(any_step(), 0..20), 1..7_i64),
            |(steps, size)| {
                Handle::current().block_on(async {
                    let id = ids.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    let permission = another_event(&store, 903, id).await;
                    let mut model: BTreeMap<String, ListedPhoto> = BTreeMap::new();
                    let mut reader = Reader::default();
                    for step in steps {
                        match step {
                            Step::Load(batch) => {
                                load(&store, permission, &batch).await;
                                for photo in batch {
                                    model.insert(photo.photo.image_id.0.clone(), listed(&photo));
                                }
                            }
                            Step::Remove(names) => {
                                let names: Vec<_> = names.iter().map(String::as_str).collect();
                                remove(&store, permission, &names).await;
                                model.retain(|name, _| !names.contains(&name.as_str()));
                            }
                            Step::Read => {
                                let (_, more) = reader.page(&store, permission, size).await;
                                if !more {
                                    prop_assert_eq!(&reader.photos, &model);
                                }
                            }
                        }
                    }
                    reader.run(&store, permission, size).await;
                    prop_assert_eq!(&reader.photos, &model);
                    Ok(())
                })
            },
        )
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

async fn nothing_appears_behind_a_cursor_while_several_imports_commit(store: TestStore) {
    let permission = event(&store).await;
    let servers = [store.server(), store.another_server().await];
    let mut imports = JoinSet::new();
    for n in 0..4_i64 {
        let server = servers[n as usize % 2].clone();
        imports.spawn(async move {
            for part in 0..10 {
                let batch: Vec<_> = (0..15)
                    .map(|k| photo(&format!("{:03}", (n * 40 + part * 15 + k) % 200), Some(n)))
                    .collect();
                let names: Vec<_> = (0..3)
                    .map(|k| ImageId(format!("{:03}", (n * 7 + part * 3 + k) % 200)))
                    .collect();
                let photos = server.photos();
                let event = permission.event_id();
                // A busy machine can exceed the database's timeouts. Then nothing is changed.
                let _ = photos.import(operator(903), event, &batch).await;
                let _ = photos.remove(operator(903), event, &names).await;
            }
        });
    }
    let mut reader = Reader::default();
    while !imports.is_empty() {
        reader.page(&store, permission, 10).await;
        while let Some(done) = imports.try_join_next() {
            done.expect("it ends");
        }
    }
    reader.run(&store, permission, 10).await;
    let mut fresh = Reader::default();
    fresh.run(&store, permission, 100).await;
    assert!(!fresh.photos.is_empty());
    assert_eq!(reader.photos, fresh.photos);
}

async fn a_cursor_from_lost_changes_is_refused(store: TestStore) {
    let permission = event(&store).await;
    load(&store, permission, &[photo("a", None)]).await;
    let read = read(&store, permission, None, 10).await;
    let sql = "UPDATE events SET photo_changes = 0";
    store.raw().execute(sql).await;
    let cursor = Some(read.next_cursor.as_str());
    let refused = store.photos().changes(permission, cursor, 10).await;
    assert_refused!(refused, ListError::LostChanges);
}

async fn a_restored_database_refuses_the_cursors_from_before(store: TestStore) {
    let permission = event(&store).await;
    load(&store, permission, &[photo("a", None)]).await;
    let read = read(&store, permission, None, 10).await;
    store.distrust_restored().await.expect("done");
    let server = store.another_server().await;
    let cursor = Some(read.next_cursor.as_str());
    let refused = server.photos().changes(permission, cursor, 10).await;
    assert_refused!(refused, ListError::Cursor);
}
