//! The Markdown of a page, with placeholders filled in from the code.
//!
//! A placeholder is in double braces. An unknown one stays as it is, and a test finds it.

use app::texts::examples::{KEY_VARIABLE, Language};
use model::token::TOKEN_LIMIT;

use super::{
    changelog, codes,
    markdown::{example, fence, info, pretty},
    operation::Api,
    reference,
};

/// The source of a page's text.
pub(super) enum Source {
    /// Markdown with placeholders.
    Written(&'static str),
    /// Generated from the OpenAPI document.
    Reference,
    /// Generated from the list of changes.
    Changelog,
}

impl Source {
    pub(super) fn markdown(&self, api: &Api<'_>) -> String {
        match self {
            Self::Written(text) => filled(text, api),
            Self::Reference => reference::markdown(api),
            Self::Changelog => changelog::markdown(),
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
            "host" => api.host().to_owned(),
            "dashboard" => api.dashboard().to_owned(),
            "contact" => in_markdown(api.contact()),
            "key variable" => KEY_VARIABLE.to_owned(),
            "call limit" => api.limit().map_or_else(
                || "This server sets no rate limit.".to_owned(),
                |limit| format!("A token may make {limit}."),
            ),
            "token limit" => TOKEN_LIMIT.to_string(),
            "checks" => codes::checks().trim_end().to_owned(),
            "codes" => codes::table().trim_end().to_owned(),
            "page sizes" => page_sizes(api).trim_end().to_owned(),
            _ => return None,
        },
        Some(("recipe", name)) => recipe(name, api)?.trim_end().to_owned(),
        Some(("example", id)) => example(&operation(id)?).trim_end().to_owned(),
        Some(("response", id)) => fence("json", &pretty(operation(id)?.example_response()?))
            .trim_end()
            .to_owned(),
        Some(_) => return None,
    })
}

/// A program from the folder `recipes`, in each language that it is written in.
fn recipe(name: &str, api: &Api<'_>) -> Option<String> {
    const SHELL: &str = info(Language::Curl);
    const PYTHON: &str = info(Language::Python);
    const JAVASCRIPT: &str = info(Language::JavaScript);
    let programs: &[(&str, &str)] = match name {
        "mirror" => &[
            (SHELL, include_str!("recipes/mirror.sh")),
            (PYTHON, include_str!("recipes/mirror.py")),
            (JAVASCRIPT, include_str!("recipes/mirror.mjs")),
        ],
        "search" => &[
            (SHELL, include_str!("recipes/search.sh")),
            (PYTHON, include_str!("recipes/search.py")),
            (JAVASCRIPT, include_str!("recipes/search.mjs")),
        ],
        "nightly" => &[(SHELL, include_str!("recipes/nightly.sh"))],
        _ => return None,
    };
    let blocks = programs
        .iter()
        .map(|(info, text)| fence(info, filled(text, api).trim_end()));
    Some(blocks.collect::<Vec<_>>().join("\n"))
}

/// An address as the target of a Markdown link.
fn in_markdown(address: &str) -> String {
    let escapes = [(' ', "%20"), ('(', "%28"), (')', "%29")];
    escapes
        .iter()
        .fold(address.to_owned(), |address, (character, escape)| {
            address.replace(*character, escape)
        })
}

/// The page sizes of every endpoint with pages.
fn page_sizes(api: &Api<'_>) -> String {
    let head = "| Endpoint | Default | Maximum |\n|---|---|---|\n";
    let rows = api.operations().into_iter().filter_map(|operation| {
        let (default, maximum) = operation.page_sizes()?;
        let (summary, anchor) = (operation.summary(), operation.anchor());
        Some(format!(
            "| [{summary}](/docs/reference.md#{anchor}) | {default} | {maximum} |\n"
        ))
    });
    rows.fold(head.to_owned(), |table, row| table + &row)
}
