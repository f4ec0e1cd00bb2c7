//! Text that the page changes.

use leptos::prelude::*;

/// Text that the page changes, in an element of its own.
///
/// A change sets the text of the element. Translators and extensions replace text nodes: a change of the former node
/// would never be seen.
#[component]
pub(crate) fn LiveText(
    /// The text.
    #[prop(into)]
    text: Signal<String>,
    #[prop(optional)] class: &'static str,
    /// Whether translators leave the text as it is: it is a name or a code.
    #[prop(optional)]
    verbatim: bool,
) -> impl IntoView {
    let translate = verbatim.then_some("no");
    #[cfg(feature = "ssr")]
    let view = {
        let text = text.get_untracked();
        view! { <span class=class translate=translate>{(!text.is_empty()).then_some(text)}</span> }
    };
    #[cfg(not(feature = "ssr"))]
    let view = view! { <span class=class translate=translate prop:textContent=text></span> };
    view
}
