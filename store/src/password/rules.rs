//! The rules for new passwords: they must be long, and must not be common. There is no rule for kinds of characters
//! (NIST SP 800-63B, 5.1.1.2; OWASP ASVS 5.0, 6.2).

use model::user::{Email, MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH};

use crate::error::NewPasswordError;

/// Common passwords of the required length, in lower case: a selection from published lists of leaked passwords, and
/// guesses that this product suggests.
const COMMON: &str = include_str!("common.txt");

/// A password that only repeats a piece of at most this length is refused: `abc123` in `abc123abc123`.
const LONGEST_REPEATED: usize = 6;

/// # Errors
/// The rule that the password breaks.
pub(super) fn check(password: &str, email: &Email) -> Result<(), NewPasswordError> {
    match password.chars().count() {
        ..MIN_PASSWORD_LENGTH => Err(NewPasswordError::TooShort),
        MIN_PASSWORD_LENGTH..=MAX_PASSWORD_LENGTH if !is_common(password, email) => Ok(()),
        MIN_PASSWORD_LENGTH..=MAX_PASSWORD_LENGTH => Err(NewPasswordError::TooCommon),
        _ => Err(NewPasswordError::TooLong),
    }
}

fn is_common(password: &str, email: &Email) -> bool {
    let password = password.to_lowercase();
    password == email.as_str()
        || is_repetition(&password)
        || COMMON.lines().any(|common| common == password)
}

fn is_repetition(password: &str) -> bool {
    let characters: Vec<char> = password.chars().collect();
    let repeats = |length: usize| {
        let (piece, rest) = characters.split_at(length);
        rest.iter().zip(piece.iter().cycle()).all(|(a, b)| a == b)
    };
    (1..=LONGEST_REPEATED).any(repeats)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(password: &str) -> Option<NewPasswordError> {
        let email = Email::parse("photographer@example.com").expect("an address");
        check(password, &email).err()
    }

    #[test]
    fn a_password_has_twelve_to_256_characters_of_any_kind() {
        let short = refusal("elevenchars");
        assert!(matches!(short, Some(NewPasswordError::TooShort)));
        let long = "correct horse ".repeat(20);
        assert!(matches!(refusal(&long), Some(NewPasswordError::TooLong)));
        assert!(refusal(&long[..MAX_PASSWORD_LENGTH]).is_none());
        for password in [
            "twelve chars",
            "wholly lower case",
            "pass phrase \u{1f3c3}",
            "\u{e9}\u{e8}\u{ea}\u{eb}\u{e0}\u{e1}\u{e2}\u{e4}\u{f4}\u{f6}\u{f9}\u{fc}",
        ] {
            assert!(refusal(password).is_none(), "{password}");
        }
    }

    #[test]
    fn a_common_password_is_refused_in_any_capitalisation() {
        for password in [
            "password1234",
            "Password1234",
            "QWERTYUIOP123",
            "developer-zone-demo",
            "photographer@example.com",
            "aaaaaaaaaaaa",
            "1234512345123",
            "abc123abc123abc123",
        ] {
            let refused = refusal(password);
            assert!(
                matches!(refused, Some(NewPasswordError::TooCommon)),
                "{password}"
            );
        }
    }

    #[test]
    fn the_list_has_no_password_that_another_rule_refuses() {
        for common in COMMON.lines() {
            assert!(common.chars().count() >= MIN_PASSWORD_LENGTH, "{common}");
            assert_eq!(common, common.to_lowercase());
            assert!(!is_repetition(common), "{common}");
        }
    }
}
