//! The built front end (`target/site`): embedded in a release binary, read from the folder in a debug one.

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rust_embed::{EmbeddedFile, RustEmbed};
use serde::Deserialize;

use crate::http::compression::{Coding, VARIES, negotiated};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../target/site"]
struct BuiltFiles;

/// The file name contains a hash of the content, so the content never changes (RFC 8246).
const IMMUTABLE: HeaderValue =
    HeaderValue::from_static("public, max-age=31536000, immutable, no-transform");

/// The front end was not built.
#[derive(Debug, thiserror::Error)]
#[error("the front end has not been built; run `cargo xtask site`, or `make run`")]
pub struct NotBuilt;

#[derive(Deserialize)]
struct Manifest {
    script: String,
    wasm: String,
    style: String,
    documentation_script: String,
    documentation_style: String,
    #[serde(rename = "static")]
    files: std::collections::HashMap<String, String>,
}

impl Manifest {
    fn read() -> Result<Self, NotBuilt> {
        let manifest = BuiltFiles::get("manifest.json").ok_or(NotBuilt)?;
        serde_json::from_slice(&manifest.data).map_err(|_| NotBuilt)
    }

    fn icon(&self) -> Result<&str, NotBuilt> {
        let icon = self.files.get("favicon.svg").ok_or(NotBuilt)?;
        Ok(icon)
    }
}

/// The files of the documentation, by their addresses.
#[derive(Default)]
pub(crate) struct DocumentationAssets {
    pub(crate) script: String,
    pub(crate) style: String,
    pub(crate) icon: String,
}

/// The files that every page of the documentation uses.
///
/// # Errors
/// [`NotBuilt`] if a file is missing.
pub(crate) fn of_documentation() -> Result<DocumentationAssets, NotBuilt> {
    let manifest = Manifest::read()?;
    let icon = manifest.icon()?.to_owned();
    Ok(DocumentationAssets {
        script: manifest.documentation_script,
        style: manifest.documentation_style,
        icon,
    })
}

/// The files that every page of the dashboard uses.
///
/// # Errors
/// [`NotBuilt`] if a file is missing.
pub(crate) fn of_pages() -> Result<app::Assets, NotBuilt> {
    let manifest = Manifest::read()?;
    let icon = manifest.icon()?.into();
    let style = BuiltFiles::get(manifest.style.trim_start_matches('/')).ok_or(NotBuilt)?;
    Ok(app::Assets {
        style_text: String::from_utf8_lossy(&style.data).into(),
        script: manifest.script.into(),
        wasm: manifest.wasm.into(),
        style: manifest.style.into(),
        icon,
    })
}

/// The files that pages load.
pub(crate) fn router() -> Router {
    Router::new().route("/assets/{name}", get(serve))
}

/// The codings of the files that the build compressed, with the endings of their names.
const COMPRESSED: [(Coding, &str); 2] = [(Coding::Brotli, ".br"), (Coding::Gzip, ".gz")];

/// Serves a file of the front end, compressed if the browser accepts that.
async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let path = format!("assets/{name}");
    let Some(content_type) = content_type(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let coding = negotiated(&headers, &COMPRESSED.map(|(coding, _)| coding));
    let ending = COMPRESSED.iter().find(|(own, _)| Some(*own) == coding);
    let compressed = ending
        .and_then(|(coding, ending)| Some((*coding, BuiltFiles::get(&format!("{path}{ending}"))?)));
    let (coding, file) = match compressed {
        Some((coding, file)) => (Some(coding), file),
        None => match BuiltFiles::get(&path) {
            Some(file) => (None, file),
            None => return StatusCode::NOT_FOUND.into_response(),
        },
    };
    let mut response = Response::new(body(file));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, IMMUTABLE);
    headers.insert(header::VARY, VARIES);
    headers.extend(coding.map(|coding| (header::CONTENT_ENCODING, coding.value())));
    response
}

fn body(file: EmbeddedFile) -> Body {
    match file.data {
        std::borrow::Cow::Borrowed(bytes) => Body::from(bytes),
        std::borrow::Cow::Owned(bytes) => Body::from(bytes),
    }
}

fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "js" => Some("text/javascript; charset=utf-8"),
        "wasm" => Some("application/wasm"),
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}
