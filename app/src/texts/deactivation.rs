//! The question before all tokens are deactivated, with and without script.

/// The question, for an organisation with this many active tokens.
pub(crate) fn deactivate_all_question(active: usize) -> String {
    match active {
        0 => "No token is active".to_owned(),
        1 => "Deactivate 1 token?".to_owned(),
        active => format!("Deactivate {active} tokens?"),
    }
}

/// What the deactivation stops, for an organisation with this name.
pub(crate) fn what_stops(organisation: &str) -> String {
    format!(
        "All integrations of {organisation} lose access to the API immediately. The tokens are kept: you can activate each of them again."
    )
}
