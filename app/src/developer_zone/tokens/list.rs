//! The tokens on the page, and the actions on them.

use leptos::{prelude::*, server_fn::serde::de::DeserializeOwned, task::spawn_local};
use model::{
    organisation::OrganisationId,
    token::{TOKEN_LIMIT, TokenId, TokenStatus, TokenSummary},
};
use wasm_bindgen::JsCast;
use web_sys::{HtmlFormElement, HtmlInputElement};

use super::{
    confirmation::Confirmation,
    context::{FreshToken, ShownToken, use_shown_token},
    ids::delete_button_id,
    password_prompt::PasswordPrompt,
    row_data::{ListedToken, TokenRows},
    running::{Change, Running},
    waiting::Waiting,
};
use crate::{
    call::{call, number, post_form},
    dashboard::{SessionEnded, use_session_ended},
    developer_zone::{
        receipt::{SwitchedToken, Words},
        server_functions::{NewToken, WatchTokens},
    },
    error::RequestError,
    ids::CREATE_BUTTON,
    ui::{FailedChange, Toasts, focus_soon, use_toasts},
};

/// The tokens on the page.
///
/// A row changes only after the server's response. A security control must not show a state before it is in force.
#[derive(Clone, Copy)]
pub(super) struct TokenList {
    organisation: OrganisationId,
    rows: RwSignal<Vec<ListedToken>>,
    /// The server's fingerprint of these rows. `None` after the page has applied a change of its own.
    fingerprint: StoredValue<Option<String>>,
    running: Running,
    waiting: Waiting,
    confirmation: Confirmation,
    shown_token: ShownToken,
    session_ended: SessionEnded,
    toasts: Toasts,
    /// What others changed, for screen readers.
    news: RwSignal<String>,
    /// Whether the rows have changed since the page was loaded. A row that is built after that is a new one.
    has_changed: StoredValue<bool>,
}

impl TokenList {
    pub(super) fn new(organisation: OrganisationId, listed: TokenRows) -> Self {
        let (running, toasts) = (Running::none(), use_toasts());
        Self {
            organisation,
            rows: RwSignal::new(listed.rows),
            fingerprint: StoredValue::new(Some(listed.fingerprint)),
            running,
            waiting: Waiting::new(organisation, running, toasts),
            confirmation: Confirmation::closed(),
            shown_token: use_shown_token(),
            session_ended: use_session_ended(),
            toasts,
            news: RwSignal::new(String::new()),
            has_changed: StoredValue::new(false),
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

    pub(super) fn count_active(self) -> usize {
        let is_active = |row: &&ListedToken| row.token.status.is_active();
        self.rows.with(|rows| rows.iter().filter(is_active).count())
    }

    pub(super) fn is_full(self) -> bool {
        self.count() >= TOKEN_LIMIT
    }

    /// Reads a value from the token's row. Returns `None` if the row is gone.
    pub(super) fn read<T>(self, id: TokenId, about: impl FnOnce(&ListedToken) -> T) -> Option<T> {
        self.rows
            .with(|rows| rows.iter().find(|row| row.token.id == id).map(about))
    }

    /// The token as the server last reported it; read without subscribing.
    pub(super) fn token(self, id: TokenId) -> Option<TokenSummary> {
        untrack(|| self.read(id, |row| row.token.clone()))
    }

    /// The token's status as the server last reported it.
    pub(super) fn status(self, id: TokenId) -> Option<TokenStatus> {
        self.read(id, |row| row.token.status)
    }

    /// What others changed, for screen readers.
    pub(super) const fn news(self) -> RwSignal<String> {
        self.news
    }

    /// Whether a row that is built now is a new one.
    pub(super) fn has_changed(self) -> bool {
        self.has_changed.get_value()
    }

    /// The changes without a response yet.
    pub(super) const fn running(self) -> Running {
        self.running
    }

    /// The question that the card asks before a change.
    pub(super) const fn confirmation(self) -> Confirmation {
        self.confirmation
    }

    /// The token in the next row, if there is one.
    pub(super) fn next_after(self, id: TokenId) -> Option<TokenId> {
        let ids = untrack(|| self.ids());
        let mut after = ids.into_iter().skip_while(|other| *other != id).skip(1);
        after.next()
    }

    /// Posts the form of a change, unless a conflicting change is running.
    fn begin<T: DeserializeOwned>(
        self,
        change: Change,
        form: &HtmlFormElement,
    ) -> Option<impl Future<Output = Result<T, RequestError>> + use<T>> {
        self.waiting.begin();
        if !self.running.begin(change) {
            return None;
        }
        let response = post_form(form);
        Some(async move {
            let outcome = response.await;
            self.running.end(change);
            self.waiting.end();
            outcome
        })
    }

    /// Creates a token. Calls `on_done` when the dialog can close. It stays open if the user can try again, perhaps with
    /// another name or the password. Calls `failed` with the problem, unless it is the password's.
    pub(super) fn create(
        self,
        form: &HtmlFormElement,
        prompt: PasswordPrompt,
        on_done: impl Fn() + 'static,
        failed: impl Fn(RequestError) + 'static,
    ) {
        let Some(response) = self.begin::<NewToken>(Change::Create, form) else {
            return;
        };
        spawn_local(async move {
            match response.await {
                // To try again would not help, or might create a second token.
                Err(
                    error @ (RequestError::SessionEnded
                    | RequestError::NotAMember
                    | RequestError::PlanRequired(_)
                    | RequestError::OtherAccount
                    | RequestError::TokenLimitReached
                    | RequestError::Unconfirmed),
                ) => {
                    on_done();
                    self.report(CREATION, None, error).await;
                }
                Err(error) if prompt.is_wanted_by(&error) => {}
                Err(error) => failed(error),
                Ok(new) => {
                    on_done();
                    self.toasts.over(CREATION);
                    let token = new.row.token.clone();
                    self.change(|rows| rows.insert(0, new.row));
                    self.shown_token.show(FreshToken {
                        id: token.id,
                        called: token.display_name(),
                        secret: new.secret,
                        organisation: self.organisation,
                        event: new.example_event,
                    });
                }
            }
        });
    }

    /// Renames a token. Calls `on_done` with the problem of an invalid name, or with `None` when the token is renamed
    /// or gone.
    pub(super) fn rename(
        self,
        form: &HtmlFormElement,
        id: TokenId,
        on_done: impl Fn(Option<String>) + 'static,
    ) {
        let Some(token) = self.token(id) else {
            return on_done(None);
        };
        let Some(response) = self.begin::<TokenSummary>(Change::Rename, form) else {
            return;
        };
        spawn_local(async move {
            match response.await {
                Ok(renamed) => {
                    self.toasts.over(naming_of(id));
                    self.replace(renamed);
                    on_done(None);
                }
                Err(error @ RequestError::TokenName(_)) => on_done(Some(error.to_string())),
                Err(error) => {
                    // The field keeps the user's text, unless the token is gone.
                    if matches!(error, RequestError::NoSuchToken(_)) {
                        on_done(None);
                    }
                    self.report(naming_of(id), Some(&token), error).await;
                }
            }
        });
    }

    /// Activates or deactivates a token. Asks for the password if the server wants it.
    pub(super) fn switch(self, form: &HtmlFormElement, token: TokenSummary, to: TokenStatus) {
        let change = Change::Switch(token.id, to);
        let Some(response) = self.begin::<SwitchedToken>(change, form) else {
            return;
        };
        spawn_local(async move {
            let outcome = response.await;
            if let Err(error) = &outcome
                && self.confirmation.ask_password(&token, error)
            {
                return;
            }
            self.confirmation.close(change);
            match outcome {
                Ok(switched) => {
                    self.toasts.over(switch_of(token.id));
                    self.toasts.confirm(switched.words);
                    self.change(|rows| {
                        if let Some(row) = rows.iter_mut().find(|row| row.token.id == token.id) {
                            row.token = switched.token;
                            row.last_used = switched.last_used;
                        }
                    });
                }
                Err(error) => self.report(switch_of(token.id), Some(&token), error).await,
            }
        });
    }

    /// Deletes a token. Calls `on_gone` when its row is gone.
    pub(super) fn delete(
        self,
        form: &HtmlFormElement,
        token: TokenSummary,
        on_gone: impl Fn() + 'static,
    ) {
        let Some(response) = self.begin::<Words>(Change::Delete, form) else {
            return;
        };
        spawn_local(async move {
            let outcome = response.await;
            self.confirmation.close(Change::Delete);
            match outcome {
                Ok(receipt) => {
                    self.toasts.over(switch_of(token.id));
                    self.toasts.over(deletion_of(token.id));
                    self.change(|rows| rows.retain(|row| row.token.id != token.id));
                    on_gone();
                    self.toasts.confirm(receipt.words);
                }
                Err(error) => {
                    if matches!(error, RequestError::NoSuchToken(_)) {
                        on_gone();
                    }
                    self.report(deletion_of(token.id), Some(&token), error)
                        .await;
                }
            }
        });
    }

    /// Deactivates all tokens of the organisation, also those that this page does not show yet.
    pub(super) fn deactivate_all(self, form: &HtmlFormElement) {
        let Some(response) = self.begin::<Words>(Change::DeactivateAll, form) else {
            return;
        };
        spawn_local(async move {
            let outcome = response.await;
            self.confirmation.close(Change::DeactivateAll);
            match outcome {
                Ok(receipt) => {
                    self.toasts.over(DEACTIVATION_OF_ALL);
                    self.change(|rows| {
                        for row in rows {
                            row.token.status = TokenStatus::Inactive;
                        }
                    });
                    self.toasts.confirm(receipt.words);
                }
                Err(error) => self.report(DEACTIVATION_OF_ALL, None, error).await,
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

    /// Applies the server's response to a change made on this page.
    fn change(self, change: impl FnOnce(&mut Vec<ListedToken>)) {
        self.fingerprint.set_value(None);
        self.has_changed.set_value(true);
        self.rows.update(change);
    }

    /// Polls for changes by others. Ignores the response if this page changed something while the poll was under way:
    /// the response may be older than that change.
    ///
    /// # Errors
    /// Those of [`WatchTokens`].
    pub(super) async fn catch_up(self) -> Result<(), RequestError> {
        if self.running.is_any() {
            return Ok(());
        }
        let seen = self.fingerprint.get_value();
        let news = self.poll(seen.clone()).await?;
        if let Some(listed) = news
            && !self.running.is_any()
            && self.fingerprint.get_value() == seen
        {
            self.show(listed);
        }
        Ok(())
    }

    /// The rows, unless `seen` is their fingerprint.
    fn poll(
        self,
        seen: Option<String>,
    ) -> impl Future<Output = Result<Option<TokenRows>, RequestError>> {
        call::<WatchTokens>(&[
            ("organisation_id", number(self.organisation.0)),
            ("seen", seen.into()),
        ])
    }

    pub(super) fn is_token_shown(self) -> bool {
        untrack(|| self.shown_token.is_shown())
    }

    pub(super) fn say_session_ended(self) {
        self.session_ended.show(false);
    }

    /// Call it when the server was reached again.
    pub(super) fn reached_again(self) {
        self.toasts.reached_again();
    }

    /// Shows what others changed, and says so.
    fn show(self, listed: TokenRows) {
        let before = self.rows.get_untracked();
        let mut news = String::new();
        for ListedToken { token, .. } in &listed.rows {
            let known = before.iter().find(|row| row.token.id == token.id);
            match known {
                None => {
                    news += &format!(
                        "{} created token {}. ",
                        token.created_by,
                        token.display_name()
                    );
                }
                Some(known) if known.token.last_used.is_none() && token.last_used.is_some() => {
                    news += &format!("First call with token {} received. ", token.display_name());
                }
                Some(_) => {}
            }
        }
        let mut next = CREATE_BUTTON.to_owned();
        for ListedToken { token, .. } in before.iter().rev() {
            if listed.rows.iter().any(|row| row.token.id == token.id) {
                next = delete_button_id(token.id);
            } else if !self.leave_row(token, &next) {
                news += &format!("Someone else deleted token {}. ", token.display_name());
            }
        }
        self.news.set(news);
        self.fingerprint.set_value(Some(listed.fingerprint));
        self.has_changed.set_value(true);
        self.rows.set(listed.rows);
    }

    /// Call it before the row of a token goes that someone else deleted. Moves the focus on, from anywhere in the row.
    /// If the user was renaming the token, says what is lost, and returns true.
    fn leave_row(self, token: &TokenSummary, next: &str) -> bool {
        let button = document().get_element_by_id(&delete_button_id(token.id));
        let Some(Ok(Some(row))) = button.map(|button| button.closest("tr")) else {
            return false;
        };
        if row.matches(":focus-within").unwrap_or(false) {
            focus_soon(next.to_owned());
        }
        let Ok(Some(field)) = row.query_selector("[name=name]") else {
            return false;
        };
        let name = field.unchecked_into::<HtmlInputElement>().value();
        self.toasts.fail(format!(
            "Someone else deleted token {}. The name “{name}” was not saved.",
            token.display_name()
        ));
        true
    }

    /// Shows the error, until the same `change` succeeds. If the page may be out of date, it first reloads the list:
    /// someone else deleted the token, or created the last one allowed, or the change may have been made even so.
    async fn report(self, change: FailedChange, token: Option<&TokenSummary>, error: RequestError) {
        match error {
            RequestError::SessionEnded => return self.session_ended.show(true),
            RequestError::NoSuchToken(_)
            | RequestError::TokenLimitReached
            | RequestError::Unconfirmed => self.refresh().await,
            _ => {}
        }
        let text = match token {
            Some(token) => format!("Token {}: {error}", token.preview),
            None => error.to_string(),
        };
        let is_unreachable = matches!(
            error,
            RequestError::Offline | RequestError::Unavailable | RequestError::Busy
        );
        self.toasts.fail_change(change, is_unreachable, text);
    }

    async fn refresh(self) {
        if let Ok(Some(listed)) = self.poll(None).await {
            self.show(listed);
        }
    }
}

/// The changes, for the toasts about their failures.
const CREATION: FailedChange = ("creation", 0);
const DEACTIVATION_OF_ALL: FailedChange = ("deactivation of all", 0);

const fn naming_of(token: TokenId) -> FailedChange {
    ("naming", token.0)
}

const fn switch_of(token: TokenId) -> FailedChange {
    ("switch", token.0)
}

const fn deletion_of(token: TokenId) -> FailedChange {
    ("deletion", token.0)
}
