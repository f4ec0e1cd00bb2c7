//! The tokens on the page, and what can be done with them.

use std::collections::HashMap;

use leptos::{prelude::*, task::spawn_local};
use model::{
    organisation::OrganisationId,
    timestamp::Timestamp,
    token::{Receipt, TOKEN_LIMIT, TokenId, TokenStatus, TokenSummary},
};

use super::{
    confirmation::Confirmation,
    new_token::{FreshToken, ShownToken, use_shown_token},
    requests::{create_token, delete_token, list_tokens, set_token_active},
};
use crate::{
    dashboard::{SessionEnded, use_session_ended},
    error::RequestError,
    ui::{Toasts, ago, time_of_day, use_toasts},
};

/// The tokens on the page. Rows change only by what the server has answered: a security control that
/// shows a state before it is in force would be a lie.
#[derive(Clone, Copy)]
pub(super) struct TokenList {
    organisation: OrganisationId,
    tokens: RwSignal<Vec<TokenSummary>>,
    /// What tokens are being switched to, while they are.
    switching: RwSignal<HashMap<TokenId, TokenStatus>>,
    creating: RwSignal<bool>,
    deleting: RwSignal<bool>,
    shown_token: ShownToken,
    session_ended: SessionEnded,
    toasts: Toasts,
}

impl TokenList {
    pub(super) fn new(organisation: OrganisationId, tokens: Vec<TokenSummary>) -> Self {
        Self {
            organisation,
            tokens: RwSignal::new(tokens),
            switching: RwSignal::new(HashMap::new()),
            creating: RwSignal::new(false),
            deleting: RwSignal::new(false),
            shown_token: use_shown_token(),
            session_ended: use_session_ended(),
            toasts: use_toasts(),
        }
    }

    /// Every token, newest first.
    pub(super) fn all(self) -> Vec<TokenSummary> {
        self.tokens.get()
    }

    pub(super) fn count(self) -> usize {
        self.tokens.with(Vec::len)
    }

    pub(super) fn is_full(self) -> bool {
        self.count() >= TOKEN_LIMIT
    }

    /// The token's status as the server last reported it.
    pub(super) fn status(self, id: TokenId) -> Option<TokenStatus> {
        self.tokens.with(|tokens| {
            let token = tokens.iter().find(|token| token.id == id);
            token.map(|token| token.status)
        })
    }

    /// When the token was last used, as far as the server knew when it last spoke of it.
    pub(super) fn last_used(self, id: TokenId) -> Option<Timestamp> {
        self.tokens.with(|tokens| {
            let token = tokens.iter().find(|token| token.id == id);
            token.and_then(|token| token.last_used)
        })
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
        self.tokens.with_untracked(|tokens| {
            let mut after = tokens.iter().skip_while(|token| token.id != id).skip(1);
            after.next().map(|token| token.id)
        })
    }

    /// Makes a token, unless one is being made. `answered` is called when the answer is there, whatever it
    /// is but that the password is wanted first; a new token then goes to the dialog that shows it.
    pub(super) fn create(self, confirmation: Confirmation, answered: impl Fn() + 'static) {
        if self.creating.get_untracked() {
            return;
        }
        let Ok(password) = confirmation.password() else {
            return;
        };
        self.creating.set(true);
        spawn_local(async move {
            let outcome = create_token(self.organisation, password).await;
            self.creating.set(false);
            if let Err(error) = &outcome
                && confirmation.is_wanted_by(error)
            {
                return;
            }
            answered();
            match outcome {
                Ok(new) => {
                    self.tokens.update(|tokens| tokens.insert(0, new.summary));
                    self.shown_token.show(FreshToken {
                        secret: new.secret,
                        organisation: self.organisation,
                        event: new.example_event,
                    });
                }
                Err(error) => self.report(None, error).await,
            }
        });
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
                    let preview = &receipt.token.preview;
                    self.toasts.confirm(match receipt.token.status {
                        TokenStatus::Active => format!("Token {preview} is active."),
                        TokenStatus::Inactive => {
                            format!("Token {preview} is inactive. {}", out_of_use(&receipt))
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
                    self.tokens
                        .update(|tokens| tokens.retain(|other| other.id != token.id));
                    answered(true);
                    self.toasts.confirm(format!(
                        "Token {} was deleted. {}",
                        token.preview,
                        out_of_use(&receipt)
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
        self.tokens.update(|tokens| {
            if let Some(token) = tokens.iter_mut().find(|token| token.id == changed.id) {
                *token = changed;
            }
        });
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
            Some(token) => format!("Token {}: {error}", token.preview),
            None => error.to_string(),
        });
    }

    async fn refresh(self) {
        if let Ok(tokens) = list_tokens(self.organisation).await {
            self.tokens.set(tokens);
        }
    }
}

/// Since when a token is out of use, and when it was in use last. What other servers accepted in the seconds
/// before may not have reached the database: so it says what is recorded, not what was.
fn out_of_use(receipt: &Receipt) -> String {
    let since = time_of_day(receipt.in_force_since);
    let last_use = match receipt.token.last_used {
        Some(at) => format!("Last recorded use {}.", ago(at)),
        None => "No use was recorded.".to_owned(),
    };
    format!("No server has accepted it since {since}. {last_use}")
}
