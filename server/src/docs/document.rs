//! The HTML document around a page: head, navigation and links. Also the document for an address without a page.

use super::{
    changelog::FEED,
    html::{self, escaped},
    operation::{Api, Operation},
    pages::{PAGES, Page},
    reference,
};
use crate::{api::openapi, assets};

/// A page with at least this many sections gets a list of them.
const MIN_SECTIONS_FOR_LIST: usize = 3;

/// What all documents have around their content.
pub(super) struct Frame {
    /// The start of links to the dashboard.
    dashboard: String,
    /// The links to the endpoints, for the navigation.
    endpoints: String,
}

impl Frame {
    pub(super) fn new(api: &Api<'_>) -> Self {
        Self {
            dashboard: api.dashboard().to_owned(),
            endpoints: endpoints(api),
        }
    }

    /// The complete document of a page.
    pub(super) fn page(&self, page: &Page, markdown: &str) -> String {
        let content = html::content(markdown);
        let contents = contents(&content);
        let html::Content { title, body, .. } = content;
        let (as_markdown, openapi) = (page.markdown_path(), openapi::PATH);
        let neighbours = neighbours(page);
        let main = format!(
            "<div class=\"documentation-head\">
<h1>{title}</h1>
<p><a href=\"{as_markdown}\">View as Markdown</a> <a href=\"{openapi}\">OpenAPI document</a></p>
</div>
{contents}<article class=\"prose\">
{body}</article>
{neighbours}"
        );
        self.document(page.name, &about(page), Some(page), &main)
    }

    /// The document for an address without a page.
    pub(super) fn not_found(&self) -> String {
        let item = |page: &Page| {
            let (path, name, about) = (page.path, page.name, escaped(page.description));
            format!("<li><a href=\"{path}\">{name}</a>: {about}</li>\n")
        };
        let pages: String = PAGES.iter().map(item).collect();
        let main = format!(
            "<div class=\"documentation-head\">
<h1>Page not found</h1>
</div>
<article class=\"prose\">
<p>The documentation has no page with this address. It has these pages:</p>
<ul>
{pages}</ul>
</article>
"
        );
        let head = "<meta name=\"robots\" content=\"noindex\">\n";
        self.document("Page not found", head, None, &main)
    }

    /// A document with this title. `about` belongs in its head. `here` is the current page.
    fn document(&self, title: &str, about: &str, here: Option<&Page>, main: &str) -> String {
        let Self { dashboard, .. } = self;
        let head = head(title, about);
        let navigation = self.navigation(here);
        format!(
            "<!DOCTYPE html>
<html lang=\"en-GB\">
<head>
{head}</head>
<body class=\"documentation\">
<a class=\"skip-link\" href=\"#main\">Skip to main content</a>
<header class=\"documentation-header\">
<a class=\"documentation-title\" href=\"/docs\"><span class=\"brand\">9Pic</span> API documentation</a>
<a class=\"dashboard-link\" href=\"{dashboard}/\"><span>Open the </span>dashboard</a>
</header>
<nav class=\"nav documentation-nav\" aria-label=\"Documentation\">
<details class=\"documentation-menu\"><summary>All pages</summary></details>
<ul>
{navigation}</ul>
</nav>
<main class=\"documentation-page\" id=\"main\" tabindex=\"-1\">
{main}</main>
</body>
</html>
"
        )
    }

    fn navigation(&self, here: Option<&Page>) -> String {
        let item = |page: &Page| {
            let is_here = here.is_some_and(|here| here.path == page.path);
            let current = if is_here {
                " aria-current=\"page\""
            } else {
                ""
            };
            let endpoints = match page.path {
                reference::PATH => &self.endpoints[..],
                _ => "",
            };
            let (path, name) = (page.path, page.name);
            format!(
                "<li><a class=\"nav-item\" href=\"{path}\"{current}>{name}</a>{endpoints}</li>\n"
            )
        };
        PAGES.iter().map(item).collect()
    }
}

fn head(title: &str, about: &str) -> String {
    // `serve` does not start without the front end. Tests can run without it.
    let assets = assets::of_documentation().unwrap_or_default();
    let (icon, style, script) = (assets.icon, assets.style, assets.script);
    format!(
        "<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>{title} · 9Pic API</title>
{about}<link rel=\"icon\" type=\"image/svg+xml\" href=\"{icon}\">
<link rel=\"stylesheet\" href=\"{style}\">
<link rel=\"alternate\" type=\"application/atom+xml\" title=\"9Pic API changelog\" href=\"{FEED}\">
<script type=\"module\" blocking=\"render\" src=\"{script}\"></script>
"
    )
}

/// What the head says about a page.
fn about(page: &Page) -> String {
    let (about, as_markdown) = (escaped(page.description), page.markdown_path());
    format!(
        "<meta name=\"description\" content=\"{about}\">
<link rel=\"alternate\" type=\"text/markdown\" href=\"{as_markdown}\">
"
    )
}

/// Links to the endpoints in the reference.
fn endpoints(api: &Api<'_>) -> String {
    let item = |operation: &Operation<'_>| {
        let (method, anchor) = (escaped(&operation.method), escaped(&operation.anchor()));
        let (class, summary) = (method.to_lowercase(), escaped(operation.summary()));
        let path = reference::PATH;
        format!(
            "<li><a class=\"nav-item\" href=\"{path}#{anchor}\">\
             <span class=\"method method-{class}\">{method}</span> {summary}</a></li>\n"
        )
    };
    let items: String = api.operations().iter().map(item).collect();
    format!("\n<ul class=\"endpoints\">\n{items}</ul>\n")
}

/// Links to the pages before and after this one.
fn neighbours(here: &Page) -> String {
    let place = PAGES.iter().position(|page| page.path == here.path);
    let link = |page: Option<&Page>, rel: &str, label: &str| {
        page.map(|Page { path, name, .. }| {
            format!("<a href=\"{path}\" rel=\"{rel}\"><span>{label}</span> {name}</a>\n")
        })
    };
    let previous = place.and_then(|place| PAGES.get(place.checked_sub(1)?));
    let next = place.and_then(|place| PAGES.get(place + 1));
    let links: String = [
        link(previous, "prev", "Previous"),
        link(next, "next", "Next"),
    ]
    .into_iter()
    .flatten()
    .collect();
    format!("<nav class=\"neighbours\" aria-label=\"Previous and next page\">\n{links}</nav>\n")
}

fn contents(content: &html::Content) -> String {
    if content.sections.len() < MIN_SECTIONS_FOR_LIST {
        return String::new();
    }
    let item = |section: &html::Section| {
        let (id, title) = (escaped(&section.id), &section.title);
        format!("<li><a href=\"#{id}\">{title}</a></li>\n")
    };
    let items: String = content.sections.iter().map(item).collect();
    format!(
        "<nav class=\"contents\" aria-labelledby=\"contents-title\">
<h2 id=\"contents-title\">On this page</h2>
<ul>
{items}</ul>
</nav>
"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_page_but_the_first_and_last_has_two_neighbours() {
        for (place, page) in PAGES.iter().enumerate() {
            let links = neighbours(page);
            let previous = links.contains("rel=\"prev\"");
            let next = links.contains("rel=\"next\"");
            assert_eq!(
                (previous, next),
                (place > 0, place + 1 < PAGES.len()),
                "{links}"
            );
        }
        for pair in PAGES.windows(2) {
            let forward = format!("href=\"{}\" rel=\"next\"", pair[1].path);
            assert!(neighbours(&pair[0]).contains(&forward));
            let back = format!("href=\"{}\" rel=\"prev\"", pair[0].path);
            assert!(neighbours(&pair[1]).contains(&back));
        }
    }

    #[test]
    fn the_navigation_names_each_endpoint_and_its_method_as_text() {
        let document = json!({ "paths": { "/a": {
            "get": { "operationId": "listRows", "summary": "List <rows>" },
            "post": { "operationId": "addRow", "summary": "Add" },
        } } });
        let html = Frame::new(&Api::new("", &document)).not_found();
        for link in [
            "href=\"/docs/reference#list-rows\"><span class=\"method method-get\">GET</span> List &lt;rows&gt;</a>",
            "href=\"/docs/reference#add-row\"><span class=\"method method-post\">POST</span> Add</a>",
        ] {
            assert_eq!(html.matches(link).count(), 1, "{html}");
        }
        assert!(!html.contains("aria-current"), "{html}");
    }
}
