//! Example calls with a new token, ready to run.

use leptos::prelude::*;

use super::context::{FreshToken, PageFacts, ShownToken};
use crate::{
    texts::{
        examples::{Call, Key, Language},
        token_test::{events_path, ping_path},
    },
    ui::{CopyFieldButton, CopyState, CopyStatus, Tabs},
};

/// Id of the field that holds the example.
const FIELD: &str = "token-example";

impl FreshToken {
    /// The first useful call: a ping of an event, or the list of events if no event can be tested.
    fn example(&self, origin: &str, language: Language) -> String {
        let path = match self.event {
            Some(event) => ping_path(self.organisation, event),
            None => events_path(self.organisation),
        };
        let call = Call {
            origin,
            path: &path,
            body: None,
            key: Key::Literal(&self.secret),
        };
        call.written_in(language)
    }
}

/// The examples. Like the token, an example is the value of a field. So it is not in the document's markup, which
/// browsers save and tools record.
#[component]
pub(super) fn TokenExamples(shown: ShownToken) -> impl IntoView {
    let PageFacts {
        api_origin: origin, ..
    } = expect_context();
    let chosen = RwSignal::new(0);
    let copy = RwSignal::new(CopyState::NotTried);
    let language = move || {
        Language::ALL
            .get(chosen.get())
            .copied()
            .unwrap_or(Language::Curl)
    };
    let name = Signal::derive(move || format!("{} example", language().label()));
    let text = Signal::derive(move || shown.read(|token| token.example(&origin, language())));
    let lines = move || text.with(|text| text.lines().count().to_string());
    Effect::new(move || {
        chosen.track();
        copy.set(CopyState::NotTried);
    });
    let call = shown.read_untracked(|token| match token.event {
        Some(event) => format!("Ready to run: checks your token against event {event}."),
        None => "Ready to run: lists your organisation’s events.".to_owned(),
    });
    view! {
        <section class="dialog-section" aria-labelledby="token-examples-title">
            <h3 id="token-examples-title">"Use it"</h3>
            <p class="hint">{call}</p>
            <Tabs
                id="token-examples"
                label="Languages"
                names=Language::ALL.map(Language::label).to_vec()
                selected=chosen
            >
                <textarea
                    id=FIELD
                    class="code-example"
                    readonly
                    autocomplete="off"
                    spellcheck="false"
                    wrap="off"
                    rows=lines
                    aria-label=name
                    prop:value=text
                ></textarea>
            </Tabs>
            <div class="button-row">
                <CopyFieldButton field=FIELD what=name state=copy with_text=true />
                <CopyStatus what="example" state=copy />
            </div>
        </section>
    }
}
