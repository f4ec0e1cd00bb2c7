//! Licence expressions (SPDX 2.3, annex D), such as `MIT OR (Apache-2.0 AND Unicode-3.0)`.

use std::iter::Peekable;

/// Whether the terms can be met with allowed licences alone. An expression that cannot be read is not allowed.
///
/// A licence with an exception counts as a licence of its own: `Apache-2.0 WITH LLVM-exception`. Crates from before
/// SPDX separate a choice by `/`.
pub(super) fn is_allowed(expression: &str, allowed: impl Fn(&str) -> bool) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    choice(&mut words, &allowed) == Some(true) && words.next().is_none()
}

fn choice<'a>(
    words: &mut Peekable<impl Iterator<Item = &'a str>>,
    allowed: &impl Fn(&str) -> bool,
) -> Option<bool> {
    let mut any = all(words, allowed)?;
    while words.next_if_eq(&"OR").is_some() {
        any |= all(words, allowed)?;
    }
    Some(any)
}

fn all<'a>(
    words: &mut Peekable<impl Iterator<Item = &'a str>>,
    allowed: &impl Fn(&str) -> bool,
) -> Option<bool> {
    let mut all = one(words, allowed)?;
    while words.next_if_eq(&"AND").is_some() {
        all &= one(words, allowed)?;
    }
    Some(all)
}

fn one<'a>(
    words: &mut Peekable<impl Iterator<Item = &'a str>>,
    allowed: &impl Fn(&str) -> bool,
) -> Option<bool> {
    let name = words.next()?;
    if name == "(" {
        let inner = choice(&mut *words, allowed)?;
        return words.next_if_eq(&")").map(|_| inner);
    }
    match words.next_if_eq(&"WITH") {
        Some(_) => Some(allowed(&format!("{name} WITH {}", words.next()?))),
        None => Some(allowed(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_allowed_if_allowed_licences_satisfy_it() {
        let allowed = |name: &str| ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].contains(&name);
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("GPL-3.0-only OR MIT", true),
            ("Apache-2.0/MIT", true),
            ("MIT AND GPL-3.0-only", false),
            ("MIT AND ISC", true),
            ("GPL-3.0-only OR MIT AND ISC", true),
            ("(GPL-3.0-only OR MIT) AND ISC", true),
            ("(GPL-3.0-only OR MIT) AND Zlib", false),
            ("MIT OR (GPL-3.0-only AND Zlib)", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0", false),
            ("MIT WITH LLVM-exception", false),
            ("", false),
            ("MIT OR", false),
            ("(MIT", false),
            ("MIT)", false),
            ("MIT ISC", false),
        ] {
            assert_eq!(is_allowed(expression, allowed), expected, "{expression}");
        }
    }
}
