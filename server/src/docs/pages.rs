//! The pages of the documentation.

use super::{changelog, reference, source::Source};

/// A page of the documentation.
pub(super) struct Page {
    /// Its address.
    pub(super) path: &'static str,
    /// Its name in the navigation.
    pub(super) name: &'static str,
    /// Its content in one line, for search engines and tools.
    pub(super) description: &'static str,
    pub(super) source: Source,
}

impl Page {
    /// The address of the page as Markdown.
    pub(super) fn markdown_path(&self) -> String {
        format!("{}.md", self.path)
    }
}

/// Every page, in the order of the navigation.
pub(super) static PAGES: [Page; 8] = [
    Page {
        path: "/docs",
        name: "Overview",
        description: "What the 9Pic API offers, and how to get from a new token to the first photos in three steps.",
        source: Source::Written(include_str!("pages/overview.md")),
    },
    Page {
        path: "/docs/authentication",
        name: "Authentication",
        description: "How a program sends its API token, which checks are made in which order, and how tokens are deactivated, replaced and deleted.",
        source: Source::Written(include_str!("pages/authentication.md")),
    },
    Page {
        path: "/docs/conventions",
        name: "Conventions",
        description: "The rules for every endpoint of the 9Pic API: addresses, responses, pages, times, limits and compatibility.",
        source: Source::Written(include_str!("pages/conventions.md")),
    },
    Page {
        path: "/docs/errors",
        name: "Errors",
        description: "Every error code of the 9Pic API: its status, its cause, what to do about it, and whether to try again.",
        source: Source::Written(include_str!("pages/errors.md")),
    },
    Page {
        path: "/docs/recipes",
        name: "Recipes",
        description: "Complete programs for Python, JavaScript and the shell: mirror an event with its originals, run it each night, search by bib number.",
        source: Source::Written(include_str!("pages/recipes.md")),
    },
    Page {
        path: "/docs/clients",
        name: "Generated clients",
        description: "Clients of the 9Pic API for Python and TypeScript: how to generate them from the OpenAPI document, and call the API with them.",
        source: Source::Written(include_str!("pages/clients.md")),
    },
    Page {
        path: reference::PATH,
        name: "API reference",
        description: "Every endpoint of the 9Pic API with its parameters, an example response, its errors, and calls in cURL, Python and JavaScript.",
        source: Source::Reference,
    },
    Page {
        path: changelog::PATH,
        name: "Changelog",
        description: "What changed in the 9Pic API, by date, and as an Atom feed.",
        source: Source::Changelog,
    },
];
