//! Natural order of names: `Club 2` comes before `Club 10`.

use std::{cmp::Ordering, iter::Peekable, str::Chars};

/// Compares two names as a reader sorts them: numbers by their value, letters without regard to case. Names that differ
/// only in case or leading zeros have a fixed order too.
pub fn natural_order(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one.chars().peekable(), other.chars().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return one.cmp(other),
            (Some(a), Some(b)) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let (a, b) = (number(&mut left), number(&mut right));
                // Without leading zeros, the longer number is the larger one.
                a.len().cmp(&b.len()).then_with(|| a.cmp(&b))
            }
            _ => lower_case(left.next()).cmp(&lower_case(right.next())),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Takes a run of digits, without leading zeros. It can be longer than any integer type allows.
fn number(text: &mut Peekable<Chars<'_>>) -> String {
    let mut digits = String::new();
    while let Some(digit) = text.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    digits.trim_start_matches('0').to_owned()
}

/// The letter in lower case. The end of a text comes before each letter.
fn lower_case(letter: Option<char>) -> Option<String> {
    letter.map(|letter| letter.to_lowercase().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_sorted_by_value_and_letters_without_case() {
        let sorted = [
            "",
            "2 Peaks",
            "10 Peaks",
            "club",
            "Club 2",
            "club 2 North",
            "Club 10",
            "Club 010b",
            "Club 99999999999999999999",
            "Club 100000000000000000000",
            "Clubs",
            "Über",
        ];
        for (n, one) in sorted.iter().enumerate() {
            for (m, other) in sorted.iter().enumerate() {
                assert_eq!(natural_order(one, other), n.cmp(&m), "{one} {other}");
            }
        }
    }

    #[test]
    fn names_that_read_alike_have_a_fixed_order() {
        for (one, other) in [("Club", "club"), ("Club 02", "Club 2"), ("0", "00")] {
            assert_eq!(natural_order(one, other), Ordering::Less, "{one} {other}");
            assert_eq!(natural_order(other, one), Ordering::Greater);
            assert_eq!(natural_order(one, one), Ordering::Equal);
        }
    }
}
