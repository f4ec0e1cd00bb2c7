//! Files with a hash of their content in the name. Such a file never changes, so browsers may cache it permanently.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// The path under which the server serves the assets.
const BASE: &str = "/assets";

/// 64 bits: collisions are out of the question for so few files, and names stay readable.
const HASH_CHARACTERS: usize = 16;

pub(crate) struct Asset {
    /// The name in the sources, with the path inside its folder: `favicon.svg`.
    pub(crate) name: String,
    /// The name in the site: `favicon.0123456789abcdef.svg`.
    pub(crate) hashed_name: String,
    pub(crate) content: Vec<u8>,
}

impl Asset {
    pub(crate) fn new(name: impl Into<String>, content: Vec<u8>) -> Self {
        let name = name.into();
        let hashed_name = with_hash(&name, &hash(&content));
        Self {
            name,
            hashed_name,
            content,
        }
    }

    /// All files in a folder and its subfolders, sorted by name, without hidden ones such as `.gitkeep`.
    pub(crate) fn of_folder(folder: &Path) -> Result<Vec<Self>> {
        let mut assets = Vec::new();
        collect(folder, "", &mut assets)
            .with_context(|| format!("the folder {} could not be read", folder.display()))?;
        assets.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(assets)
    }

    /// The URL path of this file.
    pub(crate) fn address(&self) -> String {
        format!("{BASE}/{}", self.hashed_name)
    }

    /// Whether compression pays. The formats of most images and fonts are compressed already.
    pub(crate) fn is_compressible(&self) -> bool {
        let extension = self.name.rsplit('.').next().unwrap_or_default();
        [
            "css",
            "js",
            "json",
            "svg",
            "txt",
            "wasm",
            "webmanifest",
            "xml",
        ]
        .contains(&extension)
    }
}

fn collect(folder: &Path, prefix: &str, assets: &mut Vec<Asset>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file_name = entry.file_name();
        let file_name = file_name.to_str().context("a file's name is not UTF-8")?;
        let name = format!("{prefix}{file_name}");
        if file_name.starts_with('.') {
            continue;
        } else if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), assets)?;
        } else {
            assets.push(Asset::new(name, fs::read(entry.path())?));
        }
    }
    Ok(())
}

/// The SHA-256 of the content in hexadecimal, shortened.
fn hash(content: &[u8]) -> String {
    let mut text = format!("{:x}", Sha256::digest(content));
    text.truncate(HASH_CHARACTERS);
    text
}

/// Puts the hash before the extension, from which the server derives the media type.
fn with_hash(name: &str, hash: &str) -> String {
    let file_name_start = name.rfind('/').map_or(0, |slash| slash + 1);
    match name[file_name_start..].rfind('.') {
        Some(dot) => {
            let (stem, extension) = name.split_at(file_name_start + dot);
            format!("{stem}.{hash}{extension}")
        }
        None => format!("{name}.{hash}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashed_name_depends_only_on_the_content() {
        let name = |content: &str| Asset::new("app.js", content.into()).hashed_name;
        assert_eq!(name("hydrate()"), "app.d713acf971f0ae28.js");
        assert_ne!(name("hydrate()"), name("hydrate( )"));
    }

    #[test]
    fn the_hash_is_put_before_the_last_extension_of_the_file_name() {
        assert_eq!(with_hash("favicon.svg", "0f"), "favicon.0f.svg");
        assert_eq!(with_hash("text.min.js", "0f"), "text.min.0f.js");
        assert_eq!(with_hash("v1.2/LICENCE", "0f"), "v1.2/LICENCE.0f");
    }

    #[test]
    fn a_folder_is_read_with_its_subfolders_sorted_and_without_hidden_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("icons")).unwrap();
        for name in ["robots.txt", "icons/lock.svg", ".gitkeep"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let assets = Asset::of_folder(folder.path()).unwrap();
        let names: Vec<_> = assets.iter().map(|asset| asset.name.as_str()).collect();
        assert_eq!(names, ["icons/lock.svg", "robots.txt"]);
        assert!(assets[0].address().starts_with("/assets/icons/lock."));
    }
}
