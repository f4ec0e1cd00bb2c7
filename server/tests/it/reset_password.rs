//! Forgotten passwords: the page that says whom to ask, and reset links.

use http::{Method, StatusCode};
use model::{
    session::{DEVICE_COOKIE, FLASH_COOKIE},
    user::Email,
};

use crate::support::{
    DEMO_PASSWORD, MEMBER,
    browser::{Browser, HOME},
    client::Response,
    server::TestServer,
};

const NEW: &str = "a wholly new one";
const HOUR: i64 = 60 * 60 * 1_000;

fn member() -> Email {
    Email::parse(MEMBER).expect("an address")
}

/// The secret of a new link for the member.
async fn secret(server: &TestServer) -> String {
    let secret = server.store.reset_links().create(&member()).await;
    secret.expect("created").reveal().to_string()
}

fn page(secret: &str) -> String {
    format!("/reset-password?link={secret}")
}

async fn post(browser: &mut Browser, secret: &str, password: &str) -> Response {
    let fields = [("link", secret), ("new_password", password)];
    let response = browser.form("reset-password", &fields).await;
    assert_eq!(response.status, StatusCode::SEE_OTHER);
    response
}

/// Whether the link's page has the form. If not, it is the page of every link that does not work.
async fn has_form(browser: &mut Browser, secret: &str) -> bool {
    let response = browser.get(&page(secret)).await;
    match response.status {
        StatusCode::OK => {
            assert!(response.text.contains("Set a new password</h1>"));
            true
        }
        StatusCode::NOT_FOUND => {
            assert!(response.text.contains("This link does not work"));
            assert!(response.text.contains("https://9pic.ai/contact"));
            assert!(!response.text.contains(MEMBER));
            false
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn anyone_reads_whom_to_ask_and_learns_nothing_about_accounts() {
    let server = TestServer::on_sqlite().await.configured(|config| {
        config.contact_url = "mailto:help@example.com".parse().expect("a link");
    });
    let mut browser = Browser::at(&server, HOME);
    let sign_in = browser.get("/sign-in").await.text;
    assert!(
        sign_in.contains("href=\"/forgotten-password\""),
        "{sign_in}"
    );
    let page = browser.get("/forgotten-password").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("mailto:help@example.com"));
    assert!(page.text.contains("works once, and for one hour"));
    assert!(!page.text.contains("<form"), "it asks for nothing");
    let mut signed_in = Browser::signed_in(&server).await;
    let page = signed_in.get("/forgotten-password").await;
    assert_eq!(page.status, StatusCode::OK);
}

#[tokio::test]
async fn a_link_sets_the_password_and_leads_to_sign_in_with_the_email() {
    let server = TestServer::on_sqlite().await;
    let mut owner = Browser::signed_in(&server).await;
    let mut elsewhere = Browser::signed_in(&server).await;
    let secret = secret(&server).await;
    let form = owner.get(&page(&secret)).await;
    assert_eq!(form.status, StatusCode::OK);
    assert!(form.text.contains(MEMBER));

    let done = post(&mut owner, &secret, NEW).await;
    assert_eq!(done.location(), "/sign-in");
    let sign_in = owner.get("/sign-in").await.text;
    assert!(sign_in.contains("Your password was changed."), "{sign_in}");
    assert!(
        sign_in.contains(&format!("value=\"{MEMBER}\"")),
        "{sign_in}"
    );
    assert!(!owner.is_signed_in().await && !elsewhere.is_signed_in().await);
    assert_eq!(owner.sign_in(MEMBER, NEW).await, "/");
    let old = elsewhere.sign_in(MEMBER, DEMO_PASSWORD).await;
    assert!(old.starts_with("/sign-in"), "{old}");
}

#[tokio::test]
async fn a_link_for_another_account_signs_this_browser_out() {
    let server = TestServer::on_sqlite().await;
    let mut browser = Browser::at(&server, HOME);
    let other = "other@example.com";
    browser.sign_in(other, DEMO_PASSWORD).await;
    let mut copy = browser.clone();
    post(&mut browser, &secret(&server).await, NEW).await;
    let page = browser.get("/sign-in").await;
    assert_eq!(
        page.status,
        StatusCode::OK,
        "no redirect to the other user’s events"
    );
    let ended = copy.get("/events").await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER, "on the server too");
    assert_eq!(browser.sign_in(other, DEMO_PASSWORD).await, "/");
}

#[tokio::test]
async fn only_setting_a_password_uses_the_link_and_only_once() {
    let server = TestServer::on_sqlite().await;
    let secret = secret(&server).await;
    let mut browser = Browser::at(&server, HOME);
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        let prefetch = server.anonymous().with("sec-purpose", "prefetch");
        prefetch.raw(method, &page(&secret), "").await;
    }
    for target in [
        page(&secret),
        format!("/api/dashboard/reset-password?link={secret}&new_password={NEW}").replace(' ', "+"),
    ] {
        let (status, ..) = server.anonymous().raw(Method::GET, &target, "").await;
        assert!(
            status == StatusCode::OK || status.is_client_error(),
            "{status}"
        );
        let (status, ..) = server
            .anonymous()
            .raw(Method::POST, &page(&secret), "")
            .await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    }
    for (header, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        let foreign = server.anonymous().with(header, value);
        let form = format!("link={secret}&new_password=a+wholly+new+one");
        let refused = foreign.form("reset-password", &form).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{value}");
    }
    assert!(
        has_form(&mut browser, &secret).await,
        "the link still works"
    );
    assert_eq!(
        post(&mut browser, &secret, NEW).await.location(),
        "/sign-in"
    );

    let replay = post(&mut browser, &secret, "the password of a thief").await;
    assert_eq!(replay.location(), page(&secret));
    assert!(!has_form(&mut browser, &secret).await);
    assert_eq!(browser.sign_in(MEMBER, NEW).await, "/");
}

#[tokio::test]
async fn links_that_do_not_work_look_alike() {
    let server = TestServer::on_sqlite().await;
    let mut browser = Browser::at(&server, HOME);
    let replaced = secret(&server).await;
    let expired = secret(&server).await;
    server.clock.advance(HOUR);
    let disabled = secret(&server).await;
    let users = server.store.users();
    users.disable(&member()).await.expect("disabled");
    let missing = "7f".repeat(16);
    let mut pages = Vec::new();
    let dead = [&replaced, &expired, &disabled, &missing].map(String::as_str);
    for secret in dead.into_iter().chain(["", "x", "%00", "%ff"]) {
        assert!(!has_form(&mut browser, secret).await, "{secret}");
        let text = browser.get(&page(secret)).await.text;
        let (_, main) = text.split_once("<main").expect("a page");
        let (main, _) = main.split_once("</main>").expect("an end");
        pages.push(main.to_owned());
    }
    pages.push({
        let text = browser.get("/reset-password").await.text;
        let (_, main) = text.split_once("<main").expect("a page");
        main.split_once("</main>").expect("an end").0.to_owned()
    });
    assert!(pages.iter().all(|page| *page == pages[0]), "{pages:#?}");
    for secret in dead {
        assert_eq!(
            post(&mut browser, secret, NEW).await.location(),
            page(secret)
        );
    }
    assert_eq!(
        post(&mut browser, "x\r\ny", NEW).await.location(),
        "/reset-password"
    );
    users.enable(&member()).await.expect("enabled");
    assert_eq!(browser.sign_in(MEMBER, DEMO_PASSWORD).await, "/");
}

#[tokio::test]
async fn a_refused_password_is_explained_beside_the_field_and_leaves_the_link() {
    let server = TestServer::on_sqlite().await;
    let secret = secret(&server).await;
    let mut browser = Browser::at(&server, HOME);
    let long = "long enough ".repeat(30);
    for (password, words) in [
        ("elevenchars", "Use at least 12 characters."),
        (&long[..], "Use at most 256 characters."),
        ("Password1234", "too common, and easy to guess"),
        (MEMBER, "too common, and easy to guess"),
    ] {
        let refused = post(&mut browser, &secret, password).await;
        assert_eq!(refused.location(), page(&secret));
        let shown = browser.get(&page(&secret)).await.text;
        let (_, error) = shown
            .split_once("id=\"new_password-error\"")
            .expect("an error");
        let (error, _) = error.split_once("</p>").expect("an end");
        assert!(error.contains(words), "{error}");
        assert!(shown.contains("aria-describedby=\"new_password-error new_password-hint\""));
        assert!(shown.contains("aria-invalid=\"true\""));
        assert_eq!(shown.matches(password).count() > 0, password == MEMBER);
        let again = browser.get(&page(&secret)).await.text;
        assert!(!again.contains("new_password-error"), "shown once");
    }
    assert_eq!(
        post(&mut browser, &secret, NEW).await.location(),
        "/sign-in"
    );
}

/// Proxies may log the address that a browser names in `Referer`. They do not log queries, as `deploy` configures them.
#[tokio::test]
async fn browsers_are_told_to_keep_a_link_to_themselves() {
    let server = TestServer::on_sqlite().await;
    let secret = secret(&server).await;
    let mut browser = Browser::at(&server, HOME);
    let policy = |response: &Response| response.header("referrer-policy").map(str::to_owned);
    let form = browser.get(&page(&secret)).await;
    assert_eq!(policy(&form).as_deref(), Some("strict-origin"));
    assert_eq!(form.header("cache-control"), Some("no-store, no-transform"));
    for path in [page("x"), format!("/reset-password/?link={secret}")] {
        let other = browser.get(&path).await;
        assert_eq!(policy(&other).as_deref(), Some("strict-origin"), "{path}");
    }
    let sign_in = browser.get("/sign-in").await;
    assert_eq!(policy(&sign_in).as_deref(), Some("same-origin"));
    // A browser that has no `Sec-Fetch-Site`, as over plain HTTP.
    let mut browser = browser.with("origin", "http://api.9pic.ai");
    assert_eq!(
        post(&mut browser, &secret, NEW).await.location(),
        "/sign-in"
    );
    for cookie in [FLASH_COOKIE, DEVICE_COOKIE] {
        let value = browser.cookie(cookie).unwrap_or_default();
        assert!(!value.contains(&secret), "{cookie}");
    }
    server.store.close().await;
    let failed = browser.get(&page(&secret)).await;
    assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(policy(&failed).as_deref(), Some("strict-origin"));
}

#[tokio::test]
async fn a_planted_message_shows_no_text_of_others_on_the_links_page() {
    let server = TestServer::on_sqlite().await;
    let secret = secret(&server).await;
    let mut browser = Browser::at(&server, HOME);
    let refused = post(&mut browser, &secret, "short").await;
    assert_eq!(refused.location(), page(&secret));
    let flash = browser.cookie(FLASH_COOKIE).expect("a message");
    for planted in [flash.replace("Short", "Call this number"), "x".to_owned()] {
        browser.plant(FLASH_COOKIE, &planted);
        let shown = browser.get(&page(&secret)).await;
        assert_eq!(shown.status, StatusCode::OK);
        assert!(!shown.text.contains("Call this number"));
    }
}
