//! The HTML document around every page.
#![cfg(feature = "ssr")]

use std::sync::Arc;

use http::{HeaderValue, header};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;
use leptos_meta::{Link, MetaTags};

use crate::App;

/// What takes over the islands of a page.
const ISLANDS: &str = include_str!("islands.js");

/// Addresses of the hashed files that the document loads.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    /// The script that loads the WASM.
    pub script: Arc<str>,
    /// The WASM.
    pub wasm: Arc<str>,
    /// The style sheet.
    pub style: Arc<str>,
    /// The icon.
    pub icon: Arc<str>,
}

/// The document, with [`App`] in it. Also names, in a header, what the browser may load and run: nothing
/// but our own files and this answer's own scripts (MDN, Content-Security-Policy).
pub fn shell(assets: Assets) -> impl IntoView {
    let nonce = use_nonce();
    if let (Some(nonce), Some(response)) = (&nonce, use_context::<ResponseOptions>()) {
        let policy = format!(
            "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
             style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
    // Nothing is taken over by the browser but islands.
    if let Some(shared) = Owner::current_shared_context() {
        shared.set_is_hydrating(false);
    }
    provide_context(assets.clone());
    view! {
        <!DOCTYPE html>
        <html lang="en-GB">
            <head>
                {usual_head(&assets)}
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// What stands in every document's head.
fn usual_head(assets: &Assets) -> impl IntoView + use<> {
    view! {
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" type="image/svg+xml" href=assets.icon.to_string() />
        <link rel="stylesheet" href=assets.style.to_string() />
    }
}

/// A document without any script, around nothing that may have failed.
pub(crate) fn plain_document(assets: &Assets, title: &str, content: impl IntoView) -> String {
    let document = view! {
        <!DOCTYPE html>
        <html lang="en-GB">
            <head>
                {usual_head(assets)}
                <title>{format!("{title} · 9Pic")}</title>
            </head>
            <body>
                <main class="sign-in" id="main">
                    {content}
                </main>
            </body>
        </html>
    };
    document.to_html()
}

/// Loads what makes the islands of a page work; to be the first in the page. A page without it has none.
#[component]
pub(crate) fn IslandScripts() -> impl IntoView {
    let Assets { script, wasm, .. } = expect_context();
    let code = ISLANDS.lines().filter(|line| !line.starts_with("//"));
    let start = code.chain([""]).collect::<Vec<_>>().join("\n")
        + &format!("takeOverIslands(\"{script}\", \"{wasm}\");");
    view! { <script nonce=use_nonce()>{start}</script> }
}

/// Has the browser fetch, when it has nothing else to do, what the page after this one will load.
#[component]
pub(crate) fn IslandScriptsSoon() -> impl IntoView {
    let Assets { script, wasm, .. } = expect_context();
    view! {
        <Link rel="prefetch" href=script.to_string() as_="script" />
        <Link rel="prefetch" href=wasm.to_string() as_="fetch" crossorigin="anonymous" />
    }
}
