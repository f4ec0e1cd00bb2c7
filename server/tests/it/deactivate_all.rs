//! Deactivating all tokens of an organisation in the dashboard: what stops, what the receipt counts, and the page for
//! browsers without script.

use http::StatusCode;
use model::{
    organisation::{OrganisationId, Plan},
    token::TokenSummary,
};
use serde_json::json;
use store::{TokenPermission, clock::Clock};

use crate::support::{
    DEMO_PASSWORD, PING,
    browser::{Browser, HOME},
    server::TestServer,
};

const PAGE: &str = "/developer-zone/tokens/deactivate-all";

async fn tokens(server: &TestServer) -> Vec<TokenSummary> {
    let operator = TokenPermission::Operator(OrganisationId(903));
    server.store.tokens().list(operator).await.expect("listed")
}

/// How many tokens each call reports as deactivated.
async fn deactivate_all(server: &TestServer, browser: &mut Browser) -> u64 {
    let organisation = json!({ "organisation_id": 903 });
    let done = browser.change("deactivate-all-tokens", organisation).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let receipt = done.json();
    assert_eq!(receipt["since"], server.clock.now().epoch_millis());
    receipt["deactivated"].as_u64().expect("a number")
}

#[tokio::test]
async fn all_tokens_of_the_organisation_are_refused_and_the_receipt_counts_those_that_were_active()
{
    stops_all(&TestServer::on_sqlite().await).await;
}

/// The clock of the leases does not move, so cached keys never expire by themselves.
#[tokio::test]
async fn all_tokens_of_the_organisation_are_refused_while_keys_are_cached() {
    let server = TestServer::on_sqlite().await;
    server.with_leases().await;
    stops_all(&server).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn all_tokens_of_the_organisation_are_refused_on_postgres() {
    stops_all(&TestServer::on_postgres().await).await;
}

async fn stops_all(server: &TestServer) {
    let (first, inactive) = (server.token().await, server.token().await);
    server.set_active(&inactive, false).await;
    let foreign = server.token_of("other@example.com", 904).await;
    let mut browser = Browser::signed_in(server).await;
    // Another member creates one after this browser has shown its page.
    let late = server.token().await;
    for token in [&first, &late] {
        server.key(&token.secret).get(PING).await.assert_success();
    }
    server.clock.advance(60 * 60 * 1_000);
    let watch = json!({ "organisation_id": 903 });
    let seen = browser.ask("watch-tokens", watch).await.json()["fingerprint"].clone();
    assert_eq!(deactivate_all(server, &mut browser).await, 2);
    for token in [&first, &inactive, &late] {
        let refused = server.key(&token.secret).get(PING).await;
        refused.assert_refused(403, "token_inactive");
    }
    let theirs = server.key(&foreign.secret).get("/904/events").await;
    theirs.assert_success();
    // The page of another member shows it.
    let watch = json!({ "organisation_id": 903, "seen": seen });
    let news = browser.ask("watch-tokens", watch).await.json();
    let rows = news["rows"].as_array().expect("rows");
    assert!(rows.iter().all(|row| row["token"]["status"] == "inactive"));
    // The response was lost, and the user repeats the call.
    assert_eq!(deactivate_all(server, &mut browser).await, 0);
    let activity = browser.get("/developer-zone/activity").await.text;
    assert_eq!(
        activity.matches("deactivated token").count(),
        3,
        "{activity}"
    );
}

#[tokio::test]
async fn without_script_a_page_counts_the_tokens_and_its_form_reports_what_it_did() {
    let server = TestServer::on_sqlite().await;
    let mut browser = Browser::signed_in(&server).await;
    let none = browser.get(PAGE).await.text;
    assert!(none.contains("No token is active") && !none.contains("Deactivate all<"));
    let table = browser.get("/developer-zone").await.text;
    assert!(!table.contains(PAGE), "nothing to deactivate");
    let form = [("organisation_id", "903")];
    for (count, question, receipt) in [
        (
            1,
            "Deactivate 1 token?",
            "1 token is inactive. Deactivated everywhere at ",
        ),
        (
            2,
            "Deactivate 2 tokens?",
            "2 tokens are inactive. Deactivated everywhere at ",
        ),
        (
            0,
            "No token is active",
            "No token was active. Checked everywhere at ",
        ),
    ] {
        for _ in 0..count {
            server.token().await;
        }
        let shown = browser.get(PAGE).await.text;
        assert!(shown.contains(question), "{shown}");
        assert_eq!(
            shown.contains("All integrations of Summit Races"),
            count > 0
        );
        assert!(!shown.contains("name=\"password\""), "{shown}");
        let done = browser.form("deactivate-all-tokens", &form).await;
        assert_eq!(
            (done.status, done.location()),
            (StatusCode::SEE_OTHER, "/developer-zone")
        );
        let shown = browser.get("/developer-zone").await.text;
        assert!(shown.contains(receipt), "{shown}");
        assert!(shown.contains(PAGE), "the menu leads to the page");
        assert!(
            tokens(&server)
                .await
                .iter()
                .all(|it| !it.status.is_active())
        );
    }
}

#[tokio::test]
async fn a_refused_deactivation_of_all_tokens_leads_to_the_reason_and_changes_nothing() {
    let server = TestServer::on_sqlite().await;
    server.token().await;
    let form = [("organisation_id", "903")];
    let mut ended = Browser::without_address(&server);
    let refused = ended.form("deactivate-all-tokens", &form).await;
    let sign_in = "/sign-in?next=%2Fdeveloper-zone%2Ftokens%2Fdeactivate-all";
    assert_eq!(refused.location(), sign_in);
    let mut stranger = Browser::at(&server, HOME);
    stranger.sign_in("other@example.com", DEMO_PASSWORD).await;
    let mut member = Browser::signed_in(&server).await;
    for (browser, reason) in [
        (&mut stranger, "You are not a member of this organisation."),
        (
            &mut member,
            "The Developer Zone requires the Enterprise plan.",
        ),
    ] {
        if reason.contains("plan") {
            server.set_plan(Plan::Trial).await;
        }
        let refused = browser.form("deactivate-all-tokens", &form).await;
        assert_eq!(refused.location(), PAGE);
        // The page of the plan shows no flash message, but why the Developer Zone is locked.
        let shown = browser.get(PAGE).await.text;
        assert!(
            shown.contains(reason) || shown.contains("Enterprise Plan Required"),
            "{shown}"
        );
    }
    assert!(tokens(&server).await[0].status.is_active());
}
