//! Parts of a page that only the server renders.

use leptos::{html, prelude::*};

use super::local_time::localise;

/// HTML that one of our own server functions has rendered, with everything in it escaped. Such parts have no
/// script but this: instants are written in the reader's own way. So the browser needs no code for what is in
/// them.
#[component]
pub(crate) fn ServerHtml(
    /// The HTML.
    html: String,
) -> impl IntoView {
    let root = NodeRef::<html::Div>::new();
    Effect::new(move || {
        if let Some(root) = root.get() {
            localise(&root);
        }
    });
    view! { <div node_ref=root inner_html=html></div> }
}
