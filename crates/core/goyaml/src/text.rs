//! From bytes to clean UTF-8: byte order marks, UTF-16, and the characters that YAML does not allow.

use std::borrow::Cow;

use crate::{Error, ErrorKind, Mark};

/// Decodes a text as libyaml does: UTF-16 where it starts with a byte order mark of one, else UTF-8; the mark itself is dropped.
/// Every character of the answer is one that YAML allows. Linear.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Error> {
    let text = match bytes {
        [0xFF, 0xFE, rest @ ..] => Cow::Owned(utf16(rest, u16::from_le_bytes)?),
        [0xFE, 0xFF, rest @ ..] => Cow::Owned(utf16(rest, u16::from_be_bytes)?),
        [0xEF, 0xBB, 0xBF, rest @ ..] => Cow::Borrowed(utf8(rest)?),
        _ => Cow::Borrowed(utf8(bytes)?),
    };
    match first_disallowed(text.as_bytes()) {
        Some(offset) => Err(at(text.as_bytes(), offset, "control characters are not allowed")),
        None => Ok(text),
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|error| {
        let offset = error.valid_up_to();
        let problem = match (error.error_len(), bytes.get(offset)) {
            (None, _) => "incomplete UTF-8 octet sequence",
            (Some(_), Some(0x80..=0xBF | 0xF8..)) => "invalid leading UTF-8 octet",
            (Some(_), _) => "invalid trailing UTF-8 octet",
        };
        at(bytes, offset, problem)
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Error> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(pairs.len());
    for decoded in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match decoded {
            Ok(c) => text.push(c),
            Err(error) => {
                let problem = match error.unpaired_surrogate() {
                    0xDC00.. => "unexpected low surrogate area",
                    _ => "expected low surrogate area",
                };
                return Err(at(text.as_bytes(), text.len(), problem));
            }
        }
    }
    if rest.is_empty() {
        Ok(text)
    } else {
        Err(at(text.as_bytes(), text.len(), "incomplete UTF-16 character"))
    }
}

/// Offset of the first character outside of tab, line breaks, printable ASCII, NEL, and everything from U+00A0 on save U+FFFE
/// and U+FFFF.
fn first_disallowed(text: &[u8]) -> Option<usize> {
    text.iter().enumerate().find_map(|(i, &byte)| {
        let next = |n: usize| text.get(i + n).copied().unwrap_or_default();
        let bad = match byte {
            b'\t' | b'\n' | b'\r' => false,
            ..0x20 | 0x7F => true,
            0xC2 => matches!(next(1), 0x80..=0x84 | 0x86..=0x9F),
            0xEF => next(1) == 0xBF && matches!(next(2), 0xBE | 0xBF),
            _ => false,
        };
        bad.then_some(i)
    })
}

fn at(text: &[u8], offset: usize, problem: &'static str) -> Error {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |i| i + 1);
    // Continuation bytes are no characters of their own.
    let column = before.iter().skip(start).filter(|&&byte| byte & 0xC0 != 0x80).count() + 1;
    Error::new(Some(Mark { line, column }), ErrorKind::Syntax(problem))
}
