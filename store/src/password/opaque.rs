//! The normal form of a password (RFC 8265, 4.2, OpaqueString): keyboards write the same characters in different ways.

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// The password in normalisation form C, with each non-ASCII space as a space. Case and everything else stay.
pub(super) fn opaque(password: &str) -> Zeroizing<String> {
    let spaced = password.chars().map(|c| if is_space(c) { ' ' } else { c });
    Zeroizing::new(spaced.nfc().collect())
}

/// Unicode's space separators (Zs).
const fn is_space(c: char) -> bool {
    matches!(
        c,
        ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_characters_have_one_form_and_others_stay() {
        for (typed, form) in [
            ("e\u{301}", "\u{e9}"),
            ("\u{212b}", "\u{c5}"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            ("a\u{a0}b\u{2003}c\u{3000}d", "a b c d"),
            (
                "A\u{ff21}\u{fb01}\t \u{200d}",
                "A\u{ff21}\u{fb01}\t \u{200d}",
            ),
        ] {
            assert_eq!(*opaque(typed), form, "{typed:?}");
        }
    }
}
