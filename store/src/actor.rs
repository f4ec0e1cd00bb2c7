//! Who acts: where a request comes from, and the name of an operator.

use model::client::{Client, visible_prefix};

/// The longest name of an operator that is kept, in characters.
const OPERATOR_LENGTH: usize = 64;

/// Where the changes made through a store come from; see [`Store::on_behalf_of`](crate::Store::on_behalf_of).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An HTTP request, from a browser or another client.
    Request(Client),
    /// The command line.
    Operator {
        /// The operator's name on the machine.
        name: Option<String>,
    },
}

impl Origin {
    /// The command line, used by the operator with this name on the machine.
    pub fn operator(name: Option<&str>) -> Self {
        let name = name.map(|name| visible_prefix(name, OPERATOR_LENGTH));
        Self::Operator {
            name: name.filter(|name| !name.is_empty()),
        }
    }

    /// The client that sends the request, if it is one.
    pub(crate) const fn client(&self) -> Option<&Client> {
        match self {
            Self::Request(client) => Some(client),
            Self::Operator { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operators_name_has_no_control_characters_and_a_maximum_length() {
        let named = |name| match Origin::operator(Some(name)) {
            Origin::Operator { name } => name,
            Origin::Request(_) => None,
        };
        assert_eq!(
            named("grace\u{1b}[31m\u{202e}"),
            Some("grace[31m".to_owned())
        );
        assert_eq!(named("\u{7}"), None);
        let long = named(&"a".repeat(9_000));
        assert_eq!(long.map(|name| name.len()), Some(OPERATOR_LENGTH));
    }
}
