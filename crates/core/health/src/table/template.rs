//! Paths into an object, and texts with such paths in braces.

use serde_json::Value;

use super::Scope;

/// Where a path begins.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Root {
    /// `a.b`: the object.
    Object,
    /// `.a.b`: the item of the innermost `each`, or the condition that a test has found.
    Item,
    /// `^a.b`: the item of the `each` around it.
    Outer,
    /// `@Type.a`: the first of `status.conditions` with this type.
    Condition(String),
}

/// A way to a value. Names with dots stand in single quotes; a number is an index, `last` the last item of a list.
#[derive(Debug, Clone)]
pub(super) struct Path {
    root: Root,
    fields: Vec<String>,
}

impl Path {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (root, fields) = if let Some(rest) = text.strip_prefix('@') {
            let mut fields = split(rest)?;
            if fields.is_empty() {
                return Err(format!("{text} names no type of a condition"));
            }
            (Root::Condition(fields.remove(0)), fields)
        } else if let Some(rest) = text.strip_prefix('.') {
            (Root::Item, split(rest)?)
        } else if let Some(rest) = text.strip_prefix('^') {
            (Root::Outer, split(rest)?)
        } else {
            (Root::Object, split(text)?)
        };
        if root == Root::Object && fields.is_empty() {
            return Err("an empty path".to_owned());
        }
        Ok(Self { root, fields })
    }

    /// The value there; null reads as absent.
    pub(super) fn get<'a>(&self, scope: &Scope<'a>) -> Option<&'a Value> {
        let (start, fields) = match &self.root {
            Root::Object => {
                let (first, rest) = self.fields.split_first()?;
                (scope.object.as_map().get(first)?, rest)
            }
            Root::Item => (scope.item()?, self.fields.as_slice()),
            Root::Outer => (scope.outer()?, self.fields.as_slice()),
            Root::Condition(kind) => (crate::read::condition(scope.object, kind)?, self.fields.as_slice()),
        };
        fields.iter().try_fold(start, |value, field| step(value, field)).filter(|value| !value.is_null())
    }
}

fn step<'a>(value: &'a Value, field: &str) -> Option<&'a Value> {
    match value {
        Value::Array(items) if field == "last" => items.last(),
        Value::Array(items) => items.get(field.parse::<usize>().ok()?),
        _ => value.get(field),
    }
}

/// Splits at dots outside of single quotes.
fn split(text: &str) -> Result<Vec<String>, String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '\'' => quoted = !quoted,
            '.' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    if quoted {
        return Err(format!("a quote is open in {text}"));
    }
    if !(field.is_empty() && fields.is_empty()) {
        fields.push(field);
    }
    if fields.iter().any(String::is_empty) { Err(format!("{text} is no path")) } else { Ok(fields) }
}

/// One thing that a brace may give.
#[derive(Debug, Clone)]
enum Source {
    Value(Path),
    /// `#path`: how many items a list has.
    Length(Path),
    Literal(String),
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    /// The first that there is; with `true`, the first that is not empty.
    First(Vec<Source>, bool),
}

/// A text with values in it.
#[derive(Debug, Clone)]
pub(super) struct Template(Vec<Part>);

impl Template {
    /// `{a ?? b}` is `b` where there is no `a`; `{a ?: b}` also where `a` is empty. A text stands in single quotes.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (inside, behind) =
                after.split_once('}').ok_or_else(|| format!("a brace is open in {text}"))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let filled = inside.contains(" ?: ");
            let sources = inside.split(if filled { " ?: " } else { " ?? " });
            parts.push(Part::First(sources.map(source).collect::<Result<_, _>>()?, filled));
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The text; what is not there reads as nothing.
    pub(super) fn fill(&self, scope: &Scope<'_>) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::First(sources, filled) => {
                    let found = sources.iter().filter_map(|source| source.text(scope));
                    let first = found.into_iter().find(|text| !(*filled && text.is_empty()));
                    text.push_str(&first.unwrap_or_default());
                }
            }
        }
        text
    }
}

fn source(text: &str) -> Result<Source, String> {
    let text = text.trim();
    if let Some(literal) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return Ok(Source::Literal(literal.to_owned()));
    }
    match text.strip_prefix('#') {
        Some(list) => Path::parse(list).map(Source::Length),
        None => Path::parse(text).map(Source::Value),
    }
}

impl Source {
    fn text(&self, scope: &Scope<'_>) -> Option<String> {
        match self {
            Self::Literal(text) => Some(text.clone()),
            Self::Value(path) => path.get(scope).map(say),
            Self::Length(path) => {
                path.get(scope).and_then(Value::as_array).map(|list| list.len().to_string())
            }
        }
    }
}

/// A value in a sentence: the items of a list and the names in a map with commas between them.
pub(super) fn say(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(say).collect::<Vec<_>>().join(", "),
        Value::Object(map) => map.keys().cloned().collect::<Vec<_>>().join(", "),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}
