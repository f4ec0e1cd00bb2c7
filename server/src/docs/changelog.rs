//! What changed in the API: one list, as a page and as an Atom feed (RFC 4287).

use time::{Date, macros::date};

use super::html::{self, escaped};

/// The address of the page.
pub(super) const PATH: &str = "/docs/changelog";

/// The address of the feed.
pub(super) const FEED: &str = "/docs/changelog.atom";

/// A change that integrations can notice.
struct Change {
    /// When it was released.
    on: Date,
    /// Its anchor on the page. Readers of the feed know a change by it, so it never changes.
    id: &'static str,
    title: &'static str,
    /// What is new, and what an integration can do with it. Markdown.
    text: &'static str,
}

/// Every change, the latest first.
static CHANGES: [Change; 9] = [
    Change {
        on: date!(2026 - 11 - 29),
        id: "change-feed",
        title: "A feed of changes",
        text: "[List changes of an event’s photos](/docs/reference.md#list-changes) gives the photos that were added, changed \
               or removed since the last call. A copy of an event no longer needs to read all photos again: see \
               [Change feed](/docs/conventions.md#change-feed) and [Recipes](/docs/recipes.md).",
    },
    Change {
        on: date!(2026 - 11 - 29),
        id: "cursors",
        title: "Cursors: pages that lose nothing",
        text: "`data.pagination` has `nextCursor`. Send it as `after` instead of `page`, and you miss no photo and see none \
               twice, even while photos arrive. See [Pages that lose nothing](/docs/conventions.md#pages-that-lose-nothing).",
    },
    Change {
        on: date!(2026 - 11 - 29),
        id: "photo-and-event-fields",
        title: "New fields of photos, events and links",
        text: "Photos have `captured_at` and `bibs`, events have `time_zone`, and links to originals have `image_id`. See \
               [Times](/docs/conventions.md#times) and [Links to photos](/docs/conventions.md#links-to-photos).",
    },
    Change {
        on: date!(2026 - 11 - 29),
        id: "rate-limit-headers",
        title: "Responses say how many calls remain",
        text: "Where a rate limit is set, `RateLimit-Policy` and `RateLimit` are in every response to a valid token for its \
               own organisation, not only with status 429. See [Limits](/docs/conventions.md#limits).",
    },
    Change {
        on: date!(2026 - 11 - 29),
        id: "conditional-requests",
        title: "ETag and 304 for lists and details",
        text: "Send a response’s `ETag` in `If-None-Match`, and an unchanged list gets 304 without a body. For that, \
               responses with data say `Cache-Control: private, no-cache` instead of `no-store`. See \
               [Caching](/docs/conventions.md#responses-caching).",
    },
    Change {
        on: date!(2026 - 11 - 29),
        id: "compression",
        title: "Compressed responses",
        text: "Responses over 1 kB are compressed with `br`, `zstd` or `gzip`, if `Accept-Encoding` asks for it. See \
               [Compression](/docs/conventions.md#responses-compression).",
    },
    Change {
        on: date!(2026 - 11 - 29),
        id: "error-links-and-fields",
        title: "Errors link to their explanation and name invalid fields",
        text: "Each error has a `Link` with `rel=\"help\"` to its row in the table of errors. A response with status 422 lists \
               the invalid parameters and fields in `X-Error-Fields`. See \
               [Errors in a request](/docs/conventions.md#errors-in-a-request).",
    },
    Change {
        on: date!(2026 - 11 - 29),
        id: "envelope-for-all-api-paths",
        title: "Every path under /api responds in the envelope",
        text: "A path with a wrong version or in another case, such as `/api/v2` or `/API/v1`, gets 404 with code \
               [`not_found`](/docs/errors.md#not_found) as JSON. Before, it was a web page.",
    },
    Change {
        on: date!(2026 - 11 - 29),
        id: "changelog",
        title: "This changelog, and a rule for endings",
        text: "Changes are listed here and in a feed. [When something ends](/docs/conventions.md#when-something-ends) says how \
               responses will announce it.",
    },
];

/// The page.
pub(super) fn markdown() -> String {
    let start = format!(
        "# Changelog\n\nWhat changed in the API, the latest first. All changes are additions: programs that work go on working \
         ([What may change](/docs/conventions.md#what-may-change)). To be told, subscribe to the [Atom feed]({FEED}).\n"
    );
    let mut day = None;
    CHANGES.iter().fold(start, |mut page, change| {
        let Change {
            on,
            id,
            title,
            text,
        } = change;
        if day.replace(on) != Some(on) {
            let (number, month, year) = (on.day(), on.month(), on.year());
            page += &format!("\n## {number} {month} {year} {{#on-{on}}}\n");
        }
        page + &format!("\n### {title} {{#{id}}}\n\n{text}\n")
    })
}

/// The feed. Its links start with `origin`.
pub(super) fn feed(origin: &str) -> String {
    let origin = escaped(origin);
    let page = format!("{origin}{PATH}");
    let updated = CHANGES.iter().map(|change| change.on).max();
    let updated = updated.map_or_else(String::new, midnight);
    let entries: String = CHANGES
        .iter()
        .map(|change| {
            let (title, updated) = (escaped(change.title), midnight(change.on));
            let link = format!("{page}#{}", change.id);
            let text = escaped(&html::content(change.text).body);
            format!(
                "<entry>\n<id>{link}</id>\n<title>{title}</title>\n<updated>{updated}</updated>\n\
                 <link rel=\"alternate\" type=\"text/html\" href=\"{link}\"/>\n\
                 <content type=\"html\">{text}</content>\n</entry>\n"
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"en-GB\" xml:base=\"{page}\">\n\
         <id>{page}</id>\n<title>9Pic API changelog</title>\n<updated>{updated}</updated>\n\
         <author><name>9Pic</name></author>\n\
         <link rel=\"self\" type=\"application/atom+xml\" href=\"{origin}{FEED}\"/>\n\
         <link rel=\"alternate\" type=\"text/html\" href=\"{page}\"/>\n{entries}</feed>\n"
    )
}

/// The start of a day in UTC (RFC 3339).
fn midnight(day: Date) -> String {
    format!("{day}T00:00:00Z")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_latest_change_comes_first_and_no_two_share_an_id() {
        assert!(CHANGES.is_sorted_by(|one, next| one.on >= next.on));
        let ids: BTreeSet<_> = CHANGES.iter().map(|change| change.id).collect();
        assert_eq!(ids.len(), CHANGES.len());
    }

    #[test]
    fn page_and_feed_have_every_change() {
        let (page, feed) = (markdown(), feed("https://api.example.com"));
        assert_eq!(feed.matches("<entry>").count(), CHANGES.len());
        for change in &CHANGES {
            let heading = format!(
                "### {} {{#{}}}\n\n{}\n",
                change.title, change.id, change.text
            );
            assert!(page.contains(&heading), "{heading}");
            let id = format!(
                "<id>https://api.example.com/docs/changelog#{}</id>",
                change.id
            );
            assert_eq!(feed.matches(&id).count(), 1, "{id}");
        }
        assert!(
            feed.contains("<updated>2026-11-29T00:00:00Z</updated>\n<author>"),
            "{feed}"
        );
    }

    #[test]
    fn texts_cannot_break_out_of_their_element() {
        let feed = feed("https://x.example/\"><a&b>");
        for broken in ["\"><a", "<code>", "<p>", "&b"] {
            assert!(!feed.contains(broken), "{broken}: {feed}");
        }
        assert!(feed.contains("&lt;code&gt;"), "{feed}");
    }
}
