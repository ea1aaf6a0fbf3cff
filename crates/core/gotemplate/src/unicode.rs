//! Classes of characters as Go's `unicode` package has them.

mod tables;

/// `unicode.IsLetter`.
pub(crate) fn is_letter(character: char) -> bool {
    if character.is_ascii() { character.is_ascii_alphabetic() } else { within(tables::LETTERS, character) }
}

/// `unicode.IsDigit`.
pub(crate) fn is_digit(character: char) -> bool {
    if character.is_ascii() { character.is_ascii_digit() } else { within(tables::DIGITS, character) }
}

/// `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols, and the ASCII blank.
pub(crate) fn is_print(character: char) -> bool {
    if character.is_ascii() { matches!(character, ' '..='~') } else { within(tables::PRINTABLE, character) }
}

fn within(ranges: &[(u32, u32)], character: char) -> bool {
    let code = u32::from(character);
    let after = ranges.partition_point(|(first, _)| *first <= code);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|(_, last)| code <= *last)
}

/// The first character of bytes that may not be UTF-8, and how many bytes it takes; a byte that belongs to none gives `None` and 1.
pub(crate) fn decode(bytes: &[u8]) -> (Option<char>, usize) {
    let Some(first) = bytes.first() else { return (None, 0) };
    if first.is_ascii() {
        return (Some(char::from(*first)), 1);
    }
    let length = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return (None, 1),
    };
    match bytes
        .get(..length)
        .and_then(|bytes| str::from_utf8(bytes).ok())
        .and_then(|text| text.chars().next())
    {
        Some(character) => (Some(character), length),
        None => (None, 1),
    }
}
