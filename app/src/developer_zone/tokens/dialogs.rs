//! The card's dialogs and forms. Their code is a part of the WASM of its own, since most visits need none of them.

use leptos::{
    ev,
    mount::mount_to,
    prelude::*,
    task::spawn_local,
    wasm_split::{SplitLoaderError, wasm_split},
};
use model::token::{TokenId, TokenPreview};
use web_sys::{Event, HtmlElement};

use super::{
    confirmation_dialog::ConfirmationDialog, create::CreateTokenDialog, list::TokenList,
    name_form::NameForm, shown_once::NewTokenDialog,
};
use crate::ui::{BrowserOnly, LoadedLater, closest};

/// The dialogs of the card.
#[component]
pub(super) fn Dialogs(
    list: TokenList,
    /// Whether the dialog that creates a token is open.
    creating: RwSignal<bool>,
) -> impl IntoView {
    Effect::new(load_in_advance);
    view! {
        <LoadedLater
            wanted=creating
            mount=move |place, owner| mount_creation(place, owner, list, creating)
        />
        <LoadedLater
            wanted=list.confirmation().open
            mount=move |place, owner| mount_confirmation(place, owner, list)
        />
    }
}

/// Loads the code of the dialogs when the pointer or the focus first comes to the card: a click then need not wait.
fn load_in_advance() {
    let has_begun = StoredValue::new(false);
    let begin_in_card = move |event: &Event| {
        if !has_begun.get_value() && closest(event, ".rebuilt").is_some() {
            has_begun.set_value(true);
            // If it fails, the click tries again, and says so.
            spawn_local(async { drop(load_dialogs().await) });
        }
    };
    let pointer = window_event_listener(ev::pointerover, move |event| begin_in_card(&event));
    let focus = window_event_listener(ev::focusin, move |event| begin_in_card(&event));
    on_cleanup(move || {
        pointer.remove();
        focus.remove();
    });
}

#[wasm_split(dialogs, wasm_split_path = leptos::wasm_split, fallible, preload(load_dialogs))]
fn mount_creation(
    place: HtmlElement,
    owner: Owner,
    list: TokenList,
    open: RwSignal<bool>,
) -> Result<(), SplitLoaderError> {
    let dialogs = move || view! { <CreateTokenDialog list open /><NewTokenDialog list /> };
    owner.with(|| mount_to(place, dialogs).forget());
    Ok(())
}

#[wasm_split(dialogs, wasm_split_path = leptos::wasm_split, fallible)]
fn mount_confirmation(
    place: HtmlElement,
    owner: Owner,
    list: TokenList,
) -> Result<(), SplitLoaderError> {
    owner.with(|| mount_to(place, move || view! { <ConfirmationDialog list /> }).forget());
    Ok(())
}

/// Shows the form that changes the token's name, while `editing` holds.
#[wasm_split(dialogs, wasm_split_path = leptos::wasm_split, fallible)]
pub(super) fn mount_name_form(
    place: HtmlElement,
    owner: Owner,
    list: TokenList,
    id: TokenId,
    preview: TokenPreview,
    editing: RwSignal<bool>,
) -> Result<(), SplitLoaderError> {
    let form = move || view! { <NameForm list id preview=preview.clone() editing /> };
    let shown = move || view! { <BrowserOnly when=editing content=form /> };
    owner.with(|| mount_to(place, shown).forget());
    Ok(())
}
