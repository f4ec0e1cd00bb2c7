//! What a receipt says of a token that was deactivated or deleted.

/// Since when no server accepts the token, and when it was last called. `done` is `Deactivated` or `Deleted`; both
/// times are as their reader reads them.
///
/// It says "recorded", because calls of the last seconds on other servers may not be in the database yet.
pub(super) fn out_of_use(done: &str, since: &str, last_call: Option<&str>) -> String {
    let last_call = match last_call {
        Some(at) => format!("Last recorded call {at}."),
        None => "No calls recorded.".to_owned(),
    };
    format!("{done} everywhere at {since}. {last_call}")
}
