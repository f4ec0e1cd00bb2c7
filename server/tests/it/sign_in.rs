//! Sign-in: wrong passwords, sessions, changing the password, and confirming it.

use std::time::Duration;

use http::{Method, StatusCode, header::RETRY_AFTER};
use model::session::{DEVICE_COOKIE, FLASH_COOKIE, SESSION_COOKIE};
use serde_json::json;
use store::TokenPermission;

use crate::support::{
    DEMO_PASSWORD, MEMBER,
    browser::{Browser, HOME},
    client::Response,
    server::{CONFIRM_AFTER, TestServer},
};

const NEW: &str = "a wholly new one";
const WRONG: &str = "not the password";

/// The IP address of a stranger.
const ELSEWHERE: &str = "198.51.100.9";

/// Signs in. Returns the error on the sign-in page, or `None` on success.
async fn sign_in_error(browser: &mut Browser, email: &str, password: &str) -> Option<String> {
    let next = browser.sign_in(email, password).await;
    if next == "/" {
        return None;
    }
    let page = browser.get(&next).await.text;
    let (_, error) = page
        .split_once("id=\"flash-message\"")
        .expect("the page gives a reason");
    let (_, error) = error.split_once('>').expect("a text");
    let (error, _) = error.split_once("</p>").expect("an end");
    Some(error.to_owned())
}

async fn change_password(browser: &mut Browser, present: &str, new: &str) -> Response {
    let fields = [("current_password", present), ("new_password", new)];
    let response = browser.form("change-password", &fields).await;
    assert_eq!(response.status, StatusCode::SEE_OTHER);
    response
}

/// The errors that the page shows for this many wrong passwords, one after the other.
async fn errors_of_wrong_passwords(
    server: &TestServer,
    email: &str,
    address: &str,
    count: usize,
) -> Vec<String> {
    let mut browser = Browser::at(server, address);
    let mut errors = Vec::new();
    for _ in 0..count {
        errors.push(
            sign_in_error(&mut browser, email, WRONG)
                .await
                .expect("refused"),
        );
    }
    errors
}

#[tokio::test]
async fn after_five_wrong_passwords_the_page_names_the_wait_with_or_without_an_account() {
    let server = TestServer::on_sqlite().await;
    let known = errors_of_wrong_passwords(&server, MEMBER, "192.0.2.1", 7).await;
    let unknown = errors_of_wrong_passwords(&server, "nobody@example.com", "192.0.2.2", 7).await;
    assert_eq!(known, unknown);
    assert!(known[4].contains("wrong. Check both"), "{}", known[4]);
    assert!(known[5].contains("Wait 2 seconds"), "{}", known[5]);

    let mut same = Browser::at(&server, "192.0.2.1");
    let refused = sign_in_error(&mut same, MEMBER, DEMO_PASSWORD)
        .await
        .expect("refused");
    assert_eq!(refused, known[5]);
    server.clock.advance(2_000);
    assert_eq!(sign_in_error(&mut same, MEMBER, DEMO_PASSWORD).await, None);
}

#[tokio::test]
async fn addresses_of_one_ipv6_network_share_a_throttle_and_other_networks_do_not() {
    let server = TestServer::on_sqlite().await;
    errors_of_wrong_passwords(&server, MEMBER, "2001:db8::1", 5).await;
    let mut neighbour = Browser::at(&server, "2001:db8::ffff");
    let refused = sign_in_error(&mut neighbour, MEMBER, DEMO_PASSWORD).await;
    assert!(refused.is_some_and(|text| text.contains("Wait")));
    let mut other = Browser::at(&server, "2001:db8:0:1::1");
    assert_eq!(sign_in_error(&mut other, MEMBER, DEMO_PASSWORD).await, None);
}

#[tokio::test]
async fn without_an_ip_address_the_account_is_throttled() {
    let server = TestServer::on_sqlite().await;
    let mut browser = Browser::without_address(&server);
    for _ in 0..20 {
        let error = sign_in_error(&mut browser, MEMBER, WRONG)
            .await
            .expect("refused");
        assert!(!error.contains("Wait"), "{error}");
    }
    let error = sign_in_error(&mut browser, MEMBER, DEMO_PASSWORD)
        .await
        .expect("refused");
    assert!(error.contains("Wait 1 second,"), "{error}");
}

#[tokio::test]
async fn strangers_cannot_lock_a_user_out_of_a_browser_that_has_signed_in_before() {
    let server = TestServer::on_sqlite().await;
    let mut own = Browser::signed_in(&server).await;
    own.form("sign-out", &[]).await;
    for number in 0..30 {
        let address = if number < 6 {
            HOME.to_owned()
        } else {
            format!("203.0.113.{number}")
        };
        errors_of_wrong_passwords(&server, MEMBER, &address, 1).await;
    }
    let mut stranger = Browser::at(&server, ELSEWHERE);
    assert!(
        sign_in_error(&mut stranger, MEMBER, DEMO_PASSWORD)
            .await
            .is_some()
    );
    assert_eq!(sign_in_error(&mut own, MEMBER, DEMO_PASSWORD).await, None);
}

#[tokio::test]
async fn cookies_of_other_programs_with_our_names_hide_none_of_ours() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await.id.to_string();
    let mut browser = Browser::at(&server, HOME);
    for name in [SESSION_COOKIE, DEVICE_COOKIE, FLASH_COOKIE] {
        for value in ["", "1", &"7f".repeat(40)] {
            browser.plant_foreign(name, value);
        }
    }
    assert_eq!(browser.sign_in(MEMBER, DEMO_PASSWORD).await, "/");
    let rename = [
        ("organisation_id", "903"),
        ("token_id", token.as_str()),
        ("name", "Kiosk"),
    ];
    let page = browser.form("rename-token", &rename).await;
    let page = browser.get(page.location()).await;
    assert!(page.text.contains("id=\"flash-message\""), "{page:?}");

    browser.form("sign-out", &[]).await;
    assert_eq!(browser.get("/events").await.status, StatusCode::SEE_OTHER);
    errors_of_wrong_passwords(&server, MEMBER, HOME, 6).await;
    let known = sign_in_error(&mut browser, MEMBER, DEMO_PASSWORD).await;
    assert_eq!(known, None, "the device is known");
}

#[tokio::test]
async fn a_change_of_the_password_leaves_its_browser_known_and_no_other() {
    let server = TestServer::on_sqlite().await;
    let mut own = Browser::signed_in(&server).await;
    let mut stolen = own.clone();
    change_password(&mut own, DEMO_PASSWORD, NEW).await;
    own.form("sign-out", &[]).await;
    errors_of_wrong_passwords(&server, MEMBER, HOME, 6).await;
    let refused = sign_in_error(&mut stolen, MEMBER, NEW).await;
    assert!(refused.is_some_and(|text| text.contains("Wait")));
    assert_eq!(sign_in_error(&mut own, MEMBER, NEW).await, None);
}

#[tokio::test]
async fn creating_and_activating_ask_for_the_password_again_and_deactivating_and_deleting_never_do()
{
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    server.set_active(&token, false).await;
    let mut browser = Browser::signed_in(&server).await;
    let create = json!({ "organisation_id": 903 });
    let on_token = json!({ "organisation_id": 903, "token_id": token.id });
    let time = i64::try_from(CONFIRM_AFTER.as_millis()).expect("in range");
    server.clock.advance(time - 1);
    assert_eq!(
        browser.change("create-token", create.clone()).await.status,
        StatusCode::OK
    );
    server.clock.advance(1);

    for (name, data) in [("create-token", &create), ("activate-token", &on_token)] {
        let refused = browser.change(name, data.clone()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}");
        assert_eq!(refused.json(), "PasswordRequired", "{name}");
        let mut wrong = data.clone();
        wrong["password"] = WRONG.into();
        let refused = browser.change(name, wrong).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}");
        assert_eq!(refused.json(), "WrongPassword", "{name}");
    }
    let organisation = TokenPermission::Operator(model::organisation::OrganisationId(903));
    let listed = server.store.tokens().list(organisation).await;
    let listed = listed.expect("listed");
    assert_eq!(listed.len(), 2, "nothing was created");
    let is_active = |id| listed.iter().any(|it| it.id == id && it.status.is_active());
    assert!(!is_active(token.id), "nothing was activated");
    let other = server.token().await;
    let on_other = json!({ "organisation_id": 903, "token_id": other.id });
    for name in ["deactivate-token", "deactivate-all-tokens", "delete-token"] {
        let narrowed = browser.change(name, on_other.clone()).await;
        assert_eq!(narrowed.status, StatusCode::OK, "{name}");
    }

    let mut right = on_token.clone();
    right["password"] = DEMO_PASSWORD.into();
    for (name, data) in [
        ("activate-token", right),
        ("create-token", create),
        ("activate-token", on_token),
    ] {
        let done = browser.change(name, data).await;
        assert_eq!(done.status, StatusCode::OK, "{name}, confirmed");
    }
}

#[tokio::test]
async fn without_script_a_token_is_activated_on_its_own_page_if_the_password_is_needed() {
    let server = TestServer::on_sqlite()
        .await
        .confirming_after(Duration::ZERO);
    let token = server.token().await;
    server.set_active(&token, false).await;
    let mut browser = Browser::signed_in(&server).await;
    let id = token.id.to_string();
    let page = format!("/developer-zone/tokens/{id}");
    let field = "Your password, to activate the token";
    assert!(browser.get(&page).await.text.contains(field));
    for (password, in_table, message) in [
        ("", "true", "Confirm your password to continue."),
        (WRONG, "true", "Incorrect password."),
        (WRONG, "false", "Incorrect password."),
        (DEMO_PASSWORD, "false", "is active."),
    ] {
        let fields = [
            ("organisation_id", "903"),
            ("token_id", &id),
            ("password", password),
            ("in_table", in_table),
        ];
        let response = browser.form("activate-token", &fields).await;
        assert_eq!(response.status, StatusCode::SEE_OTHER);
        assert_eq!(response.location(), page, "there the field is");
        let shown = browser.get(&page).await.text;
        assert!(shown.contains(message), "{message}: {shown}");
    }
    let shown = browser.get(&page).await.text;
    assert!(!shown.contains(field), "deactivating needs no password");
}

#[tokio::test]
async fn a_password_confirmation_is_throttled_like_a_sign_in() {
    let server = TestServer::on_sqlite()
        .await
        .confirming_after(Duration::ZERO);
    let mut browser = Browser::signed_in(&server).await;
    let with = |password: &str| json!({ "organisation_id": 903, "password": password });
    for _ in 0..5 {
        let refused = browser.change("create-token", with(WRONG)).await;
        assert_eq!(refused.json(), "WrongPassword");
    }
    let refused = browser.change("create-token", with(DEMO_PASSWORD)).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.json(), json!({ "TooManyTries": 2 }));
    assert_eq!(refused.headers[RETRY_AFTER], "2");
    server.clock.advance(2_000);
    assert_eq!(
        browser
            .change("create-token", with(DEMO_PASSWORD))
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_confirmation_time_of_zero_asks_every_time() {
    let server = TestServer::on_sqlite()
        .await
        .confirming_after(Duration::ZERO);
    let mut browser = Browser::signed_in(&server).await;
    let create = json!({ "organisation_id": 903 });
    let with_password = json!({ "organisation_id": 903, "password": DEMO_PASSWORD });
    for _ in 0..2 {
        let refused = browser.change("create-token", create.clone()).await;
        assert_eq!(refused.json(), "PasswordRequired");
        let made = browser.change("create-token", with_password.clone()).await;
        assert_eq!(made.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_member_of_another_organisation_cannot_create_a_token() {
    let server = TestServer::on_sqlite().await;
    let mut other = Browser::at(&server, HOME);
    other.sign_in("other@example.com", DEMO_PASSWORD).await;
    let create = json!({ "organisation_id": 903, "password": DEMO_PASSWORD });
    assert_eq!(
        other.change("create-token", create).await.json(),
        "NotAMember"
    );
}

#[tokio::test]
async fn changing_the_password_ends_all_other_sessions_and_renews_this_one() {
    let server = TestServer::on_sqlite().await;
    let (mut here, mut there) = (
        Browser::signed_in(&server).await,
        Browser::signed_in(&server).await,
    );
    let mut stolen = here.clone();
    let response = change_password(&mut here, DEMO_PASSWORD, NEW).await;
    assert_eq!(response.location(), "/account");
    let page = here.get("/account").await.text;
    assert!(page.contains("Your password was changed."), "{page}");
    assert!(here.is_signed_in().await);
    assert!(!there.is_signed_in().await);
    assert!(!stolen.is_signed_in().await);
    assert!(
        sign_in_error(&mut there, MEMBER, DEMO_PASSWORD)
            .await
            .is_some()
    );
    assert_eq!(sign_in_error(&mut there, MEMBER, NEW).await, None);
    let page = here.get("/account").await.text;
    assert!(
        !page.contains("Your password was changed."),
        "the message is shown once"
    );
}

#[tokio::test]
async fn a_refused_change_of_the_password_shows_the_reason_and_changes_nothing() {
    let server = TestServer::on_sqlite().await;
    let (mut here, mut there) = (
        Browser::signed_in(&server).await,
        Browser::signed_in(&server).await,
    );
    let long = "long enough ".repeat(30);
    for (present, new, field, words) in [
        (WRONG, NEW, "current_password", "Incorrect password."),
        (
            DEMO_PASSWORD,
            "elevenchars",
            "new_password",
            "Use at least 12 characters.",
        ),
        (
            DEMO_PASSWORD,
            &long,
            "new_password",
            "Use at most 256 characters.",
        ),
        (
            DEMO_PASSWORD,
            "Password1234",
            "new_password",
            "too common, and easy to guess",
        ),
    ] {
        change_password(&mut here, present, new).await;
        let page = here.get("/account").await.text;
        let after = |start: &str, end: &str| {
            let rest = page.split(start).nth(1);
            let rest = rest.unwrap_or_else(|| panic!("{start}: {page}"));
            rest.split(end).next().unwrap_or_default().to_owned()
        };
        let error = after(&format!("id=\"{field}-error\""), "</p>");
        assert!(error.contains(words), "{words}: {error}");
        let input = after(&format!("id=\"{field}\""), ">");
        assert!(input.contains(" autofocus"), "{input}");
        assert!(input.contains("aria-invalid=\"true\""), "{input}");
        assert_eq!(page.matches(" aria-invalid=").count(), 1, "{words}");
        assert!(!page.contains(present) && !page.contains(new), "{words}");
    }
    assert!(here.is_signed_in().await && there.is_signed_in().await);
    assert_eq!(sign_in_error(&mut there, MEMBER, DEMO_PASSWORD).await, None);
}

/// The number of the newest session on the account's page.
async fn latest_session(browser: &mut Browser) -> String {
    let page = browser.get("/account").await.text;
    let values = page.split("name=\"session_id\" value=\"").skip(1);
    let numbers = values.map(|rest| rest.split('"').next().expect("a value"));
    let latest = numbers.max_by_key(|number| number.parse::<i64>().expect("a number"));
    latest.expect("a session").to_owned()
}

#[tokio::test]
async fn only_its_owner_can_end_a_session_which_is_refused_on_the_next_request() {
    let server = TestServer::on_sqlite().await;
    let (mut here, mut there) = (
        Browser::signed_in(&server).await,
        Browser::signed_in(&server).await,
    );
    let number = latest_session(&mut here).await;
    let mut other = Browser::at(&server, ELSEWHERE);
    other.sign_in("other@example.com", DEMO_PASSWORD).await;
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
    assert!(!here.cookie_names().contains(&SESSION_COOKIE));
    assert!(!here.is_signed_in().await);
}

#[tokio::test]
async fn signing_out_everywhere_ends_all_sessions_of_this_user_alone() {
    let server = TestServer::on_sqlite().await;
    let (mut here, mut there) = (
        Browser::signed_in(&server).await,
        Browser::signed_in(&server).await,
    );
    let mut other = Browser::at(&server, ELSEWHERE);
    other.sign_in("admin@example.com", DEMO_PASSWORD).await;
    let ended = here.form("end-all-sessions", &[]).await;
    assert_eq!(ended.location(), "/sign-in");
    assert!(!here.is_signed_in().await && !there.is_signed_in().await);
    assert!(other.is_signed_in().await);
}

#[tokio::test]
async fn without_a_session_the_accounts_forms_redirect_to_sign_in() {
    let server = TestServer::on_sqlite().await;
    let mut stranger = Browser::at(&server, HOME);
    let change = [("current_password", DEMO_PASSWORD), ("new_password", NEW)];
    for (name, fields) in [
        ("change-password", &change[..]),
        ("end-session", &[("session_id", "1")]),
        ("end-all-sessions", &[]),
    ] {
        let response = stranger.form(name, fields).await;
        assert_eq!(response.location(), "/sign-in?next=%2Faccount", "{name}");
        let crossed = server.anonymous().with("sec-fetch-site", "cross-site");
        let path = format!("/api/dashboard/{name}");
        let (status, ..) = crossed.raw(Method::POST, &path, "").await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{name}");
        let (status, ..) = server.anonymous().raw(Method::GET, &path, "").await;
        assert_ne!(status, StatusCode::OK, "{name}");
    }
    assert_eq!(
        stranger.get("/account").await.location(),
        "/sign-in?next=%2Faccount"
    );
}

#[tokio::test]
async fn the_account_lists_sessions_and_escapes_the_user_agent() {
    let server = TestServer::on_sqlite().await;
    let phone = Browser::at(&server, "2001:db8::5");
    let agent = "Mozilla/5.0 (Linux; Android 15) Firefox/140.0 <script>alert(1)</script>";
    let mut phone = phone.with("user-agent", agent);
    phone.sign_in(MEMBER, DEMO_PASSWORD).await;
    let mut here = Browser::signed_in(&server).await;
    let page = here.get("/account").await.text;
    for text in ["Firefox on Android", "2001:db8::5", HOME, "This browser"] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("alert(1)"));
}
