//! The words of a filter, with where each stands.

use crate::error::QueryError;

/// What is between a key and its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Is,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// `[-][key relation]value,value`, where values may be in double quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) negated: bool,
    /// The key with where it stands; none of a word that is looked for.
    pub(crate) key: Option<(usize, String, Relation)>,
    pub(crate) values: Vec<(usize, String)>,
}

/// Reads the next token; `None` at the end.
pub(crate) fn next(chars: &[char], at: &mut usize) -> Result<Option<Token>, QueryError> {
    while chars.get(*at).is_some_and(|c| c.is_whitespace()) {
        *at += 1;
    }
    let start = *at;
    let Some(first) = chars.get(start) else { return Ok(None) };
    let negated = *first == '-';
    *at += usize::from(negated);
    let key = key(chars, at);
    let values = values(chars, at)?;
    if values.iter().all(|(_, value)| value.is_empty()) {
        let what = if key.is_some() { "a value is missing" } else { "nothing is negated" };
        return Err(QueryError::new(*at, what));
    }
    Ok(Some(Token { negated, key, values }))
}

/// A key with its relation, where one follows.
fn key(chars: &[char], at: &mut usize) -> Option<(usize, String, Relation)> {
    let start = *at;
    let rest = chars.get(start..).unwrap_or_default();
    let length = rest.iter().position(|c| !c.is_alphanumeric())?;
    let equal = rest.get(length + 1) == Some(&'=');
    let (relation, width) = match (rest.get(length)?, equal) {
        (':', _) => (Relation::Is, 1),
        ('<', false) => (Relation::Less, 1),
        ('<', true) => (Relation::AtMost, 2),
        ('>', false) => (Relation::More, 1),
        ('>', true) => (Relation::AtLeast, 2),
        _ => return None,
    };
    let name: String = rest.iter().take(length).collect();
    if name.is_empty() {
        return None;
    }
    *at = start + length + width;
    Some((start, name, relation))
}

fn values(chars: &[char], at: &mut usize) -> Result<Vec<(usize, String)>, QueryError> {
    let mut values = vec![(*at, String::new())];
    while let Some(c) = chars.get(*at).filter(|c| !c.is_whitespace()) {
        let opened = *at;
        *at += 1;
        match c {
            ',' => values.push((*at, String::new())),
            '"' => loop {
                let Some(inner) = chars.get(*at) else {
                    return Err(QueryError::new(opened, "a quote is not closed"));
                };
                *at += 1;
                match inner {
                    '"' => break,
                    other => push(&mut values, *other),
                }
            },
            other => push(&mut values, *other),
        }
    }
    values.retain(|(_, value)| !value.is_empty());
    Ok(values)
}

fn push(values: &mut [(usize, String)], c: char) {
    if let Some((_, value)) = values.last_mut() {
        value.push(c);
    }
}
