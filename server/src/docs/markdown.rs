//! Pieces of Markdown that several pages use.

use std::fmt::Write;

use app::texts::examples::Language;
use serde_json::Value;

use super::operation::Operation;

/// The example call in every language, as consecutive code blocks.
pub(super) fn example(operation: &Operation<'_>) -> String {
    let blocks =
        Language::ALL.map(|language| fence(info(language), operation.example(language).trim_end()));
    blocks.join("\n")
}

/// The info string of a code block in the language.
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

/// JSON with line breaks and indentation.
pub(super) fn pretty(value: &Value) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = write!(text, "{value:#}");
    text
}

/// A Markdown table. `None` without rows. Bars and line breaks within a text are escaped: they would end the cell.
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
