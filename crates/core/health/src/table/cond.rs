//! What stands behind `if`.

use serde_json::Value;

use super::Scope;
use super::template::{Path, say};

/// Alternatives of tests that must all hold; no alternative at all holds always.
#[derive(Debug, Clone, Default)]
pub(super) struct Condition(Vec<Vec<Test>>);

#[derive(Debug, Clone)]
struct Test {
    negated: bool,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    /// The value is there.
    Present(Path),
    /// It is there and is no empty text, list or map.
    Filled(Path),
    /// Its text is one of these; `*` is any.
    Is(Path, Words),
    Starts(Path, Words),
    /// Its text has one of these in it, whatever the case.
    Mentions(Path, Words),
    Compare(Operand, Order, Operand),
    /// A condition with one of these types, statuses and reasons.
    Seen {
        list: Option<Path>,
        types: Words,
        statuses: Words,
        reasons: Words,
    },
    /// `observedGeneration` is there and is another than the object's generation.
    Stale,
    /// `observedGeneration` is not the object's generation.
    Unseen,
    /// The item's conditions are about the object as it is now.
    Fresh,
}

#[derive(Debug, Clone, Copy)]
enum Order {
    Same,
    Different,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// A number or a value: `path`, `path?default`, `#path`, `a minus b`.
#[derive(Debug, Clone)]
struct Operand {
    of: Base,
    minus: Option<Base>,
}

#[derive(Debug, Clone)]
enum Base {
    Number(i64),
    Value(Path, Option<i64>),
    Length(Path),
}

/// Words of which one must fit: `a|b`, or none of them with `!a|b`.
#[derive(Debug, Clone)]
struct Words {
    none_of: bool,
    words: Vec<String>,
}

impl Words {
    fn parse(text: &str) -> Self {
        let (none_of, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        Self { none_of, words: text.split('|').map(str::to_owned).collect() }
    }

    fn any(&self, fits: impl Fn(&str) -> bool) -> bool {
        self.words.iter().any(|word| word == "*" || fits(word)) != self.none_of
    }
}

impl Condition {
    /// Reads tests from words; quoted texts are words already.
    pub(super) fn parse(words: &[String]) -> Result<Self, String> {
        let alternatives = words.split(|word| word == "or");
        let read = |tests: &[String]| tests.split(|word| word == "and").map(test).collect();
        alternatives.map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether it holds, and with which condition of the object in view: the last one that a test has found.
    pub(super) fn holds<'a>(&self, scope: &Scope<'a>) -> Option<Scope<'a>> {
        if self.0.is_empty() {
            return Some(scope.clone());
        }
        self.0.iter().find_map(|tests| {
            let mut found = scope.clone();
            tests.iter().all(|test| test.holds(&mut found)).then_some(found)
        })
    }
}

fn test(words: &[String]) -> Result<Test, String> {
    let (negated, words) = match words.split_first() {
        Some((first, rest)) if first == "no" => (true, rest),
        _ => (false, words),
    };
    let one = |text: &String| -> Result<What, String> {
        Ok(match text.as_str() {
            "stale" => What::Stale,
            "unseen" => What::Unseen,
            "fresh" => What::Fresh,
            text if text.contains('=') => seen(text)?,
            text => What::Present(Path::parse(text)?),
        })
    };
    let (what, flip) = match words {
        [path] => (one(path)?, false),
        [path, word] if word == "filled" => (What::Filled(Path::parse(path)?), false),
        [path, word] if word == "empty" => (What::Filled(Path::parse(path)?), true),
        [path, word, list] if word == "is" => (What::Is(Path::parse(path)?, Words::parse(list)), false),
        [path, word, list] if word == "isnt" => (What::Is(Path::parse(path)?, Words::parse(list)), true),
        [path, word, list] if word == "starts" => {
            (What::Starts(Path::parse(path)?, Words::parse(list)), false)
        }
        [path, word, list] if word == "mentions" => {
            (What::Mentions(Path::parse(path)?, Words::parse(list)), false)
        }
        words => (comparison(words)?, false),
    };
    Ok(Test { negated: negated != flip, what })
}

/// `Type=Status`, `Type=Status:Reason`, or with the list's path in front: `.conditions@Type=Status`.
fn seen(text: &str) -> Result<What, String> {
    let (kind, status) = text.split_once('=').unwrap_or((text, "*"));
    let (list, types) = match kind.split_once('@') {
        Some((list, types)) => (Some(Path::parse(list)?), types),
        None => (None, kind),
    };
    let (statuses, reasons) = status.split_once(':').unwrap_or((status, "*"));
    Ok(What::Seen {
        list,
        types: Words::parse(types),
        statuses: Words::parse(statuses),
        reasons: Words::parse(reasons),
    })
}

fn comparison(words: &[String]) -> Result<What, String> {
    let order = |word: &String| {
        Some(match word.as_str() {
            "==" => Order::Same,
            "!=" => Order::Different,
            "<" => Order::Less,
            "<=" => Order::AtMost,
            ">" => Order::More,
            ">=" => Order::AtLeast,
            _ => return None,
        })
    };
    let at = words.iter().position(|word| order(word).is_some());
    let parts = at.and_then(|at| Some((words.get(..at)?, order(words.get(at)?)?, words.get(at + 1..)?)));
    let (left, order, right) = parts.ok_or_else(|| format!("{:?} is no test", words.join(" ")))?;
    Ok(What::Compare(operand(left)?, order, operand(right)?))
}

fn operand(words: &[String]) -> Result<Operand, String> {
    match words {
        [one] => Ok(Operand { of: base(one)?, minus: None }),
        [one, word, other] if word == "minus" => Ok(Operand { of: base(one)?, minus: Some(base(other)?) }),
        words => Err(format!("{:?} is no value to compare", words.join(" "))),
    }
}

fn base(text: &str) -> Result<Base, String> {
    if let Ok(number) = text.parse() {
        return Ok(Base::Number(number));
    }
    if let Some(list) = text.strip_prefix('#') {
        return Ok(Base::Length(Path::parse(list)?));
    }
    match text.split_once('?') {
        Some((path, default)) => {
            let default = default.parse().map_err(|_| format!("{default} is no number"))?;
            Ok(Base::Value(Path::parse(path)?, Some(default)))
        }
        None => Ok(Base::Value(Path::parse(text)?, None)),
    }
}

impl Test {
    fn holds<'a>(&self, scope: &mut Scope<'a>) -> bool {
        self.what.holds(scope) != self.negated
    }
}

impl What {
    fn holds<'a>(&self, scope: &mut Scope<'a>) -> bool {
        match self {
            Self::Present(path) => path.get(scope).is_some(),
            Self::Filled(path) => path.get(scope).is_some_and(filled),
            Self::Is(path, words) => word(path, scope).is_some_and(|text| words.any(|word| word == text)),
            Self::Starts(path, words) => {
                word(path, scope).is_some_and(|text| words.any(|word| text.starts_with(word)))
            }
            Self::Mentions(path, words) => word(path, scope)
                .map(|text| text.to_lowercase())
                .is_some_and(|text| words.any(|word| text.contains(word))),
            Self::Compare(left, order, right) => compare(left, *order, right, scope),
            Self::Seen { list, types, statuses, reasons } => {
                let field = |condition: &Value, name| condition.get(name).map(say).unwrap_or_default();
                let fits = |condition: &&'a Value| {
                    types.any(|word| word == field(condition, "type"))
                        && statuses.any(|word| word == field(condition, "status"))
                        && reasons.any(|word| word == field(condition, "reason"))
                };
                let found = match (list, scope.in_each()) {
                    (None, Some(item)) => Some(item).filter(fits),
                    (None, None) => {
                        crate::read::items(scope.object, &["status", "conditions"]).iter().find(fits)
                    }
                    (Some(path), _) => {
                        path.get(scope).and_then(Value::as_array).and_then(|l| l.iter().find(fits))
                    }
                };
                // What a path behind it sees is the condition that was found.
                if let Some(condition) = found
                    && list.is_none()
                {
                    scope.bind(condition);
                }
                found.is_some()
            }
            Self::Stale => {
                let seen = crate::read::number(scope.object, &["status", "observedGeneration"]);
                let now = crate::read::number(scope.object, &["metadata", "generation"]);
                seen.zip(now).is_some_and(|(seen, now)| seen != now)
            }
            Self::Unseen => {
                crate::read::at(scope.object, &["status", "observedGeneration"])
                    != crate::read::at(scope.object, &["metadata", "generation"])
            }
            Self::Fresh => {
                let Some(now) = crate::read::at(scope.object, &["metadata", "generation"]) else {
                    return true;
                };
                let conditions =
                    scope.item().and_then(|item| item.get("conditions")).and_then(Value::as_array);
                let current = |condition: &Value| {
                    condition.get("observedGeneration").is_none_or(|seen| seen.is_null() || seen == now)
                };
                conditions.is_some_and(|list| !list.is_empty() && list.iter().all(current))
            }
        }
    }
}

fn word(path: &Path, scope: &Scope<'_>) -> Option<String> {
    path.get(scope).map(say)
}

fn filled(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn compare(left: &Operand, order: Order, right: &Operand, scope: &Scope<'_>) -> bool {
    let numbers = left.number(scope).zip(right.number(scope));
    match (order, numbers) {
        (Order::Same, Some((left, right))) => left == right,
        (Order::Different, Some((left, right))) => left != right,
        // Texts and absent values are compared as such, so that absent is equal to absent.
        (Order::Same, None) => left.equals(right, scope),
        (Order::Different, None) => !left.equals(right, scope),
        (Order::Less, Some((left, right))) => left < right,
        (Order::AtMost, Some((left, right))) => left <= right,
        (Order::More, Some((left, right))) => left > right,
        (Order::AtLeast, Some((left, right))) => left >= right,
        (Order::Less | Order::AtMost | Order::More | Order::AtLeast, None) => false,
    }
}

impl Operand {
    fn number(&self, scope: &Scope<'_>) -> Option<f64> {
        let of = self.of.number(scope)?;
        match &self.minus {
            Some(minus) => Some(of - minus.number(scope)?),
            None => Some(of),
        }
    }

    /// Whether two values are the same that are not both numbers.
    fn equals(&self, other: &Self, scope: &Scope<'_>) -> bool {
        match (&self.of, &other.of) {
            (Base::Value(left, _), Base::Value(right, _)) => left.get(scope) == right.get(scope),
            _ => false,
        }
    }
}

impl Base {
    #[expect(clippy::cast_precision_loss, reason = "counts and generations are far below 2^53")]
    fn number(&self, scope: &Scope<'_>) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number as f64),
            Self::Value(path, default) => match path.get(scope) {
                Some(value) => value.as_f64(),
                None => default.map(|number| number as f64),
            },
            Self::Length(path) => path.get(scope).and_then(Value::as_array).map(|list| list.len() as f64),
        }
    }
}
