//! The order of keys: natural, with numbers by value.

/// Sorts entries by key as yaml.v2 does. Stable, and safe whatever the order says: Go's order is no total one for some keys, which
/// the standard sort may answer with a panic.
pub(super) fn sort_keys<T: Copy>(entries: Vec<(&str, T)>) -> Vec<(&str, T)> {
    let mut entries = entries;
    let mut merged = Vec::with_capacity(entries.len());
    let mut width = 1;
    while width < entries.len() {
        for pair in entries.chunks(width * 2) {
            let (mut left, mut right) = pair.split_at(width.min(pair.len()));
            while let (Some((first, rest_left)), Some((second, rest_right))) =
                (left.split_first(), right.split_first())
            {
                if is_less(second.0, first.0) {
                    merged.push(*second);
                    right = rest_right;
                } else {
                    merged.push(*first);
                    left = rest_left;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        std::mem::swap(&mut entries, &mut merged);
        merged.clear();
        width *= 2;
    }
    entries
}

/// Whether a key comes before another. Up to their first difference they are the same; there, letters compare as they are and come
/// after all else, and digits compare by the number that they belong to.
fn is_less(a: &str, b: &str) -> bool {
    let Some(at) = a.chars().zip(b.chars()).position(|(a, b)| a != b) else { return a.len() < b.len() };
    let (a_rest, b_rest) = (tail(a, at), tail(b, at));
    let (Some(a_char), Some(b_char)) = (a_rest.chars().next(), b_rest.chars().next()) else { return false };
    match (is_letter(a_char), is_letter(b_char)) {
        (true, true) => return a_char < b_char,
        (true, false) => return false,
        (false, true) => return true,
        (false, false) => {}
    }
    // A zero that follows another digit than zero is part of a number; else it leads one.
    let within = (a_char == '0' || b_char == '0') && number_precedes(a, at);
    let (a_number, a_digits) = number(a_rest, within);
    let (b_number, b_digits) = number(b_rest, within);
    if a_number != b_number {
        return a_number < b_number;
    }
    if a_digits != b_digits {
        return a_digits < b_digits;
    }
    a_char < b_char
}

fn tail(text: &str, characters: usize) -> &str {
    let mut rest = text.chars();
    if characters > 0 {
        rest.nth(characters - 1);
    }
    rest.as_str()
}

/// Whether the digits right before a place have one that is not zero.
fn number_precedes(text: &str, at: usize) -> bool {
    let before = text.strip_suffix(tail(text, at)).unwrap_or_default();
    before.chars().rev().take_while(|&c| is_digit(c)).any(|c| c != '0')
}

/// The number that a text starts with, and its digits. Go lets it overflow.
fn number(text: &str, within: bool) -> (i64, usize) {
    let digits = text.chars().take_while(|&c| is_digit(c));
    digits.fold((i64::from(within), 0), |(number, count), c| {
        let digit = i64::from(u32::from(c)) - i64::from(u32::from('0'));
        (number.wrapping_mul(10).wrapping_add(digit), count + 1)
    })
}

/// Go's `unicode.IsLetter`. Rust has no general categories; its `is_alphabetic` has a few marks and numbers more.
fn is_letter(c: char) -> bool {
    c.is_alphabetic() && !c.is_numeric()
}

/// Go's `unicode.IsDigit`: decimal digits of any script. Rust's `is_numeric` has fractions and such, too.
fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || (!c.is_ascii() && c.is_numeric() && !c.is_alphabetic())
}
