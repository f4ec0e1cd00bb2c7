//! Entry point of the dashboard's WASM.

use leptos::prelude::*;
use wasm_bindgen::prelude::wasm_bindgen;
use zeroizing_alloc::ZeroAlloc;

/// Wipes memory when it is freed: an API token that was shown once must not stay readable in the page's
/// memory afterwards, in none of the copies that decoding made of it.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

/// Takes over the page that the server has rendered, and marks it as taken over.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::App);
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-hydrated", "");
    }
}
