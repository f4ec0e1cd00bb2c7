//! The test of a new token, with the outcome of each check, and the token's first call.

use leptos::{prelude::*, task::spawn_local};
use model::permission::Check;

use super::{context::ShownToken, list::TokenList, row_data::ListedToken};
use crate::{
    call::{call, number},
    dashboard::use_session_ended,
    developer_zone::server_functions::TestToken,
    error::RequestError,
    texts::token_test::{CheckOutcome, PingResponse},
    ui::{Icon, IconName, LiveText, scroll_to_soon},
};

/// Id of the result, to scroll to it.
const RESULT: &str = "token-test";

/// The last test of the token.
#[derive(Clone)]
pub(super) enum Test {
    NotRun,
    Running,
    Responded(PingResponse),
    /// The API was not called, or its response did not arrive.
    Failed(RequestError),
}

impl Test {
    /// Whether the API accepted the token.
    pub(super) fn is_passed(&self) -> bool {
        matches!(self, Self::Responded(response) if response.is_success())
    }

    /// Whether the test failed without a result about the token.
    fn is_inconclusive(&self) -> bool {
        match self {
            Self::NotRun | Self::Running => false,
            Self::Responded(response) => response.checks().is_none(),
            Self::Failed(_) => true,
        }
    }
}

/// The button `Test connection`.
#[component]
pub(super) fn TestButton(shown: ShownToken, test: RwSignal<Test>) -> impl IntoView {
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
            scroll_to_soon(RESULT);
            if ended {
                session_ended.show(false);
            }
        });
    };
    view! {
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
    }
}

/// The result of the test, and the outcome of each check.
#[component]
pub(super) fn TestResult(test: RwSignal<Test>) -> impl IntoView {
    view! {
        <div class="test-result" id=RESULT>
            <div class="connection-result" role="status">
                {move || test.with(result)}
            </div>
            {move || test.with(checks)}
        </div>
    }
}

/// The result, in one or two lines.
fn result(test: &Test) -> Option<impl IntoView + use<>> {
    let mut headline = None;
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
            let (what, remedy) = message
                .split_once('\n')
                .unwrap_or(("The API could not answer.", message));
            let code = response.code.as_deref().unwrap_or_default();
            headline = Some(what.to_owned());
            (
                CheckOutcome::Failed,
                format!(" {remedy} "),
                Some(format!("{status} {code}")),
            )
        }
        Test::Failed(error) => (CheckOutcome::Failed, not_tested(error), None),
    };
    Some(view! {
        <OutcomeIcon outcome />
        <p>
            {headline.map(|headline| view! { <strong>{headline}</strong> })} {text}
            {code.map(|code| view! { <code translate="no">{code}</code> })}
        </p>
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

/// How many checks passed, if the response says so. Each check with its outcome is below, closed if all passed.
fn checks(test: &Test) -> Option<impl IntoView + use<>> {
    let Test::Responded(response) = test else {
        return None;
    };
    let checks = response.checks()?;
    let all = checks.len();
    let is_passed = |(_, outcome): &&(Check, CheckOutcome)| *outcome == CheckOutcome::Passed;
    let passed = checks.iter().filter(is_passed).count();
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
    let rows = checks.into_iter().map(row).collect_view();
    // Safari does not announce a list without markers as a list, unless it has the role.
    Some(view! {
        <details open=passed < all on:toggle=move |_| scroll_to_soon(RESULT)>
            <summary>{format!("{passed} of {all} checks passed")}</summary>
            <ol class="check-list" role="list" aria-label="Checks">
                {rows}
            </ol>
        </details>
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

/// Says that the token waits for its first call, and then how the call went.
#[component]
pub(super) fn FirstCall(list: TokenList, shown: ShownToken) -> impl IntoView {
    // A text that is set again is announced again.
    let text = Memo::new(move |_| {
        if has(list, shown, |row| row.accepted) {
            let first_call = shown.read(|token| list.read(token.id, |row| row.first_call.clone()));
            first_call.unwrap_or_default() + "."
        } else if has(list, shown, |row| row.refused) {
            "First call received: refused. The token’s page says why.".to_owned()
        } else {
            "Waiting for the first call…".to_owned()
        }
    });
    view! {
        <p class="first-call" role="status">
            <LiveText text />
        </p>
    }
}

/// Whether the API has received a call with the token. The dialog's own tests are not counted.
pub(super) fn has_first_call(list: TokenList, shown: ShownToken) -> bool {
    has(list, shown, |row| row.accepted) || has(list, shown, |row| row.refused)
}

/// Whether a count of calls is not zero. The polls bring the counts.
fn has(list: TokenList, shown: ShownToken, calls: fn(&ListedToken) -> u64) -> bool {
    let id = shown.read(|token| Some(token.id));
    id.and_then(|id| list.read(id, calls)).unwrap_or_default() > 0
}
