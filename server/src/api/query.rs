//! Query parameters. Each may be sent once. Unknown ones are ignored, so that a caller can add its own.

use axum::extract::Query;
use http::Uri;
use model::{
    page::{ListRequest, PageOutOfRange, PageRequest},
    photo::TimeWindow,
};

use super::{call::decimal, error::ApiError};

/// `page` or `after`, and `page_size`, of an endpoint with these sizes (contract, section 5).
pub(super) struct PageQuery<const DEFAULT_SIZE: i64, const MAX_SIZE: i64>(pub(super) ListRequest);

/// Pages of events.
pub(super) type EventPage = PageQuery<10, 100>;

/// Pages of photos.
pub(super) type PhotoPage = PageQuery<32, 100>;

/// Pages of links to originals.
pub(super) type OriginalPage = PageQuery<30, 60>;

/// Pages of changes.
pub(super) type ChangesPage = PageQuery<100, 500>;

/// The sizes of an endpoint's pages, as its documentation states them.
pub(super) trait PageSizes {
    const DEFAULT: i64;
    const MAX: i64;
}

impl<const DEFAULT_SIZE: i64, const MAX_SIZE: i64> PageSizes for PageQuery<DEFAULT_SIZE, MAX_SIZE> {
    const DEFAULT: i64 = DEFAULT_SIZE;
    const MAX: i64 = MAX_SIZE;
}

impl<const DEFAULT_SIZE: i64, const MAX_SIZE: i64> PageQuery<DEFAULT_SIZE, MAX_SIZE> {
    /// # Errors
    /// 422, with all problems.
    pub(super) fn read(uri: &Uri) -> Result<Self, ApiError> {
        let mut query = Parameters::read(uri)?;
        let page = query.list::<Self>();
        query.complete(page).map(Self)
    }
}

/// `from` and `to` with those of a page: a page of the photos of a time window.
pub(super) struct WindowQuery(pub(super) TimeWindow, pub(super) ListRequest);

/// `after` and `page_size`: a page of changes.
pub(super) struct ChangesQuery {
    pub(super) after: Option<String>,
    pub(super) page_size: i64,
}

impl ChangesQuery {
    /// # Errors
    /// 422, with all problems.
    pub(super) fn read(uri: &Uri) -> Result<Self, ApiError> {
        let mut query = Parameters::read(uri)?;
        let after = query.text("after");
        let size = query.size::<ChangesPage>();
        let (after, size) = query.complete(after.zip(size))?;
        Ok(Self {
            after,
            page_size: size.page_size(),
        })
    }
}

impl WindowQuery {
    /// # Errors
    /// 422, with all problems.
    pub(super) fn read(uri: &Uri) -> Result<Self, ApiError> {
        let mut query = Parameters::read(uri)?;
        let window = query.window();
        let page = query.list::<PhotoPage>();
        let (window, page) = query.complete(window.zip(page))?;
        Ok(Self(window, page))
    }
}

/// The parameters of a query string, and the problems found so far. One response reports all of them.
struct Parameters {
    sent: Vec<(String, String)>,
    problems: Vec<String>,
}

impl Parameters {
    fn read(uri: &Uri) -> Result<Self, ApiError> {
        Query::try_from_uri(uri)
            .map(|Query(sent)| Self {
                sent,
                problems: Vec::new(),
            })
            .map_err(|_| ApiError::Invalid("query: cannot be read".to_owned()))
    }

    /// The parsed value, if there was no problem.
    fn complete<T>(self, read: Option<T>) -> Result<T, ApiError> {
        read.filter(|_| self.problems.is_empty())
            .ok_or_else(|| ApiError::Invalid(self.problems.join("; ")))
    }

    fn list<P: PageSizes>(&mut self) -> Option<ListRequest> {
        let (after, page) = (self.text("after"), self.page::<P>());
        let page = page?;
        let Some(after) = after? else {
            return Some(page.into());
        };
        // Some generated clients send the default, page 1, with each call.
        if page.page() != 1 {
            let problem = "page: cannot be combined with after. Send one of them";
            self.problems.push(problem.to_owned());
        }
        ListRequest::after(after, page.page_size(), P::MAX).ok()
    }

    fn page<P: PageSizes>(&mut self) -> Option<PageRequest> {
        let page = self.in_range("page", 1, |page| PageRequest::new(page, 1, P::MAX));
        let size = self.size::<P>();
        PageRequest::new(page?.page(), size?.page_size(), P::MAX).ok()
    }

    /// The first page of the requested size.
    fn size<P: PageSizes>(&mut self) -> Option<PageRequest> {
        self.in_range("page_size", P::DEFAULT, |size| {
            PageRequest::new(1, size, P::MAX)
        })
    }

    /// The text of a parameter, as [`Parameters::single`].
    fn text(&mut self, name: &str) -> Option<Option<String>> {
        self.single(name).map(|text| text.map(str::to_owned))
    }

    /// Checks the number of a parameter, or `default`. A text that is not a number counts as 0, which is always out of
    /// range.
    fn in_range<T>(
        &mut self,
        name: &str,
        default: i64,
        check: impl FnOnce(i64) -> Result<T, PageOutOfRange>,
    ) -> Option<T> {
        let number = match self.single(name)? {
            None => default,
            Some(text) => decimal(text).unwrap_or(0),
        };
        check(number)
            .map_err(|problem| self.problems.push(problem.to_string()))
            .ok()
    }

    fn window(&mut self) -> Option<TimeWindow> {
        let (from, to) = (self.seconds("from"), self.seconds("to"));
        TimeWindow::from_seconds(from?, to?)
            .map_err(|problem| self.problems.push(problem.to_string()))
            .ok()
    }

    /// The Unix time of a parameter.
    fn seconds(&mut self, name: &str) -> Option<i64> {
        let problem = match self.single(name)? {
            None => format!("{name}: is required"),
            Some(text) => match whole_number(text) {
                Some(seconds) => return Some(seconds),
                None => format!("{name}: must be Unix time in whole seconds"),
            },
        };
        self.problems.push(problem);
        None
    }

    /// The value of a parameter: `Some(None)` if it was not sent, `None` if it was sent several times.
    fn single(&mut self, name: &str) -> Option<Option<&str>> {
        let mut values = self.sent.iter().filter(|(sent, _)| sent == name);
        match (values.next(), values.next()) {
            (Some(_), Some(_)) => {
                self.problems.push(format!("{name}: must be sent once"));
                None
            }
            (value, _) => Some(value.map(|(_, value)| value.as_str())),
        }
    }
}

/// Like [`decimal`], with a minus sign for times before 1970.
fn whole_number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_whole_number_of_seconds_also_before_1970() {
        assert_eq!(whole_number("1768802400"), Some(1_768_802_400));
        assert_eq!(whole_number("-1"), Some(-1));
        assert_eq!(whole_number("-9223372036854775808"), Some(i64::MIN));
        for text in [
            "",
            "-",
            "+1",
            "1.5",
            "1e3",
            " 1",
            "--1",
            "9223372036854775808",
        ] {
            assert_eq!(whole_number(text), None, "{text}");
        }
    }
}
