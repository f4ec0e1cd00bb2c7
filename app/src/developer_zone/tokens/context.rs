//! What all parts of the card share.

use leptos::prelude::*;
use model::{event::EventId, organisation::OrganisationId};

use crate::{
    ids::CREATE_BUTTON,
    ui::{CopyState, focus_soon},
};

/// What the parts of the card know of the page around it.
#[derive(Clone)]
pub(super) struct PageFacts {
    /// The address signed in with.
    pub(super) email: String,
    /// Scheme, host and port under which integrations call the external API.
    pub(super) api_origin: String,
}

/// A token that has just been made.
pub(super) struct FreshToken {
    /// The whole token.
    pub(super) secret: String,
    /// Whose it is.
    pub(super) organisation: OrganisationId,
    /// An event to try it on, if there is one.
    pub(super) event: Option<EventId>,
}

/// The token that is being shown, if one is. Its text is nowhere on the page but in fields that show it;
/// when it is put away, the memory that held it is wiped (the WASM's allocator does that with all that it
/// frees).
#[derive(Clone, Copy)]
pub(super) struct ShownToken {
    token: RwSignal<Option<FreshToken>>,
    pub(super) open: RwSignal<bool>,
    pub(super) copy: RwSignal<CopyState>,
    /// Whether one has tried to close without `Done`.
    pub(super) asked: RwSignal<bool>,
}

impl ShownToken {
    pub(super) fn show(self, token: FreshToken) {
        self.copy.set(CopyState::NotTried);
        self.asked.set(false);
        self.token.set(Some(token));
        self.open.set(true);
    }

    /// Whether a token is shown.
    pub(super) fn is_shown(self) -> bool {
        self.token.with(Option::is_some)
    }

    pub(super) fn put_away(self) {
        self.token.set(None);
        self.open.set(false);
        self.asked.set(false);
        focus_soon(CREATE_BUTTON.to_owned());
    }

    /// Something about the token, if one is shown; the default where none is.
    pub(super) fn read<T: Default>(self, about: impl FnOnce(&FreshToken) -> T) -> T {
        self.token
            .with(|token| token.as_ref().map(about).unwrap_or_default())
    }

    /// [`Self::read`], for once.
    pub(super) fn read_untracked<T: Default>(self, about: impl FnOnce(&FreshToken) -> T) -> T {
        untrack(|| self.read(about))
    }
}

/// Makes room for a shown token; for the island that holds the [`NewTokenDialog`].
pub(super) fn provide_new_token() {
    provide_context(ShownToken {
        token: RwSignal::new(None),
        open: RwSignal::new(false),
        copy: RwSignal::new(CopyState::NotTried),
        asked: RwSignal::new(false),
    });
}

pub(super) fn use_shown_token() -> ShownToken {
    expect_context()
}
