//! The test of a new token, with the outcome of each check.

use leptos::{either::Either, prelude::*, task::spawn_local};
use model::permission::{Check, Refusal};

use super::context::ShownToken;
use crate::{
    call::{call, number},
    dashboard::use_session_ended,
    developer_zone::server_functions::TestToken,
    error::RequestError,
    texts::token_test::{CheckOutcome, PingResponse},
    ui::{Icon, IconName, scroll_to_soon},
};

/// Id of the section, to scroll to the result.
const SECTION: &str = "token-test";

#[derive(Clone)]
enum Test {
    NotRun,
    Running,
    Responded(PingResponse),
    /// The API was not called, or its response did not arrive.
    Failed(RequestError),
}

impl Test {
    /// Whether the test failed without a result about the token.
    fn is_inconclusive(&self) -> bool {
        match self {
            Self::NotRun | Self::Running => false,
            Self::Responded(response) => response.checks().is_none(),
            Self::Failed(_) => true,
        }
    }
}

/// The button `Test connection` and its result. Without an event to ping, a hint to configure one first.
#[component]
pub(super) fn TokenTest(shown: ShownToken) -> impl IntoView {
    let content = if shown.read_untracked(|token| token.event).is_some() {
        Either::Left(view! { <PingTest shown /> })
    } else {
        Either::Right(view! {
            <p class="hint">
                "None of the organisation’s events is configured yet. Configure one, then ping it to test the connection."
            </p>
        })
    };
    view! {
        <section class="dialog-section" id=SECTION aria-labelledby="token-test-title">
            <h3 id="token-test-title">"Test it"</h3>
            {content}
        </section>
    }
}

#[component]
fn PingTest(shown: ShownToken) -> impl IntoView {
    let test = RwSignal::new(Test::NotRun);
    let session_ended = use_session_ended();
    let is_running = move || test.with(|test| matches!(test, Test::Running));
    let busy = move || is_running().then_some("true");
    let run = move |_| {
        let subject = shown.read_untracked(|token| {
            let event = token.event?;
            Some((token.organisation, event, token.secret.clone()))
        });
        let Some((organisation, event, secret)) = subject.filter(|_| !untrack(is_running)) else {
            return;
        };
        test.set(Test::Running);
        spawn_local(async move {
            let outcome = call::<TestToken>(&[
                ("organisation_id", number(organisation.0)),
                ("event_id", number(event.0)),
                ("secret", secret.into()),
            ])
            .await;
            let ended = outcome == Err(RequestError::SessionEnded);
            // The dialog may be closed by now.
            let unread = test.try_set(outcome.map_or_else(Test::Failed, Test::Responded));
            if unread.is_some() {
                return;
            }
            scroll_to_soon(SECTION);
            if ended {
                session_ended.show();
            }
        });
    };
    view! {
        <div class="button-row">
            <button
                type="button"
                class="button"
                aria-busy=busy
                aria-disabled=busy
                on:click=run
                prop:textContent=move || {
                    if is_running() {
                        "Testing…"
                    } else if test.with(Test::is_inconclusive) {
                        "Try again"
                    } else {
                        "Test connection"
                    }
                }
            ></button>
            <div class="connection-result" role="status">
                {move || test.with(result)}
            </div>
        </div>
        {move || test.with(checks)}
    }
}

/// The result, in one or two lines.
fn result(test: &Test) -> Option<impl IntoView + use<>> {
    let (outcome, text, code) = match test {
        Test::NotRun | Test::Running => return None,
        Test::Responded(response) if response.is_success() => (
            CheckOutcome::Passed,
            format!(
                "The connection works: {} {}",
                response.status, response.message
            ),
            None,
        ),
        Test::Responded(response) => {
            let PingResponse {
                status, message, ..
            } = response;
            let at = match response.refusal().map(Refusal::check) {
                Some(check) => format!("Refused at “{}”.", check.label()),
                None => "The API could not answer.".to_owned(),
            };
            let code = response.code.as_deref().unwrap_or_default();
            (
                CheckOutcome::Failed,
                format!("{at} {message} "),
                Some(format!("{status} {code}")),
            )
        }
        Test::Failed(error) => (CheckOutcome::Failed, not_tested(error), None),
    };
    Some(view! {
        <OutcomeIcon outcome />
        <p>{text} {code.map(|code| view! { <code translate="no">{code}</code> })}</p>
    })
}

/// What went wrong, then what to do. It never says to reload the page, as [`RequestError`] does: the token would be
/// lost.
fn not_tested(error: &RequestError) -> String {
    match error {
        RequestError::Offline => {
            "The server could not be reached, so nothing was tested. Check your connection, then try again."
                .to_owned()
        }
        RequestError::BadRequest | RequestError::Internal | RequestError::Unconfirmed => {
            "Something went wrong on our side, so nothing was tested. Try again in a moment."
                .to_owned()
        }
        other => other.to_string(),
    }
}

/// Every check with its outcome, if the response contains them.
fn checks(test: &Test) -> Option<impl IntoView + use<>> {
    let Test::Responded(response) = test else {
        return None;
    };
    let row = |(check, outcome): (Check, CheckOutcome)| {
        let words = match outcome {
            CheckOutcome::Passed => "Passed",
            CheckOutcome::Failed => "Failed",
            CheckOutcome::NotReached => "Not reached",
        };
        view! {
            <li class:check-not-reached=outcome == CheckOutcome::NotReached>
                <OutcomeIcon outcome />
                <span>{check.label()}</span>
                <span class="check-outcome">{words}</span>
            </li>
        }
    };
    let rows = response.checks()?.into_iter().map(row).collect_view();
    // Safari does not announce a list without markers as a list, unless it has the role.
    Some(view! {
        <ol class="check-list" role="list" aria-label="Checks">
            {rows}
        </ol>
    })
}

#[component]
fn OutcomeIcon(outcome: CheckOutcome) -> impl IntoView {
    let (class, name) = match outcome {
        CheckOutcome::Passed => ("check-passed", IconName::Check),
        CheckOutcome::Failed => ("check-failed", IconName::Close),
        CheckOutcome::NotReached => ("", IconName::Minus),
    };
    view! {
        <span class=class>
            <Icon name />
        </span>
    }
}
