//! The parts of an HTML document that pages with and without islands share.

use std::sync::Arc;

use leptos::{nonce::use_nonce, prelude::*};

use crate::ui::Brand;

/// The script that hydrates the islands of a page.
const ISLANDS: &str = include_str!("islands.js");

/// The built files of a document: most by their address.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    /// The script that loads the WASM.
    pub script: Arc<str>,
    /// The WASM.
    pub wasm: Arc<str>,
    /// The style sheet.
    pub style: Arc<str>,
    /// The content of the style sheet.
    pub style_text: Arc<str>,
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
    }
}

/// The `<head>` of a document without script.
pub(crate) fn head_without_script(assets: &Assets, title: &str) -> impl IntoView + use<> {
    view! {
        {common_head(assets)}
        <link rel="stylesheet" href=assets.style.to_string() />
        <title>{format!("{title} · 9Pic")}</title>
    }
}

/// Renders a document without script and without the app.
///
/// Error pages use it, because the app itself may be what failed.
pub(crate) fn plain_document(assets: &Assets, title: &str, content: impl IntoView) -> String {
    let document = view! {
        <!DOCTYPE html>
        <html lang="en-GB">
            <head>{head_without_script(assets, title)}</head>
            <body>
                <main class="sign-in" id="main">
                    <Brand />
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
    let start = format!("{ISLANDS}hydrateIslands(\"{script}\", \"{wasm}\");");
    view! { <InlineScript code=start /> }
}

/// A script in the page, without its comments at the beginnings of lines.
#[component]
pub(crate) fn InlineScript(#[prop(into)] code: String) -> impl IntoView {
    let lines = code.lines().filter(|line| !line.starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    view! { <script nonce=use_nonce()>{code}</script> }
}
