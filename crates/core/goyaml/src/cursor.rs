//! A place in a text, moving forward character by character.

use std::ops::Range;

use crate::{Error, ErrorKind, Mark};

/// A place as the scanner counts it, everything from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position {
    /// Characters before it in the text.
    pub(crate) index: usize,
    /// Bytes before it in the text.
    pub(crate) offset: usize,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl From<Position> for Mark {
    fn from(position: Position) -> Self {
        Self { line: position.line + 1, column: position.column + 1 }
    }
}

/// Which lines separate documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Separators {
    /// `---` with a blank or nothing after it.
    Yaml,
    /// As Kubernetes' reader of streams cuts: a comment may be glued to it, too (`---# next`).
    Kubernetes,
}

/// Reads a text. Beyond its end it reads NUL, which no text contains (see [`crate::text::decode`]).
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    position: Position,
    separators: Separators,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str, separators: Separators) -> Self {
        Self { text, position: Position::default(), separators }
    }

    pub(crate) fn position(&self) -> Position {
        self.position
    }

    pub(crate) fn column(&self) -> usize {
        self.position.column
    }

    /// The byte `ahead` bytes on; NUL beyond the end.
    pub(crate) fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.position.offset + ahead).copied().unwrap_or(0)
    }

    pub(crate) fn is(&self, byte: u8) -> bool {
        self.byte(0) == byte
    }

    pub(crate) fn is_end(&self) -> bool {
        self.position.offset >= self.text.len()
    }

    pub(crate) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), b' ' | b'\t')
    }

    /// Whether a line break is there: LF, CR, NEL, LS or PS.
    pub(crate) fn is_break(&self, ahead: usize) -> bool {
        break_width(self.text.as_bytes().get(self.position.offset + ahead..).unwrap_or_default()) > 0
    }

    pub(crate) fn is_break_or_end(&self, ahead: usize) -> bool {
        self.byte(ahead) == 0 || self.is_break(ahead)
    }

    pub(crate) fn is_blank_or_end(&self, ahead: usize) -> bool {
        self.is_blank(ahead) || self.is_break_or_end(ahead)
    }

    /// Whether the line starts with `---` or `...` and nothing glued to it.
    pub(crate) fn is_document_indicator(&self, dash_or_dot: u8) -> bool {
        let comment =
            self.separators == Separators::Kubernetes && dash_or_dot == b'-' && self.byte(3) == b'#';
        self.position.column == 0
            && (0..3).all(|i| self.byte(i) == dash_or_dot)
            && (self.is_blank_or_end(3) || comment)
    }

    pub(crate) fn is_byte_order_mark(&self) -> bool {
        self.byte(0) == 0xEF && self.byte(1) == 0xBB && self.byte(2) == 0xBF
    }

    /// Drops a byte order mark, which takes no column.
    pub(crate) fn skip_byte_order_mark(&mut self) {
        self.position.offset += 3;
        self.position.index += 1;
    }

    /// Passes one character that is no line break.
    pub(crate) fn skip(&mut self) {
        let width = match self.byte(0) {
            ..0x80 => 1,
            0x80..0xE0 => 2,
            0xE0..0xF0 => 3,
            0xF0.. => 4,
        };
        self.position.offset = (self.position.offset + width).min(self.text.len());
        self.position.index += 1;
        self.position.column += 1;
    }

    /// Passes `count` characters that are no line breaks.
    pub(crate) fn skip_many(&mut self, count: usize) {
        for _ in 0..count {
            self.skip();
        }
    }

    /// Passes spaces and tabs.
    pub(crate) fn skip_blanks(&mut self) {
        while self.is_blank(0) {
            self.skip();
        }
    }

    /// Passes a comment, if one starts here, up to the end of its line.
    pub(crate) fn skip_comment(&mut self) {
        if self.is(b'#') {
            while !self.is_break_or_end(0) {
                self.skip();
            }
        }
    }

    pub(crate) fn offset(&self) -> usize {
        self.position.offset
    }

    /// Bytes that were passed.
    pub(crate) fn passed(&self, bytes: Range<usize>) -> &'a str {
        self.text.get(bytes).unwrap_or_default()
    }

    /// Passes ASCII characters as long as they are wanted, none of them a line break. What [`Self::skip`] does, in one go.
    pub(crate) fn skip_run(&mut self, wanted: impl Fn(u8) -> bool) {
        let rest = self.text.as_bytes().get(self.position.offset..).unwrap_or_default();
        let length = rest.iter().take_while(|&&byte| byte.is_ascii() && wanted(byte)).count();
        self.position.offset += length;
        self.position.index += length;
        self.position.column += length;
    }

    /// Passes a line break, if there is one.
    pub(crate) fn skip_break(&mut self) {
        let width = break_width(self.text.as_bytes().get(self.position.offset..).unwrap_or_default());
        if width > 0 {
            self.position.index += if self.is_crlf() { 2 } else { 1 };
            self.position.offset += width;
            self.position.column = 0;
            self.position.line += 1;
        }
    }

    /// Copies a line break, if there is one: LS and PS as they are, all others as LF.
    pub(crate) fn read_break(&mut self, into: &mut String) {
        let start = self.position.offset;
        let kept = self.is(0xE2);
        self.skip_break();
        match self.position.offset - start {
            0 => {}
            _ if kept => into.push_str(self.text.get(start..self.position.offset).unwrap_or_default()),
            _ => into.push('\n'),
        }
    }

    /// An error at this place.
    pub(crate) fn error(&self, problem: &'static str) -> Error {
        syntax(self.position, problem)
    }

    fn is_crlf(&self) -> bool {
        self.byte(0) == b'\r' && self.byte(1) == b'\n'
    }
}

/// An error somewhere in a text.
pub(crate) fn syntax(at: Position, problem: &'static str) -> Error {
    Error::new(Some(at.into()), ErrorKind::Syntax(problem))
}

/// Bytes of the line break that a text starts with, 0 where it starts with something else.
fn break_width(text: &[u8]) -> usize {
    match text {
        [b'\r', b'\n', ..] | [0xC2, 0x85, ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        [0xE2, 0x80, 0xA8 | 0xA9, ..] => 3,
        _ => 0,
    }
}

/// Letters, digits, `_` and `-`: what anchors and tag handles are made of.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
