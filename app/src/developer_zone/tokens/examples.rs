//! Example calls with a new token, ready to run.

use leptos::{either::Either, prelude::*};

use super::{
    context::{FreshToken, PageFacts, ShownToken},
    list::TokenList,
    token_test::{FirstCall, Test, TestButton, TestResult, has_first_call},
};
use crate::{
    texts::{
        examples::{Call, Key, Language},
        syntax::{Role, pieces},
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

/// The step that tries the token: examples, the test, and the first call.
///
/// Like the token, an example is the value of a field. So it is not in the document's markup, which browsers save and
/// tools record.
#[component]
pub(super) fn TokenExamples(list: TokenList, shown: ShownToken) -> impl IntoView {
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
    let lines = move || text.with(|text| text.lines().count());
    let columns = move || text.with(|text| text.lines().map(str::len).max());
    let colours = move || {
        let secret = shown.read(|token| token.secret.clone());
        text.with(|text| coloured(language(), text, &secret))
    };
    Effect::new(move || {
        chosen.track();
        copy.set(CopyState::NotTried);
    });
    let event = shown.read_untracked(|token| token.event);
    let call = match event {
        Some(event) => format!("Ready to run: checks your token against event {event}."),
        None => "Ready to run: lists your organisation’s events.".to_owned(),
    };
    let test = RwSignal::new(Test::NotRun);
    let is_tried = move || test.with(Test::is_passed) || has_first_call(list, shown);
    let test_button = match event {
        Some(_) => Either::Left(view! { <TestButton shown test /> }),
        None => Either::Right(view! {
            <p class="hint">
                "None of the organisation’s events is configured yet. Configure one, then ping it to test the connection."
            </p>
        }),
    };
    view! {
        <section
            class="step"
            aria-labelledby="try-title"
            data-done=move || is_tried().then_some("")
        >
            <h3 id="try-title">"Try"</h3>
            <p class="hint">{call}</p>
            <Tabs
                id="token-examples"
                label="Languages"
                names=Language::ALL.map(Language::label).to_vec()
                selected=chosen
            >
                <div class="code-example">
                    <textarea
                        id=FIELD
                        readonly
                        autocomplete="off"
                        spellcheck="false"
                        wrap="off"
                        rows=lines
                        cols=columns
                        aria-label=name
                        prop:value=text
                    ></textarea>
                    <pre aria-hidden="true">{colours}</pre>
                </div>
            </Tabs>
            <div class="button-row">
                <CopyFieldButton
                    field=FIELD
                    label=Signal::derive(move || format!("Copy {}", name.get()))
                    class="button"
                    state=copy
                    copied=shown.copied
                />
                {test_button}
            </div>
            <CopyStatus what="example" state=copy />
            <TestResult test />
            <FirstCall list shown />
        </section>
    }
}

/// The coloured pieces of an example, to lie over its text. In place of the token and of plain code it has spaces.
fn coloured(language: Language, text: &str, secret: &str) -> Vec<AnyView> {
    let blank = |text: &str| text.replace(|character| character != '\n', " ");
    let pieces = pieces(language.into(), text).into_iter();
    pieces
        .flat_map(|(role, piece)| match piece.split_once(secret) {
            Some((before, after)) => vec![(role, before), (Role::Plain, secret), (role, after)],
            None => vec![(role, piece)],
        })
        .map(|(role, piece)| match role.class() {
            None => blank(piece).into_any(),
            Some(class) => view! { <span class=class>{piece.to_owned()}</span> }.into_any(),
        })
        .collect()
}
