//! `CamelCase` to `snake_case` and back, as huandu/xstrings 1.5 does it.
//!
//! The library cuts a text into words of one kind (capitals, letters, digits, punctuation, connectors) and decides between two words
//! whether a connector belongs there.

use crate::case::{is_upper, lower, upper};

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

/// Categories Pc, Pd, Ps, Pe, Pi, Pf, Po.
fn is_punctuation(c: char) -> bool {
    match c {
        '\0'..='\x7f' => {
            c.is_ascii_punctuation() && !matches!(c, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~')
        }
        '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' => true,
        '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205E}' => !matches!(c, '\u{2044}' | '\u{2052}'),
        '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301F}' => true,
        '\u{FF01}'..='\u{FF0F}' => !matches!(c, '\u{FF04}' | '\u{FF0B}'),
        '\u{FF1A}' | '\u{FF1B}' | '\u{FF1F}' | '\u{FF20}' => true,
        _ => false,
    }
}

/// Letters, without Han: the library keeps those apart.
fn is_alphabet(c: char) -> bool {
    c.is_alphabetic()
        && !matches!(c, '\u{3400}'..='\u{4D85}' | '\u{4E00}'..='\u{9FCC}' | '\u{20000}'..='\u{2B81D}')
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    None,
    Number,
    Capitals,
    Letters,
    Connector,
    Punctuation,
    Other,
}

/// The first word of a text, and the rest.
fn next_word(text: &str) -> (Kind, &str, &str) {
    let mut chars = text.char_indices();
    let Some((_, first)) = chars.next() else { return (Kind::None, "", "") };
    let run = |belongs: &dyn Fn(char) -> bool| {
        text.char_indices().skip(1).find(|(_, c)| !belongs(*c)).map_or(text.len(), |(at, _)| at)
    };
    let (kind, end) = if is_connector(first) {
        (Kind::Connector, run(&is_connector))
    } else if is_punctuation(first) {
        (Kind::Punctuation, run(&is_punctuation))
    } else if is_upper(first) {
        (Kind::Capitals, capitals(text))
    } else if is_alphabet(first) {
        (Kind::Letters, run(&|c| is_alphabet(c) && !is_upper(c)))
    } else if first.is_numeric() {
        (Kind::Number, run(&char::is_numeric))
    } else {
        let other = |c: char| !(is_connector(c) || is_alphabet(c) || c.is_numeric() || is_punctuation(c));
        (Kind::Other, run(&other))
    };
    let (word, rest) = text.split_at(end);
    (kind, word, rest)
}

/// The end of a word that begins with a capital: `Word`, or all of `HTTP` but the capital that begins the next word.
fn capitals(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    let Some((at, second)) = chars.next() else { return text.len() };
    if is_upper(second) {
        let mut last = at;
        for (at, c) in chars {
            if !is_upper(c) {
                return if is_alphabet(c) { last } else { at };
            }
            last = at;
        }
        return text.len();
    }
    if !is_alphabet(second) {
        return at;
    }
    chars.find(|(_, c)| !is_alphabet(*c) || is_upper(*c)).map_or(text.len(), |(at, _)| at)
}

fn push(out: &mut String, kind: Kind, word: &str, connector: char) {
    if !matches!(kind, Kind::Capitals | Kind::Connector) {
        out.push_str(word);
        return;
    }
    out.extend(word.chars().map(|c| match c {
        c if is_connector(c) => connector,
        c if is_upper(c) => lower(c),
        c => c,
    }));
}

/// `ToSnakeCase` and `ToKebabCase`: words in lower case with a connector between.
pub(crate) fn apart(text: &str, connector: char) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let (mut kind, mut word, mut rest) = next_word(text);
    let wordlike = |kind: Kind| matches!(kind, Kind::Letters | Kind::Number);
    while !rest.is_empty() {
        if kind != Kind::Connector {
            push(&mut out, kind, word, connector);
        }
        let (before, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match before {
            Kind::Number => {
                while wordlike(kind) {
                    push(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Kind::None | Kind::Punctuation | Kind::Connector) {
                    out.push(connector);
                }
            }
            Kind::Connector => push(&mut out, before, last, connector),
            Kind::Punctuation => {}
            _ if kind != Kind::Number => {
                if !matches!(kind, Kind::Connector | Kind::Punctuation) {
                    out.push(connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word, rest) = next_word(rest);
                if kind != Kind::Letters {
                    out.push_str(number);
                    if !matches!(kind, Kind::Connector | Kind::Punctuation) {
                        out.push(connector);
                    }
                    continue;
                }
                out.push(connector);
                out.push_str(number);
                while wordlike(kind) {
                    push(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Kind::None | Kind::Connector | Kind::Punctuation) {
                    out.push(connector);
                }
            }
        }
    }
    push(&mut out, kind, word, connector);
    out
}

/// `ToPascalCase`: connectors inside go, and the letter behind each becomes a capital.
pub(crate) fn together(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    let mut current = None;
    let mut in_capitals = false;
    for c in chars.by_ref() {
        if is_connector(c) {
            out.push(c);
        } else {
            in_capitals = is_upper(c);
            current = Some(upper(c));
            break;
        }
    }
    let Some(mut current) = current else { return repeat_last(out, text) };
    for next in chars {
        let before = current;
        current = next;
        if is_connector(current) && is_connector(before) {
            out.push(before);
            continue;
        }
        if is_connector(before) {
            in_capitals = is_upper(current);
            current = upper(current);
        } else {
            if in_capitals {
                if is_upper(current) {
                    current = lower(current);
                } else {
                    in_capitals = false;
                }
            }
            out.push(before);
        }
    }
    out.push(current);
    out
}

/// Of a text of connectors alone the library writes the last one twice.
fn repeat_last(mut out: String, text: &str) -> String {
    out.extend(text.chars().next_back());
    out
}
