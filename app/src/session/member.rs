//! Finds the session, the viewer or the [`Member`] of a request.

use std::cmp::Reverse;

use http::HeaderMap;
use model::{organisation::OrganisationId, user::UserId};
use store::{
    Member, Store,
    sessions::{Session, SessionKey},
    users::Account,
};

use super::{
    cookies::Cookies,
    request::{of_request, session_key, settings, store},
};
use crate::{error::RequestError, page_account::is_of_page, page_context::Viewer};

/// The session of the browser that sends these headers, if it has one.
///
/// # Errors
/// Those of the database.
pub async fn signed_in(
    headers: &HeaderMap,
    store: &Store,
    cookies: Cookies,
) -> Result<Option<Session>, RequestError> {
    for key in cookies.session_keys(headers) {
        if let Some(session) = store.sessions().find(&key).await? {
            return Ok(Some(session));
        }
    }
    Ok(None)
}

/// The viewer of a page, from the request's session. `None` if the account no longer exists.
///
/// # Errors
/// Those of the database.
pub async fn viewer(session: &Session, store: &Store) -> Result<Option<Viewer>, RequestError> {
    let account = store.users().account(session.user_id()).await?;
    Ok(account.map(Viewer::from))
}

/// The session of the running request, from a fresh read. Refused if the request comes from a page of another account.
pub(crate) async fn session() -> Result<Session, RequestError> {
    let key = session_key().ok_or(RequestError::SessionEnded)?;
    of_page(store().sessions().find(&key).await?)
}

fn of_page(session: Option<Session>) -> Result<Session, RequestError> {
    let session = session.ok_or(RequestError::SessionEnded)?;
    require_page_of(session.user_id())?;
    Ok(session)
}

fn require_page_of(user: UserId) -> Result<(), RequestError> {
    match of_request(move |request| is_of_page(user, &request.uri)) {
        true => Ok(()),
        false => Err(RequestError::OtherAccount),
    }
}

/// The signed-in user as a member of `organisation`, from a fresh read.
///
/// `organisation` is the one that the page shows. The user may have selected another one in another tab meanwhile. A
/// click must never change that one.
pub(crate) async fn member(organisation: OrganisationId) -> Result<Member, RequestError> {
    member_in(&session().await?, organisation).await
}

/// The session's key, if it belongs to the page's account. The session may have ended, because this reads nothing.
pub(crate) async fn key_of_page() -> Result<SessionKey, RequestError> {
    let key = session_key().ok_or(RequestError::SessionEnded)?;
    let owner = store().sessions().owner(&key).await?;
    require_page_of(owner.ok_or(RequestError::SessionEnded)?)?;
    Ok(key)
}

/// Like [`member`], for a poll: it does not extend the session with this key.
pub(crate) async fn watching_member(
    organisation: OrganisationId,
    key: &SessionKey,
) -> Result<Member, RequestError> {
    let session = of_page(store().sessions().watch(key).await?)?;
    member_in(&session, organisation).await
}

/// Like [`member`], and also returns the session of the request.
pub(crate) async fn session_and_member(
    organisation: OrganisationId,
) -> Result<(Session, Member), RequestError> {
    let session = session().await?;
    let member = member_in(&session, organisation).await?;
    Ok((session, member))
}

async fn member_in(
    session: &Session,
    organisation: OrganisationId,
) -> Result<Member, RequestError> {
    Ok(store().members().find(session, organisation).await?)
}

/// Whether [`confirm`] asks for the password now.
pub(crate) fn wants_password(session: &Session) -> bool {
    !store()
        .sign_in()
        .is_confirmed(session, settings().confirm_password_after)
}

/// Checks that the owner of the account is at the browser, and not a person who found it unlocked. The user must have
/// entered the password recently, or must enter it now (OWASP ASVS 5.0, 7.5.3). A blank password counts as missing.
///
/// # Errors
/// [`RequestError::PasswordRequired`], [`RequestError::WrongPassword`], [`RequestError::TooManyTries`], and those
/// of the database.
pub(crate) async fn confirm(
    session: &Session,
    password: Option<String>,
) -> Result<(), RequestError> {
    match password.filter(|password| !password.is_empty()) {
        Some(password) => Ok(store().sign_in().confirm(session, &password).await?),
        None if wants_password(session) => Err(RequestError::PasswordRequired),
        None => Ok(()),
    }
}

impl From<Account> for Viewer {
    fn from(account: Account) -> Self {
        Self {
            recent: recent(&account),
            email: account.email.to_string(),
            selected: account.selected,
            organisations: account
                .memberships
                .into_iter()
                .map(|membership| membership.organisation)
                .collect(),
        }
    }
}

/// How many organisations count as recent.
const RECENT: usize = 5;

/// The selected organisation, then those that were selected last, newest first.
fn recent(account: &Account) -> Vec<OrganisationId> {
    let mut recent: Vec<_> = account
        .memberships
        .iter()
        .map(|it| (it.selected_at, it.organisation.id))
        .filter(|(at, id)| at.is_some() || account.selected == Some(*id))
        .collect();
    recent.sort_by_key(|(at, id)| Reverse((account.selected == Some(*id), *at)));
    recent.truncate(RECENT);
    recent.into_iter().map(|(_, id)| id).collect()
}
