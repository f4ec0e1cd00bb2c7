//! The HTML document around every page.
#![cfg(feature = "ssr")]

use std::sync::Arc;

use http::{HeaderValue, header};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;
use leptos_meta::MetaTags;

use crate::App;

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
    let boot = format!(
        "import init, {{ hydrate }} from \"{}\"; await init({{ module_or_path: \"{}\" }}); hydrate();",
        assets.script, assets.wasm
    );
    view! {
        <!DOCTYPE html>
        <html lang="en-GB">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" type="image/svg+xml" href=assets.icon.to_string() />
                <link rel="stylesheet" href=assets.style.to_string() />
                <link rel="modulepreload" href=assets.script.to_string() />
                <link
                    rel="preload"
                    href=assets.wasm.to_string()
                    r#as="fetch"
                    r#type="application/wasm"
                    crossorigin="anonymous"
                />
                <script type="module" nonce=nonce>
                    {boot}
                </script>
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}
