//! Query parameters. Each may come once; unknown ones are ignored, so that a caller can add its own.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use model::page::{PageOutOfRange, PageRequest};
use store::Store;

use super::{access::decimal, error::ApiError};

/// `page` and `page_size` of an endpoint with these sizes (contract, section 5).
pub(super) struct PageQuery<const DEFAULT_SIZE: i64, const MAX_SIZE: i64>(pub(super) PageRequest);

impl<const DEFAULT_SIZE: i64, const MAX_SIZE: i64> FromRequestParts<Store>
    for PageQuery<DEFAULT_SIZE, MAX_SIZE>
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Store) -> Result<Self, ApiError> {
        let query = Parameters::read(parts)?;
        let page = query.number("page", 1, |page| PageRequest::new(page, 1, MAX_SIZE));
        let size = query.number("page_size", DEFAULT_SIZE, |size| {
            PageRequest::new(1, size, MAX_SIZE)
        });
        match (page, size) {
            (Ok(page), Ok(size)) => PageRequest::new(page, size, MAX_SIZE)
                .map(Self)
                .map_err(|problem| ApiError::Invalid(problem.to_string())),
            (page, size) => {
                let problems: Vec<_> = [page.err(), size.err()].into_iter().flatten().collect();
                Err(ApiError::Invalid(problems.join("; ")))
            }
        }
    }
}

/// A query string, taken apart.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(parts: &Parts) -> Result<Self, ApiError> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(pairs)| Self(pairs))
            .map_err(|_| ApiError::Invalid("query: cannot be read".to_owned()))
    }

    /// The number sent under `name`, or `default`; in the error, what is wrong with it. What is no
    /// number is out of range like 0, which no parameter takes.
    fn number<T>(
        &self,
        name: &str,
        default: i64,
        in_range: impl FnOnce(i64) -> Result<T, PageOutOfRange>,
    ) -> Result<i64, String> {
        let mut values = self.0.iter().filter(|(sent, _)| sent == name);
        let number = match (values.next(), values.next()) {
            (None, _) => default,
            (Some((_, value)), None) => decimal(value).unwrap_or(0),
            (Some(_), Some(_)) => return Err(format!("{name}: must be sent once")),
        };
        match in_range(number) {
            Ok(_) => Ok(number),
            Err(problem) => Err(problem.to_string()),
        }
    }
}
