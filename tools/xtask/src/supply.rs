//! `cargo xtask supply-chain`: checks the origin and the licence of all code that we build in.
//!
//! It needs no network. `make audit` checks for known vulnerabilities, with cargo-deny. Both read `deny.toml`.

mod crates;
mod licence;
mod npm;
mod own;

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::metadata::{MANIFESTS, all_packages, own_packages};
use crates::Rules;

/// Runs every check, and reports all problems together.
///
/// # Errors
/// The problems, one line each.
pub(crate) fn check() -> Result<()> {
    let rules = Rules::read()?;
    let mut problems = BTreeSet::new();
    for manifest in MANIFESTS {
        for package in own_packages(manifest)? {
            problems.extend(own::problems(&package)?);
        }
        for package in all_packages(manifest)? {
            problems.extend(rules.problems(&package));
        }
    }
    problems.extend(npm::problems()?);
    if !problems.is_empty() {
        let list: Vec<_> = problems.into_iter().collect();
        bail!("problems with the supply chain:\n{}", list.join("\n"));
    }
    Ok(())
}
