//! A record of the audit trail as a sentence on a page.

use leptos::prelude::*;
use model::token::{TokenName, TokenPreview};

use crate::texts::activity::Sentence;

/// Who did what.
#[component]
pub(crate) fn EntrySentence(sentence: Sentence) -> impl IntoView {
    let Sentence {
        who,
        did,
        token,
        rest,
    } = sentence;
    view! {
        <strong>{who}</strong>
        " "
        {did}
        {token.map(|(name, preview)| view! { " " <CalledToken name preview /> })}
        {rest.map(|rest| format!(" {rest}"))}
    }
}

/// A token in a sentence, as [`model::token::display_name`] writes it.
#[component]
pub(super) fn CalledToken(name: Option<TokenName>, preview: TokenPreview) -> impl IntoView {
    let preview = view! { <code class="token-preview" translate="no">{preview.to_string()}</code> };
    match name {
        Some(name) => view! { <bdi>{name.to_string()}</bdi> " (" {preview} ")" }.into_any(),
        None => preview.into_any(),
    }
}
