//! `cargo xtask import-cycles`: no two source files may import each other, directly or through others. A module and its
//! children may not either.
//!
//! A file imports another if it names an item that the other defines. A re-export is followed to the file with the
//! definition. These do not count:
//! - tests;
//! - `mod child;` and `pub use child::Item`: they only say where an item is. Code that uses the item does count;
//! - a method or a field whose type the file does not name.

mod modules;
mod resolve;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

use self::{modules::Crate, resolve::Imports};
use crate::{
    command::root,
    metadata::{MANIFESTS, own_packages},
};

/// Checks each library and each program of the repository.
///
/// # Errors
/// There are cycles. The error lists the files of each, and the names that they take from each other.
pub(crate) fn check() -> Result<()> {
    let mut report = String::new();
    for manifest in MANIFESTS {
        for package in own_packages(manifest)? {
            for target in package.targets {
                let kinds = ["lib", "rlib", "cdylib", "bin"];
                if target.kind.iter().any(|kind| kinds.contains(&&**kind)) {
                    report += &report_on(&Crate::read(&target.src_path)?.imports(), root());
                }
            }
        }
    }
    if !report.is_empty() {
        bail!("import cycles:\n{report}");
    }
    Ok(())
}

/// The import cycles among these files; empty when there is none.
fn report_on(imports: &Imports, root: &Path) -> String {
    let mut report = String::new();
    for cycle in cycles(imports) {
        let _ = writeln!(report, "\n{} files", cycle.len());
        for file in cycle.iter().copied() {
            for (other, names) in imports[file]
                .iter()
                .filter(|(other, _)| cycle.contains(*other))
            {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                let shown = |file: &Path| {
                    file.strip_prefix(root)
                        .unwrap_or(file)
                        .display()
                        .to_string()
                };
                let _ = writeln!(
                    report,
                    "  {} takes {} from {}",
                    shown(file),
                    names.join(", "),
                    shown(other)
                );
            }
        }
    }
    report
}

/// The largest groups of files in which each file reaches every other one.
fn cycles(imports: &Imports) -> BTreeSet<BTreeSet<&PathBuf>> {
    let reached: BTreeMap<_, _> = imports
        .keys()
        .map(|file| (file, reachable_from(file, imports)))
        .collect();
    reached
        .iter()
        .filter(|(file, others)| others.contains(*file))
        .map(|(file, others)| {
            let reaches_back =
                |other: &&&PathBuf| reached.get(*other).is_some_and(|back| back.contains(file));
            others.iter().filter(reaches_back).copied().collect()
        })
        .collect()
}

/// The file itself is among them only if it is part of a cycle.
fn reachable_from<'a>(file: &PathBuf, imports: &'a Imports) -> BTreeSet<&'a PathBuf> {
    let mut reached = BTreeSet::new();
    let mut waiting = VecDeque::from([file]);
    while let Some(file) = waiting.pop_front() {
        for other in imports.get(file).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(other) {
                waiting.push_back(other);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Writes a crate with these files, and reports its import cycles.
    fn report(files: &[(&str, &str)]) -> String {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let read = Crate::read(&folder.path().join("lib.rs")).unwrap();
        report_on(&read.imports(), folder.path())
    }

    #[test]
    fn two_files_that_import_each_other_are_reported_with_the_names() {
        let report = report(&[
            ("lib.rs", "mod a; mod b;"),
            (
                "a.rs",
                "use crate::b::{deep::Other as Renamed, B}; pub struct A;",
            ),
            (
                "b.rs",
                "pub struct B(super::a::A); pub mod deep { pub struct Other; }",
            ),
        ]);
        assert_eq!(
            report,
            "\n2 files\n  a.rs takes B, Other from b.rs\n  b.rs takes A from a.rs\n"
        );
    }

    #[test]
    fn a_cycle_of_three_files_through_macros_and_attributes_is_reported() {
        let report = report(&[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "fn a() { view! { <p>{crate::b::b()}</p> } }"),
            ("b.rs", "#[derive(crate::c::C)] pub fn b() {}"),
            ("c.rs", "macro_rules! c { () => { $crate::a::a() } }"),
        ]);
        assert!(report.contains("3 files"), "{report}");
    }

    #[test]
    fn a_module_and_its_child_that_import_each_other_are_reported() {
        let child = ("p/child.rs", "use super::P; pub struct C(P);");
        for parent in [
            "mod child; use child::C; pub struct P;",
            "mod child; pub struct P; fn p() -> child::C {}",
            "mod child; pub use child::C; pub struct P; fn p() -> C {}",
        ] {
            let report = report(&[("lib.rs", "mod p;"), ("p/mod.rs", parent), child]);
            assert_eq!(
                report,
                "\n2 files\n  p/child.rs takes P from p/mod.rs\n  p/mod.rs takes C from p/child.rs\n",
                "{parent}"
            );
        }
    }

    #[test]
    fn the_root_of_a_crate_counts_as_a_parent() {
        let report = report(&[
            ("lib.rs", "mod p; pub struct Root(p::P);"),
            ("p/mod.rs", "mod child; pub struct P(child::C);"),
            ("p/child.rs", "pub struct C; fn c(_: crate::Root) {}"),
        ]);
        assert!(report.contains("3 files"), "{report}");
    }

    #[test]
    fn a_macro_of_the_parent_counts() {
        let report = report(&[
            (
                "lib.rs",
                "macro_rules! m { () => {} } mod a; fn f() { a::a() }",
            ),
            ("a.rs", "m!(); pub fn a() {}"),
        ]);
        assert!(report.contains("a.rs takes m from lib.rs"), "{report}");
    }

    #[test]
    fn a_parent_may_declare_and_reexport_the_children_that_use_it() {
        let report = report(&[
            ("lib.rs", "mod p; pub use p::{C, P};"),
            ("p/mod.rs", "mod child; pub use child::C; pub struct P;"),
            ("p/child.rs", "use crate::P; pub struct C(P);"),
        ]);
        assert_eq!(report, "");
    }

    #[test]
    fn a_reexport_of_what_is_not_inside_the_module_counts() {
        let report = report(&[
            ("lib.rs", "mod p;"),
            ("p/mod.rs", "mod child; pub struct P(child::C);"),
            ("p/child.rs", "pub use super::P; pub struct C;"),
        ]);
        assert!(
            report.contains("p/child.rs takes P from p/mod.rs"),
            "{report}"
        );
    }

    #[test]
    fn a_function_that_is_passed_by_name_counts() {
        let report = report(&[
            ("lib.rs", "mod p;"),
            (
                "p/mod.rs",
                "mod child; pub use child::f; pub struct P; fn p() { route(f) }",
            ),
            ("p/child.rs", "use super::P; pub fn f(_: P) {}"),
        ]);
        assert!(
            report.contains("p/mod.rs takes f from p/child.rs"),
            "{report}"
        );
    }

    #[test]
    fn a_function_with_the_name_of_its_module_counts() {
        let report = report(&[
            ("lib.rs", "mod p; mod user;"),
            ("p/mod.rs", "mod f; pub use f::f; pub struct P;"),
            (
                "p/f.rs",
                "use crate::user::U; pub fn f(_: U) {} pub struct F;",
            ),
            ("user.rs", "use crate::p; pub struct U; fn u() { p::f(U) }"),
        ]);
        assert!(report.contains("user.rs takes f from p/f.rs"), "{report}");
    }

    #[test]
    fn a_cycle_of_siblings_through_the_parent_of_one_is_reported() {
        let report = report(&[
            ("lib.rs", "mod a; mod b;"),
            ("a/mod.rs", "mod child; pub struct A(child::C);"),
            ("a/child.rs", "pub struct C(crate::b::B);"),
            ("b.rs", "use crate::a::A; pub struct B;"),
        ]);
        assert!(report.contains("3 files"), "{report}");
        assert!(report.contains("b.rs takes A from a/mod.rs"), "{report}");
    }

    #[test]
    fn a_name_that_is_reexported_counts_for_the_file_that_defines_it() {
        let report = report(&[
            ("lib.rs", "mod p; mod user;"),
            ("p/mod.rs", "mod a; mod b; pub use a::*; pub use b::B;"),
            ("p/a.rs", "use super::B; pub struct A;"),
            ("p/b.rs", "pub struct B;"),
            ("user.rs", "use crate::p; fn user(_: p::A, _: p::B) {}"),
        ]);
        assert_eq!(report, "");
    }

    #[test]
    fn a_name_taken_through_a_glob_counts() {
        let report = report(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use super::b::*; pub struct A; fn a() { b() }"),
            ("b.rs", "use super::a::A; pub fn b() {}"),
        ]);
        assert!(report.contains("a.rs takes b from b.rs"), "{report}");
    }

    #[test]
    fn tests_other_crates_and_names_that_only_look_alike_do_not_count() {
        let report = report(&[
            ("lib.rs", "mod a; mod b; mod http;"),
            (
                "a.rs",
                "pub struct A;
                 #[cfg(test)] use crate::b::B;
                 #[cfg(test)] mod tests { use crate::b::B; fn b() {} }
                 #[cfg(all(test, unix))] fn helper<T, U>(_: crate::b::B) {}
                 use http::b;
                 // crate::b::B
                 fn a(x: X) -> &'static str { x.crate_b(); \"crate::b::B\" }",
            ),
            ("b.rs", "use crate::a::A; pub struct B;"),
            ("http.rs", ""),
        ]);
        assert_eq!(report, "");
    }
}
