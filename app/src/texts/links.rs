//! Links to originals that outlive their token.

/// The sentence in a receipt that says until when they may work, with a space before it. Empty if they ended with the
/// token. The time is already formatted for the reader.
pub fn about_links(until: Option<&str>) -> String {
    until.map_or_else(String::new, |until| {
        format!(" Links to originals may work until {until}.")
    })
}
