//! The crates in the lock file: allowed licences, banned crates, allowed registries.

use std::fs;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::licence;
use crate::{command::root, metadata::Package};

/// The part of `deny.toml` that can be checked without a network.
#[derive(Deserialize)]
pub(super) struct Rules {
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
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

impl Rules {
    pub(super) fn read() -> Result<Self> {
        let text = fs::read_to_string(root().join("deny.toml")).context("no deny.toml")?;
        toml::from_str(&text).context("deny.toml")
    }

    /// What is wrong with one package of the lock file.
    pub(super) fn problems(&self, package: &Package) -> Vec<String> {
        let mut problems = Vec::new();
        let name = format!("{} {}", package.name, package.version);
        if let Some(banned) = self
            .bans
            .deny
            .iter()
            .find(|banned| banned.name == package.name)
        {
            problems.push(format!("{name} is banned: {}", banned.reason));
        }
        match &package.source {
            Some(source) => {
                if !self.allows_source(source) {
                    problems.push(format!("{name} comes from {source}"));
                }
                if !self.allows_licence(package.license.as_deref()) {
                    let licence = package
                        .license
                        .as_deref()
                        .unwrap_or("no licence expression");
                    problems.push(format!(
                        "{name} has a licence that deny.toml does not allow: {licence}"
                    ));
                }
            }
            None => {
                if !package.manifest_path.starts_with(root()) {
                    problems.push(format!(
                        "{name} comes from a folder outside of this repository"
                    ));
                }
                let any_version = package
                    .dependencies
                    .iter()
                    .filter(|found| found.req == "*" && found.path.is_none());
                problems.extend(
                    any_version
                        .map(|found| format!("{name} accepts any version of {}", found.name)),
                );
            }
        }
        problems
    }

    fn allows_source(&self, source: &str) -> bool {
        let registry = source.strip_prefix("registry+");
        registry.is_some_and(|registry| {
            self.sources
                .allow_registry
                .iter()
                .any(|allowed| allowed == registry)
        })
    }

    fn allows_licence(&self, expression: Option<&str>) -> bool {
        let allowed = |name: &str| self.licenses.allow.iter().any(|allowed| allowed == name);
        expression.is_some_and(|expression| licence::is_allowed(expression, allowed))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

    /// The problems of a package with these properties instead of the usual ones.
    fn problems(properties: Value) -> Vec<String> {
        let mut package = json!({
            "name": "serde", "version": "1.0.0", "license": "MIT OR Apache-2.0", "source": CRATES_IO,
            "manifest_path": "/registry/serde/Cargo.toml", "dependencies": [], "targets": [],
        });
        for (name, value) in properties.as_object().unwrap() {
            package[name] = value.clone();
        }
        let package = serde_json::from_value(package).unwrap();
        Rules::read().unwrap().problems(&package)
    }

    #[test]
    fn a_crate_from_the_registry_with_an_allowed_licence_has_no_problem() {
        assert_eq!(problems(json!({})), [""; 0]);
    }

    #[test]
    fn a_banned_crate_a_foreign_source_and_a_foreign_licence_are_problems() {
        for (properties, expected) in [
            (json!({ "name": "openssl" }), "openssl 1.0.0 is banned"),
            (
                json!({ "source": "git+https://example.com/serde" }),
                "comes from git+",
            ),
            (
                json!({ "source": "registry+https://example.com/index" }),
                "comes from registry+",
            ),
            (json!({ "license": "GPL-3.0-only" }), "GPL-3.0-only"),
            (json!({ "license": null }), "no licence expression"),
            (json!({ "source": null }), "outside of this repository"),
        ] {
            let problems = problems(properties);
            assert!(
                matches!(problems.as_slice(), [problem] if problem.contains(expected)),
                "{problems:?}"
            );
        }
    }

    #[test]
    fn a_dependency_of_any_version_is_a_problem_unless_it_is_a_folder_of_this_repository() {
        let own = |path: Value| {
            problems(json!({
                "source": null,
                "manifest_path": root().join("store/Cargo.toml"),
                "dependencies": [{ "name": "model", "req": "*", "path": path }],
            }))
        };
        assert_eq!(own(json!(root().join("model"))), [""; 0]);
        assert_eq!(
            own(json!(null)),
            ["serde 1.0.0 accepts any version of model"]
        );
    }
}
