//! Bundles `style/index.css` and its imports into one minified style sheet.

use std::{
    fmt::Display,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use lightningcss::{
    bundler::{Bundler, FileProvider, ResolveResult, SourceProvider},
    dependencies::{Dependency, DependencyOptions, UrlDependency},
    error::Error,
    printer::PrinterOptions,
    stylesheet::{MinifyOptions, ParserOptions},
    targets::{Browsers, Targets},
};

use crate::assets::Asset;

/// The oldest browsers that we support, from late 2024. All of them support `light-dark()`, nesting and cascade
/// layers, so lightningcss leaves these unchanged.
const BROWSERS: Browsers = Browsers {
    android: Some(version(131, 0)),
    chrome: Some(version(131, 0)),
    edge: Some(version(131, 0)),
    firefox: Some(version(133, 0)),
    ie: None,
    ios_saf: Some(version(18, 2)),
    opera: Some(version(116, 0)),
    safari: Some(version(18, 2)),
    samsung: Some(version(27, 0)),
};

const fn version(major: u32, minor: u32) -> u32 {
    major << 16 | minor << 8
}

/// The folder of the static files, and the files in it.
pub(crate) struct Statics<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) assets: &'a [Asset],
}

/// Bundles and minifies a style sheet, and replaces the names of static files by their hashed addresses.
pub(crate) fn bundle(entry: &Path, statics: &Statics<'_>) -> Result<String> {
    let files = Files(FileProvider::new());
    let mut bundler = Bundler::new(&files, None, ParserOptions::default());
    let mut sheet = bundler.bundle(entry).map_err(|error| located(&error))?;
    let targets = Targets::from(BROWSERS);
    sheet
        .minify(MinifyOptions {
            targets,
            ..MinifyOptions::default()
        })
        .map_err(|error| located(&error))?;
    let printed = sheet
        .to_css(PrinterOptions {
            minify: true,
            targets,
            analyze_dependencies: Some(DependencyOptions::default()),
            ..PrinterOptions::default()
        })
        .map_err(|error| located(&error))?;

    let mut css = printed.code;
    for dependency in printed.dependencies.unwrap_or_default() {
        // Imports are part of the bundle. An import from another site has failed above, as a missing file.
        if let Dependency::Url(url) = dependency {
            let address = quoted(&statics.address(&url)?);
            css = css.replace(&quoted(&url.placeholder), &address);
        }
    }
    Ok(css)
}

/// Files on disk. The error of a file that cannot be read shows its path.
struct Files(FileProvider);

impl SourceProvider for Files {
    type Error = io::Error;

    fn read<'a>(&'a self, file: &Path) -> io::Result<&'a str> {
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
        self.0.read(file).map_err(named)
    }

    fn resolve(&self, name: &str, from: &Path) -> io::Result<ResolveResult> {
        self.0.resolve(name, from)
    }
}

impl Statics<'_> {
    /// The replacement of a `url()`. Data URLs and references into the page stay as they are.
    fn address(&self, url: &UrlDependency) -> Result<String> {
        if url.url.starts_with("data:") || url.url.starts_with('#') {
            return Ok(url.url.clone());
        }
        let asset = self.find(&self.named_file(url));
        asset.map(Asset::address).with_context(|| {
            format!(
                "{}:{} names `{}`, which is not a file in {}",
                url.loc.file_path,
                url.loc.start.line,
                url.url,
                self.folder.display()
            )
        })
    }

    /// A `url()` is relative to the file that contains it.
    fn named_file(&self, url: &UrlDependency) -> Option<PathBuf> {
        let folder_of_sheet = Path::new(&url.loc.file_path).parent()?;
        let named = fs::canonicalize(folder_of_sheet.join(&url.url)).ok()?;
        let folder = fs::canonicalize(self.folder).ok()?;
        Some(named.strip_prefix(folder).ok()?.to_owned())
    }

    fn find(&self, name: &Option<PathBuf>) -> Option<&Asset> {
        let name = name.as_deref()?;
        self.assets
            .iter()
            .find(|asset| Path::new(&asset.name) == name)
    }
}

/// The text as a string of CSS, with quotes and backslashes escaped.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', r#"\""#))
}

/// The error with file, line and column. Lines count from one, as in editors.
fn located<T: Display>(error: &Error<T>) -> anyhow::Error {
    match &error.loc {
        Some(at) => anyhow!(
            "{}:{}:{}: {}",
            at.filename,
            at.line + 1,
            at.column,
            error.kind
        ),
        None => anyhow!("{}", error.kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bundles `index.css` of a folder with these files and with `static/logo.svg`.
    fn bundled(files: &[(&str, &str)]) -> Result<String> {
        let folder = tempfile::tempdir()?;
        let static_folder = folder.path().join("static");
        fs::create_dir(&static_folder)?;
        fs::write(static_folder.join("logo.svg"), "<svg/>")?;
        for (name, css) in files {
            fs::write(folder.path().join(name), css)?;
        }
        let assets = Asset::of_folder(&static_folder)?;
        bundle(
            &folder.path().join("index.css"),
            &Statics {
                folder: &static_folder,
                assets: &assets,
            },
        )
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
            css.unwrap(),
            "@layer base{body{margin:0}}@layer parts{dialog h2{color:red}}"
        );
    }

    #[test]
    fn modern_css_is_not_replaced_by_polyfills() {
        let css = bundled(&[(
            "index.css",
            ":root { color-scheme: light dark; --ink: light-dark(#000, #fff); color: light-dark(oklch(20% 0 0), white) }
             @media (width >= 48rem) { nav { inset-inline: 0; color: color-mix(in oklab, red, var(--ink)) } }",
        )])
        .unwrap();
        for kept in [
            "--ink:light-dark(#000,#fff)",
            "color:light-dark(oklch(20% 0 0),#fff)",
            "width>=48rem",
            "inset-inline:0",
            "color-mix(in oklab",
        ] {
            assert!(css.contains(kept), "{kept} in {css}");
        }
        assert!(!css.contains("lightningcss"), "{css}");
    }

    #[test]
    fn the_name_of_a_static_file_is_replaced_by_its_hashed_address() {
        let css = bundled(&[("index.css", "a { background: url('static/logo.svg') }")]).unwrap();
        let logo = Asset::new("logo.svg", b"<svg/>".to_vec()).address();
        assert!(css.contains(&logo), "{css}");
    }

    #[test]
    fn data_urls_and_references_into_the_page_stay() {
        let css = bundled(&[(
            "index.css",
            r#"a { background: url('data:image/svg+xml,<svg a="b"/>') } b { filter: url(#blur) }"#,
        )])
        .unwrap();
        for kept in [
            r##"url("data:image/svg+xml,<svg a=\"b\"/>")"##,
            r##"url("#blur")"##,
        ] {
            assert!(css.contains(kept), "{kept} in {css}");
        }
    }

    #[test]
    fn a_missing_static_file_and_a_foreign_import_are_errors() {
        let error =
            bundled(&[("index.css", "a {}\nb { background: url(static/no.svg) }")]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("index.css:2 names `static/no.svg`"),
            "{error}"
        );
        let error =
            bundled(&[("index.css", "@import 'https://fonts.example/a.css';")]).unwrap_err();
        assert!(error.to_string().contains("fonts.example"), "{error}");
    }

    #[test]
    fn an_error_shows_file_and_line() {
        let error =
            bundled(&[("index.css", "a { color: red }\n@import 'missing.css';")]).unwrap_err();
        assert!(error.to_string().contains("index.css:2:"), "{error}");
        let error = bundled(&[("index.css", "@import 'missing.css';")]).unwrap_err();
        assert!(error.to_string().contains("missing.css"), "{error}");
    }
}
