//! Content that no server renders, because it is there only after something was done on the page.

use leptos::{
    html,
    mount::{UnmountHandle, mount_to},
    prelude::*,
};
use wasm_bindgen::JsCast;

/// Content that comes and goes in the browser alone. Like `<Show>`, but without the code that takes over
/// what a server has rendered, which is most of a view's code.
#[component]
pub(crate) fn BrowserOnly<N: IntoView + 'static>(
    /// Whether it is there. When it goes, all that it holds is dropped.
    #[prop(into)]
    when: Signal<bool>,
    /// Makes it.
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
