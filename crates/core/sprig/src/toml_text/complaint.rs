//! What BurntSushi/toml says of a text that is not TOML, for the mistakes that people make: in keys, and in simple values.

/// The peer's message, or `None` where it is not one of those.
pub(super) fn complaint(text: &str) -> Option<String> {
    let mut lexer = Lexer { text, at: 0, line: 1 };
    loop {
        match lexer.peek() {
            None | Some('[') => return None,
            Some(c) if c.is_ascii_whitespace() => drop(lexer.next()),
            Some('#') => lexer.skip(|c| c != '\n'),
            Some(_) => {
                let key = match lexer.key() {
                    Ok(key) => key,
                    Err(message) => return Some(format!("toml: line {}: {message}", lexer.place())),
                };
                match lexer.value() {
                    Some(Ok(())) => {}
                    Some(Err(message)) => {
                        let key = gotemplate::format::quoted(key.as_bytes());
                        return Some(format!("toml: line {} (last key {key}): {message}", lexer.place()));
                    }
                    None => return None,
                }
                lexer.skip(|c| c == ' ' || c == '\t');
                if let Some(c) = lexer.next().filter(|c| !matches!(c, '\n' | '\r' | '#')) {
                    let wanted = "expected a top-level item to end with a newline, comment, or EOF";
                    return Some(format!("toml: line {}: {wanted}, but got {} instead", lexer.line, rune(c)));
                }
            }
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    line: usize,
}

fn rune(c: char) -> String {
    let quoted = gotemplate::format::quoted(c.encode_utf8(&mut [0; 4]).as_bytes());
    match c {
        '\'' => r"'\''".into(),
        '"' => "'\"'".into(),
        _ => format!("'{}'", quoted.trim_matches('"')),
    }
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn skip(&mut self, wanted: fn(char) -> bool) {
        while self.peek().is_some_and(wanted) {
            self.next();
        }
    }

    /// The line that an error names: behind a line break, and at an end behind one, that before.
    fn place(&self) -> usize {
        self.line - usize::from(self.text.get(..self.at).is_some_and(|text| text.ends_with('\n')))
    }

    fn key(&mut self) -> Result<String, String> {
        match self.peek() {
            Some('=') => return Err("unexpected '=': key name appears blank".into()),
            Some('.') => return Err("unexpected '.': keys cannot start with a '.'".into()),
            _ => {}
        }
        loop {
            self.skip(|c| c == ' ' || c == '\t');
            let start = self.at;
            match self.peek() {
                Some('"' | '\'') => match self.value() {
                    Some(Ok(())) => {}
                    Some(Err(message)) => return Err(message),
                    None => return Err("invalid quoted key".into()),
                },
                Some('=') | None => return Err("unexpected '='".into()),
                Some('.') => return Err("unexpected '.'".into()),
                Some(_) => self.skip(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'),
            }
            let name = self.text.get(start..self.at).unwrap_or_default().trim_matches(['"', '\'']);
            self.skip(|c| c == ' ' || c == '\t');
            match self.next() {
                Some('=') => return Ok(name.to_owned()),
                Some('.') => {}
                Some(c) => return Err(format!("expected '.' or '=', but got {} instead", rune(c))),
                None => return Err("unexpected EOF; expected key separator '='".into()),
            }
        }
    }

    /// A string of one line, a number, a word; `None` for anything else.
    fn value(&mut self) -> Option<Result<(), String>> {
        self.skip(|c| c == ' ' || c == '\t');
        let Some(first) = self.peek() else { return Some(Err("unexpected EOF; expected value".into())) };
        match first {
            '"' | '\'' => {
                if self.rest().starts_with(r#"""""#) || self.rest().starts_with("'''") {
                    return None;
                }
                self.next();
                loop {
                    match self.next() {
                        None => {
                            let quote = if first == '"' { "'\"'" } else { "\"'\"" };
                            return Some(Err(format!("unexpected EOF; expected {quote}")));
                        }
                        Some('\n') => return Some(Err("strings cannot contain newlines".into())),
                        Some('\\') if first == '"' => drop(self.next()),
                        Some(c) if c == first => return Some(Ok(())),
                        Some(_) => {}
                    }
                }
            }
            '[' | '{' | '+' | '-' => None,
            '.' => Some(Err("floats must start with a digit, not '.'".into())),
            c if c.is_ascii_digit() => {
                self.skip(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | ':' | '_'));
                Some(Ok(()))
            }
            c if c.is_alphabetic() => {
                let start = self.at;
                self.skip(char::is_alphabetic);
                let word = self.text.get(start..self.at).unwrap_or_default();
                if matches!(word, "true" | "false" | "inf" | "nan") {
                    return Some(Ok(()));
                }
                Some(Err(format!(
                    "expected value but found {} instead",
                    gotemplate::format::quoted(word.as_bytes())
                )))
            }
            c => {
                self.next();
                Some(Err(format!("expected value but found {} instead", rune(c))))
            }
        }
    }
}
