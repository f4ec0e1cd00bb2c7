//! The server's side of sessions: how a request becomes a [`Member`], and what a sign-in answers with.

use std::time::Duration;

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{LOCATION, SET_COOKIE, USER_AGENT},
    request::Parts,
};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use model::{
    client::{Client, ClientAddress, UserAgent},
    organisation::OrganisationId,
    security::SecurityEvent,
    user::Email,
};
use store::{
    Member, Origin, Store,
    error::SignInError,
    sessions::{Session, SessionKey},
    users::Account,
};

use super::cookies::{Cookies, Once};
use crate::{
    developer_zone::TokenNotice,
    error::RequestError,
    paths::{ACCOUNT, HOME, SIGN_IN, TOKENS},
    site::{AccountNotice, AccountPage, FailedSignIn, SignInFailure, Viewer},
};

const FAILED_SIGN_IN: Once = Once {
    name: "failed-sign-in",
    path: SIGN_IN,
};
const ACCOUNT_NOTICE: Once = Once {
    name: "account-notice",
    path: ACCOUNT,
};

/// Says it on one of the pages below its path, and names that page.
const TOKEN_NOTICE: Once = Once {
    name: "token-notice",
    path: TOKENS,
};

/// What sessions go by; the host provides it as context.
#[derive(Clone, Copy, Debug)]
pub struct SessionSettings {
    /// The cookies that browsers show.
    pub cookies: Cookies,
    /// How long after the password was given it need not be given again to create or delete a token; zero
    /// asks each time.
    pub confirm_password_after: Duration,
}

/// The store, for what the running request does: the audit trail says who sent it.
pub(crate) fn store() -> Store {
    let client = of_request(client);
    expect_context::<Store>().on_behalf_of(Origin::Request(client))
}

pub(crate) fn cookies() -> Cookies {
    expect_context::<SessionSettings>().cookies
}

/// What `look` finds in the head of the running request.
fn of_request<T: 'static>(look: impl FnOnce(&Parts) -> T) -> T {
    with_context(look).expect("the host provides the head of each request")
}

/// The key of the session that the browser shows, if it shows one.
fn session_key() -> Option<SessionKey> {
    let cookies = cookies();
    of_request(|request| cookies.session_key(&request.headers))
}

/// Gives an error's status to the answer that carries it.
pub(crate) async fn answer<T>(
    work: impl Future<Output = Result<T, RequestError>>,
) -> Result<T, RequestError> {
    work.await.inspect_err(RequestError::set_status)
}

/// The session of the browser that sends these headers; nothing if it has none.
///
/// # Errors
/// Those of the database.
pub async fn signed_in(
    headers: &HeaderMap,
    store: &Store,
    cookies: Cookies,
) -> Result<Option<Session>, RequestError> {
    match cookies.session_key(headers) {
        Some(key) => Ok(store.sessions().find(&key).await?),
        None => Ok(None),
    }
}

/// The session of whoever sends the request, from a fresh read.
pub(crate) async fn session() -> Result<Session, RequestError> {
    let key = session_key().ok_or(RequestError::SessionEnded)?;
    let session = store().sessions().find(&key).await?;
    session.ok_or(RequestError::SessionEnded)
}

/// The signed-in user as a member of `organisation`, from a fresh read.
///
/// The organisation is the one that the page shows, not the one selected on the account: another tab
/// may have selected another meanwhile, and a click must never act there.
pub(crate) async fn member(organisation: OrganisationId) -> Result<Member, RequestError> {
    member_in(&session().await?, organisation).await
}

/// [`member`], for what a page asks by itself: that is no use of the session, which ends as if nobody had asked.
pub(crate) async fn watching_member(organisation: OrganisationId) -> Result<Member, RequestError> {
    let key = session_key().ok_or(RequestError::SessionEnded)?;
    let session = store().sessions().watch(&key).await?;
    member_in(&session.ok_or(RequestError::SessionEnded)?, organisation).await
}

async fn member_in(
    session: &Session,
    organisation: OrganisationId,
) -> Result<Member, RequestError> {
    let user = session.user_id();
    Ok(store().members().find(user, organisation).await?)
}

/// [`member`], with the session that it comes from.
pub(crate) async fn session_and_member(
    organisation: OrganisationId,
) -> Result<(Session, Member), RequestError> {
    let session = session().await?;
    let member = member_in(&session, organisation).await?;
    Ok((session, member))
}

/// Whether [`confirmed_member`] asks for the password now.
pub(crate) fn wants_password(session: &Session) -> bool {
    let time = expect_context::<SessionSettings>().confirm_password_after;
    !store().sign_in().is_confirmed(session, time)
}

/// [`member`], for what must not be done by whoever finds a browser left open: the password was given a
/// short while ago, or is given now (OWASP ASVS 5.0, 7.5.3).
pub(crate) async fn confirmed_member(
    organisation: OrganisationId,
    password: Option<String>,
) -> Result<Member, RequestError> {
    let (session, member) = session_and_member(organisation).await?;
    match password {
        Some(password) => store().sign_in().confirm(&session, &password).await?,
        None if wants_password(&session) => return Err(RequestError::PasswordRequired),
        None => {}
    }
    Ok(member)
}

/// Who looks at a page, by the request's session.
///
/// # Errors
/// [`RequestError::Unavailable`] or [`RequestError::Internal`] when that cannot be told.
pub async fn viewer(session: &Session, store: &Store) -> Result<Option<Viewer>, RequestError> {
    let account = store.users().account(session.user_id()).await?;
    Ok(account.map(Viewer::from))
}

/// What `/account` shows of whoever is signed in; and, if it says what became of a form, the header that
/// makes the browser forget that.
///
/// # Errors
/// Those of the database.
pub async fn account_page(
    session: &Session,
    headers: &HeaderMap,
    store: &Store,
    cookies: Cookies,
) -> Result<(AccountPage, Option<HeaderValue>), RequestError> {
    let (notice, forget) = cookies.said(&ACCOUNT_NOTICE, headers).unzip();
    let page = AccountPage {
        sessions: store.sessions().of_user(session.user_id()).await?,
        this_session: session.id(),
        notice,
    };
    Ok((page, forget))
}

impl From<Account> for Viewer {
    fn from(account: Account) -> Self {
        Self {
            email: account.email.to_string(),
            selected: account.selected,
            organisations: account
                .memberships
                .iter()
                .map(|membership| membership.organisation().clone())
                .collect(),
        }
    }
}

pub(super) async fn sign_in(email: &str, password: &str, next: Option<&str>) {
    let next = local_path(next).unwrap_or(HOME);
    match try_sign_in(email, password).await {
        Ok(()) => see_other(next),
        Err(reason) => {
            set_cookie(cookies().say(
                &FAILED_SIGN_IN,
                &FailedSignIn {
                    email: email.chars().take(254).collect(),
                    reason,
                },
            ));
            see_other(&sign_in_path(next));
        }
    }
}

/// A new session, in place of the one that the browser showed before.
async fn try_sign_in(email: &str, password: &str) -> Result<(), SignInFailure> {
    let email = Email::parse(email).map_err(|_| {
        tracing::info!(
            event = SecurityEvent::WrongPassword.name(),
            reason = "no e-mail address",
            address = of_request(client).address_text(),
            "sign-in refused"
        );
        SignInFailure::WrongCredentials
    })?;
    let cookies = cookies();
    let known_browser = of_request(|request| cookies.known_browser(&request.headers));
    let signed_in = store()
        .sign_in()
        .with_password(
            &email,
            password,
            known_browser.as_deref(),
            session_key().as_ref(),
        )
        .await?;
    set_cookie(cookies.session(&signed_in.session));
    set_cookie(cookies.knows_browser(&signed_in.device_cookie));
    Ok(())
}

impl From<SignInError> for SignInFailure {
    fn from(error: SignInError) -> Self {
        match RequestError::from(error) {
            RequestError::WrongPassword => Self::WrongCredentials,
            RequestError::TooManyTries(seconds) => Self::TooManyTries(seconds),
            _ => Self::Unavailable,
        }
    }
}

/// Who sends the request, as far as is known.
fn client(request: &Parts) -> Client {
    let user_agent = request.headers.get(USER_AGENT);
    Client {
        address: request.extensions.get::<ClientAddress>().copied(),
        user_agent: user_agent.and_then(|value| UserAgent::from_header(value.as_bytes())),
    }
}

pub(super) async fn sign_out() -> Result<(), RequestError> {
    if let Some(key) = session_key() {
        store().sessions().end_by_key(&key).await?;
    }
    leave();
    Ok(())
}

/// The browser's session has ended: it forgets its key, and goes to the sign-in page.
pub(crate) fn leave() {
    set_cookie(cookies().no_session());
    see_other(SIGN_IN);
}

pub(super) async fn select_organisation(
    organisation: OrganisationId,
    return_to: Option<&str>,
) -> Result<(), RequestError> {
    let return_to = local_path(return_to).unwrap_or(HOME);
    let session = match session().await {
        Err(RequestError::SessionEnded) => {
            see_other(&sign_in_path(return_to));
            return Ok(());
        }
        session => session?,
    };
    store()
        .users()
        .select_organisation(session.user_id(), organisation)
        .await?;
    see_other(return_to);
    Ok(())
}

/// Answers a form of the account's page.
pub(crate) fn after_account_change(outcome: Result<AccountNotice, RequestError>) {
    after_form(ACCOUNT, outcome, AccountNotice::Failed, |notice| {
        cookies().say(&ACCOUNT_NOTICE, notice)
    });
}

/// Answers a form about tokens: with `page`, where it is said what became of it.
pub(crate) fn after_token_change(
    page: &str,
    outcome: Result<TokenNotice, RequestError>,
    failed: impl FnOnce(RequestError) -> TokenNotice,
) {
    after_form(page, outcome, failed, |notice| {
        cookies().say(&TOKEN_NOTICE, &(page, notice))
    });
}

/// Answers a plain form: with `page`, where what became of it is said once; through sign-in, if the session has
/// ended.
fn after_form<T>(
    page: &str,
    outcome: Result<T, RequestError>,
    failed: impl FnOnce(RequestError) -> T,
    say: impl FnOnce(&T) -> Option<HeaderValue>,
) {
    let notice = match outcome {
        Ok(notice) => notice,
        Err(RequestError::SessionEnded) => return see_other(&sign_in_path(page)),
        Err(error) => failed(error),
    };
    set_cookie(say(&notice));
    see_other(page);
}

/// What the page at `path` has to say of a form about tokens, by the request's cookies; and the header that makes
/// the browser forget it.
pub fn token_notice(
    headers: &HeaderMap,
    path: &str,
    cookies: Cookies,
) -> Option<(TokenNotice, HeaderValue)> {
    let ((page, notice), forget) = cookies.said::<(String, TokenNotice)>(&TOKEN_NOTICE, headers)?;
    (page == path).then_some((notice, forget))
}

/// `path` if it leads to this site, and not to another one or back to the sign-in page. Browsers take
/// `\` for `/`, and drop tabs and line ends, so none of them may stand in it.
pub fn local_path(path: Option<&str>) -> Option<&str> {
    path.filter(|path| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.starts_with(SIGN_IN)
            && !path.contains(|c: char| c == '\\' || c.is_control())
    })
}

/// The sign-in page that leads back to `next`.
pub fn sign_in_path(next: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("next", next)
        .finish();
    format!("{SIGN_IN}?{query}")
}

fn see_other(path: &str) {
    let response = expect_context::<ResponseOptions>();
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static(HOME));
    response.insert_header(LOCATION, location);
    response.set_status(StatusCode::SEE_OTHER);
}

/// What the sign-in page has to say of the try before, by the request's cookies; and the header that
/// makes the browser forget it.
pub fn failed_sign_in(
    headers: &HeaderMap,
    cookies: Cookies,
) -> Option<(FailedSignIn, HeaderValue)> {
    cookies.said(&FAILED_SIGN_IN, headers)
}

pub(crate) fn set_cookie(header: Option<HeaderValue>) {
    if let Some(header) = header {
        expect_context::<ResponseOptions>().append_header(SET_COOKIE, header);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_comes_back_only_to_a_page_of_this_site() {
        assert_eq!(local_path(Some("/events?page=2")), Some("/events?page=2"));
        let elsewhere = [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "events",
            "",
            "/sign-in?next=/sign-in",
        ];
        for path in elsewhere {
            assert_eq!(local_path(Some(path)), None, "{path:?}");
        }
    }
}
