//! From text to tokens.

use crate::error::Fault;
use crate::syntax::Span;

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    End,
    Name(String),
    Keyword(&'static str),
    Number(String),
    /// A text in quotes, its escapes resolved.
    Text(String),
    /// A text block.
    Block(String),
    Operator(String),
    /// `{ } [ ] ( ) , . ;`
    Sign(char),
}

impl Token {
    pub(crate) fn is_operator(&self, text: &str) -> bool {
        matches!(self, Self::Operator(operator) if operator == text)
    }
}

/// As errors name it.
pub(crate) fn shown(token: &Token) -> String {
    match token {
        Token::End => "end of file".to_owned(),
        Token::Name(name) => format!("(IDENTIFIER, \"{name}\")"),
        Token::Keyword(word) => format!("\"{word}\""),
        Token::Number(number) => format!("(NUMBER, \"{number}\")"),
        Token::Text(text) | Token::Block(text) => format!("(STRING, {text:?})"),
        Token::Operator(operator) => format!("(OPERATOR, \"{operator}\")"),
        Token::Sign(sign) => format!("\"{sign}\""),
    }
}

const KEYWORDS: [&str; 19] = [
    "assert",
    "else",
    "error",
    "false",
    "for",
    "function",
    "if",
    "import",
    "importstr",
    "importbin",
    "in",
    "local",
    "null",
    "self",
    "super",
    "tailstrict",
    "then",
    "true",
    "$",
];

/// Reads all tokens of a file; the last one is [`Token::End`].
pub(crate) fn tokens(file: u32, text: &str) -> Result<Vec<(Token, Span)>, Fault> {
    let mut lexer = Lexer { file, text: text.as_bytes(), whole: text, at: 0, line: 1, line_start: 0 };
    let mut found = Vec::new();
    loop {
        lexer.skip_blank()?;
        let begin = lexer.position();
        let token = lexer.token()?;
        let end = lexer.position();
        let last = token == Token::End;
        found.push((token, Span { file, begin, end }));
        if last {
            return Ok(found);
        }
    }
}

/// Signs that are looked at as one operator; the longest one has four.
const MAX_OPERATOR_BYTES: usize = 32;

struct Lexer<'a> {
    file: u32,
    text: &'a [u8],
    whole: &'a str,
    at: usize,
    line: u32,
    line_start: usize,
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Lexer<'_> {
    fn position(&self) -> (u32, u32) {
        (self.line, narrow(self.at - self.line_start + 1))
    }

    fn fault(&self, message: impl Into<String>, at: (u32, u32)) -> Fault {
        Fault::syntax(message, Span { file: self.file, begin: at, end: at })
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn looks_at(&self, word: &[u8]) -> bool {
        self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word))
    }

    fn advance(&mut self) {
        if self.peek() == Some(b'\n') {
            self.line += 1;
            self.line_start = self.at + 1;
        }
        self.at += 1;
    }

    fn cut(&self, from: usize) -> String {
        self.whole.get(from..self.at).unwrap_or_default().to_owned()
    }

    fn skip_blank(&mut self) -> Result<(), Fault> {
        loop {
            if matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
                self.advance();
            } else if self.peek() == Some(b'#') || self.looks_at(b"//") {
                while !matches!(self.peek(), None | Some(b'\n')) {
                    self.advance();
                }
            } else if self.looks_at(b"/*") {
                let begin = self.position();
                self.at += 2;
                while !self.looks_at(b"*/") {
                    if self.peek().is_none() {
                        return Err(self.fault("Multi-line comment has no terminating */", begin));
                    }
                    self.advance();
                }
                self.at += 2;
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token, Fault> {
        let begin = self.position();
        let Some(byte) = self.peek() else { return Ok(Token::End) };
        match byte {
            b'{' | b'}' | b'[' | b']' | b'(' | b')' | b',' | b'.' | b';' => {
                self.advance();
                Ok(Token::Sign(char::from(byte)))
            }
            b'0'..=b'9' => self.number(),
            b'"' | b'\'' => self.quoted(byte),
            b'@' => {
                self.advance();
                match self.peek() {
                    Some(quote @ (b'"' | b'\'')) => self.verbatim(quote),
                    Some(_) => Err(self.fault("Couldn't lex verbatim string, junk after '@'", begin)),
                    None => {
                        Err(self.fault("Couldn't lex verbatim string, junk after '@': end of file", begin))
                    }
                }
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let from = self.at;
                while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                    self.advance();
                }
                let word = self.cut(from);
                Ok(match KEYWORDS.iter().find(|keyword| **keyword == word) {
                    Some(keyword) => Token::Keyword(keyword),
                    None => Token::Name(word),
                })
            }
            _ if self.looks_at(b"|||") => self.block(),
            _ if is_operator(byte) => Ok(self.operator()),
            _ => {
                let found = self.whole.get(self.at..).and_then(|rest| rest.chars().next()).unwrap_or('?');
                Err(self.fault(format!("Could not lex the character '{found}'"), begin))
            }
        }
    }

    /// As many signs as belong together: comments and blocks end an operator, and a sign at its end that may stand alone is its own.
    fn operator(&mut self) -> Token {
        let from = self.at;
        while self.at - from < MAX_OPERATOR_BYTES && self.peek().is_some_and(is_operator) {
            let ends =
                self.at > from && (self.looks_at(b"//") || self.looks_at(b"/*") || self.looks_at(b"|||"));
            if ends {
                break;
            }
            self.at += 1;
        }
        while self.at > from + 1
            && matches!(self.text.get(self.at - 1), Some(b'+' | b'-' | b'~' | b'!' | b'$'))
        {
            self.at -= 1;
        }
        match self.cut(from) {
            dollar if dollar == "$" => Token::Keyword("$"),
            operator => Token::Operator(operator),
        }
    }

    fn number(&mut self) -> Result<Token, Fault> {
        let from = self.at;
        let junk = |lexer: &Self, after: &str| {
            let begin = lexer.position();
            match lexer.whole.get(lexer.at..).and_then(|rest| rest.chars().next()) {
                Some(found) => {
                    lexer.fault(format!("Couldn't lex number, junk after {after}: '{found}'"), begin)
                }
                None => {
                    lexer.fault(format!("Couldn't lex number, unexpected end of file after {after}"), begin)
                }
            }
        };
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits();
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if !self.digits() {
                return Err(junk(self, "decimal point"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
                if !self.digits() {
                    return Err(junk(self, "exponent sign"));
                }
            } else if !self.digits() {
                return Err(junk(self, "'E'"));
            }
        }
        Ok(Token::Number(self.cut(from)))
    }

    fn digits(&mut self) -> bool {
        let from = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at > from
    }

    fn quoted(&mut self, quote: u8) -> Result<Token, Fault> {
        let begin = self.position();
        self.advance();
        let from = self.at;
        loop {
            match self.peek() {
                None => return Err(self.fault("Unterminated String", begin)),
                Some(byte) if byte == quote => break,
                Some(b'\\') => {
                    self.advance();
                    if self.peek().is_some() {
                        self.advance();
                    }
                }
                Some(_) => self.advance(),
            }
        }
        let raw = self.cut(from);
        self.advance();
        let end = self.position();
        unescape(&raw)
            .map(Token::Text)
            .map_err(|message| Fault::syntax(message, Span { file: self.file, begin, end }))
    }

    fn verbatim(&mut self, quote: u8) -> Result<Token, Fault> {
        let begin = self.position();
        self.advance();
        let mut text = String::new();
        let mut from = self.at;
        loop {
            match self.peek() {
                None => return Err(self.fault("Unterminated String", begin)),
                Some(byte) if byte == quote => {
                    text.push_str(&self.cut(from));
                    self.advance();
                    if self.peek() != Some(quote) {
                        return Ok(Token::Text(text));
                    }
                    from = self.at;
                    self.advance();
                }
                Some(_) => self.advance(),
            }
        }
    }

    /// `|||`: the lines that are indented as the first one, up to a line with the end mark.
    fn block(&mut self) -> Result<Token, Fault> {
        let begin = self.position();
        self.at += 3;
        let chomp = self.peek() == Some(b'-');
        if chomp {
            self.at += 1;
        }
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r')) {
            self.at += 1;
        }
        if self.peek() != Some(b'\n') {
            return Err(self.fault("Text block requires new line after |||.", begin));
        }
        self.advance();
        let mut text = String::new();
        while self.peek() == Some(b'\n') {
            text.push('\n');
            self.advance();
        }
        let indent: Vec<u8> = self.blank_ahead().to_vec();
        if indent.is_empty() {
            return Err(self.fault("Text block's first line must start with whitespace", begin));
        }
        loop {
            self.at += indent.len();
            let from = self.at;
            while !matches!(self.peek(), None | Some(b'\n')) {
                self.advance();
            }
            if self.peek().is_none() {
                return Err(self.fault("Unexpected EOF", begin));
            }
            self.advance();
            text.push_str(&self.cut(from));
            while self.peek() == Some(b'\n') {
                text.push('\n');
                self.advance();
            }
            if self.looks_at(&indent) {
                continue;
            }
            self.at += self.blank_ahead().len();
            if !self.looks_at(b"|||") {
                return Err(self.fault("Text block not terminated with |||", begin));
            }
            self.at += 3;
            if chomp && text.ends_with('\n') {
                text.pop();
            }
            return Ok(Token::Block(text));
        }
    }

    fn blank_ahead(&self) -> &[u8] {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        rest.get(..length).unwrap_or_default()
    }
}

fn is_operator(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'$'
            | b':'
            | b'~'
            | b'+'
            | b'-'
            | b'&'
            | b'|'
            | b'^'
            | b'='
            | b'<'
            | b'>'
            | b'*'
            | b'/'
            | b'%'
    )
}

/// Resolves escapes as in JSON, and `\'`.
fn unescape(raw: &str) -> Result<String, String> {
    if !raw.contains('\\') {
        return Ok(raw.to_owned());
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match rest.next() {
            None => return Err("Truncated escape sequence in string literal.".to_owned()),
            Some(same @ ('"' | '\'' | '\\' | '/')) => text.push(same),
            Some('b') => text.push('\u{8}'),
            Some('f') => text.push('\u{c}'),
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('u') => {
                let high = hex4(&mut rest, "Unicode escape sequence")?;
                if !(0xD800..0xDC00).contains(&high) {
                    text.push(char::from_u32(high).unwrap_or('\u{fffd}'));
                    continue;
                }
                if rest.next() != Some('\\') || rest.next() != Some('u') {
                    return Err(
                        "Unicode surrogate pair escape sequence missing low surrogate in string literal."
                            .to_owned(),
                    );
                }
                let low = hex4(&mut rest, "Unicode low surrogate escape sequence")?;
                let whole = 0x1_0000 + ((high - 0xD800) << 10) + low.wrapping_sub(0xDC00);
                text.push(char::from_u32(whole).unwrap_or('\u{fffd}'));
            }
            Some(other) => return Err(format!("Unknown escape sequence in string literal: \\{other}")),
        }
    }
    Ok(text)
}

fn hex4(rest: &mut std::str::Chars<'_>, what: &str) -> Result<u32, String> {
    let digits: String = rest.by_ref().take(4).collect();
    if digits.chars().count() < 4 {
        return Err("Truncated unicode escape sequence in string literal.".to_owned());
    }
    if !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(format!("{what} was malformed: {digits}"));
    }
    u32::from_str_radix(&digits, 16).map_err(|_| format!("{what} was malformed: {digits}"))
}
