//! The browsers in which the user is signed in.

use leptos::{prelude::*, server_fn::ServerFn};
use model::session::{SessionId, SessionSummary};

use super::server_functions::{EndAllSessions, EndSession};
use crate::{
    page_account::with_account,
    ui::{ServerTime, Shown},
};

/// The list of browsers, each with a button that signs it out.
#[component]
pub(super) fn SessionList(
    /// The sessions, most recently used first.
    sessions: Vec<SessionSummary>,
    /// The session of this browser.
    this: SessionId,
) -> impl IntoView {
    let rows = sessions
        .into_iter()
        .map(|session| view! { <SessionRow session this /> })
        .collect_view();
    view! {
        <section class="card" aria-labelledby="sessions-title">
            <header class="card-header">
                <h2 id="sessions-title">"Where you are signed in"</h2>
                <form method="post" action=with_account(EndAllSessions::url()) class="card-action">
                    <button type="submit" class="button" aria-describedby="sessions-hint">
                        "Sign out everywhere"
                    </button>
                </form>
            </header>
            <p class="card-text hint" id="sessions-hint">
                "If you do not recognise a browser, sign it out and change your password. Signing out everywhere includes this browser."
            </p>
            <table class="table session-table">
                <caption class="visually-hidden">
                    "Browsers in which you are signed in, the one used last first"
                </caption>
                <thead>
                    <tr>
                        <th scope="col">"Browser"</th>
                        <th scope="col">"Address"</th>
                        <th scope="col">"Signed in"</th>
                        <th scope="col">"Last used"</th>
                        <th scope="col">"Actions"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
}

#[component]
fn SessionRow(session: SessionSummary, this: SessionId) -> impl IntoView {
    let is_this = session.id == this;
    let name = format!("Sign out {}", session.browser);
    let last_used = if is_this {
        "Now".into_any()
    } else {
        view! { <ServerTime at=session.last_used_at shown=Shown::Ago /> }.into_any()
    };
    view! {
        <tr>
            <td data-label="Browser">
                <span class="session-browser">
                    {session.browser}
                    {is_this.then(|| view! { <span class="badge status-active">"This browser"</span> })}
                </span>
            </td>
            <td data-label="Address">{session.address.unwrap_or_else(|| "Unknown".to_owned())}</td>
            <td data-label="Signed in">
                <ServerTime at=session.signed_in_at shown=Shown::Ago />
            </td>
            <td data-label="Last used">{last_used}</td>
            <td data-label="Actions">
                <form method="post" action=with_account(EndSession::url())>
                    <input type="hidden" name="session_id" value=session.id.0 />
                    <button type="submit" class="button" aria-label=name>
                        "Sign out"
                    </button>
                </form>
            </td>
        </tr>
    }
}
