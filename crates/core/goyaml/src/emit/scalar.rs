//! Scalars: which style a text needs, and the four styles.

use std::borrow::Cow;

use serde_json::Number;

use super::writer::Writer;
use crate::resolve::{Resolved, go_float, is_base60, resolve};
use crate::value::whole;

/// Lines are folded at the first blank after this column.
const WIDTH: usize = 80;

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// What a text has in it that decides on its style.
#[derive(Debug, Default)]
struct Traits {
    multiline: bool,
    plain: bool,
    single_quoted: bool,
    block: bool,
}

/// A scalar to write.
#[derive(Debug)]
pub(super) struct Scalar<'a> {
    text: Cow<'a, str>,
    wanted: Style,
    traits: Traits,
}

impl<'a> Scalar<'a> {
    /// Text; it is quoted where it would read as something else.
    pub(super) fn of_text(text: &'a str) -> Self {
        let wanted = if text.contains('\n') {
            Style::Literal
        } else if resolve(text, true) == Resolved::Text && !is_base60(text) {
            Style::Plain
        } else {
            Style::DoubleQuoted
        };
        Self { text: Cow::Borrowed(text), wanted, traits: Traits::of(text) }
    }

    /// A number, a boolean or null.
    pub(super) fn of_word(text: Cow<'a, str>) -> Self {
        let traits = Traits::of(&text);
        Self { text, wanted: Style::Plain, traits }
    }

    pub(super) fn multiline(&self) -> bool {
        self.traits.multiline
    }

    /// Writes the scalar; a simple key stays on its line.
    pub(super) fn write(&self, writer: &mut Writer, simple_key: bool) {
        writer.push_inline_indent();
        match self.style(simple_key) {
            Style::Plain => plain(writer, &self.text, !simple_key),
            Style::SingleQuoted => single_quoted(writer, &self.text, !simple_key),
            Style::DoubleQuoted => double_quoted(writer, &self.text, !simple_key),
            Style::Literal => literal(writer, &self.text),
        }
        writer.pop_indent();
    }

    fn style(&self, simple_key: bool) -> Style {
        let quoted = if self.traits.single_quoted { Style::SingleQuoted } else { Style::DoubleQuoted };
        match self.wanted {
            _ if simple_key && self.traits.multiline => Style::DoubleQuoted,
            Style::Plain if !self.traits.plain || (self.text.is_empty() && simple_key) => quoted,
            Style::Literal if !self.traits.block || simple_key => Style::DoubleQuoted,
            style => style,
        }
    }
}

impl Traits {
    fn of(text: &str) -> Self {
        if text.is_empty() {
            return Self { multiline: false, plain: true, single_quoted: true, block: false };
        }
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut breaks, mut special, mut break_space, mut space_break) = (false, false, false, false);
        let mut before = None;
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            // Go looks for a blank here, and for any white space below; so do we.
            let blank_follows = rest.peek().is_none_or(|next| matches!(next, ' ' | '\t'));
            indicators |= match (c, before) {
                ('#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>', None) => true,
                ('\'' | '"' | '%' | '@' | '`', None) => true,
                ('?' | '-', None) | (':', _) => blank_follows,
                ('#', Some(before)) => matches!(before, ' ' | '\t') || is_break(before),
                _ => false,
            };
            special |= !is_printable(c);
            breaks |= is_break(c);
            break_space |= c == ' ' && before.is_some_and(is_break);
            space_break |= is_break(c) && before == Some(' ');
            before = Some(c);
        }
        let edge = |c: char| c == ' ' || is_break(c);
        let at_edge = text.starts_with(edge) || text.ends_with(edge);
        let quotable = !space_break && !special;
        Self {
            multiline: breaks,
            plain: !at_edge && !break_space && quotable && !breaks && !indicators,
            single_quoted: !break_space && quotable,
            block: quotable && !text.ends_with(' '),
        }
    }
}

/// Writes a number as Go does after it went through JSON: floats that are whole, and have no exponent in JSON, are integers.
pub(super) fn number(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => match whole(float) {
            Some(int) => int.to_string(),
            // The digits are those of serde_json: where two are as near, it takes the even one, as Go does.
            None => go_float(&number.to_string()),
        },
        _ => number.to_string(),
    }
}

fn plain(writer: &mut Writer, text: &str, may_fold: bool) {
    writer.separate();
    folded(writer, text, may_fold, |writer, c| writer.put(c));
    writer.set_flags(false, false);
}

fn single_quoted(writer: &mut Writer, text: &str, may_fold: bool) {
    writer.indicator("'", true, false);
    // Blanks at the edges are never folded.
    folded(writer, text, may_fold, |writer, c| {
        if c == '\'' {
            writer.put('\'');
        }
        writer.put(c);
    });
    writer.indicator("'", false, false);
    writer.set_flags(false, false);
}

/// Writes text whose line breaks are doubled and whose blanks may become line breaks.
fn folded(writer: &mut Writer, text: &str, may_fold: bool, put: impl Fn(&mut Writer, char)) {
    let (mut spaces, mut breaks, mut first) = (false, false, true);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == ' ' {
            let alone = !spaces && !first && rest.peek().is_some_and(|&next| next != ' ');
            if may_fold && alone && writer.column() > WIDTH {
                writer.indent()
            } else {
                writer.put(c)
            }
            spaces = true;
        } else if is_break(c) {
            if !breaks && c == '\n' {
                writer.line_break();
            }
            writer.text_break(c);
            breaks = true;
        } else {
            if breaks {
                writer.indent();
            }
            put(writer, c);
            writer.set_indention(false);
            (spaces, breaks) = (false, false);
        }
        first = false;
    }
}

fn double_quoted(writer: &mut Writer, text: &str, may_fold: bool) {
    writer.indicator("\"", true, false);
    let (mut spaces, mut first) = (false, true);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == ' ' {
            let inside = !first && rest.peek().is_some();
            if may_fold && !spaces && inside && writer.column() > WIDTH {
                writer.indent();
                if rest.peek() == Some(&' ') {
                    writer.put('\\');
                }
            } else {
                writer.put(c);
            }
            spaces = true;
        } else {
            if !is_printable(c) || is_break(c) || matches!(c, '"' | '\\') {
                escape(c).chars().for_each(|c| writer.put(c));
            } else {
                writer.put(c);
            }
            spaces = false;
        }
        first = false;
    }
    writer.indicator("\"", false, false);
    writer.set_flags(false, false);
}

fn escape(c: char) -> String {
    let short = match c {
        '\0' => "\\0",
        '\u{7}' => "\\a",
        '\u{8}' => "\\b",
        '\t' => "\\t",
        '\n' => "\\n",
        '\u{B}' => "\\v",
        '\u{C}' => "\\f",
        '\r' => "\\r",
        '\u{1B}' => "\\e",
        '"' => "\\\"",
        '\\' => "\\\\",
        '\u{85}' => "\\N",
        '\u{A0}' => "\\_",
        '\u{2028}' => "\\L",
        '\u{2029}' => "\\P",
        other => {
            return match u32::from(other) {
                code @ ..=0xFF => format!("\\x{code:02X}"),
                code @ ..=0xFFFF => format!("\\u{code:04X}"),
                code => format!("\\U{code:08X}"),
            };
        }
    };
    short.to_owned()
}

fn literal(writer: &mut Writer, text: &str) {
    writer.indicator("|", true, false);
    // Leading blanks and breaks would hide how far the block is indented.
    if text.starts_with(|c| c == ' ' || is_break(c)) {
        writer.indicator("2", false, false);
    }
    let mut from_end = text.chars().rev();
    match (from_end.next().is_some_and(is_break), from_end.next().map(is_break)) {
        (false, _) => writer.indicator("-", false, false),
        (true, None | Some(true)) => writer.indicator("+", false, false),
        (true, Some(false)) => {}
    }
    writer.line_break();
    writer.set_flags(true, true);
    let mut breaks = true;
    for c in text.chars() {
        if is_break(c) {
            writer.text_break(c);
        } else {
            if breaks {
                writer.indent();
            }
            writer.put(c);
            writer.set_indention(false);
        }
        breaks = is_break(c);
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What libyaml writes as it is: no tab, and nothing beyond the basic plane.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}') && c != '\u{FEFF}'
}
