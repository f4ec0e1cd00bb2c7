//! A record of the audit trail as a sentence on a page.

use std::{collections::HashSet, sync::Arc};

use leptos::prelude::*;
use model::token::{TokenId, TokenSummary};

use crate::{
    paths::token_page,
    texts::activity::{NamedToken, Sentence},
};

/// The tokens that exist: a sentence about one of them leads to its page.
#[derive(Clone, Debug)]
pub(crate) struct ExistingTokens(Arc<HashSet<TokenId>>);

impl ExistingTokens {
    /// These tokens.
    pub(crate) fn of(tokens: &[TokenSummary]) -> Self {
        Self(Arc::new(tokens.iter().map(|token| token.id).collect()))
    }
}

/// Who did what.
#[component]
pub(crate) fn EntrySentence(sentence: Sentence, existing: ExistingTokens) -> impl IntoView {
    let Sentence {
        who,
        did,
        token,
        rest,
    } = sentence;
    let token = token.map(|token| {
        let address = existing.0.contains(&token.id).then(|| token_page(token.id));
        let called = view! { <CalledToken token /> };
        match address {
            Some(address) => view! { <a href=address>{called}</a> }.into_any(),
            None => called.into_any(),
        }
    });
    view! {
        <strong>{who}</strong>
        " "
        {did}
        {token.map(|token| view! { " " {token} })}
        {rest.map(|rest| format!(" {rest}"))}
    }
}

/// A token in a sentence, as [`model::token::display_name`] writes it.
#[component]
pub(super) fn CalledToken(token: NamedToken) -> impl IntoView {
    let NamedToken { name, preview, .. } = token;
    let preview = view! { <code class="token-preview" translate="no">{preview.to_string()}</code> };
    match name {
        Some(name) => view! {
            <strong>
                <bdi>{name.to_string()}</bdi>
            </strong>
            " ("
            {preview}
            ")"
        }
        .into_any(),
        None => preview.into_any(),
    }
}
