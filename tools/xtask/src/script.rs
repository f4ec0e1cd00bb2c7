//! Bundles scripts: each becomes one minified file.

use std::{fs, path::Path};

use anyhow::Result;

use crate::{
    command::{npm_tool, root, run},
    mode::Mode,
};

/// The script of the API documentation, which does not load the dashboard's WASM.
pub(crate) fn documentation(mode: Mode) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let bundled = folder.path().join("documentation.js");
    let source = root().join("server/src/docs/documentation.js");
    bundle(&source, &bundled, mode)?;
    Ok(fs::read(bundled)?)
}

/// Bundles `entry` and its imports into one ES module.
pub(crate) fn bundle(entry: &Path, bundled: &Path, mode: Mode) -> Result<()> {
    let mut esbuild = npm_tool("esbuild")?;
    esbuild
        .arg(entry)
        .arg(format!("--outfile={}", bundled.display()))
        .args(["--bundle", "--format=esm", "--target=es2022"])
        .args(["--legal-comments=none", "--log-level=warning"]);
    if mode == Mode::Release {
        esbuild.arg("--minify");
    }
    run(&mut esbuild)
}
