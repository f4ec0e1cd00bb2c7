//! What is said when the server no longer knows who is signed in, or could not load what a page shows.

use leptos::prelude::*;
use leptos_router::{hooks::use_location, location::Url};

use crate::{
    error::RequestError,
    ui::{Dialog, IconName, Notice},
};

/// Whether the session has turned out to have ended.
#[derive(Clone, Copy)]
pub(crate) struct SessionEnded(RwSignal<bool>);

impl SessionEnded {
    /// For the component that holds the [`SessionEndedDialog`].
    pub(super) fn provide() {
        provide_context(Self(RwSignal::new(false)));
    }

    /// Says so on the page.
    pub(crate) fn show(self) {
        self.0.set(true);
    }
}

/// Whether the session has turned out to have ended.
pub(crate) fn use_session_ended() -> SessionEnded {
    expect_context()
}

/// Says that the session has ended, and leads through sign-in back to the page.
#[component]
pub(super) fn SessionEndedDialog() -> impl IntoView {
    view! {
        <Dialog id="session-ended-dialog" title="Your session has ended" open=use_session_ended().0>
            <p>"Nothing was changed. Sign in again to go on where you were."</p>
            <div class="dialog-actions">
                <SignInLink />
            </div>
        </Dialog>
    }
}

/// Leads through sign-in back to this page. A whole new page, so that nothing of the old session stays.
#[component]
fn SignInLink() -> impl IntoView {
    let location = use_location();
    let href = move || {
        let next = format!(
            "{}{}",
            location.pathname.get(),
            search(&location.search.get())
        );
        format!("/sign-in?next={}", Url::escape(&next))
    };
    view! {
        <a class="button button-primary" rel="external" href=href>
            "Sign in"
        </a>
    }
}

fn search(query: &str) -> String {
    if query.is_empty() {
        String::new()
    } else {
        format!("?{query}")
    }
}

/// Says that something could not be loaded, and lets one try again.
#[component]
pub(crate) fn LoadFailed(
    /// What: `The events`.
    what: &'static str,
    /// Why.
    error: RequestError,
    /// Tries again.
    #[prop(into)]
    retry: Callback<()>,
) -> impl IntoView {
    let way_on = if error == RequestError::SessionEnded {
        view! { <SignInLink /> }.into_any()
    } else {
        view! {
            <button type="button" class="button" on:click=move |_| retry.run(())>
                "Try again"
            </button>
        }
        .into_any()
    };
    view! {
        <Notice icon=IconName::Warning title=format!("{what} could not be loaded")>
            <p role="alert">{error.to_string()}</p>
            {way_on}
        </Notice>
    }
}
