//! The packages of the browser tests, of the build, of Lighthouse and of the generated clients, in npm's lock files.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use crate::command::root;

const REGISTRY: &str = "https://registry.npmjs.org/";

/// The folders of our own packages.
const FOLDERS: [&str; 3] = ["end2end", "end2end/lighthouse", "tools/clients"];

pub(super) fn problems() -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for folder in FOLDERS {
        let lock = read(&format!("{folder}/package-lock.json"))?;
        let allowed_scripts = &read(&format!("{folder}/package.json"))?["allowScripts"];
        problems.extend(problems_in(&lock, allowed_scripts));
        let settings = fs::read_to_string(root().join(folder).join(".npmrc")).unwrap_or_default();
        if !settings.lines().any(|line| line == NO_SCRIPTS) {
            problems.push(format!("{folder}/.npmrc lacks {NO_SCRIPTS}"));
        }
    }
    Ok(problems)
}

/// The setting of `.npmrc` that keeps every version of npm from running the scripts of packages.
const NO_SCRIPTS: &str = "ignore-scripts=true";

fn read(path: &str) -> Result<Value> {
    let text = fs::read(root().join(path)).with_context(|| format!("no {path}"))?;
    serde_json::from_slice(&text).with_context(|| path.to_owned())
}

/// Every package has a hash and comes from the registry. It runs a script at its installation only if `allowScripts`
/// in `package.json` names it.
fn problems_in(lock: &Value, allowed_scripts: &Value) -> Vec<String> {
    let none = Map::new();
    let packages = lock["packages"].as_object().unwrap_or(&none);
    let mut problems = Vec::new();
    for (path, package) in packages.iter().filter(|(path, _)| !path.is_empty()) {
        let name = path.rsplit("node_modules/").next().unwrap_or(path);
        let text = |property: &str| package[property].as_str();
        if !text("integrity").is_some_and(|hash| hash.starts_with("sha512-")) {
            problems.push(format!("npm's {name} has no SHA-512 in package-lock.json"));
        }
        if let Some(source) = text("resolved")
            && !source.starts_with(REGISTRY)
        {
            problems.push(format!("npm's {name} comes from {source}"));
        }
        if package["hasInstallScript"] == true && allowed_scripts[name].is_null() {
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
    fn a_package_without_hash_from_elsewhere_or_with_a_script_is_a_problem() {
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
            assert_eq!(
                problems_in(&lock, &json!({ "y": true })).len(),
                count,
                "{lock}"
            );
        }
    }

    #[test]
    fn an_allowed_package_may_run_a_script() {
        let package = json!({ "integrity": "sha512-x", "hasInstallScript": true });
        let lock = json!({ "packages": { "node_modules/x": package } });
        assert_eq!(problems_in(&lock, &json!({ "x": true })), [""; 0]);
    }
}
