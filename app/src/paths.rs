//! The addresses of the pages: the only place that spells them out, for app and server alike.

use model::token::TokenId;

/// The sign-in page.
pub const SIGN_IN: &str = "/sign-in";

/// The page after sign-in, if no other page was requested: what has happened in the organisation.
pub const HOME: &str = "/";
/// Says how to get a new password.
pub const FORGOTTEN_PASSWORD: &str = "/forgotten-password";

/// The page that a reset link opens.
pub const RESET_PASSWORD: &str = "/reset-password";

/// The pages that need no sign-in.
#[cfg(feature = "ssr")]
pub const PUBLIC_PAGES: [&str; 3] = [SIGN_IN, FORGOTTEN_PASSWORD, RESET_PASSWORD];

/// The query field with the secret of a reset link.
#[cfg(feature = "ssr")]
pub(crate) const RESET_SECRET: &str = "link";

/// The organisation's events.
pub const EVENTS: &str = "/events";

/// The account of the signed-in user.
pub const ACCOUNT: &str = "/account";

/// The organisation's tokens: the Developer Zone's first page.
pub const TOKENS: &str = "/developer-zone";

/// The form that creates a token without script; the form posts to the same address.
pub const NEW_TOKEN: &str = "/developer-zone/tokens/new";

/// The question before all tokens of the organisation are deactivated.
pub const DEACTIVATE_ALL: &str = "/developer-zone/tokens/deactivate-all";

/// The organisation's audit trail.
pub const ACTIVITY: &str = "/developer-zone/activity";

/// The audit trail as a CSV file.
pub const ACTIVITY_FILE: &str = "/developer-zone/activity.csv";

/// The public API documentation.
pub const DOCUMENTATION: &str = "/docs";

/// The error codes of the API.
pub const ERROR_CODES: &str = "/docs/errors";

/// The page of one token.
pub fn token_page(token: TokenId) -> String {
    format!("{TOKENS}/tokens/{token}")
}

/// The query field that opens the delete form on a token's page.
pub const ASK_TO_DELETE: &str = "delete";

/// `path` if it leads to a page of this site other than the sign-in page. Browsers read `\` as `/`, and drop tabs
/// and line ends, so a path with one of these is refused.
#[cfg(feature = "ssr")]
pub fn local_path(path: Option<&str>) -> Option<&str> {
    path.filter(|path| {
        path.starts_with('/')
            && !path.starts_with("//")
            && !path.starts_with(SIGN_IN)
            && !path.contains(|c: char| c == '\\' || c.is_control())
    })
}

/// The sign-in page that leads back to `next`.
#[cfg(feature = "ssr")]
pub fn sign_in_path(next: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("next", next)
        .finish();
    format!("{SIGN_IN}?{query}")
}

/// The path of the reset link with this secret, which is made of letters and digits. The secret is in the query, because
/// logs of proxies usually have paths, and may leave out queries (decision 44).
#[cfg(feature = "ssr")]
pub fn reset_link(secret: &str) -> String {
    format!("{RESET_PASSWORD}?{RESET_SECRET}={secret}")
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_followed() {
        assert_eq!(local_path(Some("/events?page=2")), Some("/events?page=2"));
        let elsewhere = [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "events",
            "",
            "/sign-in?next=/sign-in",
        ];
        for path in elsewhere {
            assert_eq!(local_path(Some(path)), None, "{path:?}");
        }
    }
}
