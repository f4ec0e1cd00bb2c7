//! The dialog that asks for a confirmation before a token is deleted or all are deactivated, and for the password
//! before a token is activated.

use leptos::{prelude::*, server_fn::ServerFn};
use model::token::{TokenId, TokenStatus, TokenSummary};
use web_sys::HtmlFormElement;

use super::{
    confirmation::Question, context::PageFacts, ids::delete_button_id, list::TokenList,
    password_prompt::PasswordField,
};
use crate::{
    developer_zone::{
        server_functions::{ActivateToken, DeactivateAllTokens, DeleteToken},
        token_form::{SwitchForm, TokenForm},
    },
    ids::CREATE_BUTTON,
    texts::deactivation::{deactivate_all_question, what_stops},
    ui::{BrowserOnly, Dialog, DialogRole, LiveText, focus_soon, use_toasts},
};

/// Id of the form, for its button among the dialog's other buttons.
const FORM: &str = "confirmation-form";

impl Question {
    const fn address(&self) -> &'static str {
        match self {
            Self::Delete(_) => DeleteToken::PATH,
            Self::Activate(_) => ActivateToken::PATH,
            Self::DeactivateAll => DeactivateAllTokens::PATH,
        }
    }

    fn title(&self, active: usize) -> String {
        match self {
            Self::Delete(_) => "Delete API token?".to_owned(),
            Self::Activate(_) => "Activate API token?".to_owned(),
            Self::DeactivateAll => deactivate_all_question(active),
        }
    }

    /// What the change causes. For a single token, the text continues its name.
    fn consequence(&self, organisation: &str) -> String {
        match self {
            Self::Delete(_) => " will be permanently deleted. Services that use it lose access immediately, and it cannot be recovered.".to_owned(),
            Self::Activate(_) => " will be active again. Services that use it regain access immediately.".to_owned(),
            Self::DeactivateAll => what_stops(organisation),
        }
    }

    /// The label of the button, and while the change is running.
    const fn button(&self) -> (&'static str, &'static str) {
        match self {
            Self::Delete(_) => ("Delete", "Deleting…"),
            Self::Activate(_) => ("Activate", "Activating…"),
            Self::DeactivateAll => ("Deactivate all", "Deactivating…"),
        }
    }

    const fn can_deactivate_instead(&self) -> bool {
        matches!(self, Self::Delete(token) if token.status.is_active())
    }
}

/// Asks the question of the list's [`super::confirmation::Confirmation`]. Before a deletion it offers to deactivate the
/// token instead, which can be undone.
#[component]
pub(super) fn ConfirmationDialog(list: TokenList) -> impl IntoView {
    let facts: PageFacts = expect_context();
    let organisation = facts.organisation(list.organisation());
    let organisation_name = facts.organisation_name;
    let confirmation = list.confirmation();
    let (question, open) = (confirmation.question, confirmation.open);
    let token = Signal::derive(move || {
        let id = |question: &Question| question.token().map(|token| token.id.to_string());
        question.with(id).unwrap_or_default()
    });
    let is_running = move || list.running().has(question.with(Question::change));
    let confirm = move |form: HtmlFormElement| match question.get_untracked() {
        Question::Delete(token) => {
            let focus_next = next_focus(list, token.id);
            list.delete(&form, token, focus_next);
        }
        Question::Activate(token) => list.switch(&form, token, TokenStatus::Active),
        Question::DeactivateAll => list.deactivate_all(&form),
    };
    let deactivate = move |form: HtmlFormElement| {
        if let Question::Delete(token) = question.get_untracked() {
            list.switch(&form, token, TokenStatus::Inactive);
            open.set(false);
        }
    };
    let dismiss = move || {
        if !untrack(is_running) {
            open.set(false);
        }
    };
    let toasts = use_toasts();
    let waiting = Signal::derive(move || match is_running() {
        true => toasts.waiting(),
        false => String::new(),
    });
    let busy = move || is_running().then_some("true");
    let text = move || {
        question.with_untracked(|question| {
            let in_use = match question {
                Question::Delete(token) => list.read(token.id, |row| row.in_use.clone()),
                _ => None,
            };
            let token = question.token().map(token_name);
            view! {
                <p>{token} {question.consequence(&organisation_name)}</p>
                {in_use.map(|text| view! { <p class="in-use">{text}</p> })}
            }
        })
    };
    // Each question gets new elements.
    let asked = Signal::derive(move || {
        question.track();
        true
    });
    let content = move || {
        let text = text.clone();
        view! {
            <p class="dialog-about" translate="no">
                {organisation.clone()}
            </p>
            <TokenForm
                id=FORM
                class="dialog-form"
                action=Signal::derive(move || question.with(Question::address).to_owned())
                organisation=list.organisation()
                token
                on_submit=Some(Callback::new(confirm))
            >
                <BrowserOnly when=asked content=text />
                <PasswordField prompt=confirmation.prompt open purpose="to activate the token" />
            </TokenForm>
            <div class="dialog-waiting" role="status">
                <LiveText class="hint" text=waiting />
            </div>
            <div class="dialog-actions">
                <Show when=move || question.with(Question::can_deactivate_instead)>
                    <SwitchForm
                        class="button-start"
                        organisation=list.organisation()
                        token
                        activate=false
                        on_submit=Some(Callback::new(deactivate))
                    >
                        <button class="button">"Deactivate instead"</button>
                    </SwitchForm>
                </Show>
                <button
                    type="button"
                    class="button"
                    autofocus
                    aria-disabled=busy
                    on:click=move |_| dismiss()
                >
                    "Cancel"
                </button>
                <button
                    form=FORM
                    class=move || {
                        question
                            .with(|question| match question {
                                Question::Activate(_) => "button button-primary",
                                _ => "button button-danger",
                            })
                    }
                    aria-busy=busy
                    aria-disabled=busy
                    prop:textContent=move || {
                        let (label, running) = question.with(Question::button);
                        if is_running() { running } else { label }
                    }
                ></button>
            </div>
        }
    };
    view! {
        <Dialog
            id="confirmation-dialog"
            title=Signal::derive(move || question.with(|question| question.title(list.count_active())))
            role=DialogRole::AlertDialog
            open
            on_dismiss=Callback::new(move |()| dismiss())
        >
            {content()}
        </Dialog>
    }
}

fn token_name(token: &TokenSummary) -> impl IntoView + use<> {
    let name = token.name.as_ref().map(ToString::to_string);
    view! {
        "Token "
        {name.map(|name| view! { <strong translate="no">{name}</strong> " " })}
        <code class="token-preview" translate="no">{token.preview.to_string()}</code>
    }
}

/// Moves the focus once the token's row is gone: to the next row's trash button, or to `Create Token`. The next row
/// is looked up now, while the token still has one.
fn next_focus(list: TokenList, deleted: TokenId) -> impl Fn() {
    let id = list
        .next_after(deleted)
        .map_or_else(|| CREATE_BUTTON.to_owned(), delete_button_id);
    move || focus_soon(id.clone())
}
