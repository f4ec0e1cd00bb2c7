//! The card's menu.

use leptos::{ev, html, prelude::*};

use super::{confirmation::Question, list::TokenList};
use crate::{
    paths::DEACTIVATE_ALL,
    ui::{Icon, IconName, LiveText},
};

/// Id of the menu, which is a popover.
const MENU: &str = "token-menu";

/// The button that opens the menu, and the menu. Its item asks whether to deactivate all tokens; without script it leads
/// to a page with the same question.
#[component]
pub(super) fn CardMenu(list: TokenList) -> impl IntoView {
    let menu = NodeRef::<html::Div>::new();
    let is_useless = move || (list.count_active() == 0).then_some("true");
    let ask = move |event: ev::MouseEvent| {
        event.prevent_default();
        if untrack(is_useless).is_some() {
            return;
        }
        // Returns the focus to the menu's button, so that the dialog does so, too, when it closes. Fails only for a menu
        // that is hidden already.
        if let Some(menu) = menu.get_untracked() {
            let _ = menu.hide_popover();
        }
        list.confirmation().ask(Question::DeactivateAll);
    };
    view! {
        <button
            type="button"
            class="icon-button menu-button"
            title="More actions"
            popovertarget=MENU
        >
            <Icon name=IconName::More />
        </button>
        <div class="menu" id=MENU popover="auto" node_ref=menu>
            <form action=DEACTIVATE_ALL>
                <button class="menu-item" autofocus aria-disabled=is_useless on:click=ask>
                    "Deactivate all tokens…"
                    <LiveText
                        class="hint"
                        text=Signal::derive(move || match list.count_active() {
                            0 => "No token is active".to_owned(),
                            active => format!("{active} active"),
                        })
                    />
                </button>
            </form>
        </div>
    }
}
