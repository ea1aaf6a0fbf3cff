//! Words and their letters: case conversions, wrapping, abbreviations.
//!
//! **Source**: Go's `strings`, huandu/xstrings 1.5 and Masterminds/goutils 1.1, whose corners are kept: much counts bytes, not characters.

use gotemplate::{Call, Function, Str, Type};

use super::{Answer, give, give_bytes};
use crate::case::{is_lower, is_title, is_upper, lower, title, upper};

const STRING: Type = Type::String;

pub(crate) const TABLE: &[Function] = &[
    Function::new("upper", &[STRING], |call| mapped(call, upper)),
    Function::new("lower", &[STRING], |call| mapped(call, lower)),
    Function::new("title", &[STRING], |call| give(titled(&call.text(0)))),
    Function::new("untitle", &[STRING], |call| give(untitled(&call.text(0)))),
    Function::new("swapcase", &[STRING], |call| give(swapped(&call.text(0)))),
    Function::new("snakecase", &[STRING], |call| give(crate::humps::apart(&call.text(0), '_'))),
    Function::new("kebabcase", &[STRING], |call| give(crate::humps::apart(&call.text(0), '-'))),
    Function::new("camelcase", &[STRING], |call| give(crate::humps::together(&call.text(0)))),
    Function::new("nospace", &[STRING], nospace),
    Function::new("initials", &[STRING], initials),
    Function::new("abbrev", &[Type::Int, STRING], |call| abbreviated(call, 0, call.int(0), 1)),
    Function::new("abbrevboth", &[Type::Int, Type::Int, STRING], |call| {
        abbreviated(call, call.int(0), call.int(1), 2)
    }),
    Function::new("wrap", &[Type::Int, STRING], |call| wrapped(call, b"", call.bytes(1), false)),
    Function::new("wrapWith", &[Type::Int, STRING, STRING], |call| {
        wrapped(call, call.bytes(1), call.bytes(2), true)
    }),
];

fn mapped(call: &mut Call<'_>, map: fn(char) -> char) -> Answer {
    let text = call.text(0);
    call.budget().allocate(text.len())?;
    give(text.chars().map(map).collect::<String>())
}

fn titled(text: &str) -> String {
    let mut before = ' ';
    text.chars()
        .map(|c| {
            let start = match before {
                '_' => false,
                '\0'..='\x7f' => !before.is_ascii_alphanumeric(),
                _ => before.is_whitespace(),
            };
            before = c;
            if start { title(c) } else { c }
        })
        .collect()
}

fn untitled(text: &str) -> String {
    let mut start = true;
    text.chars()
        .map(|c| {
            let first = start && !c.is_whitespace();
            start = c.is_whitespace();
            if first { lower(c) } else { c }
        })
        .collect()
}

fn swapped(text: &str) -> String {
    let mut start = true;
    text.chars()
        .map(|c| {
            if is_upper(c) || is_title(c) {
                start = false;
                lower(c)
            } else if is_lower(c) {
                let swapped = if start { title(c) } else { upper(c) };
                start = false;
                swapped
            } else {
                start = c.is_whitespace();
                c
            }
        })
        .collect()
}

/// The library takes bytes for characters: what is left of a text with blanks is read as Latin-1.
fn nospace(call: &mut Call<'_>) -> Answer {
    let bytes = call.bytes(0);
    if bytes.iter().any(|byte| char::from(*byte).is_whitespace()) {
        return give(
            bytes.iter().map(|byte| char::from(*byte)).filter(|c| !c.is_whitespace()).collect::<String>(),
        );
    }
    give(call.arg(0).clone())
}

fn initials(call: &mut Call<'_>) -> Answer {
    let mut start = true;
    let letters = call.bytes(0).iter().map(|byte| char::from(*byte)).filter(|c| {
        let first = start && !c.is_whitespace();
        start = c.is_whitespace();
        first
    });
    give(letters.collect::<String>())
}

fn abbreviated(call: &mut Call<'_>, offset: i64, width: i64, at: usize) -> Answer {
    let text = call.bytes(at);
    let (Ok(width), Ok(offset)) = (usize::try_from(width), usize::try_from(offset.max(0))) else {
        return give(call.arg(at).clone());
    };
    if width < 4 || (offset > 0 && width < 7) {
        return give(call.arg(at).clone());
    }
    give_bytes(abbreviate(text, offset, width))
}

/// The bytes around `offset`, with an ellipsis for what is left out on either side.
fn abbreviate(text: &[u8], offset: usize, width: usize) -> Vec<u8> {
    const MARK: &[u8] = b"...";
    let len = text.len();
    if len <= width {
        return text.to_vec();
    }
    let rest = width - MARK.len();
    let mut offset = offset.min(len);
    if len - offset < rest {
        offset = len - rest;
    }
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    if offset <= 4 {
        return [part(0, rest), MARK].concat();
    }
    if offset + rest < len {
        // Where too little room is left for another ellipsis, the library leaves nothing.
        let inner = if rest < 4 { Vec::new() } else { abbreviate(part(offset, len), 0, rest) };
        return [MARK, &inner].concat();
    }
    [MARK, part(len - rest, len)].concat()
}

fn wrapped(call: &mut Call<'_>, line_end: &[u8], text: &[u8], cut_words: bool) -> Answer {
    let line_end: &[u8] = if line_end.is_empty() { b"\n" } else { line_end };
    let width = usize::try_from(call.int(0)).unwrap_or(1).max(1);
    call.budget().allocate(text.len() + (text.len() / width + 1).saturating_mul(line_end.len()))?;
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text;
    while rest.len() > width {
        if let Some(after) = rest.strip_prefix(b" ") {
            rest = after;
            continue;
        }
        let line = rest.get(..=width).unwrap_or(rest);
        let next_space =
            |from: usize| rest.iter().skip(from).position(|byte| *byte == b' ').map(|at| at + from);
        let (end, skip) = match line.iter().rposition(|byte| *byte == b' ') {
            Some(space) => (space, 1),
            None if cut_words => (width, 0),
            None => match next_space(width) {
                Some(space) => (space, 1),
                None => break,
            },
        };
        out.extend_from_slice(rest.get(..end).unwrap_or_default());
        out.extend_from_slice(line_end);
        rest = rest.get(end + skip..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    give(Str::from(out))
}
