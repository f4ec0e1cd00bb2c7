//! The sidebar: organisation, navigation and account.
//!
//! On a narrow screen it is a drawer: a popover, which opens and closes without script.

use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::components::A;

use super::{
    ids::{HOME_LINK, SHORTCUTS_DIALOG, SIDEBAR},
    locked_item::LockedItem,
    organisation_switcher::OrganisationSwitcher,
};
use crate::{
    page_context::use_viewer,
    paths::{ACCOUNT, DOCUMENTATION, EVENTS, HOME, TOKENS},
    session::SignOut,
    ui::{Brand, Icon, IconName},
};

/// The whole sidebar.
#[component]
pub(crate) fn Sidebar() -> impl IntoView {
    let viewer = use_viewer();
    let locked = viewer
        .as_ref()
        .and_then(|viewer| viewer.selected_organisation())
        .is_some_and(|organisation| !organisation.plan.includes_developer_zone());
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
                        <A href=HOME exact=true attr:id=HOME_LINK attr:class="nav-item">
                            <Icon name=IconName::Home />
                            "Home"
                        </A>
                    </li>
                    <li>
                        <A href=EVENTS attr:class="nav-item">
                            <Icon name=IconName::Calendar />
                            "Events"
                        </A>
                    </li>
                    <li>
                        {if locked {
                            view! { <LockedItem /> }.into_any()
                        } else {
                            view! {
                                <A href=TOKENS attr:class="nav-item">
                                    <Icon name=IconName::Code />
                                    "Developer Zone"
                                </A>
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
            <A href=ACCOUNT attr:class="button button-quiet">
                "Your account"
            </A>
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
