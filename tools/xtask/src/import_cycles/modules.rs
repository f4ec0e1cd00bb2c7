//! The modules of a crate: the items that each defines, and the paths that each contains.
//!
//! Files are read as tokens, not as a syntax tree. So paths inside macro calls (`view! { … }`) are found too.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

pub(crate) struct Crate {
    /// The first is the crate's root.
    pub(super) modules: Vec<Module>,
}

#[derive(Default)]
pub(super) struct Module {
    pub(super) file: PathBuf,
    pub(super) parent: usize,
    pub(super) children: HashMap<String, usize>,
    /// The names that the module itself defines.
    pub(super) items: HashSet<String>,
    /// Those of these names that are macros.
    pub(super) macros: HashSet<String>,
    pub(super) uses: Vec<Use>,
    /// Paths outside of `use`, and single names. The name of a macro that is called without a path ends in `!`.
    pub(super) paths: Vec<Vec<String>>,
    /// Where the files of child modules are.
    folder: PathBuf,
}

/// One leaf of a `use` tree.
pub(super) struct Use {
    pub(super) path: Vec<String>,
    /// The name in this module; none for `*`.
    pub(super) name: Option<String>,
    pub(super) public: bool,
}

const DEFINES: [&str; 9] = [
    "struct", "enum", "union", "fn", "const", "static", "trait", "type", "macro",
];

const END_WITH_SEMICOLON: [&str; 5] = ["use", "const", "static", "type", "let"];
const END_WITH_BODY: [&str; 6] = ["fn", "impl", "struct", "enum", "trait", "mod"];

impl Crate {
    /// Reads a crate from its root file, `lib.rs` or `main.rs`.
    pub(super) fn read(file: &Path) -> Result<Self> {
        let folder = file.parent().context("a file has no folder")?.to_owned();
        let mut read = Self {
            modules: Vec::new(),
        };
        read.add_file(0, file, folder)?;
        Ok(read)
    }

    fn add_file(&mut self, parent: usize, file: &Path, folder: PathBuf) -> Result<usize> {
        let text = fs::read_to_string(file).with_context(|| format!("no {}", file.display()))?;
        let tokens: TokenStream = text
            .parse()
            .map_err(|error| anyhow!("{}: {error}", file.display()))?;
        let module = self.add_module(parent, file, folder);
        self.scan(module, tokens, true)?;
        Ok(module)
    }

    fn add_module(&mut self, parent: usize, file: &Path, folder: PathBuf) -> usize {
        self.modules.push(Module {
            file: file.to_owned(),
            parent,
            folder,
            ..Module::default()
        });
        self.modules.len() - 1
    }

    /// Reads tokens into a module. Items are definitions at the top level of a module, but not inside of bodies.
    fn scan(&mut self, module: usize, tokens: TokenStream, top_level: bool) -> Result<()> {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at = match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    self.add_attribute(module, &tokens, at + 1)?
                }
                TokenTree::Ident(word) if word == "mod" => {
                    self.add_child(module, &tokens, at + 1)?
                }
                TokenTree::Ident(word) if word == "use" && !is_punct(tokens.get(at + 1), '<') => {
                    self.add_uses(module, &tokens, at)
                }
                TokenTree::Ident(word) if word == "macro_rules" => {
                    insert_name(&mut self.modules[module].items, tokens.get(at + 2));
                    insert_name(&mut self.modules[module].macros, tokens.get(at + 2));
                    at + 3
                }
                TokenTree::Ident(word) if top_level && is_one_of(word, &DEFINES) => {
                    insert_name(&mut self.modules[module].items, tokens.get(at + 1));
                    at + 1
                }
                TokenTree::Ident(_) => self.add_path(module, &tokens, at),
                TokenTree::Group(group) => {
                    self.scan(module, group.stream(), false)?;
                    at + 1
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => at + 1,
            };
        }
        Ok(())
    }

    /// Reads an attribute from after its `#`, and returns where it ends. An item that the attribute limits to tests is
    /// skipped too.
    fn add_attribute(
        &mut self,
        module: usize,
        tokens: &[TokenTree],
        start: usize,
    ) -> Result<usize> {
        let inner = is_punct(tokens.get(start), '!');
        let at = start + usize::from(inner);
        let Some(TokenTree::Group(attribute)) = tokens.get(at) else {
            return Ok(at);
        };
        Ok(match (is_for_tests(&attribute.stream()), inner) {
            (false, _) => {
                self.scan(module, attribute.stream(), false)?;
                at + 1
            }
            (true, true) => tokens.len(),
            (true, false) => end_of_item(tokens, at + 1),
        })
    }

    /// Reads `use …;`, and returns where it ends.
    fn add_uses(&mut self, module: usize, tokens: &[TokenTree], start: usize) -> usize {
        let rest = tokens.iter().skip(start);
        let length = rest.take_while(|token| !is_punct(Some(token), ';')).count();
        let end = start + length;
        let public = is_public(&tokens[..start]);
        let uses = &mut self.modules[module].uses;
        for (path, name) in leaves(&tokens[start + 1..end], &[]) {
            uses.push(Use { path, name, public });
        }
        end
    }

    /// Reads `mod name;` or `mod name { … }` from the name on, and returns where it ends.
    fn add_child(&mut self, module: usize, tokens: &[TokenTree], at: usize) -> Result<usize> {
        let Some(TokenTree::Ident(name)) = tokens.get(at) else {
            return Ok(at);
        };
        let name = name.to_string();
        let Module { file, folder, .. } = &self.modules[module];
        let (file, below) = (file.clone(), folder.join(&name));
        let child = if let Some(TokenTree::Group(body)) = tokens.get(at + 1) {
            let child = self.add_module(module, &file, below);
            self.scan(child, body.stream(), true)?;
            child
        } else {
            let files = [below.with_extension("rs"), below.join("mod.rs")];
            let found = files.iter().find(|file| file.is_file());
            let found =
                found.with_context(|| format!("{}: no file for `mod {name}`", file.display()))?;
            self.add_file(module, found, below)?
        };
        self.modules[module].children.insert(name, child);
        Ok(at + 2)
    }

    /// Reads a path such as `crate::token::Name`, and returns where it ends.
    fn add_path(&mut self, module: usize, tokens: &[TokenTree], start: usize) -> usize {
        let mut path = Vec::new();
        let mut at = start;
        while let Some(TokenTree::Ident(word)) = tokens.get(at) {
            path.push(word.to_string());
            at += 1;
            if !is_colons(&tokens[at..]) || !matches!(tokens.get(at + 2), Some(TokenTree::Ident(_)))
            {
                break;
            }
            at += 2;
        }
        if is_name(tokens, start, &path) {
            if let [name] = &mut *path
                && is_macro_call(&tokens[at..])
            {
                name.push('!');
            }
            self.modules[module].paths.push(path);
        }
        at
    }
}

/// Whether a path can name an item of another file: not a field, a method or a lifetime.
fn is_name(tokens: &[TokenTree], start: usize, path: &[String]) -> bool {
    let before = |back: usize| start.checked_sub(back).and_then(|at| tokens.get(at));
    let field = is_punct(before(1), '.') && !is_punct(before(2), '.');
    let lifetime = is_punct(before(1), '\'');
    let end_of_path = is_punct(before(1), ':') && is_punct(before(2), ':');
    let of_a_macro = is_punct(before(1), '$') && path[0] != "crate";
    !(field || lifetime || end_of_path || of_a_macro)
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

fn is_macro_call(after_the_name: &[TokenTree]) -> bool {
    is_punct(after_the_name.first(), '!')
        && matches!(after_the_name.get(1), Some(TokenTree::Group(_)))
}

fn is_one_of(word: &Ident, words: &[&str]) -> bool {
    words.iter().any(|other| word == other)
}

fn insert_name(names: &mut HashSet<String>, token: Option<&TokenTree>) {
    if let Some(TokenTree::Ident(name)) = token {
        names.insert(name.to_string());
    }
}

fn is_colons(tokens: &[TokenTree]) -> bool {
    is_punct(tokens.first(), ':') && is_punct(tokens.get(1), ':')
}

/// Whether `pub` or `pub(…)` comes last.
fn is_public(before: &[TokenTree]) -> bool {
    let is_pub =
        |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Ident(word)) if word == "pub");
    match before {
        [.., before, TokenTree::Group(_)] => is_pub(Some(before)),
        before => is_pub(before.last()),
    }
}

/// Whether an attribute is `#[test]`, or a `#[cfg(…)]` that is true only in tests.
fn is_for_tests(attribute: &TokenStream) -> bool {
    let text = attribute.to_string();
    let mut words = text.split(|character: char| !character.is_alphanumeric() && character != '_');
    let first = words.next();
    first == Some("test")
        || (first == Some("cfg")
            && words.clone().any(|word| word == "test")
            && words.all(|word| word != "not" && word != "any"))
}

/// Where the item, field or statement ends that begins here.
fn end_of_item(tokens: &[TokenTree], start: usize) -> usize {
    let mut ends_with_body = true;
    let mut is_item = false;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token {
            TokenTree::Ident(word) if is_one_of(word, &END_WITH_SEMICOLON) => {
                ends_with_body = false;
                is_item = true;
            }
            TokenTree::Ident(word) if is_one_of(word, &END_WITH_BODY) => {
                ends_with_body = true;
                is_item = true;
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => return at + 1,
            TokenTree::Punct(punct) if punct.as_char() == ',' && !is_item => return at + 1,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && ends_with_body => {
                return at + 1;
            }
            _ => {}
        }
    }
    tokens.len()
}

/// The leaves of a `use` tree: for each its path, and its name in this module.
fn leaves(tree: &[TokenTree], prefix: &[String]) -> Vec<(Vec<String>, Option<String>)> {
    let mut found = Vec::new();
    for branch in tree.split(|token| is_punct(Some(token), ',')) {
        let mut path = prefix.to_vec();
        let mut name = None;
        let mut tokens = branch.iter();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(word) if word == "as" => {
                    name = tokens.next().map(ToString::to_string);
                }
                // `a::{self}` is `a`.
                TokenTree::Ident(word) if word == "self" && !path.is_empty() => {}
                TokenTree::Ident(word) => path.push(word.to_string()),
                _ => {}
            }
        }
        match branch.last() {
            Some(TokenTree::Group(group)) => {
                let tree: Vec<_> = group.stream().into_iter().collect();
                found.extend(leaves(&tree, &path));
            }
            Some(TokenTree::Punct(_)) => found.push((path, None)),
            Some(_) => {
                let name = name.or_else(|| path.last().cloned());
                found.push((path, name));
            }
            None => {}
        }
    }
    found
}
