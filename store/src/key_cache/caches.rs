//! What a server has in memory.

use model::{
    event::EventId,
    permission::{EventRecord, TokenRecord},
    token::TokenId,
};

use super::{change_log::Subject, list_versions::ListVersions, read_cache::ReadCache, table::Size};
use crate::secret::TokenDigest;

/// Room for 229,000 tokens, and for 57,000 made-up keys. Both together take up to 21 MB and 4 MB (a map has eight places
/// for seven entries, of 81 and 41 bytes).
pub(super) const TOKENS: Size = Size {
    shards: 64,
    found: 1_792,
    missing: 448,
};

/// Fewer entries than for tokens: only callers with a valid key ask for events.
const EVENTS: Size = Size {
    shards: 64,
    found: 448,
    missing: 112,
};

/// Few entries: only links with a valid signature ask, and each download takes long compared with a read.
const TOKENS_BY_ID: Size = Size {
    shards: 16,
    found: 448,
    missing: 112,
};

/// The answers about tokens and events.
pub(super) struct Caches {
    pub(super) tokens: ReadCache<TokenDigest, TokenRecord>,
    /// For links to originals, which name a token by its number.
    pub(super) tokens_by_id: ReadCache<TokenId, TokenRecord>,
    pub(super) events: ReadCache<EventId, EventRecord>,
    pub(super) lists: ListVersions,
}

impl Caches {
    pub(super) fn new() -> Self {
        Self {
            tokens: ReadCache::new(TOKENS),
            tokens_by_id: ReadCache::new(TOKENS_BY_ID),
            events: ReadCache::new(EVENTS),
            lists: ListVersions::new(),
        }
    }

    /// Drops what is known about the subject of a change.
    pub(super) fn invalidate(&self, subject: Subject) {
        match subject {
            Subject::Token {
                id,
                digest,
                organisation,
            } => {
                self.tokens.invalidate(digest);
                self.tokens_by_id.invalidate(id);
                match organisation {
                    Some(organisation) => self.lists.change(organisation),
                    None => self.lists.change_all(),
                }
            }
            Subject::Organisation(id) => {
                let is_affected = |token: &TokenRecord| token.organisation_id == id;
                self.tokens.invalidate_where(is_affected);
                self.tokens_by_id.invalidate_where(is_affected);
                self.lists.change(id);
            }
            Subject::Event(id) => self.events.invalidate(id),
        }
    }

    pub(super) fn clear(&self) {
        self.tokens.clear();
        self.tokens_by_id.clear();
        self.events.clear();
        self.lists.change_all();
    }
}
