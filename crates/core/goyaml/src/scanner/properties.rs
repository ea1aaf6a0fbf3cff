//! Directives, anchors, aliases and tags.

use super::Scanner;
use crate::Error;
use crate::cursor::is_word;
use crate::token::{Handle, Spanned, Token};

/// Digits in a version number of `%YAML`.
const MAX_VERSION_DIGITS: usize = 2;

impl<'a> Scanner<'a> {
    pub(super) fn scan_directive(&mut self) -> Result<Spanned<'a>, Error> {
        let start = self.cursor.position();
        self.cursor.skip();
        let name = self.scan_word();
        if name.is_empty() {
            return Err(self.cursor.error("could not find expected directive name"));
        }
        if !self.cursor.is_blank_or_end(0) {
            return Err(self.cursor.error("found unexpected non-alphabetical character"));
        }
        self.cursor.skip_blanks();
        let token = match name.as_str() {
            "YAML" => self.scan_version()?,
            "TAG" => self.scan_tag_directive()?,
            _ => return Err(self.cursor.error("found unknown directive name")),
        };
        let end = self.cursor.position();
        self.cursor.skip_blanks();
        self.cursor.skip_comment();
        if !self.cursor.is_break_or_end(0) {
            return Err(self.cursor.error("did not find expected comment or line break"));
        }
        self.cursor.skip_break();
        Ok(Spanned { token, start, end })
    }

    fn scan_version(&mut self) -> Result<Token<'a>, Error> {
        let major = self.scan_version_number()?;
        if !self.cursor.is(b'.') {
            return Err(self.cursor.error("did not find expected digit or '.' character"));
        }
        self.cursor.skip();
        let minor = self.scan_version_number()?;
        Ok(Token::VersionDirective { major, minor })
    }

    fn scan_version_number(&mut self) -> Result<u8, Error> {
        let (mut number, mut digits) = (0, 0);
        while self.cursor.byte(0).is_ascii_digit() {
            digits += 1;
            if digits > MAX_VERSION_DIGITS {
                return Err(self.cursor.error("found extremely long version number"));
            }
            number = number * 10 + (self.cursor.byte(0) - b'0');
            self.cursor.skip();
        }
        if digits == 0 { Err(self.cursor.error("did not find expected version number")) } else { Ok(number) }
    }

    fn scan_tag_directive(&mut self) -> Result<Token<'a>, Error> {
        let handle = self.scan_tag_handle(true)?;
        if !self.cursor.is_blank(0) {
            return Err(self.cursor.error("did not find expected whitespace"));
        }
        self.cursor.skip_blanks();
        let prefix = self.scan_tag_uri("")?;
        if !self.cursor.is_blank_or_end(0) {
            return Err(self.cursor.error("did not find expected whitespace or line break"));
        }
        Ok(Token::TagDirective(Box::new(Handle { handle, rest: prefix })))
    }

    pub(super) fn scan_anchor(&mut self, alias: bool) -> Result<Spanned<'a>, Error> {
        let start = self.cursor.position();
        self.cursor.skip();
        let name = self.scan_word();
        let ends = self.cursor.is_blank_or_end(0)
            || matches!(self.cursor.byte(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            return Err(self.cursor.error("did not find expected alphabetic or numeric character"));
        }
        let token = if alias { Token::Alias(name) } else { Token::Anchor(name) };
        Ok(Spanned { token, start, end: self.cursor.position() })
    }

    /// `!<uri>`, `!handle!suffix`, `!suffix` or `!` alone, which has the handle "" and the suffix "!".
    pub(super) fn scan_tag(&mut self) -> Result<Spanned<'a>, Error> {
        let start = self.cursor.position();
        let (handle, rest) = if self.cursor.byte(1) == b'<' {
            self.cursor.skip_many(2);
            let suffix = self.scan_tag_uri("")?;
            if !self.cursor.is(b'>') {
                return Err(self.cursor.error("did not find the expected '>'"));
            }
            self.cursor.skip();
            (String::new(), suffix)
        } else {
            let handle = self.scan_tag_handle(false)?;
            if handle.len() > 1 && handle.ends_with('!') {
                let suffix = self.scan_tag_uri("")?;
                (handle, suffix)
            } else {
                let suffix = self.scan_tag_uri(&handle)?;
                if suffix.is_empty() { (suffix, handle) } else { ("!".to_owned(), suffix) }
            }
        };
        if !self.cursor.is_blank_or_end(0) {
            return Err(self.cursor.error("did not find expected whitespace or line break"));
        }
        let token = Token::Tag(Box::new(Handle { handle, rest }));
        Ok(Spanned { token, start, end: self.cursor.position() })
    }

    fn scan_tag_handle(&mut self, directive: bool) -> Result<String, Error> {
        if !self.cursor.is(b'!') {
            return Err(self.cursor.error("did not find expected '!'"));
        }
        self.cursor.skip();
        let mut handle = "!".to_owned();
        handle.push_str(&self.scan_word());
        if self.cursor.is(b'!') {
            self.cursor.skip();
            handle.push('!');
        } else if directive && handle != "!" {
            return Err(self.cursor.error("did not find expected '!'"));
        }
        Ok(handle)
    }

    /// Reads a URI that starts with `head`, less its first character (a `!`). It may be empty only if there is a head.
    fn scan_tag_uri(&mut self, head: &str) -> Result<String, Error> {
        let mut uri = head.strip_prefix('!').unwrap_or(head).as_bytes().to_vec();
        let mut any = !head.is_empty();
        while is_uri(self.cursor.byte(0)) {
            if self.cursor.is(b'%') {
                self.scan_uri_escape(&mut uri)?;
            } else {
                uri.push(self.cursor.byte(0));
                self.cursor.skip();
            }
            any = true;
        }
        if !any {
            return Err(self.cursor.error("did not find expected tag URI"));
        }
        String::from_utf8(uri).map_err(|_| self.cursor.error("found an incorrect trailing UTF-8 octet"))
    }

    /// Reads `%xx` for each byte of one UTF-8 character.
    fn scan_uri_escape(&mut self, uri: &mut Vec<u8>) -> Result<(), Error> {
        let mut left = None;
        while left != Some(0) {
            let (high, low) = (hex(self.cursor.byte(1)), hex(self.cursor.byte(2)));
            let (true, Some(high), Some(low)) = (self.cursor.is(b'%'), high, low) else {
                return Err(self.cursor.error("did not find URI escaped octet"));
            };
            let octet = high << 4 | low;
            left = match (left, octet) {
                (None, 0x00..=0x7F) => Some(0),
                (None, 0xC0..=0xDF) => Some(1),
                (None, 0xE0..=0xEF) => Some(2),
                (None, 0xF0..=0xF7) => Some(3),
                (None, _) => return Err(self.cursor.error("found an incorrect leading UTF-8 octet")),
                (Some(n), 0x80..=0xBF) => Some(n - 1),
                (Some(_), _) => return Err(self.cursor.error("found an incorrect trailing UTF-8 octet")),
            };
            uri.push(octet);
            self.cursor.skip_many(3);
        }
        Ok(())
    }

    fn scan_word(&mut self) -> String {
        let start = self.cursor.offset();
        self.cursor.skip_run(is_word);
        self.cursor.passed(start..self.cursor.offset()).to_owned()
    }
}

pub(super) fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn is_uri(byte: u8) -> bool {
    is_word(byte) || b";/?:@&=+$,.!~*'()[]%".contains(&byte)
}
