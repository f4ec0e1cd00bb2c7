//! What is said of a token that was deactivated or deleted.

/// Since when no server accepts it, and when it was in use last: both instants as their reader reads them. What other
/// servers accepted in the seconds before may not have reached the database: so it says what is recorded, not what
/// was.
pub(super) fn out_of_use(since: &str, last_use: Option<&str>) -> String {
    let last_use = match last_use {
        Some(at) => format!("Last recorded use {at}."),
        None => "No use was recorded.".to_owned(),
    };
    format!("No server has accepted it since {since}. {last_use}")
}
