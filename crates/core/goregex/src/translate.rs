//! From Go's syntax to the `regex` crate's.

/// Deepest nesting, as in Go.
const MAX_DEPTH: usize = 1000;
/// Largest count of a repetition, nested ones multiplied.
const MAX_REPEAT: u64 = 1000;

/// **Errors**: what Go says after `error parsing regexp: `.
pub(super) fn translate(text: &str) -> Result<String, String> {
    let mut translator = Translator {
        whole: text,
        rest: text,
        out: String::with_capacity(text.len() + 16),
        groups: Vec::new(),
        atom: None,
    };
    translator.run()?;
    Ok(translator.out)
}

struct Translator<'t> {
    whole: &'t str,
    rest: &'t str,
    out: String,
    /// For each open group the largest product of counts in what it holds so far.
    groups: Vec<u64>,
    /// The product of counts in what was read last, if it can be repeated.
    atom: Option<u64>,
}

fn error(code: &str, part: &str) -> String {
    format!("{code}: `{part}`")
}

impl<'t> Translator<'t> {
    /// What was read since `from`.
    fn since(&self, from: &'t str) -> &'t str {
        from.get(..from.len() - self.rest.len()).unwrap_or_default()
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.skip(c.len_utf8());
        Some(c)
    }

    fn push_atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.found(1);
    }

    fn found(&mut self, product: u64) {
        self.atom = Some(product);
        if let Some(largest) = self.groups.last_mut() {
            *largest = (*largest).max(product);
        }
    }

    fn run(&mut self) -> Result<(), String> {
        // What was repeated last, to find `a**`.
        let mut repeated: Option<&'t str> = None;
        while let Some(first) = self.rest.chars().next() {
            let start = self.rest;
            let mut now_repeated = None;
            match first {
                '(' => self.open()?,
                ')' => self.close()?,
                '|' => {
                    self.skip(1);
                    self.out.push('|');
                    self.atom = None;
                }
                '^' | '$' | '.' => {
                    self.skip(1);
                    self.push_atom(first.encode_utf8(&mut [0; 4]));
                }
                '[' => self.class()?,
                '*' | '+' | '?' => {
                    self.skip(1);
                    self.repeat(start, repeated, first.encode_utf8(&mut [0; 4]), 1)?;
                    now_repeated = Some(start);
                }
                '{' => match counts(start) {
                    None => {
                        self.skip(1);
                        self.push_atom("\\{");
                    }
                    Some((min, max, len)) => {
                        self.skip(len);
                        let wrong = max.is_some_and(|max| max > MAX_REPEAT || min > max) || min > MAX_REPEAT;
                        if wrong {
                            return Err(error("invalid repeat count", self.since(start)));
                        }
                        let text = match max {
                            Some(max) => format!("{{{min},{max}}}"),
                            None => format!("{{{min},}}"),
                        };
                        self.repeat(start, repeated, &text, max.unwrap_or(min))?;
                        now_repeated = Some(start);
                    }
                },
                '\\' => self.escape()?,
                _ => {
                    self.skip(first.len_utf8());
                    let text = literal(first);
                    self.push_atom(&text);
                }
            }
            repeated = now_repeated;
        }
        if self.groups.is_empty() { Ok(()) } else { Err(error("missing closing )", self.whole)) }
    }

    fn repeat(
        &mut self,
        start: &'t str,
        repeated: Option<&'t str>,
        text: &str,
        count: u64,
    ) -> Result<(), String> {
        let lazy = self.rest.starts_with('?');
        self.skip(usize::from(lazy));
        if let Some(repeated) = repeated {
            return Err(error("invalid nested repetition operator", self.since(repeated)));
        }
        let Some(inner) = self.atom else {
            return Err(error("missing argument to repetition operator", self.since(start)));
        };
        let product = inner.saturating_mul(count.max(1));
        if count >= 2 && product > MAX_REPEAT {
            return Err(error("invalid repeat count", self.since(start)));
        }
        self.out.push_str(text);
        if lazy {
            self.out.push('?');
        }
        self.found(product);
        Ok(())
    }

    fn open(&mut self) -> Result<(), String> {
        if self.groups.len() >= MAX_DEPTH {
            return Err(error("expression nests too deeply", self.whole));
        }
        if !self.rest.starts_with("(?") {
            self.skip(1);
            self.out.push('(');
        } else if let Some(after) = self.rest.strip_prefix("(?P<").or_else(|| self.rest.strip_prefix("(?<")) {
            let start = self.rest;
            let Some((name, after)) = after.split_once('>') else {
                return Err(error("invalid named capture", start));
            };
            self.rest = after;
            let word = |c: char| c == '_' || c.is_ascii_alphanumeric();
            if name.is_empty() || !name.chars().all(word) || name.starts_with(|c: char| c.is_ascii_digit()) {
                return Err(error("invalid named capture", self.since(start)));
            }
            if self.out.contains(&format!("(?P<{name}>")) {
                return Err(error("duplicate capture group name", name));
            }
            self.out.push_str("(?P<");
            self.out.push_str(name);
            self.out.push('>');
        } else {
            return self.flags();
        }
        self.groups.push(1);
        self.atom = None;
        Ok(())
    }

    /// `(?i)` and `(?i:`.
    fn flags(&mut self) -> Result<(), String> {
        let start = self.rest;
        self.skip(2);
        let (mut negative, mut any) = (false, false);
        loop {
            match self.next() {
                Some('i' | 'm' | 's' | 'U') => any = true,
                Some('-') if !negative => (negative, any) = (true, false),
                Some(last @ (':' | ')')) if any || !negative => {
                    let text = self.since(start);
                    // Rust does not know the empty list of flags.
                    if text != "(?)" {
                        self.out.push_str(text);
                    }
                    if last == ':' {
                        self.groups.push(1);
                    }
                    self.atom = None;
                    return Ok(());
                }
                _ => return Err(error("invalid or unsupported Perl syntax", self.since(start))),
            }
        }
    }

    fn close(&mut self) -> Result<(), String> {
        let Some(largest) = self.groups.pop() else {
            return Err(error("unexpected )", self.whole));
        };
        self.skip(1);
        self.out.push(')');
        self.found(largest);
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        let kind = self.rest.chars().nth(1);
        match kind {
            Some('A' | 'z') => {
                self.push_atom(if kind == Some('A') { "\\A" } else { "\\z" });
                self.skip(2);
            }
            Some('b') => {
                self.push_atom("(?-u:\\b)");
                self.skip(2);
            }
            Some('B') => {
                self.push_atom("(?-u:\\B)");
                self.skip(2);
            }
            Some('C') => return Err(error("invalid escape sequence", "\\C")),
            Some('Q') => {
                let text = self.rest.get(2..).unwrap_or_default();
                let (quoted, after) = text.split_once("\\E").unwrap_or((text, ""));
                for c in quoted.chars() {
                    self.push_atom(&literal(c));
                }
                self.rest = after;
            }
            _ => {
                if let Some(class) = self.class_escape()? {
                    self.push_atom(&class);
                } else {
                    let c = self.char_escape()?;
                    self.push_atom(&literal(c));
                }
            }
        }
        Ok(())
    }

    /// `\d` and `\pL`, as something that stands in a class or alone.
    fn class_escape(&mut self) -> Result<Option<String>, String> {
        let class = match self.rest.chars().nth(1) {
            Some('d') => "[0-9]",
            Some('D') => "[^0-9]",
            Some('s') => r"[\t\n\x0C\r ]",
            Some('S') => r"[^\t\n\x0C\r ]",
            Some('w') => "[0-9A-Za-z_]",
            Some('W') => "[^0-9A-Za-z_]",
            Some('p' | 'P') => return self.unicode_class().map(Some),
            _ => return Ok(None),
        };
        self.skip(2);
        Ok(Some(class.into()))
    }

    fn unicode_class(&mut self) -> Result<String, String> {
        let start = self.rest;
        let mut negative = start.starts_with("\\P");
        self.skip(2);
        let name = match self.next() {
            None => return Err(error("invalid character class range", start)),
            Some('{') => {
                let Some((name, after)) = self.rest.split_once('}') else {
                    return Err(error("invalid character class range", start));
                };
                self.rest = after;
                name.to_owned()
            }
            Some(c) => c.to_string(),
        };
        let seen = self.since(start);
        let name = match name.strip_prefix('^') {
            Some(rest) => {
                negative = !negative;
                rest
            }
            None => &name,
        };
        if name == "Any" {
            return Ok(if negative { r"[^\x{0}-\x{10FFFF}]" } else { r"[\x{0}-\x{10FFFF}]" }.into());
        }
        let known = name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
            && regex::Regex::new(&format!("\\p{{{name}}}")).is_ok();
        if !known {
            return Err(error("invalid character class range", seen));
        }
        Ok(format!("\\{}{{{name}}}", if negative { 'P' } else { 'p' }))
    }

    fn char_escape(&mut self) -> Result<char, String> {
        let start = self.rest;
        self.skip(1);
        let Some(c) = self.next() else { return Err(error("trailing backslash at end of expression", "")) };
        let octal = |c: Option<char>| c.and_then(|c| c.to_digit(8));
        let found = match c {
            'a' => Some('\x07'),
            'f' => Some('\x0c'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\x0b'),
            '0'..='7' if c == '0' || octal(self.rest.chars().next()).is_some() => {
                let mut code = octal(Some(c)).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = octal(self.rest.chars().next()) else { break };
                    code = code * 8 + digit;
                    self.skip(1);
                }
                char::from_u32(code)
            }
            'x' => self.hex_escape(),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c),
            _ => None,
        };
        found.ok_or_else(|| error("invalid escape sequence", self.since(start)))
    }

    /// `41` or `{1F600}` behind `\x`.
    fn hex_escape(&mut self) -> Option<char> {
        match self.next()? {
            '{' => {
                let mut code = 0;
                let mut count = 0;
                loop {
                    match self.next()? {
                        '}' if count > 0 => return char::from_u32(code),
                        c => code = code << 4 | c.to_digit(16)?,
                    }
                    count += 1;
                    if code > u32::from(char::MAX) {
                        return None;
                    }
                }
            }
            first => {
                let second = self.next()?;
                char::from_u32(first.to_digit(16)? << 4 | second.to_digit(16)?)
            }
        }
    }

    fn class(&mut self) -> Result<(), String> {
        let start = self.rest;
        self.skip(1);
        let mut out = String::from("[");
        if self.rest.starts_with('^') {
            self.skip(1);
            out.push('^');
        }
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            if self.rest.is_empty() {
                return Err(error("missing closing ]", start));
            }
            first = false;
            if self.rest.starts_with("[:")
                && let Some(end) = self.rest.get(2..).and_then(|rest| rest.find(":]"))
            {
                let (name, after) = self.rest.split_at(end + 4);
                if !is_posix_class(name) {
                    return Err(error("invalid character class range", name));
                }
                out.push_str(name);
                self.rest = after;
                continue;
            }
            if self.rest.starts_with('\\')
                && let Some(class) = self.class_escape()?
            {
                out.push_str(&class);
                continue;
            }
            let from = self.rest;
            let low = self.class_char(start)?;
            let mut high = low;
            if self.rest.len() >= 2 && self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                self.skip(1);
                high = self.class_char(start)?;
                if high < low {
                    return Err(error("invalid character class range", self.since(from)));
                }
            }
            out.push_str(&literal(low));
            if high != low {
                out.push('-');
                out.push_str(&literal(high));
            }
        }
        self.skip(1);
        out.push(']');
        self.push_atom(&out);
        Ok(())
    }

    fn class_char(&mut self, class: &str) -> Result<char, String> {
        if self.rest.starts_with('\\') {
            return self.char_escape();
        }
        self.next().ok_or_else(|| error("missing closing ]", class))
    }
}

fn is_posix_class(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
        "upper", "word", "xdigit",
    ];
    let inner = name.strip_prefix("[:").and_then(|name| name.strip_suffix(":]")).unwrap_or_default();
    NAMES.contains(&inner.strip_prefix('^').unwrap_or(inner))
}

/// A character that means only itself, anywhere in a pattern.
fn literal(c: char) -> String {
    if c.is_ascii_alphanumeric() || !c.is_ascii() || c == '_' {
        c.to_string()
    } else {
        format!("\\x{:02X}", u32::from(c))
    }
}

/// `{2}`, `{2,}` or `{2,5}` at the beginning of a text: the counts and its length.
fn counts(text: &str) -> Option<(u64, Option<u64>, usize)> {
    let end = text.find('}')?;
    let inner = text.get(1..end)?;
    let number = |text: &str| {
        let fine = !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_digit())
            && (text.len() == 1 || !text.starts_with('0'));
        fine.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (min, max) = match inner.split_once(',') {
        None => (number(inner)?, Some(number(inner)?)),
        Some((min, "")) => (number(min)?, None),
        Some((min, max)) => (number(min)?, Some(number(max)?)),
    };
    Some((min, max, end + 1))
}
