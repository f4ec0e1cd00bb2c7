//! A page's Markdown, with everything filled in that the code knows better than whoever wrote it.
//!
//! Places to fill stand in double braces. One that nothing fills stays as it is, for a test to find.

use std::fmt::Write;

use app::texts::examples::{KEY_VARIABLE, Language};
use model::token::TOKEN_LIMIT;
use serde_json::Value;

use super::{
    codes,
    operation::{Api, Operation},
    reference,
};

/// Where a page's text comes from.
pub(super) enum Source {
    /// A person wrote it.
    Written(&'static str),
    /// The OpenAPI document.
    Reference,
}

impl Source {
    pub(super) fn markdown(&self, api: &Api<'_>) -> String {
        match self {
            Self::Written(text) => filled(text, api),
            Self::Reference => reference::markdown(api),
        }
    }
}

fn filled(text: &str, api: &Api<'_>) -> String {
    let mut parts = text.split("{{");
    let mut page = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let fill = part
            .split_once("}}")
            .and_then(|(place, rest)| Some((value(place, api)?, rest)));
        match fill {
            Some((value, rest)) => page = page + &value + rest,
            None => page = page + "{{" + part,
        }
    }
    page
}

fn value(place: &str, api: &Api<'_>) -> Option<String> {
    let operation = |id| api.operation(id);
    Some(match place.split_once(':') {
        None => match place {
            "origin" => api.origin().to_owned(),
            "dashboard" => api.dashboard().to_owned(),
            "key variable" => KEY_VARIABLE.to_owned(),
            "call limit" => api.limit().map_or_else(
                || "This server sets no limit of its own.".to_owned(),
                |limit| format!("A token may make {limit}."),
            ),
            "token limit" => TOKEN_LIMIT.to_string(),
            "checks" => codes::checks().trim_end().to_owned(),
            "codes" => codes::table().trim_end().to_owned(),
            "page sizes" => page_sizes(api).trim_end().to_owned(),
            _ => return None,
        },
        Some(("example", id)) => example(&operation(id)?).trim_end().to_owned(),
        Some(("answer", id)) => fence("json", &pretty(operation(id)?.example_answer()?))
            .trim_end()
            .to_owned(),
        Some(_) => return None,
    })
}

/// Every endpoint that has pages, with the sizes of its pages.
fn page_sizes(api: &Api<'_>) -> String {
    let head = "| Endpoint | Default | Most |\n|---|---|---|\n";
    let rows = api.operations().into_iter().filter_map(|operation| {
        let (default, most) = operation.page_sizes()?;
        let (summary, anchor) = (operation.summary(), operation.anchor());
        Some(format!(
            "| [{summary}](/docs/reference.md#{anchor}) | {default} | {most} |\n"
        ))
    });
    rows.fold(head.to_owned(), |table, row| table + &row)
}

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
