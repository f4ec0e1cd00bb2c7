//! Our own crates: each forbids `unsafe`.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::{command::root, metadata::Package};

/// libFuzzer's macro exports a function, which counts as unsafe code.
const EXEMPT: &str = "fuzz";

pub(super) fn problems(package: &Package) -> Result<Option<String>> {
    let manifest = read(&package.manifest_path)?;
    let workspace = read(&root().join("Cargo.toml"))?;
    let forbidden = package.name == EXEMPT || forbids_unsafe_code(&manifest, &workspace);
    Ok((!forbidden).then(|| format!("{} does not forbid unsafe code", package.name)))
}

fn read(manifest: &Path) -> Result<Table> {
    let text =
        fs::read_to_string(manifest).with_context(|| format!("no {}", manifest.display()))?;
    toml::from_str(&text).with_context(|| manifest.display().to_string())
}

/// A crate has lints of its own, or inherits those of the workspace.
fn forbids_unsafe_code(manifest: &Table, workspace: &Table) -> bool {
    let lints = |table: &Table| table.get("lints").cloned();
    let inherits =
        lints(manifest).is_some_and(|lints| lints.get("workspace") == Some(&Value::Boolean(true)));
    let lints = if inherits {
        workspace
            .get("workspace")
            .and_then(|workspace| workspace.get("lints").cloned())
    } else {
        lints(manifest)
    };
    let level = lints
        .as_ref()
        .and_then(|lints| lints.get("rust")?.get("unsafe_code")?.as_str());
    level == Some("forbid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_forbids_unsafe_code_itself_or_by_the_workspaces_lints() {
        let forbids = |manifest: &str, workspace: &str| {
            let table = |text| toml::from_str::<Table>(text).unwrap();
            forbids_unsafe_code(&table(manifest), &table(workspace))
        };
        let strict = "[workspace.lints.rust]\nunsafe_code = 'forbid'";
        assert!(forbids("[lints]\nworkspace = true", strict));
        assert!(forbids("[lints.rust]\nunsafe_code = 'forbid'", ""));
        assert!(!forbids("", strict));
        assert!(!forbids("[lints]\nworkspace = true", ""));
        assert!(!forbids("[lints.rust]\nunsafe_code = 'deny'", strict));
    }
}
