//! The index of the search: every section of every page, and every row about an error code.
//!
//! The page's script loads it when the reader wants to search, and searches in it.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use serde::Serialize;

use super::{
    html::{HeadingIds, MARKDOWN, code_of_row, length_of, plain},
    pages::Page,
};

/// The address of the index.
pub(super) const PATH: &str = "/docs/search.json";

/// What a search can find.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Entry {
    /// The page, with the id of the section or row.
    address: String,
    title: String,
    /// The page, and the section of a subsection or row.
    place: Vec<String>,
    /// Its text without programs.
    text: String,
}

/// The index of these pages with their Markdown, as JSON.
pub(super) fn index(pages: &[(&Page, String)]) -> String {
    let entries = pages
        .iter()
        .flat_map(|(page, markdown)| entries(page, markdown));
    let entries: Vec<_> = entries.collect();
    // Texts alone always serialise.
    serde_json::to_string(&entries).unwrap_or_default()
}

fn entries(page: &Page, markdown: &str) -> Vec<Entry> {
    let events: Vec<_> = Parser::new_ext(markdown, MARKDOWN).collect();
    let mut reader = Reader::new(page);
    reader.read(&events);
    reader.finish()
}

struct Reader<'a> {
    page: &'a Page,
    ids: HeadingIds,
    /// The title of the current section of level 2.
    section: Option<String>,
    /// The entry that is being read: the page's beginning, a section, or a subsection.
    current: Entry,
    entries: Vec<Entry>,
    /// The names of a table's columns.
    columns: Vec<String>,
}

impl<'a> Reader<'a> {
    fn new(page: &'a Page) -> Self {
        Self {
            page,
            ids: HeadingIds::default(),
            section: None,
            current: Entry {
                address: page.path.to_owned(),
                title: page.name.to_owned(),
                place: vec![],
                text: format!("{} ", page.description),
            },
            entries: vec![],
            columns: vec![],
        }
    }

    fn read(&mut self, mut events: &[Event<'_>]) {
        while let Some(event) = events.first() {
            let mut length = 1;
            match event {
                Event::Start(Tag::Heading { level, id, .. }) => {
                    length = length_of(events, |tag| matches!(tag, TagEnd::Heading(_)));
                    let title = plain(&events[1..length - 1]);
                    self.heading(*level as usize, id.as_deref(), title);
                }
                Event::Start(Tag::CodeBlock(kind)) => {
                    length = length_of(events, |tag| matches!(tag, TagEnd::CodeBlock));
                    if is_searched(kind) {
                        self.append(&plain(&events[1..length]));
                    }
                }
                Event::Start(Tag::TableHead) => {
                    length = length_of(events, |tag| matches!(tag, TagEnd::TableHead));
                    self.columns = cells(&events[1..length - 1]);
                }
                Event::Start(Tag::TableRow) => {
                    length = length_of(events, |tag| matches!(tag, TagEnd::TableRow));
                    self.row(&events[..length]);
                }
                Event::Text(text) | Event::Code(text) => self.current.text.push_str(text),
                Event::SoftBreak
                | Event::HardBreak
                | Event::End(TagEnd::Paragraph | TagEnd::Item) => self.current.text.push(' '),
                _ => {}
            }
            events = &events[length..];
        }
    }

    fn append(&mut self, text: &str) {
        self.current.text.push_str(text);
        self.current.text.push(' ');
    }

    fn heading(&mut self, level: usize, own: Option<&str>, title: String) {
        if level == 1 {
            return;
        }
        let id = self.ids.next(level, own, &title);
        if level == 2 {
            self.section = None;
        }
        let next = self.entry(&id, title.clone(), String::new());
        let last = std::mem::replace(&mut self.current, next);
        self.entries.push(last);
        if level == 2 {
            self.section = Some(title);
        }
    }

    /// A row about a code is an entry. Any other one is a part of its section.
    fn row(&mut self, row: &[Event<'_>]) {
        let cells = cells(row);
        match code_of_row(&self.columns, row) {
            Some(code) => {
                // Its status, its cause, and what to do.
                let text = cells.get(1..4).unwrap_or_default().join(" ");
                let entry = self.entry(code, code.to_owned(), text);
                self.entries.push(entry);
            }
            None => self.append(&cells.join(" ")),
        }
    }

    fn entry(&self, id: &str, title: String, text: String) -> Entry {
        let Page { path, name, .. } = self.page;
        let place = [Some((*name).to_owned()), self.section.clone()];
        Entry {
            address: format!("{path}#{id}"),
            title,
            place: place.into_iter().flatten().collect(),
            text,
        }
    }

    /// All entries. A subsection without any text, such as an example, is none: its section is found instead.
    fn finish(mut self) -> Vec<Entry> {
        self.entries.push(self.current);
        for entry in &mut self.entries {
            let words: Vec<_> = entry.text.split_whitespace().collect();
            entry.text = words.join(" ");
        }
        self.entries
            .retain(|entry| !entry.text.is_empty() || entry.place.len() == 1);
        self.entries
    }
}

/// Whether the search looks into code blocks of this kind: not into programs and responses.
fn is_searched(kind: &CodeBlockKind<'_>) -> bool {
    match kind {
        CodeBlockKind::Fenced(info) => ["http", "text"].contains(&&**info),
        CodeBlockKind::Indented => true,
    }
}

/// The texts of the cells.
fn cells(row: &[Event<'_>]) -> Vec<String> {
    let cells = row.split(|event| matches!(event, Event::End(TagEnd::TableCell)));
    let mut cells: Vec<_> = cells.map(plain).collect();
    // After the last cell.
    cells.pop();
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::source::Source;

    fn page() -> Page {
        Page {
            path: "/docs/x",
            name: "Name",
            description: "About it.",
            source: Source::Written(""),
        }
    }

    fn found(markdown: &str) -> Vec<(String, String, String, String)> {
        let entries = entries(&page(), markdown).into_iter();
        entries
            .map(|it| (it.address, it.title, it.place.join(" / "), it.text))
            .collect()
    }

    fn entry(
        address: &str,
        title: &str,
        place: &str,
        text: &str,
    ) -> (String, String, String, String) {
        (address.into(), title.into(), place.into(), text.into())
    }

    #[test]
    fn each_section_and_each_row_about_a_code_is_an_entry_and_text_after_a_row_belongs_to_its_section()
     {
        let markdown = "# Title\n\nThe `start`.\n\n## One {#own}\n\nText [link](/x)\nof it.\n\n### Two\n\n- a\n- b\n\n\
            | Code | Status | Cause | Remedy | Again? |\n|---|---|---|---|---|\n| `x_y` | 403 | So. | Do. | No |\n\nAfter.\n\n## Three\n\n| Name | B |\n|---|---|\n| `z` | c |\n";
        assert_eq!(
            found(markdown),
            [
                entry("/docs/x", "Name", "", "About it. The start."),
                entry("/docs/x#own", "One", "Name", "Text link of it."),
                entry("/docs/x#x_y", "x_y", "Name / One", "403 So. Do."),
                entry("/docs/x#own-two", "Two", "Name / One", "a b After."),
                entry("/docs/x#three", "Three", "Name", "z c"),
            ]
        );
    }

    #[test]
    fn programs_are_not_searched_and_a_subsection_without_text_is_no_entry() {
        let markdown = "## A\n\n```http\nGET /a\n```\n\n### Example\n\n```sh\ncurl\n```\n\n## B\n\n```json\n{}\n```\n";
        assert_eq!(
            found(markdown),
            [
                entry("/docs/x", "Name", "", "About it."),
                entry("/docs/x#a", "A", "Name", "GET /a"),
                entry("/docs/x#b", "B", "Name", ""),
            ]
        );
    }
}
