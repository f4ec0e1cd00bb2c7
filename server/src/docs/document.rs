//! The HTML document around a page: head, navigation and links.

use super::{
    changelog::FEED,
    html::{self, escaped},
    pages::{PAGES, Page},
};
use crate::{api::openapi, assets};

/// A page with at least this many sections gets a list of them.
const MIN_SECTIONS_FOR_LIST: usize = 3;

/// The complete document. `dashboard` is the start of links to the dashboard.
pub(super) fn write(page: &Page, markdown: &str, dashboard: &str) -> String {
    let content = html::content(markdown);
    let head = head(page);
    let navigation = navigation(page);
    let contents = contents(&content);
    let html::Content { title, body, .. } = content;
    let (as_markdown, openapi) = (page.markdown_path(), openapi::PATH);
    format!(
        "<!DOCTYPE html>
<html lang=\"en-GB\">
<head>
{head}</head>
<body class=\"documentation\">
<a class=\"skip-link\" href=\"#main\">Skip to main content</a>
<header class=\"documentation-header\">
<a class=\"documentation-title\" href=\"/docs\"><span class=\"brand\">9Pic</span> API documentation</a>
<a href=\"{dashboard}/\">Open the dashboard</a>
</header>
<nav class=\"nav documentation-nav\" aria-label=\"Documentation\">
<ul>
{navigation}</ul>
</nav>
<main class=\"documentation-page\" id=\"main\" tabindex=\"-1\">
<div class=\"documentation-head\">
<h1>{title}</h1>
<p><a href=\"{as_markdown}\">View as Markdown</a> <a href=\"{openapi}\">OpenAPI document</a></p>
</div>
{contents}<article class=\"prose\">
{body}</article>
</main>
</body>
</html>
"
    )
}

fn head(page: &Page) -> String {
    // `serve` does not start without the front end. Tests can run without it.
    let assets = assets::of_pages().unwrap_or_default();
    let script = assets::documentation_script().unwrap_or_default();
    let (name, about) = (page.name, escaped(page.description));
    let (icon, style) = (assets.icon, assets.style);
    let as_markdown = page.markdown_path();
    format!(
        "<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>{name} · 9Pic API</title>
<meta name=\"description\" content=\"{about}\">
<link rel=\"icon\" type=\"image/svg+xml\" href=\"{icon}\">
<link rel=\"stylesheet\" href=\"{style}\">
<link rel=\"alternate\" type=\"text/markdown\" href=\"{as_markdown}\">
<link rel=\"alternate\" type=\"application/atom+xml\" title=\"9Pic API changelog\" href=\"{FEED}\">
<script type=\"module\" blocking=\"render\" src=\"{script}\"></script>
"
    )
}

fn navigation(here: &Page) -> String {
    let item = |page: &Page| {
        let current = match page.path == here.path {
            true => " aria-current=\"page\"",
            false => "",
        };
        let (path, name) = (page.path, page.name);
        format!("<li><a class=\"nav-item\" href=\"{path}\"{current}>{name}</a></li>\n")
    };
    PAGES.iter().map(item).collect()
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
