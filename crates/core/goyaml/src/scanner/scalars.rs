//! Plain, quoted and block scalars.

use std::borrow::Cow;
use std::ops::Range;

use super::Scanner;
use super::properties::hex;
use crate::Error;
use crate::cursor::{Cursor, Position, syntax};
use crate::outline::Style;
use crate::token::{Spanned, Token};

/// What a block scalar does with the line breaks at its end: `-`, nothing, `+`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

/// What a scalar says while it is read: a piece of the source for as long as it is just that.
#[derive(Debug, Default)]
struct Text {
    written: String,
    /// Bytes of the source behind what is written.
    piece: Range<usize>,
}

impl Text {
    /// Adds bytes that the cursor has passed.
    fn add(&mut self, cursor: &Cursor<'_>, bytes: Range<usize>) {
        if self.piece.end == bytes.start {
            self.piece.end = bytes.end;
        } else {
            self.write(cursor);
            self.piece = bytes;
        }
    }

    /// Where text that is not in the source can be added.
    fn write(&mut self, cursor: &Cursor<'_>) -> &mut String {
        self.written.push_str(cursor.passed(std::mem::take(&mut self.piece)));
        &mut self.written
    }

    fn finish<'a>(mut self, cursor: &Cursor<'a>) -> Cow<'a, str> {
        if self.written.is_empty() {
            return Cow::Borrowed(cursor.passed(self.piece));
        }
        self.write(cursor);
        Cow::Owned(self.written)
    }
}

/// White space between two words of a flow scalar, before it is known whether it is folded.
#[derive(Debug, Default)]
struct Gap {
    blanks: Range<usize>,
    first_break: String,
    more_breaks: String,
    /// Whether a line has ended; blanks are indentation then.
    broken: bool,
}

impl Gap {
    /// Writes what the gap stands for: blanks as they are, one line break as a space, more of them less one.
    fn fold(&mut self, cursor: &Cursor<'_>, into: &mut Text) {
        let blanks = std::mem::take(&mut self.blanks);
        if !self.broken {
            if !blanks.is_empty() {
                into.add(cursor, blanks);
            }
            return;
        }
        let into = into.write(cursor);
        if !self.first_break.starts_with('\n') {
            into.push_str(&self.first_break);
            into.push_str(&self.more_breaks);
        } else if self.more_breaks.is_empty() {
            into.push(' ');
        } else {
            into.push_str(&self.more_breaks);
        }
        self.first_break.clear();
        self.more_breaks.clear();
        self.broken = false;
    }
}

impl<'a> Scanner<'a> {
    /// Reads blanks and line breaks. `indent` is the least column of a plain scalar's further lines, where a tab is no indentation.
    fn scan_gap(&mut self, gap: &mut Gap, indent: Option<usize>) -> Result<(), Error> {
        let start = self.cursor.offset();
        loop {
            if self.cursor.is_blank(0) {
                let misplaced = indent.is_some_and(|indent| self.cursor.column() < indent);
                if gap.broken && misplaced && self.cursor.is(b'\t') {
                    return Err(self.cursor.error("found a tab character that violates indentation"));
                }
                self.cursor.skip();
                if !gap.broken {
                    gap.blanks = start..self.cursor.offset();
                }
            } else if self.cursor.is_break(0) {
                if gap.broken {
                    self.cursor.read_break(&mut gap.more_breaks);
                } else {
                    gap.blanks = 0..0;
                    self.cursor.read_break(&mut gap.first_break);
                    gap.broken = true;
                }
            } else {
                return Ok(());
            }
        }
    }

    pub(super) fn scan_plain(&mut self) -> Result<Spanned<'a>, Error> {
        let (start, mut end) = (self.cursor.position(), self.cursor.position());
        let indent = self.indent.map_or(0, |indent| indent + 1);
        let flow = self.in_flow();
        let (mut text, mut gap) = (Text::default(), Gap::default());
        loop {
            let indicator =
                self.cursor.is_document_indicator(b'-') || self.cursor.is_document_indicator(b'.');
            if indicator || self.cursor.is(b'#') {
                break;
            }
            let word = self.cursor.offset();
            while !self.cursor.is_blank_or_end(0) {
                let ends = match self.cursor.byte(0) {
                    b':' => self.cursor.is_blank_or_end(1),
                    b',' | b'?' | b'[' | b']' | b'{' | b'}' => flow,
                    _ => false,
                };
                if ends {
                    break;
                }
                self.cursor.skip();
                self.cursor.skip_run(is_plain);
            }
            if self.cursor.offset() > word {
                gap.fold(&self.cursor, &mut text);
                text.add(&self.cursor, word..self.cursor.offset());
                end = self.cursor.position();
            }
            if !self.cursor.is_blank(0) && !self.cursor.is_break(0) {
                break;
            }
            self.scan_gap(&mut gap, Some(indent))?;
            if !flow && self.cursor.column() < indent {
                break;
            }
        }
        // A line ended, so a key may follow.
        if gap.broken {
            self.simple_key_allowed = true;
        }
        let text = text.finish(&self.cursor);
        Ok(Spanned { token: Token::Scalar { text, style: Style::Plain }, start, end })
    }

    pub(super) fn scan_quoted(&mut self, quote: u8) -> Result<Spanned<'a>, Error> {
        let start = self.cursor.position();
        self.cursor.skip();
        let mut text = Text::default();
        loop {
            if self.cursor.is_document_indicator(b'-') || self.cursor.is_document_indicator(b'.') {
                return Err(self.cursor.error("found unexpected document indicator"));
            }
            if self.cursor.is_end() {
                return Err(syntax(start, "found unexpected end of stream"));
            }
            let mut gap = Gap::default();
            while !self.cursor.is_blank_or_end(0) {
                let first = self.cursor.byte(0);
                if first == quote {
                    if quote == b'"' || self.cursor.byte(1) != quote {
                        break;
                    }
                    text.write(&self.cursor).push('\'');
                    self.cursor.skip_many(2);
                } else if quote == b'"' && first == b'\\' {
                    if self.cursor.is_break(1) {
                        self.cursor.skip();
                        self.cursor.skip_break();
                        // Broken, with no first break: only the breaks after it count.
                        gap.broken = true;
                        break;
                    }
                    let c = self.scan_escape()?;
                    text.write(&self.cursor).push(c);
                } else {
                    let start = self.cursor.offset();
                    self.cursor.skip();
                    self.cursor.skip_run(is_quoted);
                    text.add(&self.cursor, start..self.cursor.offset());
                }
            }
            if self.cursor.is(quote) {
                break;
            }
            self.scan_gap(&mut gap, None)?;
            gap.fold(&self.cursor, &mut text);
        }
        self.cursor.skip();
        let text = text.finish(&self.cursor);
        let style = if quote == b'"' { Style::DoubleQuoted } else { Style::SingleQuoted };
        Ok(Spanned { token: Token::Scalar { text, style }, start, end: self.cursor.position() })
    }

    fn scan_escape(&mut self) -> Result<char, Error> {
        let digits = match self.cursor.byte(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            other => {
                let c = simple_escape(other)
                    .ok_or_else(|| self.cursor.error("found unknown escape character"))?;
                self.cursor.skip_many(2);
                return Ok(c);
            }
        };
        self.cursor.skip_many(2);
        let mut code = 0_u32;
        for i in 0..digits {
            let digit = hex(self.cursor.byte(i))
                .ok_or_else(|| self.cursor.error("did not find expected hexdecimal number"))?;
            code = code << 4 | u32::from(digit);
        }
        let c = char::from_u32(code)
            .ok_or_else(|| self.cursor.error("found invalid Unicode character escape code"))?;
        self.cursor.skip_many(digits);
        Ok(c)
    }

    pub(super) fn scan_block_scalar(&mut self, literal: bool) -> Result<Spanned<'a>, Error> {
        let start = self.cursor.position();
        self.cursor.skip();
        let (chomping, increment) = self.scan_block_header()?;
        let mut end = self.cursor.position();
        let mut indent = increment.map(|increment| self.indent.unwrap_or(0) + increment);
        let (mut text, mut first_break, mut more_breaks) = (Text::default(), String::new(), String::new());
        self.scan_block_breaks(&mut indent, &mut more_breaks, &mut end)?;
        let mut blank_before = false;
        while Some(self.cursor.column()) == indent && !self.cursor.is_end() {
            let blank = self.cursor.is_blank(0);
            let written = text.write(&self.cursor);
            if !literal && !blank_before && !blank && first_break.starts_with('\n') {
                if more_breaks.is_empty() {
                    written.push(' ');
                }
            } else {
                written.push_str(&first_break);
            }
            first_break.clear();
            written.push_str(&more_breaks);
            more_breaks.clear();
            blank_before = blank;
            let line = self.cursor.offset();
            while !self.cursor.is_break_or_end(0) {
                self.cursor.skip();
                self.cursor.skip_run(|byte| matches!(byte, b'\t' | b' '..=b'~'));
            }
            text.add(&self.cursor, line..self.cursor.offset());
            self.cursor.read_break(&mut first_break);
            self.scan_block_breaks(&mut indent, &mut more_breaks, &mut end)?;
        }
        let written = text.write(&self.cursor);
        if chomping != Chomping::Strip {
            written.push_str(&first_break);
        }
        if chomping == Chomping::Keep {
            written.push_str(&more_breaks);
        }
        let text = text.finish(&self.cursor);
        let style = if literal { Style::Literal } else { Style::Folded };
        Ok(Spanned { token: Token::Scalar { text, style }, start, end })
    }

    /// The rest of the line after `|` or `>`: chomping and indentation, in either order, and a comment.
    fn scan_block_header(&mut self) -> Result<(Chomping, Option<usize>), Error> {
        let mut chomping = self.scan_chomping();
        let mut increment = None;
        if self.cursor.byte(0).is_ascii_digit() {
            if self.cursor.is(b'0') {
                return Err(self.cursor.error("found an indentation indicator equal to 0"));
            }
            increment = Some(usize::from(self.cursor.byte(0) - b'0'));
            self.cursor.skip();
            chomping = chomping.or_else(|| self.scan_chomping());
        }
        self.cursor.skip_blanks();
        self.cursor.skip_comment();
        if !self.cursor.is_break_or_end(0) {
            return Err(self.cursor.error("did not find expected comment or line break"));
        }
        self.cursor.skip_break();
        Ok((chomping.unwrap_or(Chomping::Clip), increment))
    }

    fn scan_chomping(&mut self) -> Option<Chomping> {
        let chomping = match self.cursor.byte(0) {
            b'+' => Chomping::Keep,
            b'-' => Chomping::Strip,
            _ => return None,
        };
        self.cursor.skip();
        Some(chomping)
    }

    /// Reads the indentation of a block scalar's next line, and the empty lines before it. Where the indentation is not known yet, the
    /// first line that is not empty, or the longest of the empty ones, decides.
    fn scan_block_breaks(
        &mut self,
        indent: &mut Option<usize>,
        breaks: &mut String,
        end: &mut Position,
    ) -> Result<(), Error> {
        *end = self.cursor.position();
        let mut longest = 0;
        loop {
            while self.cursor.is(b' ') && indent.is_none_or(|indent| self.cursor.column() < indent) {
                self.cursor.skip();
            }
            longest = longest.max(self.cursor.column());
            if self.cursor.is(b'\t') && indent.is_none_or(|indent| self.cursor.column() < indent) {
                return Err(self
                    .cursor
                    .error("found a tab character where an indentation space is expected"));
            }
            if !self.cursor.is_break(0) {
                break;
            }
            self.cursor.read_break(breaks);
            *end = self.cursor.position();
        }
        if indent.is_none() {
            *indent = Some(longest.max(self.indent.map_or(0, |indent| indent + 1)).max(1));
        }
        Ok(())
    }
}

/// What a plain scalar may have inside of a word, wherever it stands.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~') && !matches!(byte, b':' | b',' | b'?' | b'[' | b']' | b'{' | b'}')
}

/// What stands for itself in either quotes.
fn is_quoted(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~') && !matches!(byte, b'\'' | b'"' | b'\\')
}

fn simple_escape(byte: u8) -> Option<char> {
    Some(match byte {
        b'0' => '\0',
        b'a' => '\u{7}',
        b'b' => '\u{8}',
        b't' | b'\t' => '\t',
        b'n' => '\n',
        b'v' => '\u{B}',
        b'f' => '\u{C}',
        b'r' => '\r',
        b'e' => '\u{1B}',
        b' ' => ' ',
        b'"' => '"',
        b'\'' => '\'',
        b'\\' => '\\',
        b'N' => '\u{85}',
        b'_' => '\u{A0}',
        b'L' => '\u{2028}',
        b'P' => '\u{2029}',
        _ => return None,
    })
}
