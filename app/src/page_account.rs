//! The account for which a page was rendered, in the address of each form and call of the page.
//!
//! All tabs of a browser share its session. If another user signs in, in another tab, the page still shows what the user
//! before may see and do. The server refuses a change that comes from such a page.

/// The parameter of an address that names the account.
const ACCOUNT: &str = "page_account";

/// The attribute of `<body>` that names the account, for the islands.
#[cfg(not(feature = "ssr"))]
const ATTRIBUTE: &str = "data-account";

/// The address of a server function, with the account of the page.
pub(crate) fn with_account(path: &str) -> String {
    match page_account() {
        Some(account) => format!("{path}?{ACCOUNT}={account}"),
        None => path.to_owned(),
    }
}

/// The account for which the page was rendered.
#[cfg(not(feature = "ssr"))]
fn page_account() -> Option<String> {
    leptos::prelude::document().body()?.get_attribute(ATTRIBUTE)
}

#[cfg(feature = "ssr")]
pub(crate) use self::server::{is_of_page, page_account};

#[cfg(feature = "ssr")]
mod server {
    use http::Uri;
    use model::user::UserId;

    use super::ACCOUNT;
    use crate::page_context::use_account;

    /// The account for which the page is rendered.
    pub(crate) fn page_account() -> Option<String> {
        use_account().map(|id| id.0.to_string())
    }

    /// Whether a page of this user sends a request to `address`. An address without an account comes from a page of an
    /// older server, or from no page.
    pub(crate) fn is_of_page(user: UserId, address: &Uri) -> bool {
        let query = address.query().unwrap_or_default();
        let mut parameters = form_urlencoded::parse(query.as_bytes());
        parameters.all(|(name, value)| name != ACCOUNT || value == user.0.to_string())
    }
}
