//! The explanation before a token is created, with and without script.

/// The access that the token gives, for an organisation with this name.
pub(crate) fn what_a_token_gives(organisation: &str) -> String {
    let possessive = if organisation.ends_with(['s', 'S']) {
        "’"
    } else {
        "’s"
    };
    format!(
        "Anyone with this token can read {organisation}{possessive} events and photos. Use a separate token for each integration."
    )
}

#[cfg(test)]
mod tests {
    use super::what_a_token_gives;

    #[test]
    fn the_organisation_is_named_in_the_genitive() {
        for (name, genitive) in [
            ("Summit Races", "Summit Races’ "),
            ("Harbour", "Harbour’s "),
        ] {
            assert!(what_a_token_gives(name).contains(genitive), "{name}");
        }
    }
}
