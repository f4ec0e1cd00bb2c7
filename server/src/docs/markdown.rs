//! Pieces of Markdown that several pages use.

use std::fmt::Write;

use app::texts::examples::Language;
use serde_json::Value;

use super::operation::Operation;

/// The example call in every language, one code block after the other.
pub(super) fn example(operation: &Operation<'_>) -> String {
    let blocks =
        Language::ALL.map(|language| fence(info(language), operation.example(language).trim_end()));
    blocks.join("\n")
}

/// What a code block of the language calls itself.
pub(super) const fn info(language: Language) -> &'static str {
    match language {
        Language::Curl => "sh",
        Language::Python => "python",
        Language::JavaScript => "javascript",
    }
}

/// A code block.
pub(super) fn fence(info: &str, code: &str) -> String {
    format!("```{info}\n{code}\n```\n")
}

/// JSON as a person reads it.
pub(super) fn pretty(value: &Value) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = write!(text, "{value:#}");
    text
}

/// A table of Markdown, if there is a row for it. A text's own bars and line breaks would end its cell.
pub(super) fn table<const N: usize>(
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Option<String> {
    let row = |cells: [String; N]| {
        let cells = cells.map(|cell| cell.replace('|', "\\|").replace('\n', " "));
        format!("| {} |\n", cells.join(" | "))
    };
    let rows: String = rows.map(row).collect();
    let line = "|---".repeat(N);
    (!rows.is_empty()).then(|| format!("| {} |\n{line}|\n{rows}", head.join(" | ")))
}
