//! `cargo xtask sbom`: a software bill of materials for each of the two programs that we ship.
//!
//! It lists every crate that is built in, with version, licence, hash and dependencies (CycloneDX 1.5). The list comes
//! from `cargo tree`, which selects features exactly as `cargo build` does.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::command::{cargo, could_not_start, root};

/// Package, target, and features.
const PROGRAMS: [[&str; 3]; 2] = [
    ["server", "x86_64-unknown-linux-gnu", "app/ssr"],
    ["frontend", "wasm32-unknown-unknown", "app/hydrate"],
];

/// Writes `target/sbom/PACKAGE.cdx.json` for each program.
pub(crate) fn write() -> Result<()> {
    let folder = root().join("target/sbom");
    fs::create_dir_all(&folder)?;
    let checksums = Checksums::read(&root().join("Cargo.lock"))?;
    for [package, target, features] in PROGRAMS {
        let tree = Tree::parse(&cargo_tree(package, target, features)?)?;
        let file = folder.join(format!("{package}.cdx.json"));
        fs::write(&file, format!("{:#}\n", tree.document(&checksums)?))?;
        eprintln!("{}: {} crates", file.display(), tree.crates.len());
    }
    Ok(())
}

fn cargo_tree(package: &str, target: &str, features: &str) -> Result<String> {
    let mut command = cargo();
    command
        .args(["tree", "--locked", "--package", package])
        .args(["--target", target, "--features", features])
        .args(["--edges", "normal,no-proc-macro"])
        .args(["--prefix", "depth", "--format", " {p} | {l}"]);
    let output = command
        .output()
        .with_context(|| could_not_start(&command))?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The crates of a program.
struct Tree {
    program: Crate,
    /// With their licences. The program is one of them.
    crates: BTreeMap<Crate, String>,
    /// Each with one that it depends on.
    dependencies: BTreeSet<(Crate, Crate)>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Crate {
    name: String,
    version: String,
}

impl Tree {
    /// Each line has a depth, a crate and its licence: `2 serde v1.0.0 | MIT OR Apache-2.0`. The crate's parent is the
    /// last one above with a depth of one less.
    fn parse(text: &str) -> Result<Self> {
        let mut crates = BTreeMap::new();
        let mut dependencies = BTreeSet::new();
        let mut parents: Vec<Crate> = Vec::new();
        for line in text.lines() {
            let (depth, found, licence) =
                parse_line(line).with_context(|| format!("cargo tree: {line}"))?;
            parents.truncate(depth);
            if let Some(parent) = parents.last() {
                dependencies.insert((parent.clone(), found.clone()));
            }
            crates.insert(found.clone(), licence);
            parents.push(found);
        }
        let program = parents.into_iter().next().context("cargo tree is empty")?;
        Ok(Self {
            program,
            crates,
            dependencies,
        })
    }

    fn document(&self, checksums: &Checksums) -> Result<Value> {
        let component = |found: &Crate, kind: &str| -> Result<Value> {
            let mut component = json!({
                "type": kind,
                "bom-ref": found.url(),
                "name": found.name,
                "version": found.version,
                "purl": found.url(),
                "licenses": [{ "expression": self.crates[found] }],
            });
            if let Some(checksum) = checksums.of(found)? {
                component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
            }
            Ok(component)
        };
        let others = self.crates.keys().filter(|found| **found != self.program);
        let components: Vec<_> = others
            .map(|found| component(found, "library"))
            .collect::<Result<_>>()?;
        let dependencies: Vec<_> = self
            .crates
            .keys()
            .map(|found| json!({ "ref": found.url(), "dependsOn": self.dependencies_of(found) }))
            .collect();
        Ok(json!({
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "version": 1,
            "metadata": { "component": component(&self.program, "application")? },
            "components": components,
            "dependencies": dependencies,
        }))
    }

    fn dependencies_of(&self, dependent: &Crate) -> Vec<String> {
        let of_this = self
            .dependencies
            .iter()
            .filter(|(from, _)| from == dependent);
        of_this.map(|(_, to)| to.url()).collect()
    }
}

fn parse_line(line: &str) -> Option<(usize, Crate, String)> {
    let (depth, rest) = line.split_once(' ')?;
    let (package, licence) = rest.split_once(" | ")?;
    let mut words = package.split(' ');
    let name = words.next()?.to_owned();
    let version = words.next()?.strip_prefix('v')?.to_owned();
    // `(*)` says that the crate's dependencies are listed above.
    let licence = licence
        .trim_end_matches(" (*)")
        .replace(" / ", "/")
        .replace('/', " OR ");
    Some((depth.parse().ok()?, Crate { name, version }, licence))
}

impl Crate {
    /// The package URL; without further parts it means crates.io.
    fn url(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version)
    }
}

/// SHA-256 of each crate's archive, from the lock file. Our own crates have none.
struct Checksums(HashMap<(String, String), Option<String>>);

#[derive(Deserialize)]
struct LockFile {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

impl Checksums {
    fn read(lock_file: &Path) -> Result<Self> {
        let LockFile { package } = toml::from_str(&fs::read_to_string(lock_file)?)?;
        let entries = package
            .into_iter()
            .map(|locked| ((locked.name, locked.version), locked.checksum));
        Ok(Self(entries.collect()))
    }

    fn of(&self, found: &Crate) -> Result<Option<&str>> {
        let Crate { name, version } = found;
        let checksum = self.0.get(&(name.clone(), version.clone()));
        let checksum =
            checksum.with_context(|| format!("{name} {version} is not in Cargo.lock"))?;
        Ok(checksum.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "0 server v0.1.0 (/home/ada/zone/server) | MIT OR Apache-2.0
1 app v0.1.0 (/home/ada/zone/app) | MIT OR Apache-2.0
2 http v1.4.0 | MIT/Apache-2.0
3 bytes v1.10.0 | MIT
1 http v1.4.0 | MIT/Apache-2.0 (*)
";

    fn checksums() -> Checksums {
        let entry = |name: &str, version: &str, hash: Option<&str>| {
            (
                (name.to_owned(), version.to_owned()),
                hash.map(str::to_owned),
            )
        };
        Checksums(HashMap::from([
            entry("server", "0.1.0", None),
            entry("app", "0.1.0", None),
            entry("http", "1.4.0", Some("aa")),
            entry("bytes", "1.10.0", Some("bb")),
        ]))
    }

    #[test]
    fn every_crate_is_listed_once_with_licence_and_hash() {
        let document = Tree::parse(TREE).unwrap().document(&checksums()).unwrap();
        assert_eq!(document["metadata"]["component"]["name"], "server");
        let components = document["components"].as_array().unwrap();
        let names: Vec<_> = components
            .iter()
            .map(|component| &component["name"])
            .collect();
        assert_eq!(names, ["app", "bytes", "http"]);
        assert_eq!(components[0].get("hashes"), None);
        assert_eq!(components[2]["hashes"][0]["content"], "aa");
        assert_eq!(components[2]["purl"], "pkg:cargo/http@1.4.0");
        assert_eq!(
            components[2]["licenses"][0]["expression"],
            "MIT OR Apache-2.0"
        );
    }

    #[test]
    fn every_dependency_is_listed_at_its_dependent() {
        let document = Tree::parse(TREE).unwrap().document(&checksums()).unwrap();
        let of = |name: &str| {
            let listed = document["dependencies"].as_array().unwrap();
            let found = listed.iter().find(|entry| entry["ref"] == name);
            found.unwrap()["dependsOn"].clone()
        };
        assert_eq!(
            of("pkg:cargo/server@0.1.0"),
            json!(["pkg:cargo/app@0.1.0", "pkg:cargo/http@1.4.0"])
        );
        assert_eq!(of("pkg:cargo/app@0.1.0"), json!(["pkg:cargo/http@1.4.0"]));
        assert_eq!(of("pkg:cargo/bytes@1.10.0"), json!([]));
    }

    #[test]
    fn a_crate_that_the_lock_file_does_not_have_is_an_error() {
        let tree = Tree::parse("0 server v9.9.9 | MIT\n").unwrap();
        assert!(tree.document(&checksums()).is_err());
    }
}
