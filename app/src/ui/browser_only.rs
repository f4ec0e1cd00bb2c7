//! Content that only the browser renders, because it appears only after a user's action.

use leptos::{
    html,
    mount::{UnmountHandle, mount_to},
    prelude::*,
};
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

/// Content that the server renders, and that the browser replaces.
///
/// Hydration would need the document as the server wrote it. Proxies and extensions change documents: they remove
/// comments, wrap text, rewrite email addresses, and hide rows. Building does not read the old content, and it is less
/// code in the WASM than hydration.
#[component]
pub(crate) fn Rebuilt<N: IntoView + 'static>(
    /// Renders the content.
    content: impl Fn() -> N + Clone + 'static,
) -> impl IntoView {
    #[cfg(feature = "ssr")]
    let view = view! { <div class="rebuilt">{content()}</div> };
    #[cfg(not(feature = "ssr"))]
    let view = {
        let rebuild = move |place: leptos::web_sys::Element| {
            place.set_text_content(None);
            mount_to(place.unchecked_into(), content.clone()).forget();
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
