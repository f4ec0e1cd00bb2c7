//! The form that changes the organisation's tokens.

use leptos::{prelude::*, server_fn::ServerFn};
use model::organisation::OrganisationId;
use web_sys::HtmlFormElement;

use super::server_functions::{ActivateToken, DeactivateToken};
use crate::page_account::with_account;

/// A form that posts a change to a server function.
///
/// Without script the browser posts it, and the server redirects to a page that says what happened. An island
/// passes `on_submit`, which posts the same fields with [`crate::call::post_form`] and shows the outcome itself.
#[component]
pub(super) fn TokenForm<C: IntoView + 'static>(
    /// The address of the server function.
    #[prop(into)]
    action: Signal<String>,
    /// The organisation that the page shows.
    organisation: OrganisationId,
    /// The id of the token to change, unless the form changes no single one. It is text, because a signal of another type
    /// would add code to the WASM.
    #[prop(optional, into)]
    token: Option<Signal<String>>,
    /// An id, for a button outside the form.
    #[prop(optional)]
    id: Option<&'static str>,
    #[prop(optional)] class: &'static str,
    /// Posts the form in the browser's place.
    #[prop(optional_no_strip)]
    on_submit: Option<Callback<HtmlFormElement>>,
    /// The other fields, and the button.
    children: TypedChildren<C>,
) -> impl IntoView {
    let token = token.map(|token| view! { <input type="hidden" name="token_id" value=token /> });
    view! {
        <form
            method="post"
            action=Signal::derive(move || with_account(&action.get()))
            id=id
            class=class
            on:submit:target=move |event| {
                if let Some(on_submit) = on_submit {
                    event.prevent_default();
                    on_submit.run(event.target());
                }
            }
        >
            <input type="hidden" name="organisation_id" value=organisation.to_string() />
            {token}
            {children.into_inner()()}
        </form>
    }
}

/// The form that activates or deactivates a token.
#[component]
pub(super) fn SwitchForm<C: IntoView + 'static>(
    /// The organisation that the page shows.
    organisation: OrganisationId,
    /// The id of the token.
    #[prop(into)]
    token: Signal<String>,
    /// Whether the form activates the token.
    #[prop(into)]
    activate: Signal<bool>,
    /// Whether the form is in the table of tokens: without script, the server then redirects there.
    #[prop(optional)]
    in_table: bool,
    #[prop(optional)] class: &'static str,
    /// Posts the form in the browser's place.
    #[prop(optional_no_strip)]
    on_submit: Option<Callback<HtmlFormElement>>,
    /// The button.
    children: TypedChildren<C>,
) -> impl IntoView {
    let action = Signal::derive(move || {
        let address = if activate.get() {
            ActivateToken::url()
        } else {
            DeactivateToken::url()
        };
        address.to_owned()
    });
    view! {
        <TokenForm action organisation token class on_submit>
            <input type="hidden" name="in_table" value=in_table.to_string() />
            {children.into_inner()()}
        </TokenForm>
    }
}
