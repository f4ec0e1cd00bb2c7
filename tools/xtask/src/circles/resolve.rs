//! Which file defines what a path names.

use std::collections::HashSet;

use super::{
    Imports,
    modules::{Crate, Module},
};

/// What a path leads to.
#[derive(Clone)]
enum Target {
    Module(usize),
    /// An item, and the module that defines it.
    Item(usize, String),
    /// Another crate, the standard library, or a local name.
    Elsewhere,
}

const ROOT: usize = 0;

/// The names that are being looked up. They prevent an endless search if `use` declarations name each other.
type Pending = HashSet<(usize, String)>;

impl Crate {
    /// What each file takes from the others.
    pub(super) fn imports(&self) -> Imports {
        let mut imports = Imports::new();
        for (number, module) in self.modules.iter().enumerate() {
            let taken = imports.entry(module.file.clone()).or_default();
            let private_uses = module.uses.iter().filter(|found| !found.public);
            let used = private_uses.map(|found| &found.path);
            for path in used.chain(&module.paths) {
                if let Target::Item(owner, name) = self.resolve(number, path, &mut Pending::new())
                    && self.modules[owner].file != module.file
                    && !self.is_inside(number, owner)
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

    fn resolve(&self, module: usize, path: &[String], pending: &mut Pending) -> Target {
        let Some((first, rest)) = path.split_first() else {
            return Target::Elsewhere;
        };
        let mut target = match first.as_str() {
            "crate" => Target::Module(ROOT),
            "self" => Target::Module(module),
            "super" => Target::Module(self.modules[module].parent),
            name => match self.look_up(module, name, pending) {
                Some(target) => target,
                None => self.macro_named(name),
            },
        };
        for name in rest {
            let Target::Module(module) = target else {
                return target;
            };
            target = match name.as_str() {
                "super" => Target::Module(self.modules[module].parent),
                name => match (self.look_up(module, name, pending), self.macro_named(name)) {
                    (Some(found), _) | (None, found @ Target::Item(..)) => found,
                    // A macro may define it.
                    (None, _) => Target::Item(module, name.to_owned()),
                },
            };
        }
        target
    }

    /// A name in the scope of a module.
    fn look_up(&self, module: usize, name: &str, pending: &mut Pending) -> Option<Target> {
        let Module {
            children,
            items,
            uses,
            ..
        } = &self.modules[module];
        if let Some(child) = children.get(name) {
            return Some(Target::Module(*child));
        }
        if items.contains(name) {
            return Some(Target::Item(module, name.to_owned()));
        }
        if !pending.insert((module, name.to_owned())) {
            return None;
        }
        let named = uses
            .iter()
            .find(|found| found.name.as_deref() == Some(name));
        let found = match named {
            Some(named) => Some(self.resolve(module, &named.path, pending)),
            None => uses
                .iter()
                .filter(|found| found.name.is_none())
                .find_map(|glob| match self.resolve(module, &glob.path, pending) {
                    Target::Module(other) => self.look_up(other, name, pending),
                    Target::Item(..) | Target::Elsewhere => None,
                }),
        };
        pending.remove(&(module, name.to_owned()));
        found
    }

    /// The macro of this name, wherever in the crate it is defined: it needs no path.
    fn macro_named(&self, name: &str) -> Target {
        let owner = self
            .modules
            .iter()
            .position(|module| module.macros.contains(name));
        owner.map_or(Target::Elsewhere, |owner| {
            Target::Item(owner, name.to_owned())
        })
    }
}
