//! Label selectors in their text form: `app=web,tier in (a, b),!canary,size>3`.
//!
//! **Source**: apimachinery `labels.Parse` as kyaml v0.21.2 has it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::elements::text;

/// Why a selector cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LabelSelectorError {
    /// Something else should stand there.
    #[error("unable to parse requirement: found '{found}', expected: {expected}")]
    Unexpected {
        /// What stands there; empty at the end.
        found: String,
        /// What may.
        expected: &'static str,
    },
    /// Something else should stand there, between conditions.
    #[error("found '{found}', expected: {expected}")]
    Between {
        /// What stands there; empty at the end.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// Values of `in` and `notin` stand in parentheses.
    #[error("unable to parse requirement: found '{0}' expected: '('")]
    Unopened(String),
    /// No key of a label.
    #[error("unable to parse requirement: invalid label key {0:?}")]
    Key(String),
    /// No value of a label.
    #[error("unable to parse requirement: invalid label value: {value:?}: at key: {key:?}")]
    Value {
        /// The key it is compared with.
        key: String,
        /// The value.
        value: String,
    },
    /// `>` and `<` compare integers.
    #[error("unable to parse requirement: for 'Gt', 'Lt' operators, the value must be an integer")]
    NotAnInteger,
}

/// Conditions on labels, all of which must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LabelSelector {
    conditions: Vec<(String, Condition)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Exists,
    Absent,
    Above(i64),
    Below(i64),
}

impl LabelSelector {
    /// Reads a selector; the empty text matches everything.
    pub(crate) fn parse(source: &str) -> Result<Self, LabelSelectorError> {
        let tokens = tokens(source);
        let mut rest = tokens.as_slice();
        let mut conditions = Vec::new();
        while !rest.is_empty() {
            conditions.push(condition(&mut rest)?);
            match take(&mut rest) {
                "" => break,
                "," if rest.first().is_some_and(|next| next == "!" || !is_symbol(next)) => {}
                "," => return Err(between(take(&mut rest), "identifier after ','")),
                other => return Err(between(other, "',' or 'end of string'")),
            }
        }
        Ok(Self { conditions })
    }

    /// Whether labels satisfy the selector; values that are no texts count as they are written.
    pub(crate) fn matches(&self, labels: Option<&Map<String, Value>>) -> bool {
        self.conditions.iter().all(|(key, condition)| {
            let value = labels.and_then(|labels| labels.get(key)).map(text);
            match condition {
                Condition::In(values) => value.is_some_and(|value| values.contains(value.as_ref())),
                Condition::NotIn(values) => value.is_none_or(|value| !values.contains(value.as_ref())),
                Condition::Exists => value.is_some(),
                Condition::Absent => value.is_none(),
                Condition::Above(bound) => integer(value.as_deref()).is_some_and(|value| value > *bound),
                Condition::Below(bound) => integer(value.as_deref()).is_some_and(|value| value < *bound),
            }
        })
    }
}

fn integer(value: Option<&str>) -> Option<i64> {
    value?.parse().ok()
}

fn unexpected(found: &str, expected: &'static str) -> LabelSelectorError {
    LabelSelectorError::Unexpected { found: found.to_owned(), expected }
}

fn between(found: &str, expected: &'static str) -> LabelSelectorError {
    LabelSelectorError::Between { found: found.to_owned(), expected }
}

/// The next token, empty at the end.
fn take<'a>(rest: &mut &'a [String]) -> &'a str {
    match rest.split_first() {
        Some((first, more)) => {
            *rest = more;
            first
        }
        None => "",
    }
}

fn is_symbol(token: &str) -> bool {
    token.starts_with(SYMBOLS)
}

const SYMBOLS: [char; 7] = ['=', '!', '(', ')', ',', '>', '<'];

/// Words and symbols; of symbols that stand together, the longest that is known.
fn tokens(source: &str) -> Vec<String> {
    let blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    let mut result = Vec::new();
    let mut rest = source.trim_start_matches(blank);
    while let Some(first) = rest.chars().next() {
        let length = if SYMBOLS.contains(&first) {
            if rest.starts_with("==") || rest.starts_with("!=") { 2 } else { 1 }
        } else {
            rest.find(|c| blank(c) || SYMBOLS.contains(&c)).unwrap_or(rest.len())
        };
        let (token, more) = rest.split_at(length);
        result.push(token.to_owned());
        rest = more.trim_start_matches(blank);
    }
    result
}

fn condition(rest: &mut &[String]) -> Result<(String, Condition), LabelSelectorError> {
    let mut key = take(rest);
    let absent = key == "!";
    if absent {
        key = take(rest);
    }
    if key.is_empty() || is_symbol(key) {
        return Err(if absent {
            unexpected(key, "identifier")
        } else {
            between(key, "!, identifier, or 'end of string'")
        });
    }
    if !is_qualified_name(key) {
        return Err(LabelSelectorError::Key(key.to_owned()));
    }
    let key = key.to_owned();
    if rest.first().is_none_or(|next| next == ",") {
        return Ok((key, if absent { Condition::Absent } else { Condition::Exists }));
    }
    if absent {
        return Err(between(take(rest), "',' or 'end of string'"));
    }
    let operator = take(rest);
    let values = match operator {
        "in" | "notin" => several(rest)?,
        "=" | "==" | "!=" | ">" | "<" => BTreeSet::from([one(rest)?]),
        other => return Err(unexpected(other, "'=', '!=', '==', 'in', notin'")),
    };
    if let Some(value) = values.iter().find(|value| !is_label_value(value)) {
        return Err(LabelSelectorError::Value { key, value: value.clone() });
    }
    let bound = || {
        let value = values.first().and_then(|value| value.parse().ok());
        value.ok_or(LabelSelectorError::NotAnInteger)
    };
    let condition = match operator {
        "notin" | "!=" => Condition::NotIn(values),
        ">" => Condition::Above(bound()?),
        "<" => Condition::Below(bound()?),
        _ => Condition::In(values),
    };
    Ok((key, condition))
}

fn one(rest: &mut &[String]) -> Result<String, LabelSelectorError> {
    match rest.first() {
        None => Ok(String::new()),
        Some(next) if next == "," => Ok(String::new()),
        Some(next) if is_symbol(next) => Err(unexpected(next, "identifier")),
        Some(_) => Ok(take(rest).to_owned()),
    }
}

fn several(rest: &mut &[String]) -> Result<BTreeSet<String>, LabelSelectorError> {
    let open = take(rest);
    if open != "(" {
        return Err(LabelSelectorError::Unopened(open.to_owned()));
    }
    let mut values = BTreeSet::new();
    // An empty place between commas and parentheses is the empty value.
    let mut place_is_empty = true;
    loop {
        match take(rest) {
            ")" => {
                if place_is_empty {
                    values.insert(String::new());
                }
                return Ok(values);
            }
            "," => {
                if place_is_empty {
                    values.insert(String::new());
                }
                place_is_empty = true;
            }
            word if !word.is_empty() && !is_symbol(word) && place_is_empty => {
                values.insert(word.to_owned());
                place_is_empty = false;
            }
            other => return Err(unexpected(other, "',' or ')'")),
        }
    }
}

/// Most characters of a label's name and value.
const MAX_LABEL: usize = 63;
/// Most characters of the domain before a label's name.
const MAX_DOMAIN: usize = 253;

fn is_qualified_name(key: &str) -> bool {
    let (domain, name) = match key.split_once('/') {
        Some((domain, name)) => (Some(domain), name),
        None => (None, key),
    };
    let domain_fits = domain.is_none_or(|domain| {
        let part = |part: &str| {
            let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            !part.is_empty() && part.chars().all(inner) && !part.starts_with('-') && !part.ends_with('-')
        };
        domain.len() <= MAX_DOMAIN && domain.split('.').all(part)
    });
    domain_fits && !name.is_empty() && is_label_value(name)
}

fn is_label_value(value: &str) -> bool {
    let end = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    value.len() <= MAX_LABEL
        && value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && end(value.chars().next())
        && end(value.chars().next_back())
}
