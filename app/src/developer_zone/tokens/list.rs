//! The tokens on the page, and what can be done with them.

use std::collections::HashMap;

use leptos::{prelude::*, task::spawn_local};
use model::{
    organisation::OrganisationId,
    token::{Receipt, TOKEN_LIMIT, TokenId, TokenStatus, TokenSummary},
};

use super::{
    context::{FreshToken, ShownToken, use_shown_token},
    password_prompt::Confirmation,
    row_data::{ListedToken, TokenRows},
};
use crate::{
    dashboard::{SessionEnded, use_session_ended},
    developer_zone::{
        receipt::out_of_use,
        server_functions::{
            create_token, delete_token, rename_token, set_token_active, watch_tokens,
        },
    },
    error::RequestError,
    ui::{Toasts, ago, time_of_day, use_toasts},
};

/// The tokens on the page. Rows change only by what the server has answered: a security control that
/// shows a state before it is in force would be a lie.
#[derive(Clone, Copy)]
pub(super) struct TokenList {
    organisation: OrganisationId,
    rows: RwSignal<Vec<ListedToken>>,
    /// What the server calls this state of the rows; nothing once the page has changed them itself.
    fingerprint: StoredValue<Option<String>>,
    /// What tokens are being switched to, while they are.
    switching: RwSignal<HashMap<TokenId, TokenStatus>>,
    creating: RwSignal<bool>,
    deleting: RwSignal<bool>,
    renaming: RwSignal<bool>,
    shown_token: ShownToken,
    session_ended: SessionEnded,
    toasts: Toasts,
}

impl TokenList {
    pub(super) fn new(organisation: OrganisationId, listed: TokenRows) -> Self {
        Self {
            organisation,
            rows: RwSignal::new(listed.rows),
            fingerprint: StoredValue::new(Some(listed.fingerprint)),
            switching: RwSignal::new(HashMap::new()),
            creating: RwSignal::new(false),
            deleting: RwSignal::new(false),
            renaming: RwSignal::new(false),
            shown_token: use_shown_token(),
            session_ended: use_session_ended(),
            toasts: use_toasts(),
        }
    }

    pub(super) const fn organisation(self) -> OrganisationId {
        self.organisation
    }

    /// Every token, newest first.
    pub(super) fn ids(self) -> Vec<TokenId> {
        let ids = |rows: &Vec<ListedToken>| rows.iter().map(|row| row.token.id).collect();
        self.rows.with(ids)
    }

    pub(super) fn count(self) -> usize {
        self.rows.with(Vec::len)
    }

    pub(super) fn is_full(self) -> bool {
        self.count() >= TOKEN_LIMIT
    }

    /// Something of the token's row as the server last reported it; nothing of one that is gone.
    pub(super) fn read<T>(self, id: TokenId, about: impl FnOnce(&ListedToken) -> T) -> Option<T> {
        self.rows
            .with(|rows| rows.iter().find(|row| row.token.id == id).map(about))
    }

    /// The token as the server last reported it, for once.
    pub(super) fn token(self, id: TokenId) -> Option<TokenSummary> {
        untrack(|| self.read(id, |row| row.token.clone()))
    }

    /// The token's status as the server last reported it.
    pub(super) fn status(self, id: TokenId) -> Option<TokenStatus> {
        self.read(id, |row| row.token.status)
    }

    /// What the token is being switched to, while it is.
    pub(super) fn switching_to(self, id: TokenId) -> Option<TokenStatus> {
        self.switching.with(|switching| switching.get(&id).copied())
    }

    pub(super) fn is_creating(self) -> bool {
        self.creating.get()
    }

    pub(super) fn is_deleting(self) -> bool {
        self.deleting.get()
    }

    /// The row below the token's, if there is one.
    pub(super) fn next_after(self, id: TokenId) -> Option<TokenId> {
        let ids = untrack(|| self.ids());
        let mut after = ids.into_iter().skip_while(|other| *other != id).skip(1);
        after.next()
    }

    /// Makes a token called `name`, unless one is being made. `answered` is called when the answer is there,
    /// whatever it is but that something must be typed first; a new token then goes to the dialog that shows it.
    pub(super) fn create(
        self,
        name: String,
        confirmation: Confirmation,
        answered: impl Fn() + 'static,
        misnamed: impl Fn(String) + 'static,
    ) {
        if self.creating.get_untracked() {
            return;
        }
        let Ok(password) = confirmation.password() else {
            return;
        };
        self.creating.set(true);
        spawn_local(async move {
            let outcome = create_token(self.organisation, Some(name), password).await;
            self.creating.set(false);
            match outcome {
                Err(error @ RequestError::TokenName(_)) => misnamed(error.to_string()),
                Err(error) if confirmation.is_wanted_by(&error) => {}
                Err(error) => {
                    answered();
                    self.report(None, error).await;
                }
                Ok(new) => {
                    answered();
                    self.change(|rows| rows.insert(0, new.row));
                    self.shown_token.show(FreshToken {
                        secret: new.secret,
                        organisation: self.organisation,
                        event: new.example_event,
                    });
                }
            }
        });
    }

    /// Calls a token by `name`, or by none where that is blank. `answered` is called with what is wrong with the
    /// name, or with nothing when the token has it or is gone.
    pub(super) fn rename(
        self,
        id: TokenId,
        name: String,
        answered: impl Fn(Option<String>) + 'static,
    ) {
        if self.renaming.get_untracked() {
            return;
        }
        let Some(token) = self.token(id) else {
            return answered(None);
        };
        self.renaming.set(true);
        spawn_local(async move {
            let outcome = rename_token(self.organisation, id, name).await;
            self.renaming.set(false);
            match outcome {
                Ok(token) => {
                    self.replace(token);
                    answered(None);
                }
                Err(error @ RequestError::TokenName(_)) => answered(Some(error.to_string())),
                Err(error) => {
                    // What was typed stays, unless there is nothing left to name.
                    if matches!(error, RequestError::NoSuchToken(_)) {
                        answered(None);
                    }
                    self.report(Some(&token), error).await;
                }
            }
        });
    }

    pub(super) fn is_renaming(self) -> bool {
        self.renaming.get()
    }

    /// Switches a token on or off, unless it is being switched.
    pub(super) fn switch(self, token: TokenSummary, to: TokenStatus) {
        if self
            .switching
            .with_untracked(|switching| switching.contains_key(&token.id))
        {
            return;
        }
        self.switching.update(|switching| {
            switching.insert(token.id, to);
        });
        spawn_local(async move {
            let outcome = set_token_active(self.organisation, token.id, to.is_active()).await;
            self.switching.update(|switching| {
                switching.remove(&token.id);
            });
            match outcome {
                Ok(receipt) => {
                    let called = receipt.token.display_name();
                    self.toasts.confirm(match receipt.token.status {
                        TokenStatus::Active => format!("Token {called} is active."),
                        TokenStatus::Inactive => {
                            format!("Token {called} is inactive. {}", said_of(&receipt))
                        }
                    });
                    self.replace(receipt.token);
                }
                Err(error) => self.report(Some(&token), error).await,
            }
        });
    }

    /// Deletes a token, unless one is being deleted. `answered` is called when the answer is there, with
    /// whether the token is gone; not when the password is wanted first.
    pub(super) fn delete(
        self,
        token: TokenSummary,
        confirmation: Confirmation,
        answered: impl Fn(bool) + 'static,
    ) {
        if self.deleting.get_untracked() {
            return;
        }
        let Ok(password) = confirmation.password() else {
            return;
        };
        self.deleting.set(true);
        spawn_local(async move {
            let outcome = delete_token(self.organisation, token.id, password).await;
            self.deleting.set(false);
            match outcome {
                Err(error) if confirmation.is_wanted_by(&error) => {}
                Ok(receipt) => {
                    self.change(|rows| rows.retain(|row| row.token.id != token.id));
                    answered(true);
                    self.toasts.confirm(format!(
                        "Token {} was deleted. {}",
                        token.display_name(),
                        said_of(&receipt)
                    ));
                }
                Err(error) => {
                    answered(matches!(error, RequestError::NoSuchToken(_)));
                    self.report(Some(&token), error).await;
                }
            }
        });
    }

    fn replace(self, changed: TokenSummary) {
        self.change(|rows| {
            if let Some(row) = rows.iter_mut().find(|row| row.token.id == changed.id) {
                row.token = changed;
            }
        });
    }

    /// Changes the rows by what the server has answered to a change that was made here.
    fn change(self, change: impl FnOnce(&mut Vec<ListedToken>)) {
        self.fingerprint.set_value(None);
        self.rows.update(change);
    }

    /// Catches up with what others have changed. What is asked while something is being changed here is not gone
    /// by: its answer may be from before the change.
    ///
    /// # Errors
    /// Those of [`watch_tokens`].
    pub(super) async fn catch_up(self) -> Result<(), RequestError> {
        if self.is_changing() {
            return Ok(());
        }
        let seen = self.fingerprint.get_value();
        let news = watch_tokens(self.organisation, seen.clone()).await?;
        if let Some(listed) = news
            && !self.is_changing()
            && self.fingerprint.get_value() == seen
        {
            self.show(listed);
        }
        Ok(())
    }

    pub(super) fn is_token_shown(self) -> bool {
        untrack(|| self.shown_token.is_shown())
    }

    pub(super) fn say_session_ended(self) {
        self.session_ended.show();
    }

    fn show(self, listed: TokenRows) {
        self.fingerprint.set_value(Some(listed.fingerprint));
        self.rows.set(listed.rows);
    }

    fn is_changing(self) -> bool {
        untrack(|| {
            self.creating.get()
                || self.deleting.get()
                || self.renaming.get()
                || !self.switching.with(HashMap::is_empty)
        })
    }

    /// Says what went wrong. Where the page turns out to be behind (somebody else deleted the token, or
    /// took the last place), it catches up.
    async fn report(self, token: Option<&TokenSummary>, error: RequestError) {
        match error {
            RequestError::SessionEnded => return self.session_ended.show(),
            RequestError::NoSuchToken(_) | RequestError::TokenLimitReached => self.refresh().await,
            _ => {}
        }
        self.toasts.fail(match token {
            Some(token) => format!("Token {}: {error}", token.display_name()),
            None => error.to_string(),
        });
    }

    async fn refresh(self) {
        if let Ok(Some(listed)) = watch_tokens(self.organisation, None).await {
            self.show(listed);
        }
    }
}

/// What the receipt says, in the reader's own way.
fn said_of(receipt: &Receipt) -> String {
    let last_use = receipt.token.last_used.map(ago);
    out_of_use(&time_of_day(receipt.in_force_since), last_use.as_deref())
}
