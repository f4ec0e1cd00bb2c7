//! Entry point of the dashboard's WASM.

// The page finds the islands of `app` by their exported names; no code here calls them.
use app as _;
use wasm_bindgen::prelude::wasm_bindgen;
use zeroizing_alloc::ZeroAlloc;

/// Wipes all memory when it is freed. A new API token is shown once; afterwards no copy of it, such as those that
/// decoding makes, may stay readable in the page's memory.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

/// Prepares the page for its islands. Each island then has a function of its own, which hydrates it.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
