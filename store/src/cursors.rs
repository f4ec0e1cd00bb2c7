//! Cursors: the positions of readers in lists (contract, section 5).
//!
//! A cursor has the position and an HMAC of position and list, in base64url. Its key is the same for all servers of a
//! database. So a cursor that was changed, or that belongs to another list, filter, event or organisation, is refused.
//! A cursor is a position and no permission: it opens nothing, and never expires.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use model::{
    event::EventId,
    organisation::OrganisationId,
    photo::{Bib, TimeWindow},
};
use sha2::Sha256;

use crate::{
    Store,
    error::{DatabaseError, ListError},
};

/// No other use of the key begins with this text. Another version of the positions needs another text.
const PURPOSE: &[u8] = b"developer-zone cursor, version 1\n";

/// The length of the HMAC: half of SHA-256.
const TAG: usize = 16;

/// The longest cursor: a name has at most 255 characters of four bytes.
const MAX_LENGTH: usize = 2_000;

/// A list of an organisation, with its filters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CursorList<'a> {
    Events,
    Photos(EventId),
    PhotosWithBib(EventId, &'a Bib),
    PhotosWithin(EventId, TimeWindow),
    Changes(EventId),
}

impl CursorList<'_> {
    /// A text that differs for any two lists: all parts but the last have a fixed length.
    fn bytes(self) -> Vec<u8> {
        let (kind, event, filter) = match self {
            Self::Events => (0, 0, Vec::new()),
            Self::Photos(event) => (1, event.0, Vec::new()),
            Self::PhotosWithBib(event, bib) => (2, event.0, bib.key().as_bytes().to_vec()),
            Self::PhotosWithin(event, window) => {
                let ends = [window.from(), window.to()];
                let ends = ends.map(|end| end.epoch_millis().to_be_bytes());
                (3, event.0, ends.concat())
            }
            Self::Changes(event) => (4, event.0, Vec::new()),
        };
        [&[kind][..], &event.to_be_bytes(), &filter].concat()
    }
}

/// A position in a list, which a cursor can carry.
pub(crate) trait Position: Sized {
    fn to_bytes(&self) -> Vec<u8>;

    /// None if the bytes are no position of this kind.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// The number of rows of a list, where a page after `before` rows has `found` of at most `size + 1` rows. `counted` can
/// be older than the page.
pub(crate) fn rows_in_all(counted: i64, before: i64, size: i64, found: usize) -> i64 {
    let found = i64::try_from(found).unwrap_or(i64::MAX);
    match found {
        0 => counted,
        _ if found > size => counted.max(before.saturating_add(found)),
        _ => before.saturating_add(found),
    }
}

/// Removes the row after a page of `size`, if it was read, and returns the last row of the page then.
pub(crate) fn last_of_page<R>(rows: &mut Vec<R>, size: i64) -> Option<&R> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if rows.len() <= size {
        return None;
    }
    rows.truncate(size);
    rows.last()
}

impl Store {
    /// The cursor of a position.
    pub(crate) async fn cursor<P: Position>(
        &self,
        organisation: OrganisationId,
        list: CursorList<'_>,
        position: &P,
    ) -> Result<String, DatabaseError> {
        let position = position.to_bytes();
        let mac = mac(self.cursor_key().await?, organisation, list, &position);
        let tag = mac.finalize().into_bytes();
        let bytes = [&position[..], &tag[..TAG]].concat();
        Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The position of a cursor, which must be one of this list.
    pub(crate) async fn position<P: Position>(
        &self,
        organisation: OrganisationId,
        list: CursorList<'_>,
        cursor: &str,
    ) -> Result<P, ListError> {
        if cursor.len() > MAX_LENGTH {
            return Err(ListError::Cursor);
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor);
        let bytes = bytes.map_err(|_| ListError::Cursor)?;
        let (position, tag) = bytes.split_last_chunk::<TAG>().ok_or(ListError::Cursor)?;
        let mac = mac(self.cursor_key().await?, organisation, list, position);
        mac.verify_truncated_left(tag)
            .map_err(|_| ListError::Cursor)?;
        P::from_bytes(position).ok_or(ListError::Cursor)
    }
}

fn mac(
    key: &[u8; 32],
    organisation: OrganisationId,
    list: CursorList<'_>,
    position: &[u8],
) -> Hmac<Sha256> {
    let list = list.bytes();
    let length = u64::try_from(list.len()).unwrap_or(u64::MAX);
    let mac = <Hmac<Sha256> as Mac>::new_from_slice(key);
    mac.expect("HMAC takes a key of any length")
        .chain_update(PURPOSE)
        .chain_update(organisation.0.to_be_bytes())
        .chain_update(length.to_be_bytes())
        .chain_update(list)
        .chain_update(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_macs_of_two_lists_or_positions_differ() {
        let organisation = OrganisationId(903);
        let bib = |text| Bib::parse(text).expect("a bib number");
        let window = |from| TimeWindow::from_seconds(from, 9).expect("a window");
        let (one, two) = (bib("1"), bib("12"));
        let event = EventId(456);
        let lists = [
            CursorList::Events,
            CursorList::Photos(event),
            CursorList::Photos(EventId(457)),
            CursorList::PhotosWithBib(event, &one),
            CursorList::PhotosWithBib(event, &two),
            CursorList::PhotosWithin(event, window(1)),
            CursorList::PhotosWithin(event, window(2)),
            CursorList::Changes(event),
        ];
        let mut seen = std::collections::BTreeSet::new();
        for list in lists {
            for organisation in [organisation, OrganisationId(904)] {
                for position in [&b"2x"[..], b"x", b""] {
                    let mac = mac(&[7; 32], organisation, list, position);
                    assert!(seen.insert(mac.finalize().into_bytes()), "{list:?}");
                }
            }
        }
    }
}
