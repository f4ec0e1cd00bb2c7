//! The three steps to the first call, which tick themselves.

use leptos::prelude::*;
use model::usage::FirstSteps;

use crate::{
    ids::CREATE_BUTTON,
    paths::{DOCUMENTATION, TOKENS},
    ui::{Icon, IconName},
};

/// The steps. Once the first call is older than yesterday, there is nothing left to say.
#[component]
pub(super) fn FirstStepsCard(steps: FirstSteps) -> impl IntoView {
    let FirstSteps {
        created,
        copied,
        called,
        long_done,
    } = steps;
    let title = if called {
        "Your first call has arrived"
    } else {
        "Three steps to your first call"
    };
    let to_zone = (!created).then(|| {
        view! {
            <a class="button button-primary" href=format!("{TOKENS}#{CREATE_BUTTON}")>
                "Create Token"
            </a>
        }
    });
    let to_documentation = (copied && !called).then(|| {
        view! {
            <a class="button" href=DOCUMENTATION target="_blank" rel="noopener">
                "See examples"
                <Icon name=IconName::ExternalLink />
                <span class="visually-hidden">" (opens in a new tab)"</span>
            </a>
        }
    });
    (!long_done).then(|| {
        view! {
            <section class="card" aria-labelledby="steps-title">
                <header class="card-header">
                    <h2 id="steps-title">{title}</h2>
                </header>
                <ol class="home-steps">
                    <Step
                        done=created
                        title="Create a token"
                        hint="In the Developer Zone. Use a separate token for each integration."
                    >
                        {to_zone}
                    </Step>
                    <Step
                        done=copied
                        title="Copy it"
                        hint="A token is shown once, when it is created. If you copied it by hand, the first call ticks this step too."
                    />
                    <Step
                        done=called
                        title="Make the first call"
                        hint="Send the token in the X-API-Key header. This step is ticked when the call was accepted."
                    >
                        {to_documentation}
                    </Step>
                </ol>
            </section>
        }
    })
}

#[component]
fn Step(
    done: bool,
    title: &'static str,
    /// What to do; shown until it is done.
    hint: &'static str,
    /// A link that leads there.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let (class, icon, state) = match done {
        true => ("home-step home-step-done", IconName::Check, "Done: "),
        false => ("home-step", IconName::Circle, "Not done yet: "),
    };
    view! {
        <li class=class>
            <Icon name=icon />
            <div>
                <p class="home-step-title">
                    <span class="visually-hidden">{state}</span>
                    {title}
                </p>
                {(!done).then(|| view! { <p class="hint">{hint}</p> })}
            </div>
            {children.map(|children| children())}
        </li>
    }
}
