//! What was done last, from the audit trail.

use leptos::prelude::*;
use model::audit::Entry;

use crate::{
    developer_zone::{EntrySentence, ExistingTokens},
    paths::ACTIVITY,
    texts::activity::Sentence,
    ui::{ServerTime, Shown},
};

/// The latest changes, newest first.
#[component]
pub(super) fn LastChanges(changes: Vec<Entry>, existing: ExistingTokens) -> impl IntoView {
    let content = if changes.is_empty() {
        view! { <p class="card-text hint">"Nothing was changed lately."</p> }.into_any()
    } else {
        let changes = changes
            .into_iter()
            .map(|entry| view! { <Change entry existing=existing.clone() /> });
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
fn Change(entry: Entry, existing: ExistingTokens) -> impl IntoView {
    view! {
        <li>
            <p>
                <EntrySentence sentence=Sentence::of(&entry) existing />
            </p>
            <ServerTime at=entry.key.at shown=Shown::DateAndTime />
        </li>
    }
}
