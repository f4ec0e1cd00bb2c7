//! A page's Markdown, with everything filled in that the code knows better than whoever wrote it.
//!
//! Places to fill stand in double braces. One that nothing fills stays as it is, for a test to find.

use app::texts::examples::KEY_VARIABLE;
use model::token::TOKEN_LIMIT;

use super::{
    codes,
    markdown::{example, fence, pretty},
    operation::Api,
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
