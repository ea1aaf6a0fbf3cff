//! Go's quoted strings and characters, both ways.

use crate::unicode::{decode, is_print};

/// `strconv.Quote`.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    quoted_as(bytes, '"', false)
}

/// `strconv.Quote`, `QuoteToASCII` where `ascii`, with the given quotation mark.
pub(crate) fn quoted_as(mut bytes: &[u8], quote: char, ascii: bool) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push(quote);
    while let Some(first) = bytes.first() {
        let (character, length) = decode(bytes);
        match character {
            Some(character) => push_escaped(&mut text, character, quote, ascii),
            None => text.push_str(&format!("\\x{first:02x}")),
        }
        bytes = bytes.get(length..).unwrap_or_default();
    }
    text.push(quote);
    text
}

/// `strconv.QuoteRune`, `QuoteRuneToASCII` where `ascii`; U+FFFD for what is no character.
pub(crate) fn quoted_char(code: i64, ascii: bool) -> String {
    let mut text = String::from('\'');
    push_escaped(&mut text, to_char(code), '\'', ascii);
    text.push('\'');
    text
}

/// The character of a code, U+FFFD where it is none.
pub(crate) fn to_char(code: i64) -> char {
    u32::try_from(code).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// `strconv.CanBackquote`: whether the text can stand between back quotes as it is.
pub(crate) fn can_backquote(mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let (character, length) = decode(bytes);
        bytes = bytes.get(length..).unwrap_or_default();
        match character {
            None | Some('\u{feff}' | '`' | '\u{7f}') => return false,
            Some(character) if character < ' ' && character != '\t' => return false,
            Some(_) => {}
        }
    }
    true
}

fn push_escaped(text: &mut String, character: char, quote: char, ascii: bool) {
    if character == quote || character == '\\' {
        text.push('\\');
        text.push(character);
        return;
    }
    if (character.is_ascii() || !ascii) && is_print(character) {
        text.push(character);
        return;
    }
    match character {
        '\u{7}' => text.push_str("\\a"),
        '\u{8}' => text.push_str("\\b"),
        '\u{c}' => text.push_str("\\f"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        '\u{b}' => text.push_str("\\v"),
        _ => {
            let code = u32::from(character);
            match code {
                0..0x20 | 0x7f => text.push_str(&format!("\\x{code:02x}")),
                0x20..0x1_0000 => text.push_str(&format!("\\u{code:04x}")),
                _ => text.push_str(&format!("\\U{code:08x}")),
            }
        }
    }
}

/// `strconv.Unquote` of a literal with its quotes, double or back. `None`: Go's `invalid syntax`.
pub(crate) fn unquote(literal: &str) -> Option<Vec<u8>> {
    let quote = literal.chars().next()?;
    let inner = literal.strip_prefix(quote)?.strip_suffix(quote)?;
    match quote {
        '`' => (!inner.contains('`')).then(|| inner.bytes().filter(|byte| *byte != b'\r').collect()),
        '"' => {
            let mut bytes = Vec::with_capacity(inner.len());
            let mut rest = inner;
            while !rest.is_empty() {
                let (unit, after) = unquote_char(rest, '"')?;
                match unit {
                    Unit::Byte(byte) => bytes.push(byte),
                    Unit::Char(character) => {
                        bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes())
                    }
                }
                rest = after;
            }
            Some(bytes)
        }
        _ => None,
    }
}

/// What one character of a literal stands for.
pub(crate) enum Unit {
    Byte(u8),
    Char(char),
}

/// `strconv.UnquoteChar`: the first character, and what follows it.
pub(crate) fn unquote_char(text: &str, quote: char) -> Option<(Unit, &str)> {
    let mut characters = text.chars();
    let first = characters.next()?;
    if first == quote || first == '\n' {
        return None;
    }
    if first != '\\' {
        return Some((Unit::Char(first), characters.as_str()));
    }
    let escape = characters.next()?;
    let rest = characters.as_str();
    let simple = |character| Some((Unit::Char(character), rest));
    match escape {
        'a' => simple('\u{7}'),
        'b' => simple('\u{8}'),
        'f' => simple('\u{c}'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\u{b}'),
        '\\' => simple('\\'),
        '\'' | '"' if escape == quote => simple(escape),
        'x' => {
            let (code, rest) = digits(rest, 2, 16)?;
            Some((Unit::Byte(u8::try_from(code).ok()?), rest))
        }
        'u' => {
            let (code, rest) = digits(rest, 4, 16)?;
            Some((Unit::Char(char::from_u32(code)?), rest))
        }
        'U' => {
            let (code, rest) = digits(rest, 8, 16)?;
            Some((Unit::Char(char::from_u32(code)?), rest))
        }
        '0'..='7' => {
            let (code, rest) = digits(text.get(1..)?, 3, 8)?;
            Some((Unit::Byte(u8::try_from(code).ok()?), rest))
        }
        _ => None,
    }
}

fn digits(text: &str, count: usize, radix: u32) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(count)?;
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    Some((u32::from_str_radix(digits, radix).ok()?, rest))
}
