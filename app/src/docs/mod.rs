//! API documentation: public, readable without script.

use leptos::prelude::*;
use leptos_meta::Title;
use model::access::Refusal;

const PING: &str = "curl -i -H \"X-API-Key: YOUR_TOKEN\" \\\n  https://api.9pic.ai/api/v1/ext/ORGANISATION_ID/event/EVENT_ID/ping";

/// How to call the external API: the credential, a first call, and what refusals mean.
#[component]
pub(crate) fn DocumentationPage() -> impl IntoView {
    let refusals = Refusal::ALL
        .into_iter()
        .map(|refusal| {
            view! {
                <tr>
                    <td data-label="Code">
                        <code>{refusal.code()}</code>
                    </td>
                    <td data-label="Meaning">{refusal.message()}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Title text="API documentation" />
        <main class="document" id="main">
            <p class="brand">"9Pic"</p>
            <h1>"API documentation"</h1>
            <section>
                <h2>"First call"</h2>
                <p>
                    "Create a token in the Developer Zone, copy it, and send it in the "
                    <code>"X-API-Key"</code>
                    " header. Put your organisation’s ID and one of its events’ IDs into the address; both stand in the dashboard."
                </p>
                <pre tabindex="0">
                    <code>{PING}</code>
                </pre>
                <p>
                    "The answer is " <code>"200"</code> " with the message " <code>"pong"</code>
                    " when the token, the host, the organisation and the event fit together."
                </p>
            </section>
            <section>
                <h2>"Refusals"</h2>
                <p>
                    "Every answer has the three keys " <code>"responseType"</code> ", "
                    <code>"message"</code> " and " <code>"data"</code>
                    ". A refusal also names its cause in the header " <code>"X-Error-Code"</code>
                    ". A token that is paused or deleted is refused from the next call on."
                </p>
                <table class="table">
                    <caption class="visually-hidden">"Codes of refusals"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Code"</th>
                            <th scope="col">"Meaning"</th>
                        </tr>
                    </thead>
                    <tbody>{refusals}</tbody>
                </table>
            </section>
        </main>
    }
}
