//! Scripts and style sheets: esbuild makes one file of an entry and its imports, and minifies it.

use std::{ffi::OsStr, fs, path::Path, process::Output};

use anyhow::{Context, Result, ensure};

use crate::{command::npm_tool, mode::Mode};

/// The oldest browsers that we support, from late 2024. All of them support nesting, cascade layers and `light-dark()`, so
/// esbuild leaves these unchanged.
const BROWSERS: &str = "--target=chrome131,edge131,firefox133,ios18.2,opera116,safari18.2";

/// Bundles an ES module or a style sheet with its imports, without comments. Style sheets may name no files, so that each
/// is complete. A release is minified.
///
/// # Errors
/// esbuild is not installed, or has an error or a warning: the message shows the place.
pub(crate) fn bundle(entry: &Path, mode: Mode) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let bundled = folder
        .path()
        .join(entry.file_name().unwrap_or(OsStr::new("bundle")));
    let mut esbuild = npm_tool("esbuild")?;
    esbuild
        .arg(entry)
        .arg(format!("--outfile={}", bundled.display()))
        .args(["--bundle", "--format=esm", BROWSERS])
        .args(["--legal-comments=none", "--log-level=warning"]);
    if mode == Mode::Release {
        esbuild.arg("--minify");
    }
    let Output { status, stderr, .. } = esbuild.output().context("esbuild could not be started")?;
    let failed = !status.success() || !stderr.is_empty();
    ensure!(!failed, "{}", String::from_utf8_lossy(&stderr));
    Ok(fs::read(bundled)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bundles `index.css` of a folder with these files.
    fn bundled(files: &[(&str, &str)]) -> Result<String> {
        let folder = tempfile::tempdir()?;
        for (name, css) in files {
            fs::write(folder.path().join(name), css)?;
        }
        let css = bundle(&folder.path().join("index.css"), Mode::Release)?;
        Ok(String::from_utf8(css)?)
    }

    #[test]
    fn imports_are_bundled_into_one_file_within_their_layers() {
        let css = bundled(&[
            (
                "index.css",
                "@layer base, parts; @import 'base.css' layer(base); @import 'dialog.css' layer(parts);",
            ),
            ("base.css", "body { margin: 0px }"),
            ("dialog.css", "dialog h2 { color: red }"),
        ]);
        assert_eq!(
            css.unwrap().trim(),
            "@layer base,parts;@layer base{body{margin:0}}@layer parts{dialog h2{color:red}}"
        );
    }

    #[test]
    fn modern_css_is_not_replaced_by_older_css() {
        let css = bundled(&[(
            "index.css",
            ":root { color-scheme: light dark; color: light-dark(oklch(20% 0 0), white) }
             @media (width >= 48rem) { nav { inset-inline: 0; & a { color: color-mix(in oklab, red, blue) } } }",
        )])
        .unwrap();
        for kept in [
            "color:light-dark(oklch(20% 0 0),white)",
            "width>=48rem",
            "inset-inline:0;& a{",
            "color-mix(in oklab",
        ] {
            assert!(css.contains(kept), "{kept} in {css}");
        }
    }

    #[test]
    fn an_error_shows_file_and_line() {
        for css in [
            "a {}\n@import 'missing.css';",
            "a {}\nb { background: url(missing.svg) }",
            "a {}\nb { color red }",
            "a {}\nb { color: red",
            "a {}\n}",
        ] {
            let error = bundled(&[("index.css", css)]).unwrap_err().to_string();
            assert!(error.contains("index.css:2:"), "{css}: {error}");
        }
    }
}
