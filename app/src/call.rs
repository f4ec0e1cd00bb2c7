//! Calls from an island to the server: one `fetch` for forms and for server functions that take JSON.
//!
//! Leptos's own client does the same, but would add some kilobytes to the WASM.

use js_sys::{JSON, Object, Reflect};
use leptos::{
    prelude::*,
    server_fn::{ServerFn, serde::de::DeserializeOwned},
    task::spawn_local,
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{FormData, HtmlFormElement, RequestInit, Response, UrlSearchParams};

use crate::{error::RequestError, json, page_account::with_account};

/// Posts the current fields of the form, and reads the result.
pub(crate) fn post_form<T: DeserializeOwned>(
    form: &HtmlFormElement,
) -> impl Future<Output = Result<T, RequestError>> + use<T> {
    read(fields(form).map(|fields| post(&form.action(), &fields)))
}

/// Calls a server function that takes JSON, with these arguments.
pub(crate) fn call<F>(
    arguments: &[(&str, JsValue)],
) -> impl Future<Output = Result<F::Output, RequestError>> + use<F>
where
    F: ServerFn,
    F::Output: DeserializeOwned,
{
    let body = Object::new();
    for (name, value) in arguments {
        // Fails only for an object that cannot be changed.
        let _ = Reflect::set(&body, &(*name).into(), value);
    }
    let body = JSON::stringify(&body);
    read(body.map(|body| post(&with_account(F::PATH), &body.into())))
}

/// Calls a server function that takes JSON, and does not wait for its result. For what the user need not know.
pub(crate) fn tell<F: ServerFn<Output = ()> + 'static>(arguments: &[(&str, JsValue)]) {
    let result = call::<F>(arguments);
    spawn_local(async { drop(result.await) });
}

/// A number as an argument of [`call`]. It must be less than 2^53, as every number in JavaScript.
pub(crate) fn number(number: i64) -> JsValue {
    JsValue::from_f64(number as f64)
}

fn fields(form: &HtmlFormElement) -> Result<UrlSearchParams, JsValue> {
    let fields = FormData::new_with_form(form)?;
    UrlSearchParams::new_with_str_sequence_sequence(&fields)
}

/// Begins the request. Its `Accept` header does not ask for HTML, so the server does not redirect.
fn post(address: &str, body: &JsValue) -> JsFuture {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(body);
    JsFuture::from(window().fetch_with_str_and_init(address, &init))
}

async fn read<T: DeserializeOwned>(response: Result<JsFuture, JsValue>) -> Result<T, RequestError> {
    let received = match response {
        Ok(response) => receive(response).await,
        Err(error) => Err(error),
    };
    let (is_success, body) = received.map_err(|_| RequestError::Offline)?;
    if is_success {
        decode(&body)
    } else {
        Err(decode(&body).unwrap_or_else(|error| error))
    }
}

/// Whether the status of the response is a success (2xx), and the body.
async fn receive(response: JsFuture) -> Result<(bool, String), JsValue> {
    let response: Response = response.await?.dyn_into()?;
    let body = JsFuture::from(response.text()?).await?;
    Ok((response.ok(), body.as_string().unwrap_or_default()))
}

/// Reads the server's response. Anything else comes from a proxy: the server may have made the change even so.
fn decode<T: DeserializeOwned>(body: &str) -> Result<T, RequestError> {
    let value = JSON::parse(body).map_err(|_| RequestError::Unconfirmed)?;
    json::read(value).map_err(|_| RequestError::Unconfirmed)
}
