//! Content that only the browser renders, because it appears only after a user's action.

use leptos::{
    html,
    mount::{UnmountHandle, mount_to},
    prelude::*,
};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::JsCast;

/// Shows content in the browser while a condition holds, like `<Show>`.
///
/// Unlike `<Show>`, it compiles no hydration code into the WASM. That code is most of a view's size.
#[component]
pub(crate) fn BrowserOnly<N: IntoView + 'static>(
    /// Whether the content is shown. The content's state is dropped when it is removed.
    #[prop(into)]
    when: Signal<bool>,
    /// Renders the content.
    content: impl Fn() -> N + Clone + 'static,
) -> impl IntoView {
    let place = NodeRef::<html::Div>::new();
    Effect::new(move |before: Option<Option<UnmountHandle<N::State>>>| {
        drop(before);
        let place = place.get()?;
        when.get()
            .then(|| mount_to(place.unchecked_into(), content.clone()))
    });
    view! { <div class="browser-only" node_ref=place></div> }
}

/// Content that the server renders from data, and that the browser builds again from the same data.
///
/// Hydration would need the document as the server wrote it. Proxies and extensions change documents: they remove
/// comments, wrap text, rewrite email addresses, and hide rows. Building does not read the old content, and it is less
/// code in the WASM than hydration.
///
/// On the server, the data is in the context. The element takes it to the browser as JSON: the properties of an island
/// would need a JSON parser in the WASM.
#[component]
pub(crate) fn Rebuilt<T, N>(
    /// Renders the content.
    content: fn(T) -> N,
) -> impl IntoView
where
    T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
    N: IntoView + 'static,
{
    #[cfg(feature = "ssr")]
    let view = {
        let data: T = expect_context();
        let json = serde_json::to_string(&data).unwrap_or_default();
        view! { <div class="rebuilt" data-content=json>{content(data)}</div> }
    };
    #[cfg(not(feature = "ssr"))]
    let view = {
        let rebuild = move |place: leptos::web_sys::Element| {
            let data = place.get_attribute("data-content").unwrap_or_default();
            // Without its data, the page works as without script.
            let data = js_sys::JSON::parse(&data).expect("JSON");
            let data = crate::json::read(data).expect("the content");
            place.set_text_content(None);
            mount_to(place.unchecked_into(), move || content(data)).forget();
        };
        view! { <div class="rebuilt" use:rebuild></div> }
    };
    view
}

/// Content of an island that never changes: the server renders it, and hydration leaves it as it is. It must be the only
/// content of its element: hydration then does not look for a marker.
#[cfg(feature = "ssr")]
pub(crate) fn server_only<N>(content: impl FnOnce() -> N) -> N {
    content()
}

/// See the function for the server.
#[cfg(not(feature = "ssr"))]
pub(crate) fn server_only<N>(_: impl FnOnce() -> N) {}
