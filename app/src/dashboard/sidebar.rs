//! The sidebar: organisation, navigation and account.
//!
//! On a narrow screen it is a drawer: a popover, which opens and closes without script.

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    ids::{HOME_LINK, SHORTCUTS_DIALOG, SIDEBAR},
    locked_item::LockedItem,
    organisation_switcher::OrganisationSwitcher,
};
use crate::{
    page_context::{use_path, use_viewer},
    paths::{ACCOUNT, DOCUMENTATION, EVENTS, HOME, TOKENS},
    session::SignOut,
    ui::{Brand, Icon, IconName},
};

/// The whole sidebar.
#[component]
pub(super) fn Sidebar(
    /// Whether the page starts islands. Without them, `Developer Zone` is a link on every plan.
    has_islands: bool,
) -> impl IntoView {
    let viewer = use_viewer();
    let locked = viewer
        .as_ref()
        .and_then(|viewer| viewer.selected_organisation())
        .is_some_and(|organisation| !organisation.plan.includes_developer_zone());
    let locked = locked && has_islands;
    view! {
        <aside class="sidebar" id=SIDEBAR aria-label="Sidebar" popover="auto">
            <div class="sidebar-head">
                <Brand />
                <button
                    type="button"
                    class="icon-button drawer-close"
                    aria-label="Close menu"
                    popovertarget=SIDEBAR
                    popovertargetaction="hide"
                >
                    <Icon name=IconName::Close />
                </button>
            </div>
            <OrganisationSwitcher />
            <nav class="nav" aria-label="Main">
                <ul>
                    <li>
                        <a href=HOME id=HOME_LINK class="nav-item" aria-current=current(HOME)>
                            <Icon name=IconName::Home />
                            "Home"
                        </a>
                    </li>
                    <li>
                        <a href=EVENTS class="nav-item" aria-current=current(EVENTS)>
                            <Icon name=IconName::Calendar />
                            "Events"
                        </a>
                    </li>
                    <li>
                        {if locked {
                            view! { <LockedItem /> }.into_any()
                        } else {
                            view! {
                                <a href=TOKENS class="nav-item" aria-current=current(TOKENS)>
                                    <Icon name=IconName::Code />
                                    "Developer Zone"
                                </a>
                            }
                                .into_any()
                        }}
                    </li>
                    <li>
                        <a class="nav-item" href=DOCUMENTATION target="_blank" rel="noopener">
                            <Icon name=IconName::Book />
                            "API documentation"
                            <Icon name=IconName::ExternalLink />
                            <span class="visually-hidden">" (opens in a new tab)"</span>
                        </a>
                    </li>
                </ul>
            </nav>
            <Account />
        </aside>
    }
}

/// The user's email, with links and buttons for the account, shortcuts and sign-out.
#[component]
fn Account() -> impl IntoView {
    let email = use_viewer().map(|viewer| viewer.email).unwrap_or_default();
    view! {
        <section class="account" aria-label="Account">
            <p class="account-email" title=email.clone()>
                {email.clone()}
            </p>
            <a href=ACCOUNT class="button button-quiet" aria-current=current(ACCOUNT)>
                "Your account"
            </a>
            <button
                type="button"
                class="button button-quiet needs-script"
                command="show-modal"
                commandfor=SHORTCUTS_DIALOG
            >
                "Keyboard shortcuts"
            </button>
            <form method="post" action=SignOut::url()>
                <button type="submit" class="button button-quiet">
                    "Sign out"
                </button>
            </form>
        </section>
    }
}

/// Whether the link leads to the present page, or to a page above it.
fn current(link: &str) -> Option<&'static str> {
    let here = use_path();
    let rest = here.strip_prefix(link);
    let is_current =
        rest.is_some_and(|rest| rest.is_empty() || (link != HOME && rest.starts_with('/')));
    is_current.then_some("page")
}
