//! Finds comments, strings, numbers and keywords in code, so that pages can colour them.
//!
//! It is for the examples that we write ourselves, not for any program: it knows neither regular expressions nor
//! here-documents, and a string ends at the next quotation mark.

use super::examples::Language;

/// A language that has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// POSIX shell.
    Shell,
    /// Python 3.
    Python,
    /// JavaScript, and the TypeScript of our examples.
    JavaScript,
    /// JSON.
    Json,
    /// The request line and headers of HTTP, and addresses with `{parameters}`.
    Http,
}

/// The role of a piece of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Anything else.
    Plain,
    /// A comment.
    Comment,
    /// A text in quotation marks, or a parameter of an address.
    String,
    /// A number.
    Number,
    /// A keyword of the language, or the method of a request.
    Keyword,
    /// The name of a field in JSON, or of a header.
    Name,
}

impl Role {
    /// The class of the style sheet that colours it. Plain code has none.
    pub const fn class(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Comment => Some("code-comment"),
            Self::String => Some("code-string"),
            Self::Number => Some("code-number"),
            Self::Keyword => Some("code-keyword"),
            Self::Name => Some("code-field"),
        }
    }
}

impl From<Language> for Syntax {
    fn from(language: Language) -> Self {
        match language {
            Language::Curl => Self::Shell,
            Language::Python => Self::Python,
            Language::JavaScript => Self::JavaScript,
        }
    }
}

impl Syntax {
    const fn keywords(self) -> &'static str {
        match self {
            Self::Shell => {
                "case do done elif else esac export fi for if in return set shift then until while"
            }
            Self::Python => {
                "and as assert async await break class continue def del elif else except False finally for from if \
                 import in is lambda None not or pass raise return True try while with yield"
            }
            Self::JavaScript => {
                "async await break case catch class const continue default delete else export false finally for from \
                 function if import in instanceof let new null of return switch throw true try type typeof undefined \
                 while"
            }
            Self::Json => "false null true",
            Self::Http => "DELETE GET HEAD PATCH POST PUT",
        }
    }

    fn has_keyword(self, word: &str) -> bool {
        self.keywords()
            .split_whitespace()
            .any(|keyword| keyword == word)
    }

    /// How comments begin and end. Those to the end of the line end with nothing.
    const fn comments(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Shell | Self::Python => &[("#", "")],
            Self::JavaScript => &[("//", ""), ("/*", "*/")],
            Self::Json | Self::Http => &[],
        }
    }

    /// How strings begin and end, the longest first.
    const fn strings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Python => &[("\"\"\"", "\"\"\""), ("\"", "\""), ("'", "'")],
            Self::JavaScript => &[("\"", "\""), ("'", "'"), ("`", "`")],
            Self::Shell => &[("\"", "\""), ("'", "'")],
            Self::Json => &[("\"", "\"")],
            Self::Http => &[("\"", "\""), ("{", "}")],
        }
    }
}

/// The code in pieces, each with its role. Together, the pieces are the code.
pub fn pieces(syntax: Syntax, code: &str) -> Vec<(Role, &str)> {
    let mut pieces: Vec<(Role, &str)> = Vec::new();
    let mut place = 0;
    while let Some(next) = code[place..].chars().next() {
        let (before, rest) = code.split_at(place);
        let (role, length) = piece(syntax, before, rest).unwrap_or((Role::Plain, next.len_utf8()));
        pieces.push((role, &rest[..length]));
        place += length;
    }
    pieces
}

/// The role and length of the piece at the start of `rest`. `None` if one more character is plain.
fn piece(syntax: Syntax, before: &str, rest: &str) -> Option<(Role, usize)> {
    let previous = before.chars().next_back();
    let is_comment = |(start, _): &&(&str, &str)| {
        // `$#` and `a#b` are no comments.
        let may_start = syntax != Syntax::Shell
            || previous.is_none_or(|previous| previous.is_ascii_whitespace());
        may_start && rest.starts_with(start)
    };
    if let Some((_, end)) = syntax.comments().iter().find(is_comment) {
        let length = match *end {
            "" => rest.find('\n'),
            end => rest.find(end).map(|place| place + end.len()),
        };
        return Some((Role::Comment, length.unwrap_or(rest.len())));
    }
    let mut strings = syntax.strings().iter();
    if let Some((start, end)) = strings.find(|(start, _)| rest.starts_with(start)) {
        // In the shell, a backslash between single quotation marks is a character like any other.
        let escapes = syntax != Syntax::Shell || *start != "'";
        let length = start.len() + length_until(&rest[start.len()..], end, escapes);
        let is_name = syntax == Syntax::Json && rest[length..].starts_with(':');
        return Some((if is_name { Role::Name } else { Role::String }, length));
    }
    let in_word = |character: char| {
        // All other letters are part of words, too. `is_alphanumeric` would add its tables to the WASM.
        character.is_ascii_alphanumeric()
            || !character.is_ascii()
            || character == '_'
            || (character == '-' && syntax == Syntax::Http)
    };
    let length = rest
        .find(|character| !in_word(character))
        .unwrap_or(rest.len());
    let (word, after) = rest.split_at(length);
    let is_header = syntax == Syntax::Http && after.starts_with(": ");
    Some(match word {
        "" => return None,
        _ if is_header && previous.is_none_or(|previous| previous == '\n') => (Role::Name, length),
        // Names of fields, options and files can be keywords too: `Array.from`, `--if`.
        _ if syntax.has_keyword(word)
            && !previous.is_some_and(|previous| ".-$/".contains(previous)) =>
        {
            (Role::Keyword, length)
        }
        _ if is_number(word) => (Role::Number, length),
        _ => (Role::Plain, length),
    })
}

/// The length up to and including `end`, or of everything. A character after a backslash does not end it, if `escapes`.
fn length_until(text: &str, end: &str, escapes: bool) -> usize {
    let mut place = 0;
    while let Some(next) = text[place..].chars().next() {
        if text[place..].starts_with(end) {
            return place + end.len();
        }
        let escaped = text[place + next.len_utf8()..].chars().next();
        let skipped = escaped.filter(|_| escapes && next == '\\');
        place += next.len_utf8() + skipped.map_or(0, char::len_utf8);
    }
    text.len()
}

fn is_number(word: &str) -> bool {
    let in_number = |character: char| character.is_ascii_digit() || character == '_';
    word.starts_with(|first: char| first.is_ascii_digit()) && word.chars().all(in_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The coloured pieces of one role.
    fn all(role: Role, syntax: Syntax, code: &str) -> Vec<&str> {
        let pieces = pieces(syntax, code).into_iter();
        pieces
            .filter(|(own, _)| *own == role)
            .map(|(_, piece)| piece)
            .collect()
    }

    #[test]
    fn the_pieces_together_are_the_code() {
        for code in [
            "",
            "é",
            "\"",
            "'\\",
            "\"\\é\"1",
            "/*",
            "# x\n",
            "a.1.",
            "`${é}",
            "{é",
            "\"\"\"x",
            "…\r\n\t—",
        ] {
            for syntax in [
                Syntax::Shell,
                Syntax::Python,
                Syntax::JavaScript,
                Syntax::Json,
                Syntax::Http,
            ] {
                let together: String = pieces(syntax, code)
                    .into_iter()
                    .map(|(_, piece)| piece)
                    .collect();
                assert_eq!(together, code, "{syntax:?}");
            }
        }
    }

    #[test]
    fn strings_hide_comments_numbers_and_keywords() {
        let code = "x = \"# 1 \\\" if\"  # it's \"if\" 1\nif x";
        assert_eq!(all(Role::String, Syntax::Python, code), ["\"# 1 \\\" if\""]);
        assert_eq!(
            all(Role::Comment, Syntax::Python, code),
            ["# it's \"if\" 1"]
        );
        assert_eq!(all(Role::Keyword, Syntax::Python, code), ["if"]);
        assert_eq!(all(Role::Number, Syntax::Python, code), [""; 0]);
    }

    #[test]
    fn comments_and_strings_can_have_several_lines() {
        let code = "/** a\n'b' */ `c\n${d}` // e\nf";
        assert_eq!(
            all(Role::Comment, Syntax::JavaScript, code),
            ["/** a\n'b' */", "// e"]
        );
        assert_eq!(all(Role::String, Syntax::JavaScript, code), ["`c\n${d}`"]);
        assert_eq!(
            all(Role::String, Syntax::Python, "\"\"\"a\n\"b\"\"\" c"),
            ["\"\"\"a\n\"b\"\"\""]
        );
    }

    #[test]
    fn in_the_shell_only_a_word_can_start_a_comment_and_single_quotes_have_no_escapes() {
        let code = "[ $# -gt 1 ] || tr -d '\\' <a#b # c'";
        assert_eq!(all(Role::Comment, Syntax::Shell, code), ["# c'"]);
        assert_eq!(all(Role::String, Syntax::Shell, code), ["'\\'"]);
    }

    #[test]
    fn a_keyword_or_digits_within_a_name_are_plain() {
        let code = "Array.from(import1, v1, a_2, \"\") + 300_000 - 2 + 9pic";
        assert_eq!(all(Role::Keyword, Syntax::JavaScript, code), [""; 0]);
        assert_eq!(
            all(Role::Number, Syntax::JavaScript, code),
            ["300_000", "2"]
        );
    }

    #[test]
    fn names_of_fields_and_headers_differ_from_their_values() {
        let json = "{ \"a\": \"b\", \"c\": null }";
        assert_eq!(all(Role::Name, Syntax::Json, json), ["\"a\"", "\"c\""]);
        assert_eq!(all(Role::String, Syntax::Json, json), ["\"b\""]);
        assert_eq!(all(Role::Keyword, Syntax::Json, json), ["null"]);
        let http = "GET /a/{b}?c=d HTTP/1.1\nX-Get: GET";
        assert_eq!(all(Role::Name, Syntax::Http, http), ["X-Get"]);
        assert_eq!(all(Role::String, Syntax::Http, http), ["{b}"]);
        assert_eq!(all(Role::Number, Syntax::Http, http), ["1", "1"]);
    }
}
