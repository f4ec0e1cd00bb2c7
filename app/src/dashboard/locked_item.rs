//! The lock.

use leptos::{ev, prelude::*};

use crate::{
    ids::UPGRADE_DIALOG,
    ui::{Icon, IconName},
};

/// The Developer Zone as those see it whose plan does not include it. Hiding is not guarding: page and
/// server functions refuse as well.
#[island]
pub(super) fn LockedItem() -> impl IntoView {
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
