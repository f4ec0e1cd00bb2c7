//! The control in the sidebar that selects the organisation.

use leptos::{either::Either, ev, html, prelude::*, server_fn::ServerFn};
use model::organisation::{Organisation, OrganisationId};
use wasm_bindgen::JsCast;

use crate::{
    page_account::with_account,
    session::SelectOrganisation,
    ui::{Icon, IconName, Rebuilt, pressed_key, server_only},
};

/// Id of the list, which is a popover.
const SWITCHER: &str = "organisation-switcher";

/// The button that names the selected organisation, and the list that it opens.
///
/// Each organisation in the list is a submit button of a plain form, so selecting one works without script.
#[island]
pub(crate) fn OrganisationSwitcher(
    /// The organisations that the user belongs to, sorted by name.
    organisations: Vec<Organisation>,
    /// The selected organisation.
    selected: Option<OrganisationId>,
    /// Path of the page to return to.
    return_to: String,
) -> impl IntoView {
    let of_selected = |organisation: &&Organisation| Some(organisation.id) == selected;
    let chosen = organisations.iter().find(of_selected);
    view! {
        <div class="switcher">
            <button
                type="button"
                class="switcher-button"
                popovertarget=SWITCHER
                aria-haspopup="dialog"
            >
                {server_only(|| label(chosen))}
            </button>
            <OrganisationList organisations selected return_to />
        </div>
    }
}

/// The content of the button.
fn label(chosen: Option<&Organisation>) -> impl IntoView + use<> {
    let name = match chosen {
        Some(organisation) => Either::Left(name_and_plan(organisation)),
        None => Either::Right(view! { <span class="switcher-name">"Select organisation"</span> }),
    };
    view! {
        {name}
        <Icon name=IconName::ChevronDown />
    }
}

#[component]
fn OrganisationList(
    organisations: Vec<Organisation>,
    selected: Option<OrganisationId>,
    return_to: String,
) -> impl IntoView {
    let list = NodeRef::<html::Div>::new();
    let field = NodeRef::<html::Input>::new();
    let search = RwSignal::new(String::new());
    Effect::new(move || {
        // The user may have typed before the island was hydrated.
        if let Some(field) = field.get() {
            search.set(field.value());
        }
    });
    let found = Memo::new(move |_| {
        let typed = search.get();
        if typed.trim().is_empty() {
            return organisations.clone();
        }
        let wanted = searchable(typed.trim());
        let fits = |organisation: &&Organisation| {
            searchable(&organisation.name).contains(&wanted)
                || organisation.id.to_string().contains(&wanted)
        };
        let fitting = organisations.iter().filter(fits);
        fitting.cloned().collect::<Vec<_>>()
    });
    let none = move || match found.with(Vec::is_empty) {
        true => format!("No organisation matches “{}”.", search.get().trim()),
        false => String::new(),
    };
    let options = move || {
        view! {
            <form method="post" action=with_account(SelectOrganisation::url())>
                <input type="hidden" name="return_to" value=return_to.clone() />
                <ul>
                    <For
                        each=move || found.get()
                        key=|organisation| organisation.id
                        let:organisation
                    >
                        <li>
                            <button
                                type="submit"
                                class="switcher-option"
                                name="organisation_id"
                                value=organisation.id.to_string()
                                aria-current=(selected == Some(organisation.id)).then_some("true")
                            >
                                {name_and_plan(&organisation)}
                            </button>
                        </li>
                    </For>
                </ul>
            </form>
            <p class="switcher-none" role="status" prop:textContent=none></p>
        }
    };
    let keys = move |event: ev::KeyboardEvent| {
        if let Some(list) = list.get_untracked() {
            move_by_key(&list, &event);
        }
    };
    view! {
        <div
            class="switcher-list"
            id=SWITCHER
            popover="auto"
            role="dialog"
            aria-label="Organisations"
            node_ref=list
            on:keydown=keys
        >
            // Extensions add elements beside fields.
            <div>
                <input
                    type="search"
                    class="switcher-search"
                    aria-label="Search organisations by name or ID"
                    placeholder="Search by name or ID"
                    autocomplete="off"
                    autofocus
                    node_ref=field
                    on:input:target=move |event| search.set(event.target().value())
                />
            </div>
            <Rebuilt content=options />
        </div>
    }
}

/// A text for comparisons: without accents, in lower case, and the same for each way to write a character. So `zurich`
/// finds `Zürich`, also if its `ü` is stored as two characters. Works only in the browser.
fn searchable(text: &str) -> String {
    let decomposed = String::from(js_sys::JsString::from(text).normalize("NFKD"));
    let is_accent = |c: char| ('\u{300}'..='\u{36f}').contains(&c);
    let bare: String = decomposed.chars().filter(|&c| !is_accent(c)).collect();
    bare.to_lowercase()
}

/// An organisation's name, number and plan.
fn name_and_plan(organisation: &Organisation) -> impl IntoView + use<> {
    let plan = organisation.plan;
    view! {
        <span class="switcher-name" translate="no">{organisation.to_string()}</span>
        <span class=format!("badge plan-{}", plan.code())>{plan.label()}</span>
    }
}

/// Handles the keyboard in the list. Arrow keys, Home and End move the focus among the search field and the
/// organisations. Enter in the search field selects the first match. The browser itself closes the popover on Escape.
fn move_by_key(list: &web_sys::HtmlElement, event: &ev::KeyboardEvent) {
    let Ok(nodes) = list.query_selector_all("input[type=search], .switcher-option") else {
        return;
    };
    let stops: Vec<web_sys::HtmlElement> = (0..nodes.length())
        .filter_map(|index| nodes.get(index)?.dyn_into().ok())
        .collect();
    let active = document().active_element();
    let at = stops
        .iter()
        .position(|stop| active.as_ref() == Some(stop.unchecked_ref()))
        .unwrap_or_default();
    let in_field = at == 0;
    let target = match pressed_key(event).unwrap_or_default().as_str() {
        "ArrowDown" => (at + 1) % stops.len(),
        "ArrowUp" => (at + stops.len() - 1) % stops.len(),
        "Home" if !in_field => 1,
        "End" if !in_field => stops.len() - 1,
        "Enter" if in_field => {
            event.prevent_default();
            if let Some(first) = stops.get(1) {
                first.click();
            }
            return;
        }
        _ => return,
    };
    event.prevent_default();
    // `focus` fails only if the element has left the document.
    let _ = stops[target].focus();
}

/// Opens the list and moves the focus to its search field. Returns false on a page without the list.
pub(super) fn focus_search() -> bool {
    let list = document().get_element_by_id(SWITCHER);
    let Some(list) = list.and_then(|list| list.dyn_into::<web_sys::HtmlElement>().ok()) else {
        return false;
    };
    // On a narrow screen the list is inside the drawer, which is a popover too and must open first.
    if let Ok(Some(drawer)) = list.closest(".sidebar")
        && drawer.client_width() == 0
        && let Ok(drawer) = drawer.dyn_into::<web_sys::HtmlElement>()
    {
        // `show_popover` fails only if the element has left the document.
        let _ = drawer.show_popover();
    }
    let _ = list.show_popover();
    if let Ok(Some(field)) = list.query_selector("input[type=search]")
        && let Ok(field) = field.dyn_into::<web_sys::HtmlElement>()
    {
        let _ = field.focus();
    }
    true
}
