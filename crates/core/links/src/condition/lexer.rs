//! Words of a condition.

/// Bytes of a condition.
const TEXT: usize = 4 << 10;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    Text(String),
    Number(f64),
    /// Operators and brackets.
    Mark(&'static str),
}

/// The longer ones first.
const MARKS: [&str; 26] = [
    "==", "!=", "<=", ">=", "&&", "||", "??", "?.", "?[", "<", ">", "!", "(", ")", "[", "]", ".", ",", "?",
    ":", "+", "-", "*", "/", "%", "|",
];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    if text.len() > TEXT {
        return Err(format!("a condition has at most {TEXT} bytes"));
    }
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '"' | '\'' | '`' => quoted(rest, first)?,
            '0'..='9' => {
                let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
                let (number, after) = rest.split_at(end);
                (Token::Number(number.parse().map_err(|_| format!("{number} is no number"))?), after)
            }
            c if c.is_alphabetic() || matches!(c, '_' | '$') => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '$'));
                let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
                (Token::Name(name.to_owned()), after)
            }
            other => {
                let mark = MARKS.into_iter().find(|mark| rest.starts_with(mark));
                let mark = mark.ok_or_else(|| format!("unexpected character {other:?}"))?;
                (Token::Mark(mark), rest.strip_prefix(mark).unwrap_or_default())
            }
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn quoted(text: &str, quote: char) -> Result<(Token, &str), String> {
    let mut read = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((place, c)) = characters.next() {
        match c {
            c if c == quote => {
                let after = text.get(place + c.len_utf8()..).unwrap_or_default();
                return Ok((Token::Text(read), after));
            }
            '\\' if quote != '`' => match characters.next() {
                Some((_, 'n')) => read.push('\n'),
                Some((_, 't')) => read.push('\t'),
                Some((_, c @ ('\\' | '"' | '\''))) => read.push(c),
                other => return Err(format!("unknown escape {:?}", other.map(|(_, c)| c))),
            },
            c => read.push(c),
        }
    }
    Err("a text does not end".to_owned())
}
