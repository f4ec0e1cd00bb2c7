//! Tabs, following the pattern of the WAI-ARIA Authoring Practices.
//!
//! The Tab key stops once at the row of tabs. Arrow keys move from tab to tab, in a circle. Home and End move to the
//! first and the last tab. The tab with the focus is the selected one.

use leptos::{ev, prelude::*};

use super::{focus_soon, pressed_key};

/// A row of tabs with one panel below it.
///
/// The caller renders the panel's content for the `selected` tab. The document never contains the other tabs' content.
#[component]
pub(crate) fn Tabs<C: IntoView + 'static>(
    /// Prefix of the elements' ids.
    id: &'static str,
    /// Label of the row of tabs, for assistive technology.
    label: &'static str,
    /// The names of the tabs.
    names: Vec<&'static str>,
    /// Index of the selected tab.
    selected: RwSignal<usize>,
    /// The panel's content.
    children: TypedChildren<C>,
) -> impl IntoView {
    let count = names.len();
    let tab_id = move |index: usize| format!("{id}-tab-{index}");
    let panel_id = format!("{id}-panel");
    let keydown = move |event: ev::KeyboardEvent| {
        if event.alt_key() || event.ctrl_key() || event.meta_key() || event.shift_key() {
            return;
        }
        let current = selected.get_untracked();
        let next = match pressed_key(&event).unwrap_or_default().as_str() {
            "ArrowRight" => (current + 1) % count,
            "ArrowLeft" => (current + count - 1) % count,
            "Home" => 0,
            "End" => count - 1,
            _ => return,
        };
        event.prevent_default();
        selected.set(next);
        focus_soon(tab_id(next));
    };
    let controls = panel_id.clone();
    let tabs = names.into_iter().enumerate().map(move |(index, name)| {
        let is_selected = move || selected.get() == index;
        view! {
            <button
                type="button"
                class="tab"
                role="tab"
                id=tab_id(index)
                aria-controls=controls.clone()
                aria-selected=move || if is_selected() { "true" } else { "false" }
                tabindex=move || if is_selected() { "0" } else { "-1" }
                on:click=move |_| selected.set(index)
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
                aria-labelledby=move || tab_id(selected.get())
            >
                {children.into_inner()()}
            </div>
        </div>
    }
}
