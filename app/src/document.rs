//! The parts of an HTML document that pages with and without islands share.

use std::sync::Arc;

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::Link;

/// The script that hydrates the islands of a page.
const ISLANDS: &str = include_str!("islands.js");

/// Addresses of the hashed files that a document loads.
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

/// The elements that every document's `<head>` contains.
pub(crate) fn common_head(assets: &Assets) -> impl IntoView + use<> {
    view! {
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" type="image/svg+xml" href=assets.icon.to_string() />
        <link rel="stylesheet" href=assets.style.to_string() />
    }
}

/// Renders a document without script and without the app.
///
/// Error pages use it, because the app itself may be what failed.
pub(crate) fn plain_document(assets: &Assets, title: &str, content: impl IntoView) -> String {
    let document = view! {
        <!DOCTYPE html>
        <html lang="en-GB">
            <head>
                {common_head(assets)}
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

/// Loads the script and the WASM, and hydrates the islands of the page.
///
/// Put it first in the page, so that loading starts as early as possible. Pages without islands leave it out.
#[component]
pub(crate) fn IslandScripts() -> impl IntoView {
    let Assets { script, wasm, .. } = expect_context();
    let start = without_comments(ISLANDS) + &format!("hydrateIslands(\"{script}\", \"{wasm}\");");
    view! { <script nonce=use_nonce()>{start}</script> }
}

/// A script of a few lines, without its comments.
#[component]
pub(crate) fn InlineScript(script: &'static str) -> impl IntoView {
    view! { <script nonce=use_nonce()>{without_comments(script)}</script> }
}

fn without_comments(script: &str) -> String {
    let code = script.lines().filter(|line| !line.starts_with("//"));
    code.flat_map(|line| [line, "\n"]).collect()
}

/// Prefetches the script and the WASM while the browser is idle, for the page after this one.
#[component]
pub(crate) fn IslandScriptsPrefetch() -> impl IntoView {
    let Assets { script, wasm, .. } = expect_context();
    view! {
        <Link rel="prefetch" href=script.to_string() as_="script" />
        <Link rel="prefetch" href=wasm.to_string() as_="fetch" crossorigin="anonymous" />
    }
}
