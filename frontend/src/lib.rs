//! Entry point of the dashboard's WASM.

// The islands of `app` are found by the names that they are exported under, and nowhere else.
use app as _;
use wasm_bindgen::prelude::wasm_bindgen;
use zeroizing_alloc::ZeroAlloc;

/// Wipes memory when it is freed: an API token that was shown once must not stay readable in the page's
/// memory afterwards, in none of the copies that decoding made of it.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

/// Makes ready for the page's islands, each of which is then taken over by its own function.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
