//! Pagination of lists, as the contract defines it (section 5).

use serde::{Deserialize, Serialize};

/// A request for one page of a list. Only [`PageRequest::new`] creates it, so its values are within range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    page: i64,
    page_size: i64,
}

/// A page number or page size that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageOutOfRange {
    /// The page number. Pages are counted from 1.
    #[error("page: must be a whole number from 1")]
    Page,
    /// The page size. Each endpoint has its own maximum.
    #[error("page_size: must be a whole number from 1 to {max}")]
    PageSize {
        /// The largest size allowed.
        max: i64,
    },
}

impl PageRequest {
    /// The largest page number. Every JSON parser reads it exactly, and with it no offset exceeds a 64-bit integer.
    pub const MAX_PAGE: i64 = 999_999_999_999_999;

    /// Requests page `page`, counted from 1, with `page_size` rows.
    ///
    /// # Errors
    /// [`PageOutOfRange`] for a page outside `1..=MAX_PAGE` or a size outside `1..=max_page_size`.
    pub fn new(page: i64, page_size: i64, max_page_size: i64) -> Result<Self, PageOutOfRange> {
        if !(1..=Self::MAX_PAGE).contains(&page) {
            return Err(PageOutOfRange::Page);
        }
        if !(1..=max_page_size).contains(&page_size) {
            return Err(PageOutOfRange::PageSize { max: max_page_size });
        }
        Ok(Self { page, page_size })
    }

    /// The page number, from 1.
    pub const fn page(self) -> i64 {
        self.page
    }

    /// Number of rows on a full page.
    pub const fn page_size(self) -> i64 {
        self.page_size
    }

    /// Number of rows before the page.
    pub const fn offset(self) -> i64 {
        (self.page - 1) * self.page_size
    }
}

/// A request for one page of a list: by its number, or after a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    page: PageRequest,
    after: Option<String>,
}

impl ListRequest {
    /// Requests the `page_size` rows after a cursor. The list checks the cursor.
    ///
    /// # Errors
    /// [`PageOutOfRange`] for a size outside `1..=max_page_size`.
    pub fn after(
        cursor: String,
        page_size: i64,
        max_page_size: i64,
    ) -> Result<Self, PageOutOfRange> {
        Ok(Self {
            page: PageRequest::new(1, page_size, max_page_size)?,
            after: Some(cursor),
        })
    }

    /// The cursor, if the page is requested by one.
    pub fn cursor(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// The requested page. After a cursor, this is the first page of the rest of the list.
    pub const fn page(&self) -> PageRequest {
        self.page
    }
}

impl From<PageRequest> for ListRequest {
    fn from(page: PageRequest) -> Self {
        Self { page, after: None }
    }
}

/// The position of a page in its list.
// The contract defines the field names (section 5). The API documentation shows the descriptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pagination {
    /// Number of rows in the whole list.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub total: i64,
    /// The requested page. After a cursor, the page in which the first row now is. 0 if the list is empty.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub current_page: i64,
    /// Number of pages.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub total_pages: i64,
    /// Whether a next page exists.
    pub has_next_page: bool,
    /// Whether a previous page exists.
    pub has_previous_page: bool,
    /// Number of rows on a full page.
    #[serde(rename = "page_size")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub page_size: i64,
    /// A cursor: send it as `after` for the rows that follow this page. Null if no row follows.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub next_cursor: Option<String>,
}

impl Pagination {
    /// The position of the requested page in a list of `total` rows, without a cursor.
    pub fn new(request: PageRequest, total: i64) -> Self {
        let position = Self::at(request.offset(), request.page_size, total, None);
        Self {
            has_next_page: request.page < position.total_pages,
            ..position
        }
    }

    /// The position of a page that begins after `before` of `total` rows. A row follows it if there is a next cursor.
    pub fn at(before: i64, page_size: i64, total: i64, next_cursor: Option<String>) -> Self {
        let total = total.max(0);
        let empty = total == 0;
        Self {
            total,
            current_page: if empty { 0 } else { before / page_size + 1 },
            total_pages: total / page_size + i64::from(total % page_size != 0),
            has_next_page: next_cursor.is_some(),
            has_previous_page: !empty && before > 0,
            page_size,
            next_cursor,
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The page's rows, in the list's order.
    pub rows: Vec<T>,
    /// The page's position in the list.
    pub pagination: Pagination,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(page: i64, size: i64) -> PageRequest {
        PageRequest::new(page, size, 100).expect("within range")
    }

    #[test]
    fn an_empty_list_has_no_pages() {
        let place = Pagination::new(request(3, 10), 0);
        assert_eq!((place.current_page, place.total_pages), (0, 0));
        assert!(!place.has_next_page && !place.has_previous_page);
    }

    #[test]
    fn a_page_past_the_end_keeps_its_number_and_has_a_previous_page() {
        let place = Pagination::new(request(9, 10), 25);
        assert_eq!((place.current_page, place.total_pages), (9, 3));
        assert!(!place.has_next_page && place.has_previous_page);
    }

    #[test]
    fn an_error_for_a_page_or_size_out_of_range_states_the_range() {
        assert_eq!(PageRequest::new(0, 10, 100), Err(PageOutOfRange::Page));
        assert_eq!(
            PageRequest::new(i64::MAX, 10, 100),
            Err(PageOutOfRange::Page)
        );
        for size in [0, -1, 101] {
            let refused = PageRequest::new(1, size, 100).expect_err("out of range");
            assert_eq!(
                refused.to_string(),
                "page_size: must be a whole number from 1 to 100"
            );
        }
    }

    #[test]
    fn the_json_has_the_contracts_field_names() {
        let place = Pagination::new(request(2, 10), 25);
        assert_eq!(
            serde_json::to_value(place).expect("JSON"),
            serde_json::json!({
                "total": 25, "currentPage": 2, "totalPages": 3,
                "hasNextPage": true, "hasPreviousPage": true, "page_size": 10, "nextCursor": null
            })
        );
    }

    #[test]
    fn a_page_after_a_cursor_has_the_number_of_the_page_where_it_begins() {
        let cursor = || Some("cursor".to_owned());
        let place = Pagination::at(25, 10, 47, cursor());
        assert_eq!((place.current_page, place.total_pages), (3, 5));
        assert!(place.has_next_page && place.has_previous_page);
        let last = Pagination::at(40, 10, 47, None);
        assert_eq!((last.current_page, last.has_next_page), (5, false));
        let first = Pagination::at(0, 10, 47, cursor());
        assert_eq!((first.current_page, first.has_previous_page), (1, false));
    }

    proptest! {
        #[test]
        fn following_has_next_page_visits_every_row_once(total in 0i64..500, size in 1i64..=100) {
            let mut seen = 0;
            let mut page = 1;
            loop {
                let request = request(page, size);
                let pagination = Pagination::new(request, total);
                prop_assert_eq!(request.offset(), seen);
                seen = (seen + size).min(total);
                if !pagination.has_next_page {
                    break;
                }
                page += 1;
            }
            prop_assert_eq!(seen, total);
        }
    }
}
