//! Which file defines what a path names.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::PathBuf,
};

use super::modules::{Crate, Module};

/// For each file, the files that it imports, and the names that it takes from each.
pub(super) type Imports = BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>;

/// What a path leads to.
#[derive(Clone)]
enum Target {
    Module(usize),
    /// An item, and the module that defines it.
    Item(usize, String),
    /// Another crate, the standard library, or a local name.
    Elsewhere,
}

/// Whether a name stands for a module or an item. A module and a function may have the same name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Module,
    Item,
}

const ROOT: usize = 0;

/// The names that are being looked up. Without this record, `use` declarations that name each other would cause an
/// endless search.
type Pending = HashSet<(usize, String)>;

impl Crate {
    /// What each file takes from the others.
    pub(super) fn imports(&self) -> Imports {
        let mut imports = Imports::new();
        for (number, module) in self.modules.iter().enumerate() {
            let taken = imports.entry(module.file.clone()).or_default();
            let used = module.uses.iter().map(|used| (&used.path, used.public));
            let named = module.paths.iter().map(|path| (path, false));
            for (path, public) in used.chain(named) {
                if let Target::Item(owner, name) =
                    self.resolve(number, path, Wanted::Item, &mut Pending::new())
                    && self.modules[owner].file != module.file
                    && !(public && self.is_inside(owner, number))
                {
                    let other = self.modules[owner].file.clone();
                    taken.entry(other).or_default().insert(name);
                }
            }
        }
        imports
    }

    /// Whether a module is a child of another, directly or through others.
    fn is_inside(&self, module: usize, other: usize) -> bool {
        let parent = self.modules[module].parent;
        module != ROOT && (parent == other || self.is_inside(parent, other))
    }

    fn resolve(
        &self,
        module: usize,
        path: &[String],
        wanted: Wanted,
        pending: &mut Pending,
    ) -> Target {
        let mut target = Target::Module(module);
        for (at, name) in path.iter().enumerate() {
            let Target::Module(module) = target else {
                return target;
            };
            let wanted = match at + 1 == path.len() {
                true => wanted,
                false => Wanted::Module,
            };
            target = match name.as_str() {
                "crate" => Target::Module(ROOT),
                "self" => Target::Module(module),
                "super" => Target::Module(self.modules[module].parent),
                name if at == 0 => {
                    let called = name.strip_suffix('!');
                    self.look_up(module, called.unwrap_or(name), wanted, pending)
                        .or_else(|| self.macro_named(called?))
                        .unwrap_or(Target::Elsewhere)
                }
                name => self
                    .look_up(module, name, wanted, pending)
                    .or_else(|| self.macro_named(name))
                    // A macro may define it.
                    .unwrap_or_else(|| Target::Item(module, name.to_owned())),
            };
        }
        target
    }

    /// A name in the scope of a module.
    fn look_up(
        &self,
        module: usize,
        name: &str,
        wanted: Wanted,
        pending: &mut Pending,
    ) -> Option<Target> {
        let mut found = self.named_in(module, name, wanted, pending);
        let is_module = |target: &Target| matches!(target, Target::Module(_));
        let best = found
            .iter()
            .position(|target| is_module(target) == (wanted == Wanted::Module));
        (!found.is_empty()).then(|| found.swap_remove(best.unwrap_or(0)))
    }

    /// All modules and items with this name in the scope of a module.
    fn named_in(
        &self,
        module: usize,
        name: &str,
        wanted: Wanted,
        pending: &mut Pending,
    ) -> Vec<Target> {
        let Module {
            children,
            items,
            uses,
            ..
        } = &self.modules[module];
        let mut found = Vec::new();
        if items.contains(name) {
            found.push(Target::Item(module, name.to_owned()));
        }
        found.extend(children.get(name).map(|child| Target::Module(*child)));
        if !pending.insert((module, name.to_owned())) {
            return found;
        }
        let named = uses
            .iter()
            .filter(|found| found.name.as_deref() == Some(name));
        found.extend(named.map(|named| self.resolve(module, &named.path, wanted, pending)));
        if found.is_empty() {
            let globs = uses.iter().filter(|found| found.name.is_none());
            found.extend(globs.filter_map(|glob| {
                match self.resolve(module, &glob.path, Wanted::Module, pending) {
                    Target::Module(other) => self.look_up(other, name, wanted, pending),
                    Target::Item(..) | Target::Elsewhere => None,
                }
            }));
        }
        pending.remove(&(module, name.to_owned()));
        found
    }

    /// The macro of this name, defined anywhere in the crate: a macro needs no path.
    fn macro_named(&self, name: &str) -> Option<Target> {
        let owner = self
            .modules
            .iter()
            .position(|module| module.macros.contains(name))?;
        Some(Target::Item(owner, name.to_owned()))
    }
}
