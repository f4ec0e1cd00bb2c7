//! The context that all parts of the card share.

use leptos::prelude::*;
use model::{event::EventId, organisation::OrganisationId, token::TokenId};

use crate::{
    call::{number, tell},
    developer_zone::server_functions::NoteCopy,
    ids::CREATE_BUTTON,
    ui::{CopyState, focus_soon},
};

/// Facts of the page around the card.
#[derive(Clone)]
pub(super) struct PageFacts {
    /// The name of the organisation.
    pub(super) organisation_name: String,
    /// The email address of the signed-in user.
    pub(super) email: String,
    /// Scheme, host and port under which integrations call the external API.
    pub(super) api_origin: String,
    /// Whether the password was given too long ago when the page was loaded.
    pub(super) wants_password: bool,
}

impl PageFacts {
    /// The organisation as the switcher names it: `Summit Races (903)`.
    pub(super) fn organisation(&self, id: OrganisationId) -> String {
        format!("{} ({id})", self.organisation_name)
    }
}

/// A new token.
pub(super) struct FreshToken {
    /// Its id.
    pub(super) id: TokenId,
    /// Its name and preview.
    pub(super) called: String,
    /// The whole token.
    pub(super) secret: String,
    /// The organisation of the token.
    pub(super) organisation: OrganisationId,
    /// An event to test the token with, if there is one.
    pub(super) event: Option<EventId>,
}

/// The new token that the dialog shows. Its text is on the page only as the value of fields. When the dialog closes,
/// the WASM's allocator wipes its memory, as it wipes all memory that it frees.
#[derive(Clone, Copy)]
pub(super) struct ShownToken {
    token: RwSignal<Option<FreshToken>>,
    pub(super) open: RwSignal<bool>,
    pub(super) copy: RwSignal<CopyState>,
    /// Whether the token, or an example with it, was copied. Closing the dialog then loses nothing.
    pub(super) copied: RwSignal<bool>,
    /// Whether the dialog asks for confirmation to close.
    confirming: RwSignal<bool>,
}

impl ShownToken {
    pub(super) fn show(self, token: FreshToken) {
        self.copy.set(CopyState::NotTried);
        self.copied.set(false);
        self.confirming.set(false);
        self.token.set(Some(token));
        self.open.set(true);
    }

    /// Whether a token is shown.
    pub(super) fn is_shown(self) -> bool {
        self.token.with(Option::is_some)
    }

    /// Whether a token is shown that would be lost.
    pub(super) fn is_at_risk(self) -> bool {
        self.is_shown() && !self.copied.get()
    }

    /// Closes the dialog. If the token was not copied, asks first.
    pub(super) fn close(self) {
        if self.copied.get_untracked() {
            self.put_away();
        } else {
            self.confirming.set(true);
        }
    }

    /// Whether the dialog asks before it closes. Copying answers the question.
    pub(super) fn is_asking(self) -> bool {
        self.confirming.get() && !self.copied.get()
    }

    pub(super) fn keep_open(self) {
        self.confirming.set(false);
    }

    pub(super) fn put_away(self) {
        self.token.set(None);
        self.open.set(false);
        self.confirming.set(false);
        focus_soon(CREATE_BUTTON.to_owned());
    }

    /// Tells the server that the token is on the clipboard. Home ticks that step; here nothing depends on it.
    pub(super) fn note_copy(self) {
        let ids = untrack(|| {
            self.token
                .with(|token| token.as_ref().map(|token| (token.organisation, token.id)))
        });
        if let Some((organisation, token)) = ids {
            tell::<NoteCopy>(&[
                ("organisation_id", number(organisation.0)),
                ("token_id", number(token.0)),
            ]);
        }
    }

    /// Reads a value from the token. Returns the default if no token is shown.
    pub(super) fn read<T: Default>(self, about: impl FnOnce(&FreshToken) -> T) -> T {
        self.token
            .with(|token| token.as_ref().map(about).unwrap_or_default())
    }

    /// [`Self::read`] without subscribing.
    pub(super) fn read_untracked<T: Default>(self, about: impl FnOnce(&FreshToken) -> T) -> T {
        untrack(|| self.read(about))
    }
}

/// Provides the [`ShownToken`] of the card.
pub(super) fn provide_new_token() {
    provide_context(ShownToken {
        token: RwSignal::new(None),
        open: RwSignal::new(false),
        copy: RwSignal::new(CopyState::NotTried),
        copied: RwSignal::new(false),
        confirming: RwSignal::new(false),
    });
}

pub(super) fn use_shown_token() -> ShownToken {
    expect_context()
}
