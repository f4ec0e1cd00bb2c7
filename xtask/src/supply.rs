//! What others wrote and we build in: whether each piece comes from where it should, under terms that we take,
//! and whether our own crates keep `unsafe` out.
//!
//! The lists stand in `deny.toml`, which cargo-deny reads too (`make audit`). This looks at them with what is on
//! the machine anyway, so quickly that it is part of `make lint`.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use spdx::{Expression, LicenseItem, LicenseReq, ParseMode};

use crate::command::{cargo, could_not_start, root};

/// Each has a lock file of its own.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "fuzz/Cargo.toml"];

const NPM_REGISTRY: &str = "https://registry.npmjs.org/";

#[derive(Deserialize)]
struct Policy {
    licenses: Licences,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licences {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// None for our own.
    source: Option<String>,
    manifest_path: String,
}

/// Looks at everything, and names all that is wrong.
///
/// # Errors
/// What is wrong, one line each.
pub(crate) fn check() -> Result<()> {
    let policy = fs::read_to_string(root().join("deny.toml")).context("no deny.toml")?;
    let policy: Policy = toml::from_str(&policy).context("deny.toml cannot be read")?;
    let mut problems = BTreeSet::new();
    for manifest in MANIFESTS {
        for package in packages(manifest)? {
            match package.source {
                Some(_) => problems.extend(policy.problems_with(&package)),
                // libFuzzer's own macro exports a function, which counts as unsafe.
                None if package.name == "fuzz" => {}
                None => problems.extend(unsafe_code(&package)?),
            }
        }
    }
    problems.extend(npm_problems(&read_json("end2end/package-lock.json")?));
    if !problems.is_empty() {
        let list: Vec<_> = problems.into_iter().collect();
        bail!(
            "the supply chain is not as deny.toml wants it:\n{}",
            list.join("\n")
        );
    }
    Ok(())
}

fn packages(manifest: &str) -> Result<Vec<Package>> {
    let mut command = cargo();
    command.args([
        "metadata",
        "--format-version=1",
        "--locked",
        "--all-features",
    ]);
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

impl Policy {
    fn problems_with(&self, package: &Package) -> Vec<String> {
        let Package { name, version, .. } = package;
        let ban = self.bans.deny.iter().find(|ban| ban.name == *name);
        let banned = ban.map(|ban| format!("{name} {version} is banned: {}", ban.reason));
        let source = package.source.as_deref().unwrap_or_default();
        let foreign =
            (!self.takes_source(source)).then(|| format!("{name} {version} comes from {source}"));
        let licence = package.license.as_deref().unwrap_or("none");
        let forbidden = (!self.takes_licence(licence))
            .then(|| format!("{name} {version} is licensed under {licence}"));
        [banned, foreign, forbidden].into_iter().flatten().collect()
    }

    fn takes_source(&self, source: &str) -> bool {
        let registry = source.strip_prefix("registry+");
        registry.is_some_and(|registry| {
            self.sources
                .allow_registry
                .iter()
                .any(|own| own == registry)
        })
    }

    /// Older crates write `/` where SPDX says `OR`.
    fn takes_licence(&self, licence: &str) -> bool {
        Expression::parse_mode(licence, ParseMode::LAX)
            .is_ok_and(|expression| expression.evaluate(|wanted| self.allows(wanted)))
    }

    fn allows(&self, wanted: &LicenseReq) -> bool {
        let LicenseItem::Spdx { .. } = wanted.license else {
            return false;
        };
        self.licenses
            .allow
            .iter()
            .any(|own| *own == wanted.to_string())
    }
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

    fn policy() -> Policy {
        let policy = fs::read_to_string(root().join("deny.toml")).expect("a file");
        toml::from_str(&policy).expect("a policy")
    }

    fn package(name: &str, license: Option<&str>, source: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: license.map(str::to_owned),
            source: Some(source.to_owned()),
            manifest_path: String::new(),
        }
    }

    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

    #[test]
    fn a_licence_is_taken_if_one_of_the_choices_is_and_all_that_are_asked_for_are() {
        for (licence, taken) in [
            ("MIT", true),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0-only OR MIT", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("GPL-3.0-only", false),
            ("MIT AND AGPL-3.0-only", false),
            ("LicenseRef-ours", false),
            ("none", false),
            ("", false),
        ] {
            assert_eq!(policy().takes_licence(licence), taken, "{licence}");
        }
    }

    #[test]
    fn a_crate_of_another_source_under_another_licence_or_banned_is_named() {
        let problems = |package| policy().problems_with(&package).len();
        assert_eq!(problems(package("serde", Some("MIT"), CRATES_IO)), 0);
        assert_eq!(problems(package("serde", None, CRATES_IO)), 1);
        assert_eq!(problems(package("openssl-sys", Some("MIT"), CRATES_IO)), 1);
        for source in [
            "git+https://github.com/serde-rs/serde",
            "registry+https://crates.example/index",
            "",
        ] {
            assert_eq!(
                problems(package("serde", Some("MIT"), source)),
                1,
                "{source}"
            );
        }
    }

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
