//! What cargo-deny (`deny.toml`) does not look at: npm's lock file, and whether our own crates keep `unsafe` out.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::command::{cargo, could_not_start, root};

/// Each has a lock file of its own.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "tools/fuzz/Cargo.toml"];

const NPM_REGISTRY: &str = "https://registry.npmjs.org/";

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
}

/// Looks at everything, and names all that is wrong.
///
/// # Errors
/// What is wrong, one line each.
pub(crate) fn check() -> Result<()> {
    let mut problems = BTreeSet::new();
    for manifest in MANIFESTS {
        for package in own_packages(manifest)? {
            // libFuzzer's own macro exports a function, which counts as unsafe.
            if package.name != "fuzz" {
                problems.extend(unsafe_code(&package)?);
            }
        }
    }
    problems.extend(npm_problems(&read_json("end2end/package-lock.json")?));
    if !problems.is_empty() {
        let list: Vec<_> = problems.into_iter().collect();
        bail!(
            "the supply chain is not as it should be:\n{}",
            list.join("\n")
        );
    }
    Ok(())
}

fn own_packages(manifest: &str) -> Result<Vec<Package>> {
    let mut command = cargo();
    command.args(["metadata", "--format-version=1", "--locked", "--no-deps"]);
    command.arg("--manifest-path").arg(root().join(manifest));
    let output = command
        .output()
        .with_context(|| could_not_start(&command))?;
    if !output.status.success() {
        bail!(
            "{manifest}: {}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    Ok(metadata.packages)
}

/// Our crates take the workspace's lints, which forbid `unsafe`.
fn unsafe_code(package: &Package) -> Result<Option<String>> {
    let lints =
        |path: &Path| -> Result<toml::Table> { Ok(toml::from_str(&fs::read_to_string(path)?)?) };
    let manifest = lints(Path::new(&package.manifest_path))?;
    let own = |table: &toml::Table, name: &str| {
        table
            .get("lints")
            .and_then(|lints| lints.get(name))
            .cloned()
    };
    let forbids = |rust: Option<toml::Value>| {
        rust.and_then(|rust| Some(rust.get("unsafe_code")?.as_str()? == "forbid"))
            .unwrap_or(false)
    };
    let inherits = own(&manifest, "workspace")
        .and_then(|taken| taken.as_bool())
        .unwrap_or(false);
    let forbidden = if inherits {
        let workspace = lints(&root().join("Cargo.toml"))?;
        let shared = workspace.get("workspace").and_then(toml::Value::as_table);
        forbids(shared.and_then(|shared| own(shared, "rust")))
    } else {
        forbids(own(&manifest, "rust"))
    };
    Ok((!forbidden).then(|| format!("{} does not forbid unsafe code", package.name)))
}

fn read_json(path: &str) -> Result<Value> {
    let text = fs::read(root().join(path)).with_context(|| format!("no {path}"))?;
    Ok(serde_json::from_slice(&text)?)
}

/// Every package has a hash, comes from the registry, and runs nothing when it is installed but what
/// `package.json` knows of (`allowScripts`).
fn npm_problems(lock: &Value) -> Vec<String> {
    let known = read_json("end2end/package.json").unwrap_or_default();
    let empty = serde_json::Map::new();
    let packages = lock["packages"].as_object().unwrap_or(&empty);
    let mut problems = Vec::new();
    for (path, package) in packages.iter().filter(|(path, _)| !path.is_empty()) {
        let name = path.rsplit("node_modules/").next().unwrap_or(path);
        if package["integrity"]
            .as_str()
            .is_none_or(|hash| !hash.starts_with("sha512-"))
        {
            problems.push(format!("npm's {name} has no SHA-512 in package-lock.json"));
        }
        if package["resolved"]
            .as_str()
            .is_some_and(|from| !from.starts_with(NPM_REGISTRY))
        {
            problems.push(format!("npm's {name} comes from {}", package["resolved"]));
        }
        if package["hasInstallScript"] == true && known["allowScripts"][name].is_null() {
            problems.push(format!("npm's {name} runs a script when it is installed"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_npm_package_without_hash_from_elsewhere_or_with_a_script_is_named() {
        let hash = "sha512-x";
        for (package, count) in [
            (json!({ "integrity": hash }), 0),
            (
                json!({ "integrity": hash, "resolved": "https://registry.npmjs.org/x" }),
                0,
            ),
            (json!({}), 1),
            (json!({ "integrity": "sha1-x" }), 1),
            (
                json!({ "integrity": hash, "resolved": "https://evil.example/x" }),
                1,
            ),
            (json!({ "integrity": hash, "hasInstallScript": true }), 1),
        ] {
            let lock = json!({ "packages": { "": {}, "node_modules/x": package } });
            assert_eq!(npm_problems(&lock).len(), count, "{lock}");
        }
    }
}
