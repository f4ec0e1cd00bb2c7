//! The dialog that shows a new token, once.

use leptos::{ev, html, prelude::*};

use super::{
    context::{PageFacts, ShownToken, use_shown_token},
    examples::TokenExamples,
    list::TokenList,
    running::Change,
};
use crate::ui::{
    BrowserOnly, CopyFieldButton, CopyStatus, Dialog, Icon, IconName, LiveText, copy_field,
    focus_soon,
};

/// Id of the field that holds the token.
const FIELD: &str = "new-token";

/// Shows a new token until `Done`, in three steps. If the token was not copied, each way out asks for confirmation once,
/// and leaving the page shows a warning, even while the creation is under way.
#[component]
pub(super) fn NewTokenDialog(list: TokenList) -> impl IntoView {
    let shown = use_shown_token();
    let field = NodeRef::<html::Textarea>::new();
    warn_before_leaving(move || shown.is_at_risk() || list.running().has(Change::Create));
    let select = move || {
        if let Some(field) = field.get_untracked() {
            field.select();
        }
    };
    Effect::new(move || {
        if shown.copied.get() {
            shown.note_copy();
        }
    });
    Effect::new(move || {
        if shown.open.get() {
            request_animation_frame(move || {
                // The dialog may focus the field before the field has its value.
                select();
                // The dialog may still be scrolled to the test of the previous token.
                let field = field.get_untracked();
                if let Some(Ok(Some(dialog))) = field.map(|field| field.closest("dialog")) {
                    dialog.set_scroll_top(0);
                }
            });
        }
    });
    let organisation = expect_context::<PageFacts>().organisation(list.organisation());
    let about = move || shown.read(|token| format!("{} · {organisation}", token.called));
    view! {
        <Dialog
            id="new-token-dialog"
            title="Your new API token"
            wide=true
            open=shown.open
            on_dismiss=Callback::new(move |()| shown.close())
        >
            <p class="dialog-about">
                <LiveText text=Signal::derive(about) verbatim=true />
            </p>
            <section
                class="step"
                aria-labelledby="copy-title"
                data-done=move || shown.copied.get().then_some("")
            >
                <h3 id="copy-title">"Copy"</h3>
                <p class="callout" id="new-token-warning">
                    <Icon name=IconName::Warning />
                    <span>
                        <strong>"Copy the token now."</strong>
                        " It cannot be shown again. Keep it where only the integration can read it, as you would a password."
                    </span>
                </p>
                <label class="visually-hidden" for=FIELD>
                    "API token"
                </label>
                <div class="copy-field">
                    <textarea
                        id=FIELD
                        class="token-field"
                        rows="1"
                        readonly
                        autofocus
                        autocomplete="off"
                        spellcheck="false"
                        aria-describedby="new-token-warning"
                        prop:value=move || shown.read(|token| token.secret.clone())
                        node_ref=field
                        on:focus=move |_| select()
                        on:copy=move |_| shown.copied.set(true)
                    ></textarea>
                    <CopyFieldButton
                        field=FIELD
                        label="Copy token"
                        class="button button-primary"
                        state=shown.copy
                        copied=shown.copied
                    />
                </div>
                <CopyStatus what="token" state=shown.copy />
            </section>
            // Created for each token, and removed with it.
            <BrowserOnly
                when=Memo::new(move |_| shown.is_shown())
                content=move || view! { <TokenExamples list shown /> }
            />
            <div class="dialog-foot">
                <Show
                    when=move || shown.is_asking()
                    fallback=move || {
                        view! {
                            <div class="dialog-actions">
                                <button
                                    type="button"
                                    class="button"
                                    on:click=move |_| shown.close()
                                >
                                    "Done"
                                </button>
                            </div>
                        }
                    }
                >
                    <CloseQuestion shown />
                </Show>
            </div>
        </Dialog>
    }
}

/// Asks before the dialog closes and the token is lost.
#[component]
fn CloseQuestion(shown: ShownToken) -> impl IntoView {
    let keep = NodeRef::<html::Button>::new();
    Effect::new(move || {
        if let Some(keep) = keep.get() {
            let _ = keep.focus();
        }
    });
    let copy_and_close = move |_| {
        copy_field(FIELD, shown.copy, move || {
            shown.note_copy();
            shown.put_away();
        });
    };
    view! {
        <div class="close-question" role="alert">
            <p>"Have you copied the token? Once this is closed, it cannot be shown again."</p>
            <div class="dialog-actions">
                <button
                    type="button"
                    class="button button-quiet button-start"
                    on:click=move |_| shown.put_away()
                >
                    "Close without copying"
                </button>
                <button
                    type="button"
                    class="button"
                    node_ref=keep
                    on:click=move |_| {
                        shown.keep_open();
                        focus_soon(FIELD.to_owned());
                    }
                >
                    "Keep it open"
                </button>
                <button
                    type="button"
                    class="button button-primary"
                    on:click=copy_and_close
                >
                    "Copy token and close"
                </button>
            </div>
        </div>
    }
}

/// Makes the browser ask for confirmation before it leaves the page, while a token would be lost. The browser chooses
/// the words.
fn warn_before_leaving(to_lose: impl Fn() -> bool + Copy + 'static) {
    Effect::new(move || {
        let listener = window_event_listener(ev::beforeunload, move |event| {
            if untrack(to_lose) {
                event.prevent_default();
                event.set_return_value("shown");
            }
        });
        on_cleanup(move || listener.remove());
    });
}
