//! Signing in and what belongs to it, through the router: wrong passwords, sessions, the password's change,
//! and its confirmation.

use std::time::Duration;

use http::{
    HeaderMap, Method, StatusCode,
    header::{LOCATION, RETRY_AFTER, SET_COOKIE},
};
use serde_json::{Value, json};
use store::TokenAuthority;

use crate::zone::{CONFIRM_AFTER, Client, Zone};

const MEMBER: &str = "member@example.com";
const PASSWORD: &str = "developer-zone-demo";
const NEW: &str = "a wholly new one";
const WRONG: &str = "not the password";

/// The owner's home, and where a stranger is.
const HOME: &str = "192.0.2.7";
const ELSEWHERE: &str = "198.51.100.9";

/// A browser: what it has got as cookies, and where it is.
#[derive(Clone)]
pub(crate) struct Browser {
    client: Client,
    cookies: Vec<(String, String)>,
}

/// What a browser was answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn location(&self) -> &str {
        self.headers[LOCATION].to_str().expect("a text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }
}

impl Browser {
    /// Where there is no connection.
    pub(crate) fn nowhere(zone: &Zone) -> Self {
        Self {
            client: zone.anonymous(),
            cookies: Vec::new(),
        }
    }

    fn at(zone: &Zone, address: &str) -> Self {
        let mut browser = Self::nowhere(zone);
        browser.client = browser.client.at(address);
        browser
    }

    pub(crate) async fn signed_in(zone: &Zone) -> Self {
        let mut browser = Self::at(zone, HOME);
        assert_eq!(browser.sign_in(MEMBER, PASSWORD).await, "/events");
        browser
    }

    async fn send(&mut self, method: Method, path: &str, kind: &str, body: String) -> Answer {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let client = self.client.clone().with("content-type", kind);
        let client = client.with("cookie", cookies.join("; "));
        let (status, headers, body) = client.raw(method, path, body).await;
        for set in headers.get_all(SET_COOKIE) {
            let set = set.to_str().expect("a text");
            let (name, rest) = set.split_once('=').expect("a cookie");
            let (value, attributes) = rest.split_once(';').expect("attributes");
            self.cookies.retain(|(other, _)| other != name);
            if !attributes.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        let text = String::from_utf8(body).expect("a text");
        Answer {
            status,
            headers,
            text,
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, "text/plain", String::new())
            .await
    }

    pub(crate) async fn form(&mut self, name: &str, fields: &[(&str, &str)]) -> Answer {
        self.form_to(&format!("/api/dashboard/{name}"), fields)
            .await
    }

    /// Sends a form to any path.
    pub(crate) async fn form_to(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let kind = "application/x-www-form-urlencoded";
        self.send(Method::POST, path, kind, body).await
    }

    pub(crate) async fn ask(&mut self, name: &str, data: Value) -> Answer {
        let path = format!("/api/dashboard/{name}");
        self.send(Method::POST, &path, "application/json", data.to_string())
            .await
    }

    /// Signs in; gives where that leads.
    pub(crate) async fn sign_in(&mut self, email: &str, password: &str) -> String {
        let answer = self
            .form("sign-in", &[("email", email), ("password", password)])
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        answer.location().to_owned()
    }

    /// What the sign-in page says of a try; nothing where it led in.
    async fn said_of(&mut self, email: &str, password: &str) -> Option<String> {
        let next = self.sign_in(email, password).await;
        if next == "/events" {
            return None;
        }
        let page = self.get(&next).await.text;
        let (_, error) = page
            .split_once("id=\"sign-in-error\"")
            .expect("it says why");
        let (error, _) = error.split_once("</p>").expect("an end");
        let (_, error) = error.split_once('>').expect("a text");
        Some(error.to_owned())
    }

    async fn is_signed_in(&mut self) -> bool {
        let answer = self
            .ask("watch-tokens", json!({ "organisation_id": 903 }))
            .await;
        match answer.status {
            StatusCode::OK => true,
            StatusCode::UNAUTHORIZED => false,
            other => panic!("{other}"),
        }
    }

    async fn change_password(&mut self, present: &str, new: &str) -> Answer {
        let fields = [("current_password", present), ("new_password", new)];
        let answer = self.form("change-password", &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        answer
    }
}

/// What is said of so many wrong passwords, one after the other.
async fn said_of_wrong(zone: &Zone, email: &str, address: &str, count: usize) -> Vec<String> {
    let mut browser = Browser::at(zone, address);
    let mut said = Vec::new();
    for _ in 0..count {
        said.push(browser.said_of(email, WRONG).await.expect("refused"));
    }
    said
}

#[tokio::test]
async fn after_five_wrong_passwords_the_page_says_how_long_to_wait_account_or_not() {
    let zone = Zone::on_sqlite().await;
    let known = said_of_wrong(&zone, MEMBER, "192.0.2.1", 7).await;
    let unknown = said_of_wrong(&zone, "nobody@example.com", "192.0.2.2", 7).await;
    assert_eq!(known, unknown);
    assert!(known[4].contains("wrong. Check both"), "{}", known[4]);
    assert!(known[5].contains("Wait 2 seconds"), "{}", known[5]);

    let mut same = Browser::at(&zone, "192.0.2.1");
    let refused = same.said_of(MEMBER, PASSWORD).await.expect("refused");
    assert_eq!(refused, known[5]);
    zone.clock.advance(2_000);
    assert_eq!(same.said_of(MEMBER, PASSWORD).await, None);
}

#[tokio::test]
async fn the_addresses_of_one_ipv6_network_are_one_and_those_of_others_are_not_slowed() {
    let zone = Zone::on_sqlite().await;
    said_of_wrong(&zone, MEMBER, "2001:db8::1", 5).await;
    let mut neighbour = Browser::at(&zone, "2001:db8::ffff");
    let refused = neighbour.said_of(MEMBER, PASSWORD).await;
    assert!(refused.is_some_and(|text| text.contains("Wait")));
    let mut other = Browser::at(&zone, "2001:db8:0:1::1");
    assert_eq!(other.said_of(MEMBER, PASSWORD).await, None);
}

#[tokio::test]
async fn where_there_is_no_address_the_account_is_counted() {
    let zone = Zone::on_sqlite().await;
    let mut nowhere = Browser::nowhere(&zone);
    for _ in 0..20 {
        let said = nowhere.said_of(MEMBER, WRONG).await.expect("refused");
        assert!(!said.contains("Wait"), "{said}");
    }
    let said = nowhere.said_of(MEMBER, PASSWORD).await.expect("refused");
    assert!(said.contains("Wait 1 second,"), "{said}");
}

#[tokio::test]
async fn strangers_do_not_keep_anybody_out_of_a_browser_in_which_they_have_signed_in() {
    let zone = Zone::on_sqlite().await;
    let mut own = Browser::signed_in(&zone).await;
    own.form("sign-out", &[]).await;
    for number in 0..30 {
        let address = if number < 6 {
            HOME.to_owned()
        } else {
            format!("203.0.113.{number}")
        };
        said_of_wrong(&zone, MEMBER, &address, 1).await;
    }
    let mut stranger = Browser::at(&zone, ELSEWHERE);
    assert!(stranger.said_of(MEMBER, PASSWORD).await.is_some());
    assert_eq!(own.said_of(MEMBER, PASSWORD).await, None);
}

#[tokio::test]
async fn creating_and_deleting_want_the_password_again_and_pausing_never_does() {
    let zone = Zone::on_sqlite().await;
    let token = zone.token().await;
    let mut browser = Browser::signed_in(&zone).await;
    let create = json!({ "organisation_id": 903 });
    let on_token = json!({ "organisation_id": 903, "token_id": token.id });
    let time = i64::try_from(CONFIRM_AFTER.as_millis()).expect("in range");
    zone.clock.advance(time - 1);
    assert_eq!(
        browser.ask("create-token", create.clone()).await.status,
        StatusCode::OK
    );
    zone.clock.advance(1);

    for (name, data) in [("create-token", &create), ("delete-token", &on_token)] {
        let refused = browser.ask(name, data.clone()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}");
        assert_eq!(refused.json(), "PasswordRequired", "{name}");
        let mut wrong = data.clone();
        wrong["password"] = WRONG.into();
        let refused = browser.ask(name, wrong).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}");
        assert_eq!(refused.json(), "WrongPassword", "{name}");
    }
    let tokens = zone.store.tokens();
    let listed = tokens.list(TokenAuthority::Operator(
        model::organisation::OrganisationId(903),
    ));
    assert_eq!(
        listed.await.expect("listed").len(),
        2,
        "nothing was made or deleted"
    );
    for active in [false, true] {
        let mut switch = on_token.clone();
        switch["active"] = active.into();
        assert_eq!(
            browser.ask("set-token-active", switch).await.status,
            StatusCode::OK
        );
    }

    let mut right = on_token.clone();
    right["password"] = PASSWORD.into();
    assert_eq!(
        browser.ask("delete-token", right).await.status,
        StatusCode::OK
    );
    assert_eq!(
        browser.ask("create-token", create).await.status,
        StatusCode::OK,
        "confirmed"
    );
}

#[tokio::test]
async fn a_confirmation_is_slowed_as_a_sign_in_is_and_says_when_to_come_back() {
    let zone = Zone::on_sqlite().await.confirming_after(Duration::ZERO);
    let mut browser = Browser::signed_in(&zone).await;
    let with = |password: &str| json!({ "organisation_id": 903, "password": password });
    for _ in 0..5 {
        let refused = browser.ask("create-token", with(WRONG)).await;
        assert_eq!(refused.json(), "WrongPassword");
    }
    let refused = browser.ask("create-token", with(PASSWORD)).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.json(), json!({ "TooManyTries": 2 }));
    assert_eq!(refused.headers[RETRY_AFTER], "2");
    zone.clock.advance(2_000);
    assert_eq!(
        browser.ask("create-token", with(PASSWORD)).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_time_of_zero_asks_each_time() {
    let zone = Zone::on_sqlite().await.confirming_after(Duration::ZERO);
    let mut browser = Browser::signed_in(&zone).await;
    let create = json!({ "organisation_id": 903 });
    let with_password = json!({ "organisation_id": 903, "password": PASSWORD });
    for _ in 0..2 {
        let refused = browser.ask("create-token", create.clone()).await;
        assert_eq!(refused.json(), "PasswordRequired");
        let made = browser.ask("create-token", with_password.clone()).await;
        assert_eq!(made.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_password_of_another_organisations_member_opens_nothing_there() {
    let zone = Zone::on_sqlite().await;
    let mut other = Browser::at(&zone, HOME);
    other.sign_in("other@example.com", PASSWORD).await;
    let create = json!({ "organisation_id": 903, "password": PASSWORD });
    assert_eq!(other.ask("create-token", create).await.json(), "NotAMember");
}

#[tokio::test]
async fn changing_the_password_signs_out_all_other_browsers_and_renews_the_key_of_this_one() {
    let zone = Zone::on_sqlite().await;
    let (mut here, mut there) = (
        Browser::signed_in(&zone).await,
        Browser::signed_in(&zone).await,
    );
    let mut stolen = here.clone();
    let answer = here.change_password(PASSWORD, NEW).await;
    assert_eq!(answer.location(), "/account");
    let page = here.get("/account").await.text;
    assert!(page.contains("Your password was changed."), "{page}");
    assert!(here.is_signed_in().await);
    assert!(!there.is_signed_in().await);
    assert!(!stolen.is_signed_in().await);
    assert!(there.said_of(MEMBER, PASSWORD).await.is_some());
    assert_eq!(there.said_of(MEMBER, NEW).await, None);
    let page = here.get("/account").await.text;
    assert!(!page.contains("Your password was changed."), "said once");
}

#[tokio::test]
async fn a_password_that_is_not_changed_says_why_and_leaves_all_as_it_was() {
    let zone = Zone::on_sqlite().await;
    let (mut here, mut there) = (
        Browser::signed_in(&zone).await,
        Browser::signed_in(&zone).await,
    );
    let long = "long enough ".repeat(30);
    for (present, new, words) in [
        (WRONG, NEW, "Incorrect password."),
        (PASSWORD, "elevenchars", "Use at least 12 characters."),
        (PASSWORD, &long, "Use at most 256 characters."),
        (PASSWORD, "Password1234", "too common, and easy to guess"),
    ] {
        here.change_password(present, new).await;
        let page = here.get("/account").await.text;
        assert!(page.contains(words), "{words}");
        assert!(!page.contains(present) && !page.contains(new), "{words}");
    }
    assert!(here.is_signed_in().await && there.is_signed_in().await);
    assert_eq!(there.said_of(MEMBER, PASSWORD).await, None);
}

/// The number of the session that signed in last, of those on the page.
async fn latest_session(browser: &mut Browser) -> String {
    let page = browser.get("/account").await.text;
    let values = page.split("name=\"session_id\" value=\"").skip(1);
    let numbers = values.map(|rest| rest.split('"').next().expect("a value"));
    let latest = numbers.max_by_key(|number| number.parse::<i64>().expect("a number"));
    latest.expect("a session").to_owned()
}

#[tokio::test]
async fn a_session_is_ended_by_its_owner_alone_and_refused_at_the_next_request() {
    let zone = Zone::on_sqlite().await;
    let (mut here, mut there) = (
        Browser::signed_in(&zone).await,
        Browser::signed_in(&zone).await,
    );
    let number = latest_session(&mut here).await;
    let mut other = Browser::at(&zone, ELSEWHERE);
    other.sign_in("other@example.com", PASSWORD).await;
    other.form("end-session", &[("session_id", &number)]).await;
    assert!(there.is_signed_in().await);

    let ended = here.form("end-session", &[("session_id", &number)]).await;
    assert_eq!(ended.location(), "/account");
    assert!(!there.is_signed_in().await);
    assert!(here.is_signed_in().await);
    assert!(
        here.get("/account")
            .await
            .text
            .contains("That browser is signed out.")
    );

    let own = latest_session(&mut here).await;
    let ended = here.form("end-session", &[("session_id", &own)]).await;
    assert_eq!(ended.location(), "/sign-in");
    assert!(here.cookies.iter().all(|(name, _)| name != "session"));
    assert!(!here.is_signed_in().await);
}

#[tokio::test]
async fn signing_out_everywhere_includes_this_browser_and_nobody_else() {
    let zone = Zone::on_sqlite().await;
    let (mut here, mut there) = (
        Browser::signed_in(&zone).await,
        Browser::signed_in(&zone).await,
    );
    let mut other = Browser::at(&zone, ELSEWHERE);
    other.sign_in("admin@example.com", PASSWORD).await;
    let ended = here.form("end-all-sessions", &[]).await;
    assert_eq!(ended.location(), "/sign-in");
    assert!(!here.is_signed_in().await && !there.is_signed_in().await);
    assert!(other.is_signed_in().await);
}

#[tokio::test]
async fn without_a_session_the_forms_of_the_account_lead_to_sign_in_and_back() {
    let zone = Zone::on_sqlite().await;
    let mut nobody = Browser::at(&zone, HOME);
    let change = [("current_password", PASSWORD), ("new_password", NEW)];
    for (name, fields) in [
        ("change-password", &change[..]),
        ("end-session", &[("session_id", "1")]),
        ("end-all-sessions", &[]),
    ] {
        let answer = nobody.form(name, fields).await;
        assert_eq!(answer.location(), "/sign-in?next=%2Faccount", "{name}");
        let crossed = nobody.client.clone().with("sec-fetch-site", "cross-site");
        let path = format!("/api/dashboard/{name}");
        let (status, ..) = crossed.raw(Method::POST, &path, "").await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{name}");
        let (status, ..) = nobody.client.clone().raw(Method::GET, &path, "").await;
        assert_ne!(status, StatusCode::OK, "{name}");
    }
    assert_eq!(
        nobody.get("/account").await.location(),
        "/sign-in?next=%2Faccount"
    );
}

#[tokio::test]
async fn the_account_shows_where_one_is_signed_in_and_escapes_what_a_browser_says() {
    let zone = Zone::on_sqlite().await;
    let mut phone = Browser::at(&zone, "2001:db8::5");
    let agent = "Mozilla/5.0 (Linux; Android 15) Firefox/140.0 <script>alert(1)</script>";
    phone.client = phone.client.with("user-agent", agent);
    phone.sign_in(MEMBER, PASSWORD).await;
    let mut here = Browser::signed_in(&zone).await;
    let page = here.get("/account").await.text;
    for text in ["Firefox on Android", "2001:db8::5", HOME, "This browser"] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("alert(1)"));
}
