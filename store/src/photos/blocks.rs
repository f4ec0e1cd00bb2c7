//! Counted blocks: how many photos each part of an event's order has (the table `photo_blocks`).
//!
//! The blocks are one level of a counting B-tree. A million photos make a few hundred blocks. So it is quick to read
//! all blocks of an event, or the photos of one block. This module only calculates;
//! [`super::loading`] reads and writes the rows.

use std::collections::BTreeMap;

use crate::{cursors::Position, database::row, error::DatabaseError};

/// How many photos a block counts before it is split in two. It is about the square root of the largest event:
/// reading all blocks then costs as much as reading one block.
pub(crate) const MAX_PHOTOS: i64 = 1_024;

/// The place in the order of photos without a capture time: after all others.
pub(crate) const UNTIMED: i64 = i64::MAX;

const HOUR: i64 = 3_600_000;

/// The first millisecond of the hour of `ordered_at`; photos without a time have an hour to themselves.
pub(crate) const fn hour_of(ordered_at: i64) -> i64 {
    if ordered_at == UNTIMED {
        UNTIMED
    } else {
        ordered_at.div_euclid(HOUR).saturating_mul(HOUR)
    }
}

/// The last millisecond of the hour that begins at `hour`.
pub(crate) const fn end_of(hour: i64) -> i64 {
    hour.saturating_add(HOUR - 1)
}

row! {
    /// A place in the order of an event's photos.
    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub(crate) struct Place {
        pub(crate) ordered_at: i64,
        pub(crate) image_id: String,
    }
}

impl Place {
    /// The place after every photo: names have at most 255 characters.
    pub(crate) fn behind_all() -> Self {
        Self {
            ordered_at: UNTIMED,
            image_id: char::MAX.to_string().repeat(256),
        }
    }

    /// The place after a photo and before every other one that follows: no name has U+0000, so none lies between.
    pub(crate) fn next(mut self) -> Self {
        self.image_id.push('\u{1}');
        self
    }

    /// The place before every photo of that instant.
    pub(crate) const fn before(ordered_at: i64) -> Self {
        Self {
            ordered_at,
            image_id: String::new(),
        }
    }
}

impl Position for Place {
    fn to_bytes(&self) -> Vec<u8> {
        [&self.ordered_at.to_be_bytes(), self.image_id.as_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (ordered_at, image_id) = bytes.split_first_chunk()?;
        Some(Self {
            ordered_at: i64::from_be_bytes(*ordered_at),
            image_id: String::from_utf8(image_id.to_vec()).ok()?,
        })
    }
}

row! {
    /// A block, as it is stored.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct Block {
        pub(crate) photos: i64,
        ..pub(crate) start: Place,
    }
}

/// The blocks of one hour, while photos are added and removed.
#[derive(Debug)]
pub(crate) struct Hour {
    begins: i64,
    stored: BTreeMap<Place, i64>,
    now: BTreeMap<Place, i64>,
}

/// A block with too many photos, from `start` to before `end`, and how many of them remain in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) start: Place,
    pub(crate) end: Place,
    pub(crate) remaining: i64,
}

impl Hour {
    /// The hour that begins at `begins`, with the blocks that it has.
    pub(crate) fn new(begins: i64, stored: Vec<Block>) -> Self {
        let stored: BTreeMap<_, _> = stored
            .into_iter()
            .map(|block| (block.start, block.photos))
            .collect();
        Self {
            begins,
            now: stored.clone(),
            stored,
        }
    }

    /// Counts `change` photos more at `place`, which lies in this hour.
    pub(crate) fn count(&mut self, place: &Place, change: i64) {
        match self.now.range_mut(..=place).next_back() {
            Some((_, photos)) => *photos += change,
            None => {
                self.now.insert(Place::before(self.begins), change);
            }
        }
    }

    /// Drops empty blocks. The first block left then begins with the hour.
    ///
    /// # Errors
    /// [`DatabaseError::Corrupt`] if more photos were removed than were counted.
    pub(crate) fn rebalance(&mut self) -> Result<(), DatabaseError> {
        if self.now.values().any(|photos| *photos < 0) {
            return Err(DatabaseError::Corrupt(format!(
                "fewer photos are counted in the hour of {} than there are",
                self.begins
            )));
        }
        self.now.retain(|_, photos| *photos > 0);
        if let Some((_, photos)) = self.now.pop_first() {
            self.now.insert(Place::before(self.begins), photos);
        }
        Ok(())
    }

    /// The first block with more than `most` photos, to be halved. The caller reads the photo with which the second
    /// half begins, for [`Hour::cut`].
    pub(crate) fn overfull(&self, most: i64) -> Option<Cut> {
        let mut blocks = self.now.iter();
        let (start, photos) = blocks.find(|(_, photos)| **photos > most)?;
        let end = match blocks.next() {
            Some((next, _)) => next.clone(),
            None if self.begins == UNTIMED => Place::behind_all(),
            None => Place::before(end_of(self.begins).saturating_add(1)),
        };
        Some(Cut {
            start: start.clone(),
            end,
            remaining: photos / 2,
        })
    }

    /// Cuts a block in two; the second one begins at `at`.
    pub(crate) fn cut(&mut self, cut: &Cut, at: Place) {
        if let Some(photos) = self.now.get_mut(&cut.start) {
            let rest = *photos - cut.remaining;
            *photos = cut.remaining;
            self.now.insert(at, rest);
        }
    }

    /// The stored blocks to delete.
    pub(crate) fn removed(&self) -> impl Iterator<Item = &Place> {
        self.stored
            .keys()
            .filter(|start| !self.now.contains_key(*start))
    }

    /// The blocks to write, as they are new or changed.
    pub(crate) fn written(&self) -> impl Iterator<Item = (&Place, i64)> {
        let now = self.now.iter().map(|(start, photos)| (start, *photos));
        now.filter(|(start, photos)| self.stored.get(*start) != Some(photos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(ordered_at: i64, image_id: &str) -> Place {
        Place {
            ordered_at,
            image_id: image_id.to_owned(),
        }
    }

    fn now(hour: &Hour) -> Vec<(i64, &str, i64)> {
        let blocks = hour.now.iter();
        blocks
            .map(|(start, photos)| (start.ordered_at, start.image_id.as_str(), *photos))
            .collect()
    }

    #[test]
    fn an_hour_begins_at_its_first_millisecond_also_before_1970() {
        for (time, hour) in [
            (0, 0),
            (HOUR - 1, 0),
            (HOUR, HOUR),
            (-1, -HOUR),
            (-HOUR, -HOUR),
            (-HOUR - 1, -2 * HOUR),
            (UNTIMED, UNTIMED),
            (i64::MIN, i64::MIN),
        ] {
            assert_eq!(hour_of(time), hour, "{time}");
            assert!(end_of(hour) >= time, "{time}");
        }
    }

    #[test]
    fn the_first_photo_of_an_hour_makes_a_block_that_begins_with_the_hour() {
        let mut hour = Hour::new(HOUR, Vec::new());
        hour.count(&place(HOUR + 5, "b"), 1);
        hour.count(&place(HOUR + 1, "a"), 1);
        hour.rebalance().expect("sound");
        assert_eq!(now(&hour), [(HOUR, "", 2)]);
        assert_eq!(hour.written().count(), 1);
    }

    #[test]
    fn an_empty_block_is_dropped_and_the_first_one_left_begins_with_the_hour() {
        let block = |start, photos| Block { start, photos };
        let stored = vec![
            block(place(0, ""), 1),
            block(place(5, "c"), 1),
            block(place(7, ""), 3),
        ];
        let mut hour = Hour::new(0, stored);
        hour.count(&place(3, "x"), -1);
        hour.count(&place(6, "x"), -1);
        hour.rebalance().expect("sound");
        assert_eq!(now(&hour), [(0, "", 3)]);
        let removed: Vec<_> = hour.removed().collect();
        assert_eq!(removed, [&place(5, "c"), &place(7, "")]);
    }

    #[test]
    fn a_block_with_too_many_photos_is_halved() {
        let mut hour = Hour::new(0, Vec::new());
        hour.count(&place(9, "m"), 5);
        assert_eq!(hour.overfull(5), None);
        let cut = hour.overfull(4).expect("too many");
        assert_eq!(cut.remaining, 2);
        hour.cut(&cut, place(9, "m"));
        assert_eq!(now(&hour), [(0, "", 2), (9, "m", 3)]);
        assert_eq!(hour.overfull(4), None);
    }

    #[test]
    fn removing_a_photo_that_was_never_counted_is_an_error() {
        let mut hour = Hour::new(0, Vec::new());
        hour.count(&place(9, "m"), -1);
        assert!(matches!(hour.rebalance(), Err(DatabaseError::Corrupt(_))));
    }
}
