//! Who is signed in, and which organisation is selected.
//!
//! These three server functions are posted by plain forms, with and without script, and answer with a
//! redirect: each changes what the whole page is about, so the whole page is loaded anew.

use leptos::prelude::*;
use model::organisation::OrganisationId;

use crate::error::RequestError;

/// Signs in: a new session for whoever has this address and password. Answers with a redirect to `next`
/// (a path of this site), or back to the sign-in page, which says what was wrong.
///
/// # Errors
/// None: every outcome is a redirect.
#[server(prefix = "/api/dashboard", endpoint = "sign-in")]
pub(crate) async fn sign_in(
    email: String,
    password: String,
    next: Option<String>,
) -> Result<(), RequestError> {
    server::sign_in(&email, &password, next.as_deref()).await;
    Ok(())
}

/// Ends the session on the server, and answers with a redirect to the sign-in page.
///
/// # Errors
/// [`RequestError::Unavailable`] when the session could not be ended: it is then still there.
#[server(prefix = "/api/dashboard", endpoint = "sign-out")]
pub(crate) async fn sign_out() -> Result<(), RequestError> {
    server::sign_out()
        .await
        .inspect_err(RequestError::set_status)
}

/// Remembers on the account which organisation one works in, and answers with a redirect to `return_to`
/// (a path of this site), through the sign-in page if the session has ended.
///
/// # Errors
/// [`RequestError::NotAMember`], or those of the database.
#[server(prefix = "/api/dashboard", endpoint = "select-organisation")]
pub(crate) async fn select_organisation(
    organisation_id: OrganisationId,
    return_to: Option<String>,
) -> Result<(), RequestError> {
    server::select_organisation(organisation_id, return_to.as_deref())
        .await
        .inspect_err(RequestError::set_status)
}

#[cfg(feature = "ssr")]
pub(crate) use self::server::{answer, member, store};
#[cfg(feature = "ssr")]
pub use self::server::{failed_sign_in, local_path, sign_in_path, viewer};

#[cfg(feature = "ssr")]
mod server {
    use http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{COOKIE, LOCATION, SET_COOKIE},
    };
    use leptos::prelude::*;
    use leptos_axum::{ResponseOptions, extract};
    use model::{
        organisation::OrganisationId,
        user::{Email, UserId},
    };
    use store::{Member, Store, users::Account};
    use tower_sessions::{
        Session,
        cookie::{Cookie, SameSite, time::Duration},
    };

    use crate::{
        error::RequestError,
        site::{FailedSignIn, SignInFailure, Viewer},
    };

    /// Key of the user's number in the session.
    const USER: &str = "user_id";
    /// Carries what the sign-in page says after a failed try, for one page view. A cookie, so that the
    /// address typed stands in no URL, and strangers' tries take no room in the database.
    const FAILED_SIGN_IN: &str = "failed-sign-in";
    const SIGN_IN: &str = "/sign-in";
    const HOME: &str = "/events";

    pub(crate) fn store() -> Store {
        expect_context()
    }

    /// Gives an error's status to the answer that carries it.
    pub(crate) async fn answer<T>(
        work: impl Future<Output = Result<T, RequestError>>,
    ) -> Result<T, RequestError> {
        work.await.inspect_err(RequestError::set_status)
    }

    /// The signed-in user as a member of `organisation`, from a fresh read.
    ///
    /// The organisation is the one that the page shows, not the one selected on the account: another tab
    /// may have selected another meanwhile, and a click must never act there.
    pub(crate) async fn member(organisation: OrganisationId) -> Result<Member, RequestError> {
        let user = signed_in(&session().await?).await?;
        Ok(store().members().find(user, organisation).await?)
    }

    /// Who looks at a page, by the request's session.
    ///
    /// # Errors
    /// [`RequestError::Unavailable`] or [`RequestError::Internal`] when that cannot be told.
    pub async fn viewer(session: &Session, store: &Store) -> Result<Option<Viewer>, RequestError> {
        let Some(user) = session.get(USER).await.map_err(unavailable)? else {
            return Ok(None);
        };
        let account = store.users().account(UserId(user)).await?;
        Ok(account.map(Viewer::from))
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
                let failed = FailedSignIn {
                    email: email.chars().take(254).collect(),
                    reason,
                };
                set_cookie(&failed_sign_in_cookie(Some(&failed)));
                see_other(&sign_in_path(next));
            }
        }
    }

    async fn try_sign_in(email: &str, password: &str) -> Result<(), SignInFailure> {
        let session = session().await.map_err(|_| SignInFailure::Unavailable)?;
        let email = Email::parse(email).map_err(|_| SignInFailure::WrongCredentials)?;
        let user = store()
            .users()
            .authenticate(&email, password)
            .await
            .map_err(|error| {
                tracing::error!(error = &error as &dyn std::error::Error, "sign-in failed");
                SignInFailure::Unavailable
            })?
            .ok_or(SignInFailure::WrongCredentials)?;
        begin(&session, user)
            .await
            .map_err(|_| SignInFailure::Unavailable)
    }

    /// A new session id at sign-in: one that somebody planted in the browser before is worth nothing
    /// (OWASP Session Management Cheat Sheet, session fixation).
    async fn begin(session: &Session, user: UserId) -> Result<(), RequestError> {
        session.clear().await;
        session.cycle_id().await.map_err(unavailable)?;
        session.insert(USER, user).await.map_err(unavailable)
    }

    pub(super) async fn sign_out() -> Result<(), RequestError> {
        session().await?.flush().await.map_err(unavailable)?;
        see_other(SIGN_IN);
        Ok(())
    }

    pub(super) async fn select_organisation(
        organisation: OrganisationId,
        return_to: Option<&str>,
    ) -> Result<(), RequestError> {
        let return_to = local_path(return_to).unwrap_or(HOME);
        let user = match signed_in(&session().await?).await {
            Err(RequestError::SessionEnded) => {
                see_other(&sign_in_path(return_to));
                return Ok(());
            }
            user => user?,
        };
        store()
            .users()
            .select_organisation(user, organisation)
            .await?;
        see_other(return_to);
        Ok(())
    }

    async fn session() -> Result<Session, RequestError> {
        extract().await.map_err(unavailable)
    }

    async fn signed_in(session: &Session) -> Result<UserId, RequestError> {
        session
            .get(USER)
            .await
            .map_err(unavailable)?
            .ok_or(RequestError::SessionEnded)
    }

    fn unavailable(error: impl std::fmt::Display) -> RequestError {
        tracing::error!(%error, "session unavailable");
        RequestError::Unavailable
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
    pub fn failed_sign_in(headers: &HeaderMap) -> Option<(FailedSignIn, HeaderValue)> {
        let cookie = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(Cookie::split_parse_encoded)
            .flatten()
            .find(|cookie| cookie.name() == FAILED_SIGN_IN)?;
        let failed = serde_json::from_str(cookie.value()).ok()?;
        let forget = failed_sign_in_cookie(None).encoded().to_string();
        Some((failed, HeaderValue::from_str(&forget).ok()?))
    }

    fn failed_sign_in_cookie(failed: Option<&FailedSignIn>) -> Cookie<'static> {
        let (value, lifetime) = match failed {
            Some(failed) => (serde_json::to_string(failed).unwrap_or_default(), 60),
            None => (String::new(), 0),
        };
        Cookie::build((FAILED_SIGN_IN, value))
            .path(SIGN_IN)
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(Duration::seconds(lifetime))
            .build()
    }

    fn set_cookie(cookie: &Cookie<'_>) {
        if let Ok(header) = HeaderValue::from_str(&cookie.encoded().to_string()) {
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

        #[test]
        fn what_failed_comes_back_from_its_cookie_whatever_was_typed() {
            let failed = FailedSignIn {
                email: "a;b=\"c\" é@example.com".to_owned(),
                reason: SignInFailure::WrongCredentials,
            };
            let set = failed_sign_in_cookie(Some(&failed)).encoded().to_string();
            let sent = set.split(';').next().expect("name=value").to_owned();
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, sent.parse().expect("a header value"));
            let (read, forget) = failed_sign_in(&headers).expect("read back");
            assert_eq!(read, failed);
            assert!(forget.to_str().expect("ASCII").contains("Max-Age=0"));
        }
    }
}
