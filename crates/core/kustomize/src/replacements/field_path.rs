//! Paths of replacements: `spec.containers.[name=web].env.0.value`, `metadata.annotations.[a.b/c]`, `spec.rules.*.host`.

use regex::Regex;
use serde_json::{Map, Value};

use super::structured::read;
use crate::fieldspec::split_path;
use crate::patch::scalar_text;
use crate::scalar::{MAPPING, SEQUENCE, resolve, wrong_kind};

/// What a missing field is made as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Make {
    /// It is not made.
    Nothing,
    /// A scalar.
    Scalar,
    /// A map.
    Map,
    /// A list.
    List,
}

/// A place that a path leads to.
pub(super) enum Place<'a> {
    /// One that was there.
    Found(&'a mut Value),
    /// One that was made for the value; it has no type yet.
    Made(&'a mut Value),
    /// One inside of a text; nothing that is put there is kept.
    Detached,
}

/// Splits at dots that no backslash escapes, and keeps together what stands in brackets: `[name=a.b]` with its brackets, a
/// key such as `[a.b/c]` without.
///
/// **Source**: kyaml `utils.SmarterPathSplitter`, v0.21.2.
pub(crate) fn split_field_path(path: &str) -> Vec<String> {
    let mut result = Vec::new();
    let mut parts = split_path(path, '.').into_iter();
    while let Some(part) = parts.next() {
        if !part.starts_with('[') || part.ends_with(']') {
            result.push(part);
            continue;
        }
        let mut whole = part;
        for more in parts.by_ref() {
            whole.push('.');
            whole.push_str(&more);
            if whole.ends_with(']') {
                break;
            }
        }
        if whole.contains('=') {
            result.push(whole);
        } else {
            result.push(whole.trim_matches(['[', ']']).to_owned());
        }
    }
    result
}

/// The one field that a path leads to; list items by number, `-` for the last, or `[key=value]` exactly.
///
/// **Source**: kyaml `yaml.PathGetter`, v0.21.2.
pub(crate) fn lookup<'a>(node: &'a Value, path: &[String]) -> Result<Option<&'a Value>, String> {
    let mut here = node;
    for part in clean(path) {
        let next = match (next_of(here, part)?, here) {
            (Some(Next::Field(name)), Value::Object(map)) => map.get(name),
            (Some(Next::Item(at)), Value::Array(items)) => items.get(at),
            _ => None,
        };
        match next {
            Some(found) => here = found,
            None => return Ok(None),
        }
    }
    Ok(Some(here))
}

/// The same, to be changed; nothing where [`lookup`] finds nothing.
pub(super) fn lookup_mut<'a>(node: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    let mut here = node;
    for part in clean(path) {
        here = match (next_of(here, part).ok()??, here) {
            (Next::Field(name), Value::Object(map)) => map.get_mut(name)?,
            (Next::Item(at), Value::Array(items)) => items.get_mut(at)?,
            _ => return None,
        };
    }
    Some(here)
}

fn clean(path: &[String]) -> impl Iterator<Item = &str> {
    path.iter().map(|part| part.trim()).filter(|part| !part.is_empty())
}

enum Next<'a> {
    Field(&'a str),
    Item(usize),
}

fn next_of<'a>(node: &Value, part: &'a str) -> Result<Option<Next<'a>>, String> {
    let at = match step(part)? {
        Step::Field(name) => {
            return match node {
                Value::Object(_) => Ok(Some(Next::Field(name))),
                Value::Null => Ok(None),
                other => Err(wrong_kind(MAPPING, other)),
            };
        }
        Step::Every => return Err("wildcard is not supported in PathGetter".to_owned()),
        Step::Index(at) => list(node)?.get(at).map(|_| at),
        Step::Last => list(node)?.len().checked_sub(1),
        Step::Item { key: "", value } => list(node)?.iter().position(|item| scalar_text(item) == value),
        Step::Item { key, value } => {
            let fits = |item: &Value| item.get(key).is_some_and(|have| scalar_text(have) == value);
            list(node)?.iter().position(fits)
        }
    };
    Ok(at.map(Next::Item))
}

/// Calls `act` on all fields that a path leads to, and says how many these were. Missing ones are made as `make` says.
///
/// **Shape**: `[key=value]` takes all items whose value under the key *contains* a match of the regular expression `value`, `*` all.
/// A path that goes on below a text goes into what the text says, where nothing is kept.
/// **Source**: kyaml `yaml.PathMatcher`, v0.21.2.
pub(super) fn for_each(
    node: &mut Value,
    path: &[String],
    make: Make,
    act: &mut dyn FnMut(Place<'_>) -> Result<(), String>,
) -> Result<usize, String> {
    let mut walk = Walk { make, act, detached: false };
    walk.node(node, path, false)
}

struct Walk<'w> {
    make: Make,
    act: &'w mut dyn FnMut(Place<'_>) -> Result<(), String>,
    detached: bool,
}

impl Walk<'_> {
    fn node(&mut self, node: &mut Value, path: &[String], made: bool) -> Result<usize, String> {
        let Some((part, rest)) = path.split_first() else {
            let place = match (self.detached, made) {
                (true, _) => Place::Detached,
                (false, true) => Place::Made(node),
                (false, false) => Place::Found(node),
            };
            (self.act)(place)?;
            return Ok(1);
        };
        match matched_step(part)? {
            Step::Index(at) => self.index(node, at, rest),
            Step::Item { key, value } => self.items(node, key, value, rest),
            Step::Every => {
                let mut count = 0;
                for item in items_mut(node)? {
                    count += self.node(item, rest, false)?;
                }
                Ok(count)
            }
            // A hyphen is a name like others here.
            Step::Last => self.field(node, "-", rest),
            Step::Field(name) => self.field(node, name, rest),
        }
    }

    fn field(&mut self, node: &mut Value, name: &str, rest: &[String]) -> Result<usize, String> {
        let map = match node {
            Value::Object(map) => map,
            // A field that is made in what a null says is lost.
            Value::Null if self.detached && self.make != Make::Nothing => {
                (self.act)(Place::Detached)?;
                return Ok(1);
            }
            Value::Null => return Ok(0),
            other => return Err(wrong_kind(MAPPING, other)),
        };
        let mut made = false;
        if !map.contains_key(name) {
            if self.make == Make::Nothing {
                return Ok(0);
            }
            map.insert(name.to_owned(), self.fresh(rest));
            made = true;
        }
        let Some(field) = map.get_mut(name) else { return Ok(0) };
        if !rest.is_empty() && !field.is_object() && !field.is_array() {
            let text = scalar_text(field).into_owned();
            let mut inner = read(&text)?;
            let outer = std::mem::replace(&mut self.detached, true);
            let count = self.node(&mut inner, rest, false);
            self.detached = outer;
            return count;
        }
        self.node(field, rest, made)
    }

    fn index(&mut self, node: &mut Value, at: usize, rest: &[String]) -> Result<usize, String> {
        let mut made = false;
        if let (Value::Array(items), true) = (&mut *node, self.make != Make::Nothing)
            && items.len() == at
        {
            items.push(self.fresh(rest));
            made = true;
        }
        let items = items_mut(node)?;
        let count = items.len();
        let item = items.get_mut(at);
        let item = item.ok_or_else(|| format!("index {at} specified but only {count} elements found"))?;
        self.node(item, rest, made)
    }

    fn items(&mut self, node: &mut Value, key: &str, value: &str, rest: &[String]) -> Result<usize, String> {
        let pattern = Regex::new(value).map_err(|error| error.to_string())?;
        let count = self.matching(node, key, &pattern, rest)?;
        if count > 0 || self.make == Make::Nothing {
            return Ok(count);
        }
        let Value::Array(items) = node else {
            return Err(format!("failed to create element for \"[{key}={value}]\""));
        };
        let mut new = resolve(value);
        if key.is_empty() && pattern.is_match(value) {
            let count = self.node(&mut new, &[], true)?;
            items.push(new);
            return Ok(count);
        }
        items.push(Value::Object(Map::from_iter([(key.to_owned(), new)])));
        match self.matching(node, key, &pattern, rest)? {
            // The peer would go on adding items for ever.
            0 => Err(format!("failed to create element for \"[{key}={value}]\"")),
            count => Ok(count),
        }
    }

    fn matching(
        &mut self,
        node: &mut Value,
        key: &str,
        pattern: &Regex,
        rest: &[String],
    ) -> Result<usize, String> {
        let mut count = 0;
        for item in items_mut(node)? {
            if key.is_empty() {
                // The rest of the path is not looked at.
                if pattern.is_match(scalar_text(item).trim()) {
                    count += self.node(item, &[], false)?;
                }
            } else if item.get(key).is_some_and(|have| pattern.is_match(scalar_text(have).trim())) {
                count += self.node(item, rest, false)?;
            }
        }
        Ok(count)
    }

    /// What a missing field is made as, given what comes behind it.
    fn fresh(&self, rest: &[String]) -> Value {
        match rest.first() {
            Some(next) if is_item(next) || next.parse::<usize>().is_ok() => Value::Array(Vec::new()),
            Some(next) if !next.is_empty() => Value::Object(Map::new()),
            _ => match self.make {
                Make::Map => Value::Object(Map::new()),
                Make::List => Value::Array(Vec::new()),
                Make::Nothing | Make::Scalar => Value::Null,
            },
        }
    }
}

enum Step<'a> {
    Index(usize),
    Last,
    Every,
    Item { key: &'a str, value: &'a str },
    Field(&'a str),
}

fn is_item(part: &str) -> bool {
    part.starts_with('[') && part.ends_with(']')
}

fn step(part: &str) -> Result<Step<'_>, String> {
    match part.parse::<i64>() {
        Ok(at) if at < 0 => Err(format!("array index {at} cannot be negative")),
        _ if part == "-" => Ok(Step::Last),
        _ => matched_step(part),
    }
}

/// The same where a negative number and a hyphen are names.
fn matched_step(part: &str) -> Result<Step<'_>, String> {
    if let Ok(at) = part.parse::<usize>() {
        return Ok(Step::Index(at));
    }
    if part == "*" {
        return Ok(Step::Every);
    }
    if !is_item(part) {
        return Ok(Step::Field(part));
    }
    let inner = part.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(part);
    match inner.split_once('=') {
        Some((key, value)) => Ok(Step::Item { key, value }),
        None => Err("list path element must contain fieldName=fieldValue for element to match".to_owned()),
    }
}

fn list(node: &Value) -> Result<&[Value], String> {
    match node {
        Value::Array(items) => Ok(items),
        Value::Null => Ok(&[]),
        other => Err(wrong_kind(SEQUENCE, other)),
    }
}

fn items_mut(node: &mut Value) -> Result<&mut [Value], String> {
    match node {
        Value::Array(items) => Ok(items),
        Value::Null => Ok(&mut []),
        other => Err(wrong_kind(SEQUENCE, other)),
    }
}
