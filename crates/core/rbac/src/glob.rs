//! Globs as gobwas/glob 1.0.0 reads them when nothing separates: `*` and `**` are any text, `?` is one character, `[…]` one of a
//! class, `{a,b}` are alternatives, `\` takes the next character as it is.
//!
//! Its peculiarities are its users' by now: a class is either one range or a list of characters (`[a-z0-9]` cannot be read), and `^`
//! does not negate. Its 0.2.3, which Argo CD had up to 3.5, has errors beside: there `demo/*/web` matches `demo/web`, `?` an empty
//! text, `{*,a}b` not `b`, and some patterns crash.

use std::iter::Peekable;
use std::str::Chars;

/// Longest pattern, in bytes.
const MAX_BYTES: usize = 4 << 10;
/// Most patterns that one with alternatives stands for.
const MAX_ALTERNATIVES: usize = 1_024;
/// Deepest nesting of alternatives.
const MAX_NESTING: usize = 16;

/// A pattern without alternatives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Glob(Vec<Token>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Token {
    Text(String),
    Any,
    One,
    Class { not: bool, members: Members },
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Members {
    Range(char, char),
    List(String),
}

/// Reads a pattern; the result matches where one of the globs does.
pub(crate) fn parse(pattern: &str) -> Result<Vec<Glob>, String> {
    if pattern.len() > MAX_BYTES {
        return Err(format!("a pattern of more than {MAX_BYTES} bytes"));
    }
    if let Some(c) = pattern.chars().find(|c| matches!(*c, '\0' | char::REPLACEMENT_CHARACTER)) {
        return Err(format!("{c:?} in a pattern"));
    }
    let mut chars = pattern.chars().peekable();
    let globs = alternatives(&mut chars, 0)?;
    Ok(globs.into_iter().map(Glob::tidy).collect())
}

/// What one sequence stands for, up to its end: a comma or a brace inside of alternatives.
fn alternatives(chars: &mut Peekable<Chars<'_>>, depth: usize) -> Result<Vec<Glob>, String> {
    let mut open = vec![Glob(Vec::new())];
    while let Some(&c) = chars.peek() {
        if depth > 0 && matches!(c, ',' | '}') {
            break;
        }
        chars.next();
        let token = match c {
            '{' => {
                open = combine(&open, &braces(chars, depth + 1)?)?;
                continue;
            }
            '*' => Token::Any,
            '?' => Token::One,
            '[' => class(chars)?,
            '\\' => match chars.next() {
                Some(escaped) => Token::Text(escaped.into()),
                None => return Err("a backslash at the end".to_owned()),
            },
            plain => Token::Text(plain.into()),
        };
        for glob in &mut open {
            glob.push(token.clone());
        }
    }
    Ok(open)
}

fn braces(chars: &mut Peekable<Chars<'_>>, depth: usize) -> Result<Vec<Glob>, String> {
    if depth > MAX_NESTING {
        return Err(format!("alternatives nested deeper than {MAX_NESTING}"));
    }
    let mut all = Vec::new();
    loop {
        all.extend(alternatives(chars, depth)?);
        if all.len() > MAX_ALTERNATIVES {
            return Err(too_many());
        }
        match chars.next() {
            Some(',') => {}
            Some(_) => return Ok(all),
            None => return Err("alternatives that do not end".to_owned()),
        }
    }
}

fn too_many() -> String {
    format!("more than {MAX_ALTERNATIVES} alternatives")
}

fn combine(before: &[Glob], after: &[Glob]) -> Result<Vec<Glob>, String> {
    if before.len() * after.len() > MAX_ALTERNATIVES {
        return Err(too_many());
    }
    let both = |first: &Glob, second: &Glob| {
        let mut glob = first.clone();
        second.0.iter().for_each(|token| glob.push(token.clone()));
        glob
    };
    Ok(before.iter().flat_map(|first| after.iter().map(move |second| both(first, second))).collect())
}

const UNENDED: &str = "a class that does not end";

fn class(chars: &mut Peekable<Chars<'_>>) -> Result<Token, String> {
    let not = chars.next_if_eq(&'!').is_some();
    let first = chars.next().ok_or(UNENDED)?;
    if chars.next_if_eq(&'-').is_some() {
        let last = chars.next().ok_or(UNENDED)?;
        if last < first {
            return Err(format!("the range {first}-{last} is empty"));
        }
        return match chars.next().ok_or(UNENDED)? {
            ']' => Ok(Token::Class { not, members: Members::Range(first, last) }),
            _ => Err("a class is one range or a list of characters".to_owned()),
        };
    }
    let (mut list, mut next) = (String::new(), Some(first));
    loop {
        match next.ok_or(UNENDED)? {
            ']' if list.is_empty() => return Err("an empty class".to_owned()),
            ']' => return Ok(Token::Class { not, members: Members::List(list) }),
            '\\' => list.push(chars.next().ok_or(UNENDED)?),
            plain => list.push(plain),
        }
        next = chars.next();
    }
}

impl Glob {
    /// A text, with anything before or after it.
    pub(crate) fn around(before: bool, text: &str, after: bool) -> Self {
        let mut glob = Self(Vec::new());
        let text = Some(Token::Text(text.to_owned())).filter(|_| !text.is_empty());
        let tokens = [before.then_some(Token::Any), text, after.then_some(Token::Any)];
        tokens.into_iter().flatten().for_each(|token| glob.push(token));
        glob
    }

    fn push(&mut self, token: Token) {
        match (self.0.last_mut(), token) {
            (Some(Token::Text(before)), Token::Text(more)) => before.push_str(&more),
            (Some(Token::Any), Token::Any) => {}
            (_, token) => self.0.push(token),
        }
    }

    fn tidy(mut self) -> Self {
        self.0.shrink_to_fit();
        self
    }

    /// The text that it stands for, where it stands for one alone.
    pub(crate) fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Token::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// What every text that it matches begins with.
    pub(crate) fn prefix(&self) -> &str {
        match self.0.first() {
            Some(Token::Text(text)) => text,
            _ => "",
        }
    }

    /// Whether it matches every text.
    pub(crate) fn is_any(&self) -> bool {
        self.0 == [Token::Any]
    }

    /// Whether it matches the whole text. Takes at most pattern × text steps.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let (mut at, mut rest) = (0, text);
        // After the last `*`: where the pattern goes on, and the shortest text left that it has not been tried on.
        let mut star: Option<(usize, &str)> = None;
        loop {
            match self.0.get(at) {
                Some(Token::Any) if at + 1 == self.0.len() => return true,
                Some(Token::Any) => {
                    at += 1;
                    star = Some((at, rest));
                    continue;
                }
                Some(token) => {
                    if let Some(more) = token.strip(rest) {
                        rest = more;
                        at += 1;
                        continue;
                    }
                }
                None if rest.is_empty() => return true,
                None => {}
            }
            let Some((after, tried)) = star else { return false };
            let Some(next) = self.next_try(after, tried) else { return false };
            star = Some((after, next));
            (at, rest) = (after, next);
        }
    }

    /// Where what follows a `*` may begin next, after `tried`.
    fn next_try<'t>(&self, after: usize, tried: &'t str) -> Option<&'t str> {
        let mut chars = tried.chars();
        chars.next()?;
        match self.0.get(after) {
            Some(Token::Text(text)) => {
                chars.as_str().find(text.as_str()).and_then(|found| chars.as_str().get(found..))
            }
            Some(Token::Any | Token::One | Token::Class { .. }) | None => Some(chars.as_str()),
        }
    }
}

impl Token {
    fn strip<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Text(literal) => text.strip_prefix(literal.as_str()),
            Self::Any => Some(text),
            Self::One => text.strip_prefix(|_: char| true),
            Self::Class { not, members } => text.strip_prefix(|c: char| members.have(c) != *not),
        }
    }
}

impl Members {
    fn have(&self, c: char) -> bool {
        match self {
            Self::Range(first, last) => (*first..=*last).contains(&c),
            Self::List(list) => list.contains(c),
        }
    }
}
