//! The HTML document around the app, with its content security policy.

use http::{HeaderValue, header};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;
use leptos_meta::MetaTags;

use crate::{
    document::{Assets, InlineScript, common_head},
    page_account::page_account,
    pages::App,
    time_zone::TELL_TIME_ZONE,
};

/// Renders the document with [`App`] in it.
///
/// The style is in the document, because a style sheet would delay the first paint and all scripts by a round trip
/// (decision 46).
///
/// Also sets the `Content-Security-Policy` header. The browser may load only this site's files, and use only scripts and
/// styles that carry this response's nonce (MDN, Content-Security-Policy).
pub fn shell(assets: Assets) -> impl IntoView {
    let nonce = use_nonce();
    if let (Some(nonce), Some(response)) = (&nonce, use_context::<ResponseOptions>()) {
        let policy = format!(
            "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
             style-src 'nonce-{nonce}'; img-src 'self'; font-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
    // The browser hydrates only islands, never the page around them.
    if let Some(shared) = Owner::current_shared_context() {
        shared.set_is_hydrating(false);
    }
    provide_context(assets.clone());
    view! {
        <!DOCTYPE html>
        <html lang="en-GB">
            <head>
                {common_head(&assets)}
                <style nonce=nonce inner_html=assets.style_text.to_string()></style>
                <MetaTags />
            </head>
            <body data-account=page_account()>
                <App />
                // Last, because nothing waits for it.
                <InlineScript code=TELL_TIME_ZONE />
            </body>
        </html>
    }
}
