//! A browser: its cookies, and what it posts to the dashboard.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, anyhow};
use http::{StatusCode, header};
use model::session::SESSION_COOKIE;

use crate::{
    client::{Client, HttpResponse, NoResponse},
    program::Server,
};

/// Ends the wait for a server that hangs.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A browser of one user.
pub(crate) struct Browser {
    pub(crate) client: Client,
    /// The value of the `Cookie` header.
    pub(crate) cookies: String,
}

impl Browser {
    pub(crate) fn new(server: &Arc<Server>, cookies: String) -> Self {
        Self {
            client: Client::new(Arc::clone(server)),
            cookies,
        }
    }

    /// Calls a server function with a body of this content type.
    pub(crate) async fn post(
        &mut self,
        name: &str,
        kind: &str,
        body: String,
    ) -> Result<HttpResponse> {
        let headers = [("content-type", kind), ("cookie", self.cookies.as_str())];
        let path = format!("/api/dashboard/{name}");
        let response = self.client.post(&path, &headers, body, REQUEST_TIMEOUT);
        let response: Result<_, NoResponse> = response.await;
        response.map_err(|error| anyhow!("{name} got no response: {error:?}"))
    }

    /// Submits a form.
    pub(crate) async fn form(&mut self, name: &str, body: &str) -> Result<HttpResponse> {
        let kind = "application/x-www-form-urlencoded";
        self.post(name, kind, body.to_owned()).await
    }

    /// Submits the sign-in page. On success keeps the cookies of the session and of the device. Otherwise returns the
    /// answer in words.
    pub(crate) async fn sign_in(
        &mut self,
        email: &str,
        password: &str,
    ) -> Result<Result<(), String>> {
        let email = email.replace('@', "%40");
        let password = password.replace(' ', "+");
        let body = format!("email={email}&password={password}");
        let response = self.form("sign-in", &body).await?;
        let set = response.headers.get_all(header::SET_COOKIE);
        let set = set.iter().filter_map(|cookie| cookie.to_str().ok());
        let cookies: Vec<_> = set.filter_map(|cookie| cookie.split(';').next()).collect();
        if !cookies
            .iter()
            .any(|cookie| cookie.starts_with(SESSION_COOKIE))
        {
            return Ok(Err(refusal(response.status, &cookies)));
        }
        self.cookies = cookies.join("; ");
        Ok(Ok(()))
    }
}

/// Why a sign-in failed: the page's reason is in the cookie of its message.
fn refusal(status: StatusCode, cookies: &[&str]) -> String {
    let reasons = [
        ("WrongCredentials", "wrong password"),
        ("TooManyTries", "must wait"),
        ("TooManySignIns", "too many sign-ins"),
        ("Unavailable", "turned away"),
    ];
    let named = |reason: &str| cookies.iter().any(|cookie| cookie.contains(reason));
    let found = reasons.iter().find(|(reason, _)| named(reason));
    found.map_or_else(
        || status.as_u16().to_string(),
        |(_, words)| (*words).to_owned(),
    )
}
