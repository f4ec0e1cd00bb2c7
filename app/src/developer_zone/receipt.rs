//! The receipt for a deactivated or deleted token.

/// Says from what time no server accepts the token, and when it was last used. `done` is `Deactivated` or `Deleted`.
/// Both times are already formatted for the reader.
///
/// It says "recorded", because calls of the last seconds on other servers may not be in the database yet.
pub(super) fn out_of_use(done: &str, since: &str, last_call: Option<&str>) -> String {
    let last_call = match last_call {
        Some(at) => format!("Last recorded call {at}."),
        None => "No calls recorded.".to_owned(),
    };
    format!("{done} everywhere at {since}. {last_call}")
}
