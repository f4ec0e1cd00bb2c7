//! The packages of this repository, as cargo describes them.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::command::{cargo, could_not_start, root};

/// The workspaces of this repository. Each has a lock file of its own.
pub(crate) const MANIFESTS: [&str; 2] = ["Cargo.toml", "tools/fuzz/Cargo.toml"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// An SPDX expression.
    pub(crate) license: Option<String>,
    /// The registry. A package of this repository has none.
    pub(crate) source: Option<String>,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// The versions that are accepted, for example `^1.2`.
    pub(crate) req: String,
    /// The folder of a dependency inside this repository.
    pub(crate) path: Option<PathBuf>,
}

/// A library, a program, a test, an example…
#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) kind: Vec<String>,
    pub(crate) src_path: PathBuf,
}

/// The packages of this repository that belong to one workspace.
pub(crate) fn own_packages(manifest: &str) -> Result<Vec<Package>> {
    read(manifest, &["--no-deps"])
}

/// All packages in the lock file of one workspace, for every platform and with every feature.
pub(crate) fn all_packages(manifest: &str) -> Result<Vec<Package>> {
    read(manifest, &["--all-features"])
}

fn read(manifest: &str, options: &[&str]) -> Result<Vec<Package>> {
    let mut command = cargo();
    command
        .args(["metadata", "--format-version=1", "--locked"])
        .args(options)
        .arg("--manifest-path")
        .arg(root().join(manifest));
    let output = command
        .output()
        .with_context(|| could_not_start(&command))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!("{manifest}: {}", message.trim_end());
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    Ok(metadata.packages)
}
