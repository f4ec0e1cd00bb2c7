//! Tabs, after the pattern of the WAI-ARIA Authoring Practices: one stop for the Tab key, arrow keys go
//! round, Home and End lead to the ends, and the tab with the focus is the one shown.

use leptos::{ev, prelude::*};

use super::focus_soon;

/// A row of tabs, and the one panel below it. What the panel shows follows from `chosen`, so that nothing
/// of the other tabs is in the document.
#[component]
pub(crate) fn Tabs<C: IntoView + 'static>(
    /// What the ids of its elements start with.
    id: &'static str,
    /// What the tabs are, to assistive technology.
    label: &'static str,
    /// The names of the tabs.
    names: Vec<&'static str>,
    /// The number of the tab that is shown, from 0.
    chosen: RwSignal<usize>,
    /// The panel.
    children: TypedChildren<C>,
) -> impl IntoView {
    let count = names.len();
    let tab_id = move |number: usize| format!("{id}-tab-{number}");
    let panel_id = format!("{id}-panel");
    let keydown = move |event: ev::KeyboardEvent| {
        if event.alt_key() || event.ctrl_key() || event.meta_key() || event.shift_key() {
            return;
        }
        let now = chosen.get_untracked();
        let next = match event.key().as_str() {
            "ArrowRight" => (now + 1) % count,
            "ArrowLeft" => (now + count - 1) % count,
            "Home" => 0,
            "End" => count - 1,
            _ => return,
        };
        event.prevent_default();
        chosen.set(next);
        focus_soon(tab_id(next));
    };
    let controls = panel_id.clone();
    let tabs = names.into_iter().enumerate().map(move |(number, name)| {
        let is_chosen = move || chosen.get() == number;
        view! {
            <button
                type="button"
                class="tab"
                role="tab"
                id=tab_id(number)
                aria-controls=controls.clone()
                aria-selected=move || if is_chosen() { "true" } else { "false" }
                tabindex=move || if is_chosen() { "0" } else { "-1" }
                on:click=move |_| chosen.set(number)
            >
                {name}
            </button>
        }
    });
    view! {
        <div class="tabs">
            <div class="tab-list" role="tablist" aria-label=label on:keydown=keydown>
                {tabs.collect_view()}
            </div>
            <div
                class="tab-panel"
                role="tabpanel"
                id=panel_id
                aria-labelledby=move || tab_id(chosen.get())
            >
                {children.into_inner()()}
            </div>
        </div>
    }
}
