//! What was done last, from the audit trail.

use leptos::prelude::*;
use model::audit::Entry;

use crate::{
    paths::ACTIVITY,
    texts::activity::Sentence,
    ui::{ServerTime, Shown},
};

/// The latest changes, newest first.
#[component]
pub(super) fn LastChanges(changes: Vec<Entry>) -> impl IntoView {
    let content = if changes.is_empty() {
        view! { <p class="card-text hint">"Nothing was changed lately."</p> }.into_any()
    } else {
        let changes = changes.into_iter().map(|entry| view! { <Change entry /> });
        view! { <ul class="changes">{changes.collect_view()}</ul> }.into_any()
    };
    view! {
        <section class="card" aria-labelledby="changes-title">
            <header class="card-header">
                <h2 id="changes-title">"Last changes"</h2>
                <a class="button" href=ACTIVITY>
                    "All activity"
                </a>
            </header>
            {content}
        </section>
    }
}

#[component]
fn Change(entry: Entry) -> impl IntoView {
    let Sentence {
        who,
        did,
        token,
        rest,
    } = Sentence::of(&entry);
    let token = token.map(|(name, preview)| {
        let preview = view! { <code translate="no">{preview.to_string()}</code> };
        match name {
            Some(name) => view! { " " <bdi>{name.to_string()}</bdi> " (" {preview} ")" }.into_any(),
            None => view! { " " {preview} }.into_any(),
        }
    });
    view! {
        <li>
            <p>
                <strong>{who}</strong>
                " "
                {did}
                {token}
                {rest.map(|rest| format!(" {rest}"))}
            </p>
            <ServerTime at=entry.key.at shown=Shown::DateAndTime />
        </li>
    }
}
