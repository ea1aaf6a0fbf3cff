//! Texts into tokens, as `text/template/parse` does.

use std::fmt;
use std::ops::Range;

use crate::quote;
use crate::unicode::{is_digit, is_letter, is_print};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    // Keywords.
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Kind {
    fn is_keyword(self) -> bool {
        matches!(
            self,
            Self::Block
                | Self::Break
                | Self::Continue
                | Self::Dot
                | Self::Define
                | Self::Else
                | Self::End
                | Self::If
                | Self::Nil
                | Self::Range
                | Self::Template
                | Self::With
        )
    }

    fn of_word(word: &str) -> Self {
        match word {
            "block" => Self::Block,
            "break" => Self::Break,
            "continue" => Self::Continue,
            "define" => Self::Define,
            "else" => Self::Else,
            "end" => Self::End,
            "if" => Self::If,
            "range" => Self::Range,
            "nil" => Self::Nil,
            "template" => Self::Template,
            "with" => Self::With,
            "true" | "false" => Self::Bool,
            _ => Self::Identifier,
        }
    }
}

/// A token: a stretch of the text, or an error's message.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// Byte offsets in the text.
    pub(crate) span: Range<usize>,
    /// The line that it starts in, from 1.
    pub(crate) line: usize,
    message: Option<Box<str>>,
}

impl Token {
    /// What a parser has before it has read anything.
    pub(crate) fn none() -> Self {
        Self { kind: Kind::Eof, span: 0..0, line: 0, message: None }
    }

    /// As error messages show it.
    pub(crate) fn shown<'a>(&'a self, text: &'a str) -> impl fmt::Display + 'a {
        Shown { token: self, text }
    }
}

struct Shown<'a> {
    token: &'a Token,
    text: &'a str,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.text.get(self.token.span.clone()).unwrap_or_default();
        match self.token.kind {
            Kind::Eof => formatter.write_str("EOF"),
            Kind::Error => formatter.write_str(self.token.message.as_deref().unwrap_or_default()),
            kind if kind.is_keyword() => write!(formatter, "<{value}>"),
            _ if value.len() > 10 => {
                let cut =
                    value.char_indices().nth(10).map_or(value, |(at, _)| value.get(..at).unwrap_or(value));
                write!(formatter, "{}...", quote::quoted(cut.as_bytes()))
            }
            _ => formatter.write_str(&quote::quoted(value.as_bytes())),
        }
    }
}

/// The lexer. It is asked for one token at a time.
pub(crate) struct Lexer<'a> {
    text: &'a str,
    left: &'a str,
    right: &'a str,
    at: usize,
    start: usize,
    line: usize,
    start_line: usize,
    parens: usize,
    inside: bool,
    failed: bool,
    loop_words: LoopWords,
}

/// Whether `break` and `continue` are keywords: not where the functions have such names.
#[derive(Clone, Copy)]
pub(crate) struct LoopWords {
    pub(crate) break_word: bool,
    pub(crate) continue_word: bool,
}

const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

fn is_blank(character: char) -> bool {
    BLANKS.contains(&character)
}

fn is_word(character: char) -> bool {
    character == '_' || is_letter(character) || is_digit(character)
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str, left: &'a str, right: &'a str, loop_words: LoopWords) -> Self {
        let left = if left.is_empty() { "{{" } else { left };
        let right = if right.is_empty() { "}}" } else { right };
        Self {
            text,
            left,
            right,
            at: 0,
            start: 0,
            line: 1,
            start_line: 1,
            parens: 0,
            inside: false,
            failed: false,
            loop_words,
        }
    }

    /// The next token. After an error or the end, more of the same.
    pub(crate) fn next(&mut self) -> Token {
        if self.failed {
            return Token { kind: Kind::Eof, span: 0..0, line: self.start_line, message: None };
        }
        if self.inside { self.action() } else { self.text() }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        if character == '\n' {
            self.line += 1;
        }
        Some(character)
    }

    fn accept(&mut self, valid: &str) -> bool {
        let accepted = self.peek().is_some_and(|character| valid.contains(character));
        if accepted {
            self.bump();
        }
        accepted
    }

    fn accept_run(&mut self, valid: &str) {
        while self.accept(valid) {}
    }

    fn token(&mut self, kind: Kind) -> Token {
        let token = Token { kind, span: self.start..self.at, line: self.start_line, message: None };
        self.start = self.at;
        self.start_line = self.line;
        token
    }

    /// Passes over what was not read by [`Lexer::bump`].
    fn ignore(&mut self) {
        self.line += newlines(self.text, self.start..self.at);
        self.start = self.at;
        self.start_line = self.line;
    }

    fn error(&mut self, message: impl Into<Box<str>>) -> Token {
        self.failed = true;
        Token {
            kind: Kind::Error,
            span: self.start..self.start,
            line: self.start_line,
            message: Some(message.into()),
        }
    }

    fn text(&mut self) -> Token {
        // Comments are passed over, so this may take several rounds.
        loop {
            let Some(distance) = self.rest().find(self.left) else {
                self.at = self.text.len();
                if self.at > self.start {
                    self.line += newlines(self.text, self.start..self.at);
                    return self.token(Kind::Text);
                }
                return self.token(Kind::Eof);
            };
            if distance > 0 {
                let delim = self.at + distance;
                let before = self.text.get(self.start..delim).unwrap_or_default();
                let kept = match self.text.get(delim + self.left.len()..) {
                    Some(after) if has_left_trim(after) => before.trim_end_matches(BLANKS).len(),
                    _ => before.len(),
                };
                self.at = self.start + kept;
                self.line += newlines(self.text, self.start..self.at);
                let token = self.token(Kind::Text);
                self.at = delim;
                self.ignore();
                if kept > 0 {
                    return token;
                }
            }
            self.at += self.left.len();
            let marker = if has_left_trim(self.rest()) { 2 } else { 0 };
            if self.text.get(self.at + marker..).is_some_and(|rest| rest.starts_with("/*")) {
                self.at += marker;
                self.ignore();
                if let Err(error) = self.comment() {
                    return error;
                }
                continue;
            }
            let token = self.token(Kind::LeftDelim);
            self.inside = true;
            self.at += marker;
            self.ignore();
            self.parens = 0;
            return token;
        }
    }

    fn comment(&mut self) -> Result<(), Token> {
        self.at += 2;
        let Some(end) = self.rest().find("*/") else {
            return Err(self.error("unclosed comment"));
        };
        self.at += end + 2;
        let Some(trim) = self.right_delim() else {
            return Err(self.error("comment ends before closing delimiter"));
        };
        self.at += self.right.len() + if trim { 2 } else { 0 };
        if trim {
            self.skip_blanks();
        }
        self.ignore();
        Ok(())
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(BLANKS).len();
    }

    /// Whether a right delimiter is here, and if so whether a trim marker comes first.
    fn right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_trim(rest) && rest.get(2..).is_some_and(|rest| rest.starts_with(self.right)) {
            return Some(true);
        }
        rest.starts_with(self.right).then_some(false)
    }

    fn close(&mut self, trim: bool) -> Token {
        if trim {
            self.at += 2;
            self.ignore();
        }
        self.at += self.right.len();
        let token = self.token(Kind::RightDelim);
        if trim {
            self.skip_blanks();
            self.ignore();
        }
        self.inside = false;
        token
    }

    fn action(&mut self) -> Token {
        if let Some(trim) = self.right_delim() {
            return if self.parens == 0 { self.close(trim) } else { self.error("unclosed left paren") };
        }
        let Some(character) = self.peek() else { return self.error("unclosed action") };
        if is_blank(character) {
            return self.space();
        }
        if character == '.' {
            let after = self.text.as_bytes().get(self.at + 1);
            if after.is_some_and(|byte| !byte.is_ascii_digit()) {
                self.bump();
                return self.field_or_variable(Kind::Field);
            }
            return self.number();
        }
        if matches!(character, '+' | '-' | '0'..='9') {
            return self.number();
        }
        if is_word(character) {
            return self.identifier();
        }
        self.bump();
        match character {
            '=' => self.token(Kind::Assign),
            ':' => {
                if self.bump() == Some('=') {
                    self.token(Kind::Declare)
                } else {
                    self.error("expected :=")
                }
            }
            '|' => self.token(Kind::Pipe),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
            '`' => self.raw_string(),
            '$' => self.field_or_variable(Kind::Variable),
            '(' => {
                self.parens += 1;
                self.token(Kind::LeftParen)
            }
            ')' => match self.parens.checked_sub(1) {
                Some(parens) => {
                    self.parens = parens;
                    self.token(Kind::RightParen)
                }
                None => self.error("unexpected right paren"),
            },
            _ if character.is_ascii() && is_print(character) => self.token(Kind::Char),
            _ => {
                let shown = code_point(Some(character));
                self.error(format!("unrecognized character in action: {shown}"))
            }
        }
    }

    fn space(&mut self) -> Token {
        while self.peek().is_some_and(is_blank) {
            self.bump();
        }
        // The last blank belongs to ` -}}`, if that follows.
        let last = self.at - 1;
        let rest = self.text.get(last..).unwrap_or_default();
        if has_right_trim(rest) && rest.get(2..).is_some_and(|rest| rest.starts_with(self.right)) {
            self.at = last;
            if rest.starts_with('\n') {
                self.line -= 1;
            }
            if self.at == self.start {
                return self.close(true);
            }
        }
        self.token(Kind::Space)
    }

    fn identifier(&mut self) -> Token {
        while self.peek().is_some_and(is_word) {
            self.bump();
        }
        if !self.at_terminator() {
            return self.bad_character();
        }
        let kind = match Kind::of_word(self.text.get(self.start..self.at).unwrap_or_default()) {
            Kind::Break if !self.loop_words.break_word => Kind::Identifier,
            Kind::Continue if !self.loop_words.continue_word => Kind::Identifier,
            kind => kind,
        };
        self.token(kind)
    }

    fn field_or_variable(&mut self, kind: Kind) -> Token {
        if self.at_terminator() {
            return self.token(if kind == Kind::Variable { kind } else { Kind::Dot });
        }
        while self.peek().is_some_and(is_word) {
            self.bump();
        }
        if !self.at_terminator() {
            return self.bad_character();
        }
        self.token(kind)
    }

    fn bad_character(&mut self) -> Token {
        let shown = code_point(self.peek());
        self.error(format!("bad character {shown}"))
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(_) => self.rest().starts_with(self.right),
        }
    }

    fn quoted(&mut self, quote: char, kind: Kind, unterminated: &str) -> Token {
        loop {
            match self.bump() {
                None | Some('\n') => return self.error(unterminated),
                Some('\\') if matches!(self.bump(), None | Some('\n')) => return self.error(unterminated),
                Some(character) if character == quote => return self.token(kind),
                Some(_) => {}
            }
        }
    }

    fn raw_string(&mut self) -> Token {
        loop {
            match self.bump() {
                None => return self.error("unterminated raw quoted string"),
                Some('`') => return self.token(Kind::RawString),
                Some(_) => {}
            }
        }
    }

    fn number(&mut self) -> Token {
        if !self.scan_number() {
            return self.bad_number();
        }
        if matches!(self.peek(), Some('+' | '-')) {
            let complete = self.scan_number() && self.text.as_bytes().get(self.at - 1) == Some(&b'i');
            return if complete { self.token(Kind::Complex) } else { self.bad_number() };
        }
        self.token(Kind::Number)
    }

    fn bad_number(&mut self) -> Token {
        let text = self.text.get(self.start..self.at).unwrap_or_default();
        self.error(format!("bad number syntax: {}", quote::quoted(text.as_bytes())))
    }

    fn scan_number(&mut self) -> bool {
        const DECIMAL: &str = "0123456789_";
        const HEX: &str = "0123456789abcdefABCDEF_";
        self.accept("+-");
        let mut digits = DECIMAL;
        if self.accept("0") {
            if self.accept("xX") {
                digits = HEX;
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        if (digits == DECIMAL && self.accept("eE")) || (digits == HEX && self.accept("pP")) {
            self.accept("+-");
            self.accept_run(DECIMAL);
        }
        self.accept("i");
        if self.peek().is_some_and(is_word) {
            self.bump();
            return false;
        }
        true
    }
}

fn newlines(text: &str, range: Range<usize>) -> usize {
    text.as_bytes().get(range).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count()
}

fn has_left_trim(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next() == Some('-') && characters.next().is_some_and(is_blank)
}

fn has_right_trim(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(is_blank) && characters.next() == Some('-')
}

/// `%#U`; Go's end-of-file is -1.
fn code_point(character: Option<char>) -> String {
    match character {
        None => "U+FFFFFFFFFFFFFFFF".into(),
        Some(character) if is_print(character) => format!("U+{:04X} '{character}'", u32::from(character)),
        Some(character) => format!("U+{:04X}", u32::from(character)),
    }
}
