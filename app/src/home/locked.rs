//! What the Developer Zone would give, for an organisation whose plan does not include it.

use leptos::prelude::*;
use model::token::TOKEN_LIMIT;

use crate::{
    dashboard::{ContactLink, CurrentPlan},
    ui::{Icon, IconName},
};

/// What the Enterprise plan adds, and the contact.
#[component]
pub(super) fn Locked() -> impl IntoView {
    let offers = [
        format!("Up to {TOKEN_LIMIT} API tokens, each with a name, a switch and its own figures"),
        "An API for events and photos, with ready examples for cURL, Python and JavaScript"
            .to_owned(),
        "The activity of your organisation: who did what, when and from where".to_owned(),
    ];
    let offers = offers.map(|offer| {
        view! {
            <li>
                <Icon name=IconName::Check />
                {offer}
            </li>
        }
    });
    view! {
        <section class="card" aria-labelledby="locked-title">
            <header class="card-header">
                <h2 id="locked-title">"Developer Zone"</h2>
            </header>
            <div class="locked">
                <ul class="offers">{offers.into_iter().collect_view()}</ul>
                <CurrentPlan />
                <div class="dialog-actions">
                    <ContactLink />
                </div>
            </div>
        </section>
    }
}
