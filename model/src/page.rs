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

/// The position of a page in its list.
// The contract defines the field names (section 5). The API documentation shows the descriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pagination {
    /// Number of rows in the whole list.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub total: i64,
    /// The requested page. 0 if the list is empty.
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
}

impl Pagination {
    /// The position of the requested page in a list of `total` rows.
    pub fn new(request: PageRequest, total: i64) -> Self {
        let total = total.max(0);
        let total_pages = total / request.page_size + i64::from(total % request.page_size != 0);
        let empty = total == 0;
        Self {
            total,
            current_page: if empty { 0 } else { request.page },
            total_pages,
            has_next_page: request.page < total_pages,
            has_previous_page: !empty && request.page > 1,
            page_size: request.page_size,
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
                "hasNextPage": true, "hasPreviousPage": true, "page_size": 10
            })
        );
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
