//! The site: every file that a browser loads besides the pages. It is built into `target/site`, with a manifest.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    iter,
    path::Path,
};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::{
    assets::Asset,
    bundle::bundle,
    command::{root, step},
    compress::{BROTLI, FORMATS, Format},
    mode::Mode,
    wasm,
};

const MANIFEST: &str = "manifest.json";
const ASSETS: &str = "assets";

/// Builds the site into `target/site`.
pub(crate) fn build(mode: Mode) -> Result<()> {
    let _lock = lock()?;
    let site = Site::from_sources(mode)?;
    let folder = root().join("target/site");
    if site.is_at(&folder, mode) {
        eprintln!("site unchanged: {}", site.sizes(&folder));
    } else {
        step("site", || site.publish(&folder, mode))?;
        eprintln!("site: {}", site.sizes(&folder));
    }
    Ok(())
}

/// Lets one build run at a time: `make dev` and `make e2e` may both run one. The end of the process unlocks.
fn lock() -> Result<File> {
    let path = root().join("target/site.lock");
    fs::create_dir_all(root().join("target"))?;
    let file = File::create(&path)?;
    file.lock()
        .with_context(|| format!("{} could not be locked", path.display()))?;
    Ok(file)
}

struct Site {
    script: Asset,
    wasm: Asset,
    /// The parts of the WASM that the script loads later.
    parts: Vec<Asset>,
    style: Asset,
    documentation_script: Asset,
    documentation_style: Asset,
    statics: Vec<Asset>,
}

impl Site {
    fn from_sources(mode: Mode) -> Result<Self> {
        let bundled = |entry: &str| bundle(&root().join(entry), mode);
        let bindings = wasm::build(mode)?;
        let parts = bindings.parts.into_iter();
        let parts: Vec<_> = parts.map(|(name, wasm)| Asset::new(name, wasm)).collect();
        Ok(Self {
            script: Asset::new("app.js", naming(&parts, bindings.script)?),
            wasm: Asset::new("app.wasm", bindings.wasm),
            parts,
            style: Asset::new("style.css", bundled("style/index.css")?),
            documentation_script: Asset::new(
                "documentation.js",
                bundled("server/src/docs/documentation.js")?,
            ),
            documentation_style: Asset::new(
                "documentation.css",
                bundled("style/documentation.css")?,
            ),
            statics: Asset::of_folder(&root().join("style/static"))?,
        })
    }

    fn assets(&self) -> impl Iterator<Item = &Asset> {
        [&self.script, &self.wasm, &self.style]
            .into_iter()
            .chain([&self.documentation_script, &self.documentation_style])
            .chain(&self.parts)
            .chain(&self.statics)
    }

    /// For each name, the address with the hash. The server reads it.
    fn manifest(&self) -> String {
        let statics: BTreeMap<_, _> = self
            .statics
            .iter()
            .map(|asset| (&asset.name, asset.address()))
            .collect();
        let manifest = json!({
            "script": self.script.address(),
            "wasm": self.wasm.address(),
            "style": self.style.address(),
            "documentation_script": self.documentation_script.address(),
            "documentation_style": self.documentation_style.address(),
            "static": statics,
        });
        format!("{manifest:#}\n")
    }

    /// Whether the folder already holds this site. Names contain a hash of the content, so comparing names is enough.
    fn is_at(&self, folder: &Path, mode: Mode) -> bool {
        fs::read_to_string(folder.join(MANIFEST)).is_ok_and(|last| last == self.manifest())
            && self
                .assets()
                .flat_map(|asset| file_names(asset, mode))
                .all(|name| folder.join(ASSETS).join(name).is_file())
    }

    /// Writes the site to a new folder and then swaps the two. So no reader finds half a site, and no file of the last
    /// site remains.
    fn publish(&self, folder: &Path, mode: Mode) -> Result<()> {
        let parent = folder.parent().context("the site has no parent folder")?;
        let staging = tempfile::Builder::new()
            .prefix("site-")
            .tempdir_in(parent)?;
        let new = staging.path().join("new");
        for asset in self.assets() {
            write(asset, mode, &new.join(ASSETS), &folder.join(ASSETS))?;
        }
        fs::write(new.join(MANIFEST), self.manifest())?;
        if folder.exists() {
            fs::rename(folder, staging.path().join("old"))?;
        }
        Ok(fs::rename(&new, folder)?)
    }

    /// The sizes that a visitor has to load, in one line.
    fn sizes(&self, folder: &Path) -> String {
        let assets = folder.join(ASSETS);
        let later = self.parts.iter().map(|part| (part.name.as_str(), part));
        [
            ("WASM", &self.wasm),
            ("script", &self.script),
            ("style", &self.style),
        ]
        .into_iter()
        .chain(later)
        .map(|(title, asset)| format!("{title} {}", size(asset, &assets)))
        .collect::<Vec<_>>()
        .join(", ")
    }
}

/// The script, with the addresses of the parts in place of their names.
fn naming(parts: &[Asset], script: Vec<u8>) -> Result<Vec<u8>> {
    let mut script = String::from_utf8(script)?;
    for part in parts {
        let name = format!("./{}", part.name);
        ensure!(script.contains(&name), "the script does not load {name}");
        script = script.replace(&name, &part.address());
    }
    Ok(script.into_bytes())
}

/// Writes an asset and its compressed copies. Copies that the site `before` has are reused.
fn write(asset: &Asset, mode: Mode, folder: &Path, before: &Path) -> Result<()> {
    let path = folder.join(&asset.hashed_name);
    fs::create_dir_all(path.parent().context("an asset has no folder")?)?;
    fs::write(path, &asset.content)?;
    for format in formats(asset, mode) {
        let name = format.name_of(&asset.hashed_name);
        let copy = fs::read(before.join(&name)).or_else(|_| (format.compress)(&asset.content))?;
        fs::write(folder.join(name), copy)?;
    }
    Ok(())
}

/// The names of an asset's files in the site.
fn file_names(asset: &Asset, mode: Mode) -> impl Iterator<Item = String> {
    let copies = formats(asset, mode).map(|format| format.name_of(&asset.hashed_name));
    iter::once(asset.hashed_name.clone()).chain(copies)
}

fn formats(asset: &Asset, mode: Mode) -> impl Iterator<Item = &'static Format> {
    let compressed = mode == Mode::Release && asset.is_compressible();
    FORMATS.iter().filter(move |_| compressed)
}

fn size(asset: &Asset, folder: &Path) -> String {
    let raw = kilobytes(asset.content.len() as u64);
    match folder.join(BROTLI.name_of(&asset.hashed_name)).metadata() {
        Ok(brotli) => format!("{raw} ({} brotli)", kilobytes(brotli.len())),
        Err(_) => raw,
    }
}

fn kilobytes(bytes: u64) -> String {
    format!("{:.1} kB", bytes as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(script: &str) -> Site {
        Site {
            script: Asset::new("app.js", script.into()),
            wasm: Asset::new("app.wasm", b"wasm".to_vec()),
            parts: Vec::new(),
            style: Asset::new("style.css", b"a{}".to_vec()),
            documentation_script: Asset::new("documentation.js", b"tabs()".to_vec()),
            documentation_style: Asset::new("documentation.css", b"b{}".to_vec()),
            statics: vec![
                Asset::new("favicon.svg", b"<svg/>".to_vec()),
                Asset::new("photo.webp", b"webp".to_vec()),
            ],
        }
    }

    fn names_in(folder: &Path) -> Vec<String> {
        Asset::of_folder(folder)
            .unwrap()
            .into_iter()
            .map(|asset| asset.name)
            .collect()
    }

    #[test]
    fn the_manifest_tells_the_address_of_each_file() {
        let site = site("1");
        let manifest: serde_json::Value = serde_json::from_str(&site.manifest()).unwrap();
        let expected = json!({
            "script": format!("/assets/{}", site.script.hashed_name),
            "wasm": format!("/assets/{}", site.wasm.hashed_name),
            "style": format!("/assets/{}", site.style.hashed_name),
            "documentation_script": format!("/assets/{}", site.documentation_script.hashed_name),
            "documentation_style": format!("/assets/{}", site.documentation_style.hashed_name),
            "static": {
                "favicon.svg": format!("/assets/{}", site.statics[0].hashed_name),
                "photo.webp": format!("/assets/{}", site.statics[1].hashed_name),
            },
        });
        assert_eq!(manifest, expected);
    }

    #[test]
    fn a_published_site_is_there_whole_and_compressed_where_that_pays() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("site");
        let site = site("1");
        assert!(!site.is_at(&folder, Mode::Release));
        site.publish(&folder, Mode::Release).unwrap();
        assert!(site.is_at(&folder, Mode::Release));

        let names = names_in(&folder.join(ASSETS));
        let of = |asset: &Asset| {
            let ours = |name: &&String| name.starts_with(&asset.hashed_name);
            names.iter().filter(ours).count()
        };
        assert_eq!(of(&site.script), 3, "the file, .br and .gz of {names:?}");
        assert_eq!(of(&site.statics[1]), 1, "webp is compressed already");
        assert_eq!(
            names_in(parent.path()).len(),
            names.len() + 1,
            "no temporary folder remains"
        );
    }

    #[test]
    fn a_new_site_removes_the_files_of_the_last_one() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("site");
        site("1").publish(&folder, Mode::Release).unwrap();
        let (last, next) = (site("1"), site("2"));
        assert!(!next.is_at(&folder, Mode::Release));
        next.publish(&folder, Mode::Dev).unwrap();

        let names = names_in(&folder.join(ASSETS));
        assert_eq!(names.len(), next.assets().count(), "{names:?}");
        assert!(names.contains(&next.script.hashed_name));
        assert!(!names.contains(&last.script.hashed_name));
    }

    #[test]
    fn an_uncompressed_site_does_not_count_as_a_compressed_one() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("site");
        let site = site("1");
        site.publish(&folder, Mode::Dev).unwrap();
        assert!(site.is_at(&folder, Mode::Dev));
        assert!(!site.is_at(&folder, Mode::Release));
    }
}
