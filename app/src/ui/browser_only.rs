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
