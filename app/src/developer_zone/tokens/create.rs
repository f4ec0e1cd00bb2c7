//! The dialog that creates a token.

use leptos::{html, prelude::*, server_fn::ServerFn};
use model::token::TokenName;
use web_sys::HtmlFormElement;

use super::{
    context::PageFacts,
    list::TokenList,
    password_prompt::{PasswordField, PasswordPrompt},
    running::Change,
};
use crate::{
    developer_zone::{server_functions::CreateToken, token_form::TokenForm},
    error::RequestError,
    texts::creation::what_a_token_gives,
    ui::Dialog,
};

/// The request may have arrived even so.
const NOT_REACHED: &str = "The server could not be reached. Check your connection, then try again. If a token was created even so, the table shows it.";

/// Explains what a token gives access to, and creates one.
#[component]
pub(super) fn CreateTokenDialog(list: TokenList, open: RwSignal<bool>) -> impl IntoView {
    let facts: PageFacts = expect_context();
    let prompt = PasswordPrompt::new(facts.wants_password);
    let name = NodeRef::<html::Input>::new();
    let problem = RwSignal::new(None::<String>);
    let is_creating = move || list.running().has(Change::Create);
    Effect::new(move || {
        if open.get()
            && let Some(name) = name.get_untracked()
        {
            name.set_value("");
            problem.set(None);
        }
    });
    let create = move |form: HtmlFormElement| {
        let failed = move |error: RequestError| {
            let is_about_name = matches!(error, RequestError::TokenName(_));
            problem.set(Some(match error {
                RequestError::Offline => NOT_REACHED.to_owned(),
                other => other.to_string(),
            }));
            if let (true, Some(name)) = (is_about_name, name.get_untracked()) {
                name.select();
            }
        };
        problem.set(None);
        let done = move || {
            prompt.ask_only_if_refused();
            open.set(false);
        };
        list.create(&form, prompt, done, failed);
    };
    // The dialog cannot close before the response: the new token would then appear without context.
    let dismiss = move || {
        if !untrack(is_creating) {
            open.set(false);
        }
    };
    let busy = move || is_creating().then_some("true");
    let content = move || {
        let access = what_a_token_gives(&facts.organisation_name);
        let organisation = facts.organisation(list.organisation());
        view! {
            <TokenForm
                class="dialog-form"
                action=CreateToken::url()
                organisation=list.organisation()
                on_submit=Some(Callback::new(create))
            >
                <p class="dialog-about" translate="no">
                    {organisation}
                </p>
                <p>{access}</p>
                <p>
                    "The full token will be shown " <strong>"only once"</strong>
                    ", right after it is created."
                </p>
                <div>
                    <label class="field">
                        <span class="field-label">"Name (optional)"</span>
                        <input
                            type="text"
                            name="name"
                            placeholder="Website gallery"
                            maxlength=TokenName::MAX_LENGTH.to_string()
                            autocomplete="off"
                            autofocus
                            aria-describedby="token-name-hint token-name-problem"
                            node_ref=name
                        />
                    </label>
                    <p class="hint" id="token-name-hint">
                        "What will use the token. You can change it later."
                    </p>
                </div>
                <PasswordField prompt open purpose="to create the token" />
                {move || {
                    problem
                        .get()
                        .map(|text| {
                            view! {
                                <p
                                    class="form-error"
                                    id="token-name-problem"
                                    role="alert"
                                    prop:textContent=text
                                ></p>
                            }
                        })
                }}
                <div class="dialog-actions">
                    <button
                        type="button"
                        class="button"
                        aria-disabled=busy
                        on:click=move |_| dismiss()
                    >
                        "Cancel"
                    </button>
                    <button
                        class="button button-primary"
                        aria-busy=busy
                        aria-disabled=busy
                        prop:textContent=move || {
                            if is_creating() { "Creating…" } else { "Create Token" }
                        }
                    ></button>
                </div>
            </TokenForm>
        }
    };
    view! {
        <Dialog
            id="create-token-dialog"
            title="Create API token"
            open
            on_dismiss=Callback::new(move |()| dismiss())
        >
            {content()}
        </Dialog>
    }
}
