//! The locked `Developer Zone` item of the sidebar.

use leptos::{ev, prelude::*};

use crate::{
    ids::UPGRADE_DIALOG,
    ui::{Icon, IconName, pressed_key, server_only},
};

/// The `Developer Zone` item for an organisation whose plan does not include it. It opens the upgrade dialog.
///
/// The item only informs. The page and the server functions check the plan themselves.
#[island]
pub(super) fn LockedItem() -> impl IntoView {
    // WCAG 2.2, 1.4.13: Escape dismisses the tooltip, without moving the pointer or the focus.
    let dismissed = RwSignal::new(false);
    Effect::new(move || {
        let listener = window_event_listener(ev::keydown, move |event| {
            if pressed_key(&event).as_deref() == Some("Escape") {
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
            {server_only(|| {
                view! {
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
                }
            })}
        </div>
    }
}
