//! A link from each error to its explanation in the documentation.

use std::collections::HashMap;

use axum::response::Response;
use http::{HeaderValue, header::LINK};

use super::{envelope::ERROR_CODE, error::every_error};

/// The page with a row for each error code.
const ERRORS_PAGE: &str = "/docs/errors";

/// The value of `Link` for each error code (RFC 8288).
pub(crate) struct HelpLinks(HashMap<&'static str, HeaderValue>);

impl HelpLinks {
    /// Links to the documentation under this origin.
    pub(crate) fn new(origin: &str) -> Self {
        let links = every_error().filter_map(|error| {
            let code = error.code;
            let link = format!("<{origin}{ERRORS_PAGE}#{code}>; rel=\"help\"");
            Some((code, HeaderValue::try_from(link).ok()?))
        });
        Self(links.collect())
    }

    /// Adds the link to an error.
    pub(super) fn add(&self, mut response: Response) -> Response {
        if response.status().is_success() {
            return response;
        }
        let code = response.headers().get(ERROR_CODE);
        let code = code.and_then(|code| code.to_str().ok());
        if let Some(link) = code.and_then(|code| self.0.get(code)) {
            response.headers_mut().insert(LINK, link.clone());
        }
        response
    }
}
