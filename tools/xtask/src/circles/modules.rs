//! The modules of a crate, read from its files: what each defines, and what each names.
//!
//! Files are read as tokens, not as a syntax tree. So paths inside macro calls (`view! { … }`) are found too.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

pub(crate) struct Crate {
    /// The first is the crate's root.
    pub(super) modules: Vec<Module>,
}

#[derive(Default)]
pub(super) struct Module {
    pub(super) file: PathBuf,
    pub(super) parent: usize,
    pub(super) children: HashMap<String, usize>,
    /// The names of what the module defines itself.
    pub(super) items: HashSet<String>,
    pub(super) macros: HashSet<String>,
    pub(super) uses: Vec<Use>,
    /// Paths outside of `use`, and single names.
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

    /// Reads tokens into a module. At the top level of a module, items are definitions; inside of bodies they are not.
    fn scan(&mut self, module: usize, tokens: TokenStream, top_level: bool) -> Result<()> {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    let inner = is_punct(tokens.get(at + 1), '!');
                    at += 1 + usize::from(inner);
                    let Some(TokenTree::Group(attribute)) = tokens.get(at) else {
                        continue;
                    };
                    at += 1;
                    if !is_for_tests(attribute.stream()) {
                        self.scan(module, attribute.stream(), false)?;
                    } else if inner {
                        return Ok(());
                    } else {
                        at = end_of_item(&tokens, at);
                    }
                }
                TokenTree::Ident(word) if word == "mod" => {
                    at = self.add_child(module, &tokens, at + 1)?;
                }
                TokenTree::Ident(word) if word == "use" && !is_punct(tokens.get(at + 1), '<') => {
                    let end = end_at(&tokens, at, ';');
                    let public = is_public(&tokens[..at]);
                    let mut uses = Vec::new();
                    leaves(&tokens[at + 1..end], &[], &mut uses);
                    let uses = uses
                        .into_iter()
                        .map(|(path, name)| Use { path, name, public });
                    self.modules[module].uses.extend(uses);
                    at = end;
                }
                TokenTree::Ident(word)
                    if top_level && DEFINES.iter().any(|define| word == define) =>
                {
                    if let Some(TokenTree::Ident(name)) = tokens.get(at + 1) {
                        self.modules[module].items.insert(name.to_string());
                    }
                    at += 1;
                }
                TokenTree::Ident(word) if word == "macro_rules" => {
                    if let Some(TokenTree::Ident(name)) = tokens.get(at + 2) {
                        self.modules[module].macros.insert(name.to_string());
                    }
                    at += 3;
                }
                TokenTree::Ident(_) => at = self.add_path(module, &tokens, at),
                TokenTree::Group(group) => {
                    self.scan(module, group.stream(), false)?;
                    at += 1;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => at += 1,
            }
        }
        Ok(())
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
            self.modules[module].paths.push(path);
        }
        at
    }
}

/// Whether a path can name an item of another file: not a field, a method, a lifetime or a variable.
fn is_name(tokens: &[TokenTree], start: usize, path: &[String]) -> bool {
    let before = |back: usize| start.checked_sub(back).and_then(|at| tokens.get(at));
    let field = is_punct(before(1), '.') && !is_punct(before(2), '.');
    let lifetime = is_punct(before(1), '\'');
    let from_the_outside = is_punct(before(1), ':') && is_punct(before(2), ':');
    let of_a_macro = is_punct(before(1), '$') && path[0] != "crate";
    let variable = path.len() == 1
        && path[0].starts_with(char::is_lowercase)
        && !matches!(tokens.get(start + 1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis)
        && !is_punct(tokens.get(start + 1), '!');
    !(field || lifetime || from_the_outside || of_a_macro || variable)
}

fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

fn is_colons(tokens: &[TokenTree]) -> bool {
    is_punct(tokens.first(), ':') && is_punct(tokens.get(1), ':')
}

/// Whether `pub` or `pub(…)` is what comes last.
fn is_public(before: &[TokenTree]) -> bool {
    let is_pub =
        |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Ident(word)) if word == "pub");
    match before {
        [.., before, TokenTree::Group(_)] => is_pub(Some(before)),
        before => is_pub(before.last()),
    }
}

/// `#[test]`, and `#[cfg(…)]` that holds in tests alone.
fn is_for_tests(attribute: TokenStream) -> bool {
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
    let mut has_keyword = false;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token {
            TokenTree::Ident(word)
                if ["use", "const", "static", "type", "let"]
                    .iter()
                    .any(|item| word == item) =>
            {
                ends_with_body = false;
                has_keyword = true;
            }
            TokenTree::Ident(word)
                if ["fn", "impl", "struct", "enum", "trait", "mod"]
                    .iter()
                    .any(|item| word == item) =>
            {
                ends_with_body = true;
                has_keyword = true;
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => return at + 1,
            TokenTree::Punct(punct) if punct.as_char() == ',' && !has_keyword => return at + 1,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && ends_with_body => {
                return at + 1;
            }
            _ => {}
        }
    }
    tokens.len()
}

fn end_at(tokens: &[TokenTree], start: usize, character: char) -> usize {
    let rest = tokens.iter().skip(start);
    let length = rest
        .take_while(|token| !is_punct(Some(token), character))
        .count();
    start + length
}

/// The leaves of a `use` tree: for each the path, and the name that it gets here.
fn leaves(tree: &[TokenTree], prefix: &[String], found: &mut Vec<(Vec<String>, Option<String>)>) {
    for branch in tree.split(|token| is_punct(Some(token), ',')) {
        let mut path = prefix.to_vec();
        let mut name = None;
        let mut tokens = branch.iter();
        let mut done = branch.is_empty();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(word) if word == "as" => {
                    name = tokens.next().map(ToString::to_string)
                }
                // `a::{self}` is `a`.
                TokenTree::Ident(word) if word == "self" && !path.is_empty() => {}
                TokenTree::Ident(word) => path.push(word.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == '*' => {
                    found.push((path.clone(), None));
                    done = true;
                }
                TokenTree::Group(group) => {
                    let tree: Vec<_> = group.stream().into_iter().collect();
                    leaves(&tree, &path, found);
                    done = true;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
        if !done {
            let name = name.or_else(|| path.last().cloned());
            found.push((path, name));
        }
    }
}
