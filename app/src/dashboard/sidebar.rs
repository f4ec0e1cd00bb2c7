//! The sidebar: organisation, navigation, account. On a narrow screen it is a drawer (a popover, so that
//! it opens and closes without script).

use leptos::{ev, html, prelude::*, server_fn::ServerFn};
use leptos_router::{components::A, hooks::use_location};

use super::{layout::SIDEBAR, organisation_switcher::OrganisationSwitcher};
use crate::{
    developer_zone::UPGRADE_DIALOG,
    session::SignOut,
    site::use_viewer,
    ui::{Icon, IconName},
};

/// Organisation, navigation, account.
#[component]
pub(crate) fn Sidebar(
    /// Opens the dialog that explains the lock.
    upgrade: RwSignal<bool>,
) -> impl IntoView {
    let drawer = NodeRef::<html::Aside>::new();
    close_on_navigation(drawer);
    let locked = use_viewer()
        .and_then(|viewer| viewer.selected_organisation().cloned())
        .is_some_and(|organisation| !organisation.plan.opens_developer_zone());
    view! {
        <aside
            class="sidebar"
            id=SIDEBAR
            aria-label="Sidebar"
            popover="auto"
            node_ref=drawer
        >
            <div class="sidebar-head">
                <span class="brand">"9Pic"</span>
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
                        <A href="/events" attr:class="nav-item">
                            <Icon name=IconName::Calendar />
                            "Events"
                        </A>
                    </li>
                    <li>
                        {if locked {
                            view! { <LockedItem upgrade /> }.into_any()
                        } else {
                            view! {
                                <A href="/developer-zone" attr:class="nav-item">
                                    <Icon name=IconName::Code />
                                    "Developer Zone"
                                </A>
                            }
                                .into_any()
                        }}
                    </li>
                    <li>
                        <a class="nav-item" href="/docs" target="_blank" rel="noopener">
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

/// The Developer Zone as those see it whose plan does not include it. Hiding is not guarding: page and
/// server functions refuse as well.
#[component]
fn LockedItem(upgrade: RwSignal<bool>) -> impl IntoView {
    // WCAG 2.2, 1.4.13: what appears on hover or focus can be dismissed without moving either.
    let dismissed = RwSignal::new(false);
    Effect::new(move || {
        let listener = window_event_listener(ev::keydown, move |event| {
            if event.key() == "Escape" {
                dismissed.set(true);
            }
        });
        on_cleanup(move || listener.remove());
    });
    let open = move |event: ev::MouseEvent| {
        // Script is here: the invoker command is not needed as well.
        event.prevent_default();
        upgrade.set(true);
    };
    view! {
        <div
            class="locked-item"
            class:tooltip-dismissed=dismissed
            on:pointerenter=move |_| dismissed.set(false)
            on:focusin=move |_| dismissed.set(false)
        >
            <button
                type="button"
                class="nav-item nav-item-locked"
                aria-describedby="locked-tooltip"
                aria-haspopup="dialog"
                command="show-modal"
                commandfor=UPGRADE_DIALOG
                on:click=open
            >
                <Icon name=IconName::Code />
                "Developer Zone"
                <Icon name=IconName::Lock />
            </button>
            <span class="tooltip" id="locked-tooltip" role="tooltip">
                "Enterprise plan required"
            </span>
        </div>
    }
}

/// Who is signed in, the way to their account, and the way out.
#[component]
fn Account() -> impl IntoView {
    let email = use_viewer().map(|viewer| viewer.email).unwrap_or_default();
    view! {
        <section class="account" aria-label="Account">
            <p class="account-email" title=email.clone()>
                {email.clone()}
            </p>
            // `external`: the page comes with what it shows, so it is loaded as a whole.
            <A href="/account" attr:class="button button-quiet" attr:rel="external">
                "Your account"
            </A>
            <form method="post" action=SignOut::url()>
                <button type="submit" class="button button-quiet">
                    "Sign out"
                </button>
            </form>
        </section>
    }
}

/// A link in the drawer leads to another page: the drawer must not stay before it.
fn close_on_navigation(drawer: NodeRef<html::Aside>) {
    let path = use_location().pathname;
    Effect::new(move |before: Option<String>| {
        let path = path.get();
        if before.is_some_and(|before| before != path)
            && let Some(drawer) = drawer.get_untracked()
        {
            // Fails where the sidebar is no drawer, or not open: then there is nothing to close.
            let _ = drawer.hide_popover();
        }
        path
    });
}
