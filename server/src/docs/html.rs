//! Converts the Markdown of the documentation to HTML.
//!
//! - HTML within the Markdown is shown as text.
//! - Each heading has an id. The id of a subsection starts with the id of its section.
//! - Consecutive code blocks with one call in three languages become a group, which the page's script turns into tabs.
//! - A subsection `Example`, and those after it, stand beside the rest of its section on wide screens.
//! - Code in a known language has colours. The organisation and the event of an example are marked, so that the page's
//!   script can replace them.

use app::texts::{
    examples::Language,
    syntax::{Role, Syntax, pieces},
};
use pulldown_cmark::{
    CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd,
    html::push_html,
};

use super::markdown::info;

/// The content of a page.
pub(super) struct Content {
    /// The first heading, as HTML without tags.
    pub(super) title: String,
    /// The sections of the page.
    pub(super) sections: Vec<Section>,
    /// Everything but the first heading.
    pub(super) body: String,
}

/// A part of a page.
pub(super) struct Section {
    pub(super) id: String,
    /// Its heading, as HTML without tags.
    pub(super) title: String,
}

/// The Markdown of the pages.
pub(super) const MARKDOWN: Options =
    Options::ENABLE_TABLES.union(Options::ENABLE_HEADING_ATTRIBUTES);

/// Converts a page's Markdown to HTML.
pub(super) fn content(markdown: &str) -> Content {
    let events: Vec<_> = Parser::new_ext(markdown, MARKDOWN).collect();
    let mut writer = Writer::default();
    writer.write(&events);
    writer.end_columns();
    let mut body = String::new();
    push_html(&mut body, writer.out.into_iter());
    Content {
        title: writer.title,
        sections: writer.sections,
        body,
    }
}

/// The heading of the part of a section that stands beside the rest.
const EXAMPLE: &str = "Example";

/// Gives the headings of a page their ids, in their order.
#[derive(Default)]
pub(super) struct HeadingIds {
    /// The id of the current section.
    section: Option<String>,
}

impl HeadingIds {
    /// The id of the next heading: its own one, or else one made of its text.
    pub(super) fn next(&mut self, level: usize, own: Option<&str>, text: &str) -> String {
        let id = match (own, &self.section) {
            (Some(own), _) => own.to_owned(),
            (None, Some(section)) if level > 2 => format!("{section}-{}", slug(text)),
            (None, _) => slug(text),
        };
        if level == 2 {
            self.section = Some(id.clone());
        }
        id
    }
}

/// The code that a table's row is about, in a table with codes. It is the row's id.
pub(super) fn code_of_row<'a>(columns: &[String], row: &'a [Event<'_>]) -> Option<&'a str> {
    match row.get(2) {
        Some(Event::Code(code)) if columns.first().is_some_and(|name| name == "Code") => Some(code),
        _ => None,
    }
}

/// A code block: its info string and its code.
type Code = (String, String);

#[derive(Default)]
struct Writer<'a> {
    out: Vec<Event<'a>>,
    title: String,
    sections: Vec<Section>,
    ids: HeadingIds,
    level: usize,
    /// Where the current section starts in `out`, after its heading.
    section_start: usize,
    in_columns: bool,
}

impl<'a> Writer<'a> {
    fn write(&mut self, mut events: &[Event<'a>]) {
        while let Some(event) = events.first() {
            let length = match event {
                Event::Start(Tag::Heading { level, id, .. }) => {
                    let length = length_of(events, |tag| matches!(tag, TagEnd::Heading(_)));
                    let words = &events[1..length - 1];
                    let is_section = *level == HeadingLevel::H2;
                    if is_section {
                        self.end_columns();
                    } else if plain(words) == EXAMPLE {
                        self.begin_second_column();
                    }
                    self.heading(*level, id.as_deref(), words);
                    if is_section {
                        self.section_start = self.out.len();
                    }
                    length
                }
                Event::Start(Tag::CodeBlock(_)) => self.code(events),
                Event::Start(Tag::Table(_)) => {
                    let length = length_of(events, |tag| matches!(tag, TagEnd::Table));
                    self.table(&events[1..length - 1]);
                    length
                }
                Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => 1,
                other => {
                    self.out.push(inline(other));
                    1
                }
            };
            events = &events[length..];
        }
    }

    fn html(&mut self, html: impl Into<String>) {
        self.out.push(Event::Html(CowStr::from(html.into())));
    }

    /// Makes the section so far the first of two columns, below its heading.
    fn begin_second_column(&mut self) {
        let first = "<div class=\"columns\">\n<div class=\"column\">\n";
        self.out
            .insert(self.section_start, Event::Html(first.into()));
        self.html("</div>\n<div class=\"column\">\n");
        self.in_columns = true;
    }

    fn end_columns(&mut self) {
        if std::mem::take(&mut self.in_columns) {
            self.html("</div>\n</div>\n");
        }
    }

    fn heading(&mut self, level: HeadingLevel, id: Option<&str>, words: &[Event<'a>]) {
        self.level = level as usize;
        let text = plain(words);
        let title = escaped(&text);
        if level == HeadingLevel::H1 {
            self.title = title;
            return;
        }
        let id = self.ids.next(self.level, id, &text);
        self.html(format!(
            "<h{level} id=\"{id}\"><a href=\"#{id}\">",
            level = self.level,
            id = escaped(&id)
        ));
        self.out.extend(words.iter().map(inline));
        self.html(format!("</a></h{}>\n", self.level));
        if self.level == 2 {
            self.sections.push(Section { id, title });
        }
    }

    /// Writes the first code block of `events`, and those that form a group with it. Returns the number of events used.
    fn code(&mut self, events: &[Event<'a>]) -> usize {
        let mut blocks: Vec<Code> = Vec::new();
        let mut length = 0;
        for language in Language::ALL {
            match code_block(&events[length..]) {
                Some((block, events)) if block.0 == info(language) => {
                    blocks.push(block);
                    length += events;
                }
                _ => break,
            }
        }
        if blocks.len() == Language::ALL.len() {
            self.examples(&blocks);
            return length;
        }
        let Some((block, length)) = code_block(events) else {
            return 1;
        };
        let name = match block.0.as_str() {
            "json" => "JSON",
            "http" => "HTTP",
            "sh" | "shell" => "Shell",
            "python" => "Python",
            "javascript" => "JavaScript",
            "typescript" => "TypeScript",
            _ => "Text",
        };
        self.html(code_html(name, &block));
        length
    }

    fn examples(&mut self, blocks: &[Code]) {
        let level = self.level + 1;
        self.html("<div class=\"examples\">\n");
        for (language, block) in Language::ALL.into_iter().zip(blocks) {
            let name = language.label();
            self.html(format!(
                "<section class=\"example\" data-language=\"{info}\"><h{level} class=\"example-title\">{name}</h{level}>\n{code}</section>\n",
                info = info(language),
                code = code_html(name, block),
            ));
        }
        self.html("</div>\n");
    }

    /// Writes a table. Each cell has the name of its column, for narrow screens that show rows as cards. A row about an
    /// error code has the code as its id.
    fn table(&mut self, events: &[Event<'a>]) {
        let mut head = Vec::new();
        let mut column = 0;
        let mut in_head = true;
        self.html("<table class=\"table\">\n");
        let mut rest = events;
        while let Some(event) = rest.first() {
            let mut length = 1;
            match event {
                Event::Start(Tag::TableHead) => self.html("<thead><tr>"),
                Event::End(TagEnd::TableHead) => {
                    in_head = false;
                    self.html("</tr></thead>\n<tbody>\n");
                }
                Event::Start(Tag::TableRow) => {
                    column = 0;
                    match code_of_row(&head, rest) {
                        Some(id) => self.html(format!("<tr id=\"{}\">", escaped(id))),
                        None => self.html("<tr>"),
                    }
                }
                Event::End(TagEnd::TableRow) => self.html("</tr>\n"),
                Event::Start(Tag::TableCell) => {
                    length = length_of(rest, |tag| matches!(tag, TagEnd::TableCell));
                    let words = &rest[1..length - 1];
                    if in_head {
                        head.push(plain(words));
                        self.html("<th scope=\"col\">");
                        self.out.extend(words.iter().map(inline));
                        self.html("</th>");
                    } else {
                        let name = head.get(column).map_or("", String::as_str);
                        self.html(format!("<td data-label=\"{}\"><div>", escaped(name)));
                        self.out.extend(words.iter().map(inline));
                        self.html("</div></td>");
                        column += 1;
                    }
                }
                _ => {}
            }
            rest = &rest[length..];
        }
        self.html("</tbody>\n</table>\n");
    }
}

/// The number of events up to and including the first of these end tags.
pub(super) fn length_of(events: &[Event<'_>], is_end: impl Fn(&TagEnd) -> bool) -> usize {
    let end = events
        .iter()
        .position(|event| matches!(event, Event::End(tag) if is_end(tag)));
    end.map_or(events.len(), |end| end + 1)
}

/// Converts an event: HTML becomes text, and links to Markdown pages become links to HTML pages.
fn inline<'a>(event: &Event<'a>) -> Event<'a> {
    match event {
        Event::Html(html) | Event::InlineHtml(html) => Event::Text(html.clone()),
        Event::Start(Tag::Link {
            dest_url, title, ..
        }) => Event::Start(Tag::Link {
            link_type: LinkType::Inline,
            dest_url: address(dest_url).into(),
            title: title.clone(),
            id: CowStr::Borrowed(""),
        }),
        other => other.clone(),
    }
}

/// Pages link to each other's Markdown. In HTML they must link to HTML.
fn address(written: &str) -> String {
    let (path, anchor) = written.split_at(written.find('#').unwrap_or(written.len()));
    match path.strip_suffix(".md") {
        Some(page) if page.starts_with("/docs") => format!("{page}{anchor}"),
        _ => written.to_owned(),
    }
}

/// The first code block of `events`, and its number of events.
fn code_block(events: &[Event<'_>]) -> Option<(Code, usize)> {
    let Some(Event::Start(Tag::CodeBlock(kind))) = events.first() else {
        return None;
    };
    let length = length_of(events, |tag| matches!(tag, TagEnd::CodeBlock));
    let info = match kind {
        CodeBlockKind::Fenced(info) => info.to_string(),
        CodeBlockKind::Indented => String::new(),
    };
    Some(((info, plain(&events[1..length])), length))
}

/// A code block that can be scrolled by keyboard and has an accessible name (WCAG 2.2, 2.1.1).
fn code_html(name: &str, (info, code): &Code) -> String {
    format!(
        "<div class=\"code\"><div class=\"code-bar\"><span class=\"code-name\">{name}</span></div><pre tabindex=\"0\" role=\"group\" aria-label=\"{name}\" translate=\"no\"><code>{code}</code></pre></div>\n",
        code = coloured(info, code.trim_end()),
    )
}

/// The code as HTML, in which comments, strings and so on have a class. Its text is the code.
fn coloured(info: &str, code: &str) -> String {
    let syntax = match info {
        "sh" | "shell" => Syntax::Shell,
        "python" => Syntax::Python,
        "javascript" | "typescript" => Syntax::JavaScript,
        "json" => Syntax::Json,
        "http" => Syntax::Http,
        // What a program printed on the demo server.
        "output" => return escaped(code),
        _ => return with_values(code),
    };
    let piece = |(role, text): (Role, &str)| match role.class() {
        None => with_values(text),
        Some(class) => format!("<span class=\"{class}\">{}</span>", with_values(text)),
    };
    pieces(syntax, code).into_iter().map(piece).collect()
}

/// The numbers that stand for the reader's own, by the names that the script knows.
const VALUES: [(&str, &str); 2] = [("903", "organisation"), ("456", "event")];

/// Code as HTML, in which [`VALUES`] are marked. A number that is only a part of a word or of a fraction is none.
fn with_values(code: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut html, mut rest, mut before) = (String::new(), code, ' ');
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (text, number) = rest.split_at(start);
        let end = number.find(|c: char| !is_word(c)).unwrap_or(number.len());
        let (number, after) = number.split_at(end);
        let before_number = text.chars().next_back().unwrap_or(before);
        let value = VALUES.iter().find(|(value, _)| *value == number);
        html += &escaped(text);
        html += &match value.filter(|_| !is_word(before_number) && before_number != '.') {
            Some((_, name)) => format!("<var data-value=\"{name}\">{number}</var>"),
            None => escaped(number),
        };
        before = number.chars().next_back().unwrap_or(before);
        rest = after;
    }
    html + &escaped(rest)
}

/// The text without markup.
pub(super) fn plain(events: &[Event<'_>]) -> String {
    events.iter().fold(String::new(), |mut text, event| {
        match event {
            Event::Text(words) | Event::Code(words) => text.push_str(words),
            Event::Html(words) | Event::InlineHtml(words) => text.push_str(words),
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            _ => {}
        }
        text
    })
}

/// The id of a heading: `Before you start` becomes `before-you-start`.
fn slug(text: &str) -> String {
    let words = text
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty());
    let words: Vec<_> = words.map(str::to_lowercase).collect();
    words.join("-")
}

/// Escapes a text for HTML content or a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut html, character| {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
        html
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(markdown: &str) -> String {
        content(markdown).body
    }

    #[test]
    fn html_in_markdown_is_shown_as_text() {
        let html = body("# T\n\n<script>alert(1)</script>\n\nA <b onclick=x>word</b> & `a<b`");
        assert!(!html.contains("<script") && !html.contains("<b"), "{html}");
        assert!(html.contains("&lt;script&gt;"), "{html}");
        assert!(html.contains("<code>a&lt;b</code>"), "{html}");
    }

    #[test]
    fn code_cannot_break_out_of_its_block() {
        let code = "</code></pre><script>\"x\"&'y'";
        let html = body(&format!("```text\n{code}\n```\n"));
        assert!(
            html.contains("&lt;/code&gt;&lt;/pre&gt;&lt;script&gt;&quot;x&quot;&amp;&#39;y&#39;"),
            "{html}"
        );
        for info in ["sh", "python", "javascript", "json", "http"] {
            let html = body(&format!("```{info}\n{code}'<b>' \"<b>\n```\n"));
            assert!(!html.contains("<b>") && !html.contains("<script"), "{html}");
            assert_eq!(html.matches("</code>").count(), 1, "{html}");
        }
    }

    #[test]
    fn code_in_a_known_language_has_colours() {
        let html = body("```json\n{ \"a\": 1 }\n```\n");
        let field = "<span class=\"code-field\">&quot;a&quot;</span>";
        let number = "<span class=\"code-number\">1</span>";
        assert!(
            html.contains(&format!("<code>{{ {field}: {number} }}</code>")),
            "{html}"
        );
        assert!(!body("```text\n\"a\": 1\n```\n").contains("<span class=\"code-f"));
    }

    #[test]
    fn the_organisation_and_the_event_of_an_example_are_marked_wherever_they_are_whole_numbers() {
        let organisation = "<var data-value=\"organisation\">903</var>";
        let event = "<var data-value=\"event\">456</var>";
        for info in ["sh", "python", "javascript", "json", "http", "text", ""] {
            let code = "/ext/903/event/456/ping?a=456&b f(903, 456) photos-of-456 mirror-456.timer \"456\"";
            let html = body(&format!("```{info}\n{code}\n```\n"));
            let counts = (
                html.matches(organisation).count(),
                html.matches(event).count(),
            );
            assert_eq!(counts, (2, 6), "{info}: {html}");
        }
        let others =
            "1903 9030 4567 x456 456x _456 456_ 0.456 12:34.456Z 9_456 IMG_0456 &#456; 45 6";
        let html = body(&format!("```text\n{others}\n```\n"));
        assert_eq!(html.matches("<var").count(), 1, "only that after #: {html}");
        assert!(!body("```output\n456\n```\n").contains("<var"));
        assert!(!body("903 `456`").contains("<var"));
    }

    #[test]
    fn a_section_has_two_columns_below_its_heading_only_if_it_has_an_example() {
        let html = body("# T\n\n## A\n\n### Example\n\n### C\n\n## D\n\n## E\n\n### Example\n");
        let order = [
            "id=\"a\"",
            "columns",
            "column",
            "column",
            "id=\"a-example\"",
            "id=\"a-c\"",
            "</div>\n</div>",
            "id=\"d\"",
            "id=\"e\"",
            "columns",
            "column",
            "column",
            "id=\"e-example\"",
            "</div>\n</div>",
        ];
        let mut rest = &html[..];
        for part in order {
            let (before, after) = rest.split_once(part).expect(part);
            assert!(
                part.starts_with("column") || !before.contains("column"),
                "{html}"
            );
            rest = after;
        }
        assert!(!rest.contains("div"), "{html}");
    }

    #[test]
    fn headings_and_column_names_cannot_break_out_of_attributes() {
        let html = body("# T\n\n## A \"b\" <i> {#\"x}\n\n| \"a> |\n|---|\n| 1 |\n");
        assert!(html.contains("data-label=\"&quot;a&gt;\""), "{html}");
        assert!(!html.contains("<i>") && !html.contains("id=\"\""), "{html}");
    }

    #[test]
    fn the_id_of_a_subsection_starts_with_that_of_its_section() {
        let page =
            content("# Title\n\n## List events {#events}\n\n### What: it `is`\n\n## Next one\n");
        assert_eq!(page.title, "Title");
        for id in ["events", "events-what-it-is", "next-one"] {
            assert!(page.body.contains(&format!("id=\"{id}\"")), "{}", page.body);
        }
        let sections: Vec<_> = page
            .sections
            .iter()
            .map(|section| &section.id[..])
            .collect();
        assert_eq!(sections, ["events", "next-one"]);
    }

    #[test]
    fn only_one_call_in_all_languages_becomes_a_group() {
        let blocks = |infos: &[&str]| {
            let blocks: String = infos
                .iter()
                .map(|info| format!("```{info}\n{info}!\n```\n"))
                .collect();
            body(&blocks)
        };
        let three = blocks(&["sh", "python", "javascript"]);
        assert_eq!(three.matches("class=\"examples\"").count(), 1);
        assert_eq!(three.matches("class=\"example\"").count(), 3);
        let six = blocks(&[
            "sh",
            "python",
            "javascript",
            "sh",
            "python",
            "javascript",
            "json",
        ]);
        assert_eq!(six.matches("class=\"examples\"").count(), 2);
        assert_eq!(six.matches("<pre ").count(), 7);
        for other in [
            &["sh", "python"][..],
            &["python", "javascript", "sh"],
            &["sh", "json"],
        ] {
            let html = blocks(other);
            assert!(!html.contains("examples"), "{html}");
            assert_eq!(html.matches("<pre ").count(), other.len(), "{html}");
        }
    }

    #[test]
    fn links_between_pages_lead_to_html() {
        let html = body(
            "[a](/docs/errors.md#x) [b](/docs.md) [c](/api/x.md) [d](https://e.org/docs/f.md)",
        );
        for link in [
            "/docs/errors#x",
            "/docs",
            "/api/x.md",
            "https://e.org/docs/f.md",
        ] {
            assert!(html.contains(&format!("href=\"{link}\"")), "{html}");
        }
    }

    #[test]
    fn a_row_about_a_code_can_be_linked_to() {
        let html = body("| Code | B |\n|---|---|\n| `x_y` | 1 |\n\n| Name |\n|---|\n| `z` |\n");
        assert!(html.contains("<tr id=\"x_y\">"), "{html}");
        assert!(!html.contains("id=\"z\""), "{html}");
    }
}
