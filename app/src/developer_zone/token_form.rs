//! The form that changes the organisation's tokens, and how an island posts it.

use leptos::{
    prelude::*,
    server_fn::{Bytes, Decodes, ServerFn, codec::JsonEncoding, serde::de::DeserializeOwned},
};
use model::{organisation::OrganisationId, token::TokenId};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{FormData, HtmlFormElement, RequestInit, Response, UrlSearchParams};

use super::server_functions::SetTokenActive;
use crate::error::RequestError;

/// A form that posts a change to a server function.
///
/// Without script the browser posts it, and the server redirects to a page that says what happened. An island
/// passes `on_submit`, which posts the same fields with [`post`] and shows the outcome itself.
#[component]
pub(super) fn TokenForm(
    /// The address of the server function.
    action: &'static str,
    /// The organisation that the page shows.
    organisation: OrganisationId,
    /// The token to change; none for a new one.
    #[prop(optional, into)]
    token: Option<Signal<TokenId>>,
    /// An id, for a button outside the form.
    #[prop(optional)]
    id: Option<&'static str>,
    #[prop(optional)] class: &'static str,
    /// Posts the form in the browser's place.
    #[prop(optional_no_strip)]
    on_submit: Option<Callback<HtmlFormElement>>,
    /// The other fields, and the button.
    children: Children,
) -> impl IntoView {
    let token = token.map(|token| {
        view! { <input type="hidden" name="token_id" value=move || token.get().to_string() /> }
    });
    view! {
        <form
            method="post"
            action=action
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
            {children()}
        </form>
    }
}

/// The form that activates or deactivates a token.
#[component]
pub(super) fn SwitchForm(
    /// The organisation that the page shows.
    organisation: OrganisationId,
    /// The token.
    #[prop(into)]
    token: Signal<TokenId>,
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
    children: Children,
) -> impl IntoView {
    view! {
        <TokenForm action=SetTokenActive::url() organisation token class on_submit>
            <input type="hidden" name="active" value=move || activate.get().to_string() />
            <input type="hidden" name="in_table" value=in_table.to_string() />
            {children()}
        </TokenForm>
    }
}

/// Posts the fields that the form has now, and reads the outcome.
pub(super) fn post<T: DeserializeOwned>(
    form: &HtmlFormElement,
) -> impl Future<Output = Result<T, RequestError>> + use<T> {
    let response = request(form);
    async move {
        let received = match response {
            Ok(response) => receive(response).await,
            Err(error) => Err(error),
        };
        let (is_success, body) = received.map_err(|_| RequestError::Offline)?;
        if is_success {
            decode(body)
        } else {
            Err(decode(body).unwrap_or_else(|error| error))
        }
    }
}

/// Begins the request. Its `Accept` header does not ask for HTML, so the server does not redirect.
fn request(form: &HtmlFormElement) -> Result<JsFuture, JsValue> {
    let fields = FormData::new_with_form(form)?;
    let body = UrlSearchParams::new_with_str_sequence_sequence(&fields)?;
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&body);
    let response = window().fetch_with_str_and_init(&form.action(), &init);
    Ok(JsFuture::from(response))
}

/// Whether the response has a status of success, and its body.
async fn receive(response: JsFuture) -> Result<(bool, String), JsValue> {
    let response: Response = response.await?.dyn_into()?;
    let body = JsFuture::from(response.text()?).await?;
    Ok((response.ok(), body.as_string().unwrap_or_default()))
}

fn decode<T: DeserializeOwned>(body: String) -> Result<T, RequestError> {
    JsonEncoding::decode(Bytes::from(body)).map_err(|_| RequestError::Internal)
}
