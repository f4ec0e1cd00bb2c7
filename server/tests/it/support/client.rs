//! A caller of [`TestServer`](super::server::TestServer), and the responses it gets.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

/// The path prefix of the whole API.
pub(crate) const BASE: &str = "/api/v1/ext";

/// The only host that the API allows, and the one that a [`Client`] addresses by default.
pub(crate) const API_HOST: &str = "api.9pic.ai";

/// A caller, with the headers that it sends with every request.
#[derive(Clone)]
pub(crate) struct Client {
    pub(super) router: Router,
    pub(super) headers: HeaderMap,
    pub(super) peer: Option<SocketAddr>,
}

impl Client {
    /// Sends this header, in place of others with the name.
    pub(crate) fn with(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        let value = HeaderValue::from_bytes(value.as_ref()).expect("a header");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// Sends this header too.
    pub(crate) fn and(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        let value = HeaderValue::from_bytes(value.as_ref()).expect("a header");
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    /// Sends no header with this name.
    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.headers.remove(name);
        self
    }

    /// Calls from this IP address, as if over a connection. By default there is no connection.
    pub(crate) fn at(mut self, address: &str) -> Self {
        let address: IpAddr = address.parse().expect("an address");
        self.peer = Some((address, 40_000).into());
        self
    }

    /// The headers that it sends with every request.
    pub(crate) fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    /// Sends `GET` for a path below [`BASE`].
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path).await
    }

    /// Sends a request for a path below [`BASE`].
    pub(crate) async fn send(&self, method: Method, path: &str) -> Response {
        self.send_body(method, path, Body::empty()).await
    }

    /// Sends a request for a path below [`BASE`], with a body.
    pub(crate) async fn send_body(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Body>,
    ) -> Response {
        self.send_to(method, &format!("{BASE}{path}"), body).await
    }

    /// Sends a request for any target of the API, and checks that the response has the form that the contract
    /// demands of every response.
    pub(crate) async fn send_to(
        &self,
        method: Method,
        target: &str,
        body: impl Into<Body>,
    ) -> Response {
        let is_head = method == Method::HEAD;
        let is_read = is_head || method == Method::GET;
        let response = self.fetch(method, target, body).await;
        let is_kept = is_read && response.status.is_success() && !target.ends_with("/ping");
        response.assert_headers(is_kept);
        if !is_head {
            response.assert_envelope();
        }
        response
    }

    /// Calls one of the dashboard's server functions. Those that change tokens take a form, the others JSON.
    pub(crate) async fn call(&self, name: &str, data: &Value) -> Response {
        if !["watch-tokens", "silent-servers", "note-copy", "test-token"].contains(&name) {
            return self.form(name, &form_fields(data)).await;
        }
        let client = self.clone().with("content-type", "application/json");
        let target = format!("/api/dashboard/{name}");
        client.fetch(Method::POST, &target, data.to_string()).await
    }

    /// Sends a form to one of the dashboard's server functions.
    pub(crate) async fn form(&self, name: &str, form: &str) -> Response {
        let form_type = "application/x-www-form-urlencoded";
        let client = self.clone().with("content-type", form_type);
        let target = format!("/api/dashboard/{name}");
        client.fetch(Method::POST, &target, form.to_owned()).await
    }

    /// Sends a request for any target. The response must be text; its form is not checked.
    pub(crate) async fn fetch(
        &self,
        method: Method,
        target: &str,
        body: impl Into<Body>,
    ) -> Response {
        let (status, headers, body) = self.raw(method, target, body).await;
        Response {
            status,
            headers,
            text: String::from_utf8(body).expect("a text"),
        }
    }

    /// Sends a request for any target. The response may be anything.
    pub(crate) async fn raw(
        &self,
        method: Method,
        target: &str,
        body: impl Into<Body>,
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        let request = Request::builder().method(method).uri(target);
        let mut request = request.body(body.into()).expect("a request");
        *request.headers_mut() = self.headers.clone();
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let response = self.router.clone().oneshot(request).await;
        let (parts, body) = response.expect("a response").into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (parts.status, parts.headers, body.to_vec())
    }
}

/// The body of a form with the fields of this object, without those that are null.
pub(crate) fn form_fields(fields: &Value) -> String {
    let fields = fields.as_object().expect("an object").iter();
    let fields = fields.filter_map(|(name, value)| match value {
        Value::Null => None,
        Value::String(text) => Some((name, text.clone())),
        other => Some((name, other.to_string())),
    });
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

/// A response whose body is text.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("a text"))
    }

    /// Where the response redirects to.
    #[track_caller]
    pub(crate) fn location(&self) -> &str {
        self.header("location").expect("a redirect")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    pub(crate) fn data(&self) -> Value {
        self.json()["data"].take()
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().expect("a text").to_owned()
    }

    pub(crate) fn code(&self) -> Option<&str> {
        self.header("x-error-code")
    }

    #[track_caller]
    pub(crate) fn assert_success(&self) {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
    }

    #[track_caller]
    pub(crate) fn assert_refused(&self, status: u16, code: &str) {
        let found = (self.status.as_u16(), self.code());
        assert_eq!(found, (status, Some(code)), "{self:?}");
    }

    /// Contract, sections 3 and 4: the headers of every response, and of those that a caller may keep.
    fn assert_headers(&self, is_kept: bool) {
        let content_type = self.header("content-type");
        assert_eq!(content_type, Some("application/json"), "{self:?}");
        let cached = match is_kept {
            true => "private, no-cache",
            false => "no-store",
        };
        assert_eq!(self.header("cache-control"), Some(cached), "{self:?}");
        assert_eq!(self.header("etag").is_some(), is_kept, "{self:?}");
        let id = self.header("x-request-id").unwrap_or_default();
        assert!((1..=64).contains(&id.len()), "{self:?}");
        assert_eq!(self.code().is_some(), !self.status.is_success(), "{self:?}");
        let help = self
            .code()
            .map(|code| format!("<https://api.9pic.ai/docs/errors#{code}>; rel=\"help\""));
        assert_eq!(self.header("link"), help.as_deref(), "{self:?}");
    }

    /// Contract, section 4: exactly three keys, in the contract's order.
    fn assert_envelope(&self) {
        let is_success = self.status.is_success();
        let kind = if is_success { "success" } else { "error" };
        let start = format!(r#"{{"responseType":"{kind}","message":""#);
        assert!(self.text.starts_with(&start), "{self:?}");
        let envelope = self.json();
        let keys: Vec<_> = envelope.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["responseType", "message", "data"], "{self:?}");
        assert_eq!(envelope["data"].is_null(), !is_success, "{self:?}");
    }
}
