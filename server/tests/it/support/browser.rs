//! A browser: it keeps cookies, and sends forms and calls of server functions.

use http::{Method, StatusCode, header::SET_COOKIE};
use serde_json::{Value, json};

use super::{
    DEMO_PASSWORD, MEMBER,
    client::{Client, Response, form_fields},
    server::TestServer,
};

/// The IP address of a browser from [`Browser::signed_in`].
pub(crate) const HOME: &str = "192.0.2.7";

const FORM: &str = "application/x-www-form-urlencoded";

/// A browser, with its cookies and its IP address.
#[derive(Clone)]
pub(crate) struct Browser {
    client: Client,
    cookies: Vec<(String, String)>,
    /// Cookies of other programs on the same host. They have other paths, and the browser sends them first.
    foreign: Vec<(String, String)>,
}

impl Browser {
    /// A browser at this IP address.
    pub(crate) fn at(server: &TestServer, address: &str) -> Self {
        Self::of(server.anonymous().at(address))
    }

    /// A browser whose IP address is unknown to the server.
    pub(crate) fn without_address(server: &TestServer) -> Self {
        Self::of(server.anonymous())
    }

    fn of(client: Client) -> Self {
        Self {
            client,
            cookies: Vec::new(),
            foreign: Vec::new(),
        }
    }

    /// The member's browser at [`HOME`].
    pub(crate) async fn signed_in(server: &TestServer) -> Self {
        let mut browser = Self::at(server, HOME);
        assert_eq!(browser.sign_in(MEMBER, DEMO_PASSWORD).await, "/");
        browser
    }

    /// Sends this header with every request.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.client = self.client.with(name, value);
        self
    }

    /// The cookies' names.
    pub(crate) fn cookie_names(&self) -> Vec<&str> {
        self.cookies.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Sends a request with the cookies, and keeps the cookies of the response.
    async fn send(
        &mut self,
        method: Method,
        path: &str,
        content_type: &str,
        body: String,
    ) -> Response {
        let cookies = self.foreign.iter().chain(&self.cookies);
        let cookies: Vec<_> = cookies
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let client = self.client.clone().with("content-type", content_type);
        let client = client.with("cookie", cookies.join("; "));
        let response = client.fetch(method, path, body).await;
        for set in response.headers.get_all(SET_COOKIE) {
            let set = set.to_str().expect("a text");
            let (name, rest) = set.split_once('=').expect("a cookie");
            let (value, attributes) = rest.split_once(';').expect("attributes");
            self.cookies.retain(|(other, _)| other != name);
            if !attributes.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        response
    }

    /// Loads a page.
    pub(crate) async fn get(&mut self, path: &str) -> Response {
        self.send(Method::GET, path, "text/plain", String::new())
            .await
    }

    /// Sends a form to one of the dashboard's server functions.
    pub(crate) async fn form(&mut self, name: &str, fields: &[(&str, &str)]) -> Response {
        let path = format!("/api/dashboard/{name}");
        self.form_to(&path, fields).await
    }

    /// Sends a form to any path.
    pub(crate) async fn form_to(&mut self, path: &str, fields: &[(&str, &str)]) -> Response {
        let mut body = form_urlencoded::Serializer::new(String::new());
        let body = body.extend_pairs(fields).finish();
        let script = self.client.clone();
        self.client = script.clone().with("accept", "text/html,*/*;q=0.8");
        let response = self.send(Method::POST, path, FORM, body).await;
        self.client = script;
        response
    }

    /// Sends the fields of a form to a server function, as an island does: the response is the outcome itself.
    pub(crate) async fn change(&mut self, name: &str, fields: Value) -> Response {
        let path = format!("/api/dashboard/{name}");
        let body = form_fields(&fields);
        self.send(Method::POST, &path, FORM, body).await
    }

    /// The value of a cookie.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let cookie = self.cookies.iter().find(|(other, _)| other == name);
        cookie.map(|(_, value)| value.clone())
    }

    /// Gives the browser a cookie that the server did not set.
    pub(crate) fn plant(&mut self, name: &str, value: &str) {
        self.cookies.retain(|(other, _)| other != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    /// Gives the browser a cookie of another program on the same host, with another path.
    pub(crate) fn plant_foreign(&mut self, name: &str, value: &str) {
        self.foreign.push((name.to_owned(), value.to_owned()));
    }

    /// Calls one of the dashboard's server functions with JSON, as an island polls.
    pub(crate) async fn ask(&mut self, name: &str, data: Value) -> Response {
        let path = format!("/api/dashboard/{name}");
        self.send(Method::POST, &path, "application/json", data.to_string())
            .await
    }

    /// Signs in, and returns the path that the response redirects to.
    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) -> String {
        let fields = [("email", email), ("password", password)];
        let response = self.form("sign-in", &fields).await;
        assert_eq!(response.status, StatusCode::SEE_OTHER);
        response.location().to_owned()
    }

    pub(crate) async fn is_signed_in(&mut self) -> bool {
        let data = json!({ "organisation_id": 903 });
        let response = self.ask("watch-tokens", data).await;
        match response.status {
            StatusCode::OK => true,
            StatusCode::UNAUTHORIZED => false,
            other => panic!("{other}"),
        }
    }
}
