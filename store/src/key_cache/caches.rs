//! What a server has in memory.

use model::{
    event::EventId,
    permission::{EventRecord, TokenRecord},
    token::TokenId,
};

use super::{change_log::Subject, list_versions::ListVersions, read_cache::ReadCache, table::Size};
use crate::secret::TokenDigest;

/// Room for 229,000 tokens, and for 57,000 made-up keys. Both together take up to 21 MB and 4 MB (a map has eight places
/// for seven entries, of 81 and 41 bytes). Half as many can be in constant use without a read: those of one generation.
pub(super) const TOKENS: Size = Size {
    shards: 64,
    found: 1_792,
    missing: 448,
};

/// As many as tokens: each may be used for another event. They take up to 11 MB.
const EVENTS: Size = Size {
    shards: 64,
    found: 1_792,
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
            Subject::List(id) => self.lists.change(id),
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

#[cfg(test)]
mod tests {
    use std::future::ready;

    use model::organisation::{OrganisationId, Plan};

    use super::*;

    /// Uses each token and each event twice.
    #[tokio::test]
    async fn a_hundred_thousand_busy_tokens_and_their_events_are_read_once() {
        const BUSY: i64 = 100_000;
        let caches = Caches::new();
        for _ in 0..2 {
            for id in 1..=BUSY {
                let mut digest = [0; 32];
                digest[..8].copy_from_slice(&id.to_be_bytes());
                let digest = TokenDigest::from_stored(&digest).expect("32 bytes");
                let token = Some(TokenRecord {
                    token_id: TokenId(id),
                    organisation_id: OrganisationId(id),
                    plan: Plan::Enterprise,
                    active: true,
                    expires_at: None,
                });
                let event = Some(EventRecord {
                    event_id: EventId(id),
                    organisation_id: OrganisationId(id),
                    settings: None,
                });
                let found = caches.tokens.get(digest, || ready(Ok(token.clone()))).await;
                assert_eq!(found.expect("an answer"), token);
                let found = caches
                    .events
                    .get(EventId(id), || ready(Ok(event.clone())))
                    .await;
                assert_eq!(found.expect("an answer"), event);
            }
        }
        for lookups in [caches.tokens.lookups(), caches.events.lookups()] {
            assert_eq!(lookups.read, BUSY.unsigned_abs());
            assert_eq!(lookups.from_memory, BUSY.unsigned_abs());
        }
    }
}
