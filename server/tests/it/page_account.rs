//! A page acts for the account that it was rendered for, and for no other one that signs in in another tab.

use http::{Method, StatusCode};

use crate::support::{MEMBER, client::Client, server::TestServer};

const ADMIN: &str = "admin@example.com";

/// The addresses to which the forms of a page post.
fn actions(page: &str) -> Vec<String> {
    let forms = page.split("<form").skip(1).map(|form| {
        let (tag, _) = form.split_once('>').expect("a tag");
        tag.to_owned()
    });
    let posting = forms.filter(|tag| tag.contains("method=\"post\""));
    let action = |tag: String| {
        let (_, rest) = tag.split_once("action=\"").expect("an action");
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    posting.map(action).collect()
}

async fn page(client: &Client, path: &str) -> String {
    let response = client.fetch(Method::GET, path, "").await;
    assert_eq!(response.status, StatusCode::OK, "{path}");
    response.text
}

/// The number of the account, as its pages name it.
async fn account(client: &Client) -> String {
    let page = page(client, "/developer-zone").await;
    let (_, rest) = page
        .split_once("<body data-account=\"")
        .expect("an account");
    rest.split('"').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn every_form_names_the_account_of_its_page() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    server.token().await;
    let member = server.session(MEMBER).await;
    let expected = format!("?page_account={}", account(&member).await);
    let token_page = format!("/developer-zone/tokens/{}", token.id);
    let mut found = 0;
    for path in [
        "/events",
        "/developer-zone",
        "/developer-zone/activity",
        "/developer-zone/tokens/new",
        "/developer-zone/tokens/deactivate-all",
        &token_page,
        "/account",
    ] {
        for action in actions(&page(&member, path).await) {
            // Signing out ends the session of the browser, whichever user it has.
            let is_free = action.ends_with("/sign-out");
            assert!(is_free || action.ends_with(&expected), "{path}: {action}");
            found += usize::from(!is_free);
        }
    }
    assert!(found >= 10, "{found}");
}

#[tokio::test]
async fn a_change_from_a_page_of_another_account_is_refused() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let member = server.session(MEMBER).await;
    let admin = server.session(ADMIN).await;
    let (of_member, of_admin) = (account(&member).await, account(&admin).await);
    assert_ne!(of_member, of_admin);
    let id = token.id;
    let of_token = format!("organisation_id=903&token_id={id}");
    let json = format!(
        r#"{{"organisation_id":903,"event_id":456,"token_id":{id},"secret":"{}"}}"#,
        token.secret
    );
    let calls = [
        ("watch-tokens", json.clone()),
        ("silent-servers", json.clone()),
        ("note-copy", json.clone()),
        ("test-token", json),
        ("select-organisation", "organisation_id=903".to_owned()),
        ("rename-token", format!("{of_token}&name=Kiosk")),
        ("create-token", "organisation_id=903".to_owned()),
        ("deactivate-token", of_token.clone()),
        ("activate-token", of_token.clone()),
        ("deactivate-all-tokens", "organisation_id=903".to_owned()),
        ("delete-token", of_token),
    ];
    let send = async |account: &str, name: &str, body: &str| {
        let kind = match body.starts_with('{') {
            true => "application/json",
            false => "application/x-www-form-urlencoded",
        };
        let target = format!("/api/dashboard/{name}?page_account={account}");
        let client = admin.clone().with("content-type", kind);
        client.fetch(Method::POST, &target, body.to_owned()).await
    };
    let before = page(&admin, "/developer-zone")
        .await
        .matches("token_id")
        .count();
    for (name, body) in &calls {
        for account in [&of_member[..], "", "x", "999"] {
            let refused = send(account, name, body).await;
            assert_eq!(
                refused.status,
                StatusCode::CONFLICT,
                "{name}: {}",
                refused.text
            );
            assert_eq!(refused.text, "\"OtherAccount\"", "{name}");
        }
    }
    let after = page(&admin, "/developer-zone")
        .await
        .matches("token_id")
        .count();
    assert_eq!(before, after);
    for (name, body) in &calls[..5] {
        let done = send(&of_admin, name, body).await;
        let is_done = done.status.is_success() || done.status == StatusCode::SEE_OTHER;
        assert!(is_done, "{name}: {}", done.text);
    }
}

#[tokio::test]
async fn without_script_the_next_page_says_why_nothing_was_changed() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let member = account(&server.session(MEMBER).await).await;
    let admin = server.session(ADMIN).await;
    admin
        .form("select-organisation", "organisation_id=903")
        .await;
    let browser = admin.clone().with("accept", "text/html");
    let of_token = format!("organisation_id=903&token_id={}", token.id);
    for (name, body) in [
        ("deactivate-token", &of_token[..]),
        ("end-all-sessions", ""),
        ("change-password", "current_password=x&new_password=y"),
    ] {
        let target = format!("{name}?page_account={member}");
        let refused = browser.form(&target, body).await;
        assert_eq!(refused.status, StatusCode::SEE_OTHER, "{name}");
        let flash = refused.header("set-cookie").expect("a message");
        let (flash, _) = flash.split_once(';').expect("attributes");
        let shown = admin.clone().and("cookie", flash);
        let page = page(&shown, refused.location()).await;
        let words = "Another user has signed in in this browser.";
        assert!(page.contains(words), "{name}: {page}");
    }
}
