//! Content whose code is a part of the WASM of its own.

use std::time::Duration;

use leptos::{html, prelude::*, task::spawn_local, wasm_split::SplitLoaderError};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::use_toasts;

/// After this time, a toast says that the code is being loaded.
const SLOW: Duration = Duration::from_millis(500);

const LOADING: &str = "Loading…";

/// The place of content whose code is loaded when the content is first wanted.
///
/// Meanwhile the place has `aria-busy`, and keys are no shortcuts: the user may type into the content already.
///
/// If the code cannot be loaded, a toast says so, and the content is no longer wanted: the user can try again.
#[component]
pub(crate) fn LoadedLater<F>(
    /// Whether the content is wanted. For a dialog: whether it is open.
    wanted: RwSignal<bool>,
    /// Calls a function with the attribute `wasm_split`, which renders the content into the element.
    mount: impl Fn(HtmlElement, Owner) -> F + 'static,
) -> impl IntoView
where
    F: Future<Output = Result<(), SplitLoaderError>> + 'static,
{
    let place = NodeRef::<html::Div>::new();
    let is_requested = StoredValue::new(false);
    let is_loading = RwSignal::new(false);
    let toasts = use_toasts();
    // Not the effect's own owner, which ends when the effect runs again.
    let owner = Owner::current().unwrap_or_default();
    Effect::new(move || {
        let Some(place) = place
            .get()
            .filter(|_| wanted.get() && !is_requested.get_value())
        else {
            return;
        };
        is_requested.set_value(true);
        is_loading.set(true);
        let say_so = move || {
            if is_loading.try_get_untracked() == Some(true) {
                toasts.wait(LOADING.to_owned());
            }
        };
        set_timeout(say_so, SLOW);
        let mounted = mount(place.unchecked_into(), owner.clone());
        spawn_local(async move {
            let mounted = mounted.await;
            is_loading.set(false);
            // A change may wait for something else by now.
            if untrack(|| toasts.waiting()) == LOADING {
                toasts.wait(String::new());
            }
            if mounted.is_err() {
                is_requested.set_value(false);
                wanted.set(false);
                toasts.fail(
                    "The server could not be reached. Check your connection, then try again.",
                );
            }
        });
    });
    let busy = move || is_loading.get().then_some("true");
    view! { <div class="browser-only" node_ref=place aria-busy=busy></div> }
}
